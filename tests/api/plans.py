"""Asking for plans, and for what the mutations then do, in the same words."""

from __future__ import annotations

from typing import Any

from tests.api.client import Client, document

SUMS = "outcome itemsCount annotationsCount unified summed bytesAdded changed"
CONFLICTS = """conflicts(first: 500) { totalCount nodes { position field base left right chosen
  leftSource { version dataset { name } } rightSource { version dataset { name } }
  item { key } annotation { key } } }"""
RENAMED = "renamed { wanted given item { key } }"
REPORT = f"{SUMS} {CONFLICTS} {RENAMED}"
TAKEN = "itemsCount annotationsCount bytesAdded renamed { wanted given }"
MUTATIONS = {"planMerge": "mergeDatasets", "planClone": "cloneDataset"}
TYPES = {
    "planMerge": ("MergeDatasetsInput", "MergeReport", REPORT),
    "planClone": ("CloneDatasetInput", "CloneReport", TAKEN),
    "planDeleteDataset": ("DeleteDatasetInput", "DeletionReport", ""),
}


def plan(client: Client, query: str, fields: str = "", **input: Any) -> Any:
    """What a plan answers: the report, or the refusal as mutations give it."""
    kind, success, usual = TYPES[query]
    text = (
        f"query ($input: {kind}!) {{ {query}(input: $input) {{ __typename "
        f"... on {success} {{ {fields or usual} }} ... on Error {{ code path message }} "
        f"{'' if query == 'planDeleteDataset' else '... on ConflictError { currentVersion }'} }} }}"
    )
    return client.run(text, input=input)[query]


def same_refusal(client: Client, query: str, **input: Any) -> tuple[str, list[str] | None]:
    """The code and path with which both the plan and the mutation refuse."""
    planned = plan(client, query, **input)
    answer = client.run(document(MUTATIONS[query], "__typename"), input=input)[MUTATIONS[query]]
    kept = ("__typename", "code", "path", "message")
    assert {name: planned[name] for name in kept} == {name: answer[name] for name in kept}
    return planned["code"], planned["path"]


def merge_as_planned(client: Client, **input: Any) -> Any:
    """Plans a merge, makes it, and returns what the mutation answers: it reports the same."""
    planned = plan(client, "planMerge", **input)
    done = client.change(
        "mergeDatasets",
        f"job {{ id }} dataset {{ id head {{ number }} }} report {{ {REPORT} }}",
        **input,
    )
    planned.pop("__typename")
    assert done["report"] == (planned if planned["changed"] else None)
    return done
