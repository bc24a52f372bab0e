// A clone at its head and at a version in one normalised cache. The cache keeps one thing for each
// id, so where an id were used for two contents, the later read would overwrite the earlier one.
import assert from "node:assert/strict";
import { client, mutate, query } from "./apollo-client.mjs";
import { dataset, documents } from "./service.mjs";

const fresh = (variables) => query("Everything", variables, "network-only");
const cached = (variables) => client.readQuery({ query: documents.Everything, variables });

async function succeed(name, input) {
  const result = await mutate(name, input);
  assert.ok(result.__typename.endsWith("Success"), result.message);
  return result;
}

const cloning = { datasetId: dataset, name: "read at two points" };
const clone = (await succeed("CloneDataset", cloning)).dataset.id;
const head = { id: clone };
const fixed = { id: clone, at: { number: 1 } };
const source = { id: dataset };

// Read first, then everything is changed: items, annotations, the recipe, and in the source too.
const then = await fresh(fixed);
const { items, recipe } = (await fresh(head)).dataset;
const annotated = items.nodes.filter(({ annotations }) => annotations.totalCount > 0);
assert.ok(annotated.length >= 2);
const [item] = annotated;
const change = { ids: [item.id] };
await succeed("UpdateItems", { datasetId: clone, selection: change, metadata: { seen: true } });
await succeed("UpdateAnnotations", {
  datasetId: clone,
  annotations: [{ id: item.annotations.nodes[0].id, status: "ISSUE", metadata: { sure: false } }],
});
await succeed("UpdateRecipe", { recipeId: recipe.id, title: "Renamed" });
const where = { path: { eq: annotated[1].path } };
await succeed("DeleteItems", { datasetId: clone, selection: { where } });
await succeed("UpdateItems", {
  datasetId: dataset,
  selection: { where: { path: { eq: item.path } } },
  metadata: { elsewhere: true },
});

const now = await fresh(head);
const origin = await fresh(source);
assert.notDeepEqual(now.dataset.items, then.dataset.items);
assert.deepEqual(cached(fixed), then, "what was read at a version is as it was");
assert.deepEqual(await fresh(fixed), then, "and it is so at the service");
assert.deepEqual(cached(head), now, "the head is not what the version was");
assert.deepEqual(cached(source), origin, "nor is the source what the clone is");

const ids = (answer) => new Set(answer.dataset.items.nodes.map(({ id }) => id));
const shared = [...ids(then)].filter((id) => ids(now).has(id) || ids(origin).has(id));
assert.deepEqual(shared, []);
console.log(`${ids(then).size} items at version 1, ${ids(now).size} at the head, no id in both`);
