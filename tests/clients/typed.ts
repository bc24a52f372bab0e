// Compiled only: what a program may rely on by the generated types. A @ts-expect-error that is not
// needed is an error as well.
import type {
  CloneDatasetMutation,
  DatasetAtQueryVariables,
  ItemPageQuery,
  UpdateItemsMutationVariables,
  UploadItemsMutationVariables,
} from "./generated/operations.js";
import type { ItemSelection } from "./generated/schema.js";

export const byNumber: DatasetAtQueryVariables = { id: "ds_1", at: { number: 3 } };
export const byTime: DatasetAtQueryVariables = { id: "ds_1", at: { time: "2026-01-31T12:00:00Z" } };
export const atHead: DatasetAtQueryVariables = { id: "ds_1" };
// @ts-expect-error: a version is named by one of the two
export const byBoth: DatasetAtQueryVariables = { id: "ds_1", at: { number: 3, time: "now" } };

export const some: ItemSelection = {
  where: { annotated: true, metadata: [{ path: ["a"], eq: 1 }] },
};
// @ts-expect-error: one way to select
export const twice: ItemSelection = { ids: ["it_1_1"], where: {} };

export const update: UpdateItemsMutationVariables = {
  input: { datasetId: "ds_1", selection: some, metadata: { seen: true } },
};
export const upload: UploadItemsMutationVariables = {
  input: { datasetId: "ds_1", files: [{ file: new File(["a"], "a.txt") }] },
};

export function clonedOrWhy(answer: CloneDatasetMutation): string {
  const result = answer.cloneDataset;
  switch (result.__typename) {
    case "CloneDatasetSuccess":
      return result.dataset?.name ?? "not ready yet";
    case "RecipeMismatchError":
      return result.differences.map(({ kind, name }) => `${kind} ${name}`).join();
    case "ValidationError":
    case "NotFoundError":
    case "ForbiddenError":
    case "ConflictError":
      return `${result.code}: ${result.message}`;
    default:
      return result satisfies never;
  }
}

export function bytesOf(page: ItemPageQuery): bigint {
  const edges = page.items?.edges ?? [];
  return edges.reduce((sum, { node }) => sum + BigInt(node.binary.size), 0n);
}
