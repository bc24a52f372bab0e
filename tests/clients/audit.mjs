// The audit of the GraphQL-over-HTTP specification, as it comes with graphql-http: every one of
// its checks, recommendations included, has to be met, with a token as without one.
import { auditServer } from "graphql-http";

const CHECKS = 61;
const url = process.env.GRAPHQL_URL;
const authorization = `Bearer ${process.env.TOKEN}`;
const withToken = (address, init) =>
  fetch(address, { ...init, headers: { ...init?.headers, authorization } });

const met = [];
for (const fetchFn of [fetch, withToken]) {
  const results = await auditServer({ url, fetchFn });
  const unmet = results.filter((result) => result.status !== "ok");
  for (const { id, name, status, reason } of unmet) {
    console.error(`${status} ${id} ${name}: ${reason}`);
  }
  met.push(results.length - unmet.length);
  if (unmet.length > 0 || results.length !== CHECKS) process.exitCode = 1;
}
console.log(`${met[0]} of ${CHECKS} without a token, ${met[1]} of ${CHECKS} with one`);
