// The main job, ready to run: each operation with variables that fit what is there.
import Annotate from "./operations/Annotate.graphql";
import CloneByLabel from "./operations/CloneByLabel.graphql";
import CloneWhole from "./operations/CloneWhole.graphql";
import CompareRecipes from "./operations/CompareRecipes.graphql";
import Dataset from "./operations/Dataset.graphql";
import Diff from "./operations/Diff.graphql";
import History from "./operations/History.graphql";
import Merge from "./operations/Merge.graphql";
import Revert from "./operations/Revert.graphql";
import Watch from "./operations/Watch.graphql";
import WhatIsThere from "./operations/WhatIsThere.graphql";

const EXAMPLE = { id: "ds_1", name: "dataset", head: { number: 2 }, recipe: { id: "re_1" } };

// `found` is the answer of lookUp; without it, the variables are examples.
export function readyTabs(found, datasetId) {
  const source = found?.source ?? (datasetId ? { ...EXAMPLE, id: datasetId } : EXAMPLE);
  const partner = found?.partner ?? { ...EXAMPLE, id: "ds_2" };
  const changed = found?.changed ?? source;
  const labels = source.recipe.labels ?? [];
  const label = labels.at(-1)?.fullName ?? "cat";
  const fresh = crypto.randomUUID().slice(0, 4); // so that names are free the next time, too
  const box = {
    itemId: found?.item?.id ?? "it_1_1",
    type: "BOX",
    label,
    coordinates: [
      { x: 1, y: 0 },
      { x: 7, y: 8 },
    ],
  };
  const head = changed.head.number;
  const main = [
    [Dataset, { id: source.id, first: 5 }],
    [CloneWhole, { source: source.id, name: `${source.name}-copy-${fresh}` }],
    [CloneByLabel, { source: source.id, name: `${source.name}-${label}-${fresh}`, label }],
    [Annotate, { dataset: changed.id, annotations: [box] }],
    [
      CompareRecipes,
      { left: source.recipe.id, right: found?.stranger?.id ?? partner.recipe.id },
    ],
    [Merge, { name: `merged-${fresh}`, sources: [source.id, partner.id] }],
    [History, { id: changed.id }],
    [Diff, { from: { datasetId: changed.id, at: { number: 1 } }, to: { datasetId: changed.id } }],
    [Watch, { id: changed.id, since: Math.max(0, head - 1) }],
    [Revert, { dataset: changed.id, to: Math.max(1, head - 1) }],
  ];
  const chosen = datasetId ? main : [[WhatIsThere, null], ...main];
  return chosen.map(([query, variables]) => ({
    query: query.trim(),
    variables: variables && JSON.stringify(variables, null, 2),
  }));
}
