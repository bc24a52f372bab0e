// Apollo Client with automatic persisted queries: the service is asked by digest, learns a document
// once from whoever has it, and from then on answers whoever names it, by POST and by GET.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { dataset, documents, headers, url } from "./service.mjs";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** A client that remembers what it sent: `[method, whether the document was in it]`. */
function persisting(useGETForHashedQueries) {
  const sent = [];
  const watched = (address, init) => {
    const body = init.body ? JSON.parse(init.body) : Object.fromEntries(new URL(address).searchParams);
    sent.push([init.method, "query" in body]);
    return fetch(address, init);
  };
  const link = new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(
    new HttpLink({ uri: url, headers, fetch: watched }),
  );
  return { sent, client: new ApolloClient({ link, cache: new InMemoryCache() }) };
}

// Unheard of until now, as its name is.
const query = gql(`query Q${randomUUID().replaceAll("-", "")}($id: ID!) {
  dataset(by: { id: $id }) { id itemsCount }
}`);
const asked = { query, variables: { id: dataset }, fetchPolicy: "network-only" };

const first = persisting(false);
const answer = (await first.client.query(asked)).data;
assert.equal(answer.dataset.id, dataset);
assert.deepEqual(first.sent, [["POST", false], ["POST", true]]);
assert.deepEqual((await first.client.query(asked)).data, answer);
assert.deepEqual(first.sent.slice(2), [["POST", false]]);

const second = persisting(true);
assert.deepEqual((await second.client.query(asked)).data, answer);
assert.deepEqual(second.sent, [["GET", false]]);

// A mutation is never asked for by GET, and works by its digest as well.
const mutation = documents.CloneDataset;
const input = { datasetId: dataset, name: `cloned by digest ${randomUUID()}` };
const { data } = await second.client.mutate({ mutation, variables: { input } });
assert.equal(data.cloneDataset.__typename, "CloneDatasetSuccess", data.cloneDataset.message);
assert.ok(second.sent.slice(1).every(([method]) => method === "POST"));
console.log("taught once, then known by its digest to POST and GET");
