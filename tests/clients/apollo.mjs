// Apollo Client with its normalised cache: an upload, pages that grow together, mutations that are
// seen by what was read before, and versions that are not.
import assert from "node:assert/strict";
import { CombinedGraphQLErrors } from "@apollo/client";
import { filter, firstValueFrom, map, timeout } from "rxjs";
import { client, mutate, query } from "./apollo-client.mjs";
import { dataset, documents, file } from "./service.mjs";

const uploaded = await mutate("UploadItems", {
  datasetId: dataset,
  files: ["a", "b", "c"].map((name) => ({
    file: file(`${name}.txt`, `${name} from apollo`),
    path: `apollo/${name}.txt`,
    metadata: { round: 1 },
  })),
});
assert.equal(uploaded.__typename, "UploadItemsSuccess", uploaded.message);

// Pages of one list, put together in the cache.
const where = { directory: { startsWith: "/apollo" } };
const list = client.watchQuery({
  query: documents.ItemPage,
  variables: { datasetId: dataset, where, first: 2 },
});
const watching = list.subscribe(() => {});
const listed = (length) =>
  firstValueFrom(
    list.pipe(
      map(({ data }) => data?.items),
      filter((items) => items?.edges.length === length),
      timeout(10_000),
    ),
  );
const first = await listed(2);
await list.fetchMore({ variables: { after: first.pageInfo.endCursor } });
const grown = await listed(3);
assert.deepEqual(
  grown.edges.map(({ node }) => node.path),
  ["/apollo/a.txt", "/apollo/b.txt", "/apollo/c.txt"],
);
assert.equal(grown.pageInfo.hasNextPage, false);

// One item at the head and at a version, through one cache.
const path = { datasetId: dataset, path: "/apollo/a.txt" };
const before = (await query("DatasetAt", { id: dataset })).dataset;
const at = { number: before.version.number };
const fixed = (await query("ItemAt", { path, at })).item;
const head = (await query("ItemAt", { path })).item;
assert.equal(fixed.key, head.key);
assert.notEqual(fixed.id, head.id);

const updated = await mutate("UpdateItems", {
  datasetId: dataset,
  selection: { ids: [head.id] },
  metadata: { round: 2 },
});
assert.equal(updated.version.number, at.number + 1);
const renewed = (await query("ItemAt", { path }, "network-only")).item;
assert.deepEqual([renewed.id, renewed.metadata.round], [head.id, 2]);

const cached = (variables) =>
  client.readQuery({ query: documents.ItemAt, variables })?.item.metadata.round;
assert.equal(cached({ path }), 2);
assert.equal(cached({ path, at }), 1);
assert.equal((await query("ItemAt", { path, at }, "network-only")).item.metadata.round, 1);
assert.equal(cached({ path }), 2);

// The head that was listed above is the same thing in the cache, and follows; an id with a version
// names the same content for ever.
assert.equal((await listed(3)).edges[0].node.metadata.round, 2);
watching.unsubscribe();
const old = (await query("DatasetAt", { id: dataset, at })).dataset;
const now = (await query("DatasetAt", { id: dataset }, "network-only")).dataset;
assert.notEqual(old.id, now.id);
assert.equal(old.version.number + 1, now.version.number);
const again = (await query("AnyNode", { id: fixed.id })).node;
assert.deepEqual([again.__typename, again.id], ["Item", fixed.id]);

// A fault of the request is an error with a code.
const wrong = await client
  .query({ query: documents.ItemPage, variables: { datasetId: dataset, first: -1 } })
  .then(() => null, (error) => error);
assert.ok(CombinedGraphQLErrors.is(wrong), String(wrong));
assert.equal(wrong.errors[0].extensions.code, "INVALID");
const entities = Object.keys(client.cache.extract()).length;
console.log(`head and version apart among ${entities} cached things`);
