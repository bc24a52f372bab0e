// urql: a query, a mutation, an upload, and cursor pages.
import assert from "node:assert/strict";
import { cacheExchange, Client, fetchExchange } from "@urql/core";
import { dataset, documents, file, headers, url } from "./service.mjs";

const client = new Client({
  url,
  exchanges: [cacheExchange, fetchExchange],
  fetchOptions: { headers },
  preferGetMethod: false,
});

async function query(name, variables, context = {}) {
  const { data, error } = await client.query(documents[name], variables, context);
  assert.equal(error, undefined);
  return data;
}

async function mutate(name, input) {
  const { data, error } = await client.mutation(documents[name], { input });
  assert.equal(error, undefined);
  return Object.values(data)[0];
}

assert.equal((await query("Whoami", {})).viewer.admin, true);
const byGet = { preferGetMethod: "force", requestPolicy: "network-only" };
assert.equal((await query("Whoami", {}, byGet)).viewer.admin, true);

const uploaded = await mutate("UploadItems", {
  datasetId: dataset,
  files: [
    { file: file("one.txt", "from urql"), path: "urql/one.txt", metadata: { client: "urql" } },
    { file: file("two.txt", "also from urql"), path: "urql/two.txt" },
  ],
});
assert.equal(uploaded.__typename, "UploadItemsSuccess");
assert.deepEqual(uploaded.items.map(({ path }) => path), ["/urql/one.txt", "/urql/two.txt"]);
assert.equal(uploaded.items[0].binary.size, "9");

const paths = [];
let after = null;
let pages = 0;
do {
  const { items } = await query("ItemPage", { datasetId: dataset, first: 5, after });
  paths.push(...items.edges.map(({ node }) => node.path));
  after = items.pageInfo.hasNextPage ? items.pageInfo.endCursor : null;
  pages += 1;
  assert.equal(pages, Math.ceil(paths.length / 5));
  if (after === null) assert.equal(paths.length, items.totalCount);
} while (after !== null);
assert.equal(new Set(paths).size, paths.length);

// Clones, and a refusal that is data: the name is taken now.
const name = "cloned by urql";
const cloned = await mutate("CloneDataset", { datasetId: dataset, name });
assert.equal(cloned.dataset.itemsCount, paths.length);
const refused = await mutate("CloneDataset", { datasetId: dataset, name });
assert.deepEqual([refused.__typename, refused.code], ["ConflictError", "NAME_TAKEN"]);

// A fault of the request is an error with a code.
const { error } = await client.query(documents.ItemPage, { datasetId: dataset, first: -1 });
assert.equal(error.networkError, undefined);
assert.equal(error.graphQLErrors[0].extensions.code, "INVALID");
console.log(`${paths.length} items on ${pages} pages`);
