"""Every operation and what it takes: the rows of the table."""

from __future__ import annotations

from typing import Any

from tests.api.rights.table import (
    AMONG,
    BE_ADMIN,
    BROUGHT,
    INSIDE,
    KNOWN,
    MEMBER,
    MINE,
    WHOLE,
    Id,
    Row,
)
from tests.api.rights.world import LABELS
from tests.api.shelf import BOX

DATASET, OTHER, ITEM = Id("dataset"), Id("other/dataset"), Id("item")
PROJECT, RECIPE = Id("project"), Id("recipe")
ITS_ITEM = {"ids": [Id("item", "datasetId")]}
_IN_DATASET = 'dataset(by: {id: "{dataset}"}) { %s }'


def _on(mutation: str, need: str, **given: Any) -> Row:
    """A mutation of one dataset."""
    return Row(f"Mutation.{mutation}", {"datasetId": DATASET, **given}, (("datasetId", need),))


def _of_items(field: str, need: str, path: str, **given: Any) -> Row:
    """What takes ids of things in a dataset beside the dataset; which is asked for at once."""
    return Row(field, {"datasetId": DATASET, **given}, ((path, INSIDE), ("datasetId", need)))


def _queries() -> list[Row]:
    return [
        Row("Query.viewer", select="user { id }"),
        Row("Query.projects", select="nodes { id }"),
        Row("Query.project", {"by": {"id": PROJECT}}, (("by.id", "read"),), "id"),
        Row("Query.datasets", {"projectId": PROJECT}, (("projectId", "read"),), "nodes { id }"),
        Row("Query.dataset", {"by": {"id": DATASET}}, (("by.id", "read"),), "id"),
        Row(
            "Query.dataset",
            {"by": {"name": {"projectId": PROJECT, "name": "other/home"}}},
            (("by.name.projectId", "read"),),
            "id",
        ),
        Row("Query.items", {"datasetId": DATASET}, (("datasetId", "read"),), "nodes { id }"),
        Row("Query.item", {"by": {"id": ITEM}}, (("by.id", "read"),), "id"),
        Row(
            "Query.item",
            {"by": {"path": {"datasetId": DATASET, "path": "/0.txt"}}},
            (("by.path.datasetId", "read"),),
            "id",
        ),
        Row("Query.recipes", {"projectId": PROJECT}, (("projectId", "read"),), "nodes { id }"),
        Row(
            "Query.compareRecipes",
            {"left": RECIPE, "right": Id("spare/recipe")},
            (("left", "read"), ("right", "read")),
            "equal",
        ),
        Row(
            "Query.diff",
            {"from": {"datasetId": DATASET}, "to": {"datasetId": OTHER}},
            (("from.datasetId", "read"), ("to.datasetId", "read")),
            "counts { itemsAdded }",
        ),
        Row(
            "Dataset.diff",
            {"to": {"datasetId": OTHER}},
            (("", "read"), ("to.datasetId", "read")),
            "counts { itemsAdded }",
            _IN_DATASET,
        ),
        Row("Query.binary", {"sha256": Id("sha256")}, (("sha256", "read"),), "id"),
        Row("Query.job", {"id": Id("job")}, (("id", "read"),), "id"),
        Row("Subscription.job", {"id": Id("job")}, (("id", "read"),), "id"),
        Row(
            "Subscription.datasetChanged",
            {"datasetId": DATASET, "sinceVersion": 0},
            (("datasetId", "read"),),
            "version { id }",
        ),
        Row("Viewer.roleIn", {"projectId": PROJECT}, (("projectId", "read"),), "", "viewer { %s }"),
        *_filters(),
        *_nodes(),
    ]


def _filters() -> list[Row]:
    """Comparing with a user tells nothing of them but what one may read anyhow."""
    by, read = {"eq": Id("user")}, (("datasetId", "read"),)
    none = {"annotations": {"none": {"creator": {"in": [Id("user")]}}}}
    return [
        Row("Query.datasets", {"where": {"creator": by}}, (), "totalCount"),
        Row("Query.items", {"datasetId": DATASET, "where": {"creator": by}}, read, "totalCount"),
        Row(
            "Query.items",
            {"datasetId": DATASET, "where": {"updatedBy": {"ne": Id("user")}}},
            read,
            "totalCount",
        ),
        Row("Query.items", {"datasetId": DATASET, "where": none}, read, "totalCount"),
        Row(
            "Dataset.versions",
            {"where": {"author": by}},
            (("", "read"),),
            "totalCount",
            _IN_DATASET,
        ),
    ]


NODES = {
    "Project": "project",
    "User": "user",
    "Token": "token",
    "Job": "job",
    "Binary": "binary",
    "Recipe": "recipe",
    "Dataset": "dataset",
    "Item": "item",
    "Annotation": "annotation",
    "Version": "version",
    "Tag": "tag",
}
"""The types that `node` answers with, and what is asked for."""


def _nodes() -> list[Row]:
    needs = {"User": KNOWN, "Token": MINE}
    return [
        row
        for type_, thing in NODES.items()
        for row in (
            Row("Query.node", {"id": Id(thing)}, (("id", needs.get(type_, "read")),), "id"),
            Row("Query.nodes", {"ids": [Id(thing)]}, (("ids.0", needs.get(type_, "read")),), "id"),
        )
    ]


def _accounts() -> list[Row]:
    new = {"name": "new", "email": "new@example.org"}
    bound = {"name": "new", "projectIds": [PROJECT]}
    member = {"projectId": PROJECT, "userId": Id("user")}
    member_needs = (("projectId", "own"), ("userId", MEMBER))
    return [
        Row("Mutation.createProject", {"name": "new"}, (("", WHOLE),)),
        Row("Mutation.createUser", new, (("", BE_ADMIN), ("", WHOLE))),
        Row("Mutation.createToken", {"name": "new"}, (("", WHOLE),)),
        Row("Mutation.createToken", bound, (("", WHOLE), ("projectIds.0", "read"))),
        Row("Mutation.revokeToken", {"tokenId": Id("token")}, (("", WHOLE), ("tokenId", MINE))),
        Row(
            "Mutation.updateProject",
            {"projectId": PROJECT, "name": "new"},
            (("projectId", "own"),),
        ),
        Row("Mutation.deleteProject", {"projectId": Id("bare/project")}, (("projectId", "own"),)),
        Row(
            "Mutation.addMember",
            {"projectId": Id("bare/project"), "userId": Id("user"), "role": "VIEWER"},
            (("projectId", "own"), ("userId", KNOWN)),
        ),
        Row("Mutation.updateMember", {**member, "role": "ANNOTATOR"}, member_needs),
        Row("Mutation.removeMember", member, member_needs),
    ]


def _wholes() -> list[Row]:
    """Recipes, and datasets as wholes."""
    recipe, spare = {"recipeId": RECIPE}, {"recipeId": Id("spare/recipe")}
    write_recipe = (("recipeId", "read"), ("recipeId", "write"))
    project = {"projectId": PROJECT}
    return [
        Row(
            "Mutation.createRecipe",
            {**project, "title": "new", "labels": LABELS},
            (("projectId", "write"),),
        ),
        Row("Mutation.updateRecipe", {**recipe, "title": "new"}, write_recipe),
        Row("Mutation.cloneRecipe", recipe, write_recipe),
        Row(
            "Mutation.cloneRecipe",
            {**recipe, **project},
            (("recipeId", "read"), ("projectId", "write")),
        ),
        Row("Mutation.deleteRecipe", spare, write_recipe),
        Row(
            "Mutation.createDataset",
            {**project, **recipe, "name": "new"},
            (("projectId", "write"), ("recipeId", "read")),
        ),
        _on("updateDataset", "write", name="new"),
        _on("deleteDataset", "write"),
        Row(
            "Mutation.restoreDataset",
            {"datasetId": Id("deleted/dataset")},
            (("datasetId", "write"),),
        ),
        Row(
            "Mutation.switchRecipe",
            {"datasetId": DATASET, **spare},
            (("datasetId", "write"), ("recipeId", "read")),
        ),
        _on("tagVersion", "curate", name="new"),
        _on("deleteTag", "curate", name="first"),
        _on("lockDataset", "curate"),
        _on("declareMetadataIndex", "curate", path=["new"]),
        _on("dropMetadataIndex", "curate", path=["first"]),
        Row(
            "Mutation.unlockDataset",
            {"datasetId": Id("locked/dataset")},
            (("datasetId", "curate"),),
        ),
    ]


def _contents() -> list[Row]:
    """What datasets hold."""
    here = {"selection": ITS_ITEM}
    return [
        Row(
            "Mutation.uploadItems",
            {"datasetId": DATASET, "files": [{"file": None, "path": "/new.txt"}]},
            (("datasetId", "write"),),
        ),
        Row(
            "Mutation.addItems",
            {"datasetId": DATASET, "items": [{"sha256": Id("sha256"), "path": "/new.txt"}]},
            (("datasetId", "write"), ("items.0.sha256", "read")),
        ),
        Row(
            "Mutation.addItems",
            {"datasetId": DATASET, "items": [{"uploadId": Id("upload"), "path": "/new.txt"}]},
            (("datasetId", "write"), ("items.0.uploadId", BROUGHT)),
        ),
        _of_items("Mutation.updateItems", "write", "selection.ids.0", **here, description="new"),
        _of_items("Mutation.moveItems", "write", "selection.ids.0", **here, directory="/new"),
        _of_items("Mutation.deleteItems", "write", "selection.ids.0", **here),
        _of_items(
            "Mutation.restoreItems",
            "write",
            "ids.0",
            ids=[Id("gone/item", "datasetId")],
            **{"from": {"number": 2}},
        ),
        _on("revertDataset", "write", to={"number": 2}),
        _of_items("Mutation.revertDataset", "write", "selection.ids.0", **here, to={"number": 2}),
        _of_items(
            "Mutation.addAnnotations",
            "annotate",
            "annotations.0.itemId",
            annotations=[{"itemId": Id("item", "datasetId"), **BOX}],
        ),
        _of_items(
            "Mutation.updateAnnotations",
            "annotate",
            "annotations.0.id",
            annotations=[{"id": Id("annotation", "datasetId"), "label": "cat"}],
        ),
        _of_items(
            "Mutation.deleteAnnotations", "annotate", "ids.0", ids=[Id("annotation", "datasetId")]
        ),
        Row(
            "Mutation.resolveConflicts",
            {"datasetId": Id("disputed/dataset"), "policy": {"userId": Id("user")}},
            (("datasetId", "write"),),
        ),
    ]


def _clones(field: str) -> list[Row]:
    """Of `cloneDataset`, and of its plan."""
    source, read = {"datasetId": DATASET}, ("datasetId", "read")
    into = {"destination": {"datasetId": OTHER}}
    return [
        Row(field, {**source, "name": "new"}, (read, ("datasetId", "write"))),
        Row(field, {**source, "projectId": PROJECT, "name": "new"}, (read, ("projectId", "write"))),
        Row(field, {**source, **into}, (read, ("destination.datasetId", "write"))),
        Row(
            field,
            {**source, "name": "new", "filters": ITS_ITEM},
            (("filters.ids.0", INSIDE), read, ("datasetId", "write")),
        ),
    ]


def _merges(field: str) -> list[Row]:
    """Of `mergeDatasets`, and of its plan."""
    both: dict[str, Any] = {"datasetIds": [DATASET, OTHER]}
    read = (("datasetIds.0", "read"), ("datasetIds.1", "read"))
    first = ("datasetIds.0", "write")
    named = {**both, "name": "new"}
    sources = {"sources": [{"datasetId": DATASET}, {"datasetId": OTHER}], "name": "new"}
    return [
        Row(field, named, (*read, first)),
        Row(
            field,
            sources,
            (
                ("sources.0.datasetId", "read"),
                ("sources.1.datasetId", "read"),
                ("sources.0.datasetId", "write"),
            ),
        ),
        Row(field, {**both, "into": Id("copy/dataset")}, (*read, ("into", "write"))),
        Row(field, {**named, "projectId": PROJECT}, (*read, ("projectId", "write"))),
        Row(field, {**named, "projectIds": [PROJECT]}, (*read, first, ("projectIds.0", AMONG))),
    ]


def _plans() -> list[Row]:
    here, back = {"datasetId": DATASET}, {"to": {"number": 2}}
    inside = (("selection.ids.0", INSIDE), ("datasetId", "write"))
    return [
        *_clones("Query.planClone"),
        *_merges("Query.planMerge"),
        Row("Query.planDeleteDataset", here, (("datasetId", "write"),)),
        Row("Query.planRevert", {**here, **back}, (("datasetId", "write"),)),
        Row("Query.planRevert", {**here, **back, "selection": ITS_ITEM}, inside),
    ]


ROWS = [
    *_queries(),
    *_plans(),
    *_accounts(),
    *_wholes(),
    *_contents(),
    *_clones("Mutation.cloneDataset"),
    *_merges("Mutation.mergeDatasets"),
]

ROUTES = {
    "/files/{dataset}/{item}": Row(
        "/files/{dataset}/{item}", {"dataset": DATASET, "item": ITEM}, (("", "read"),)
    ),
    "/files/{dataset}/{item}/thumbnail": Row(
        "/files/{dataset}/{item}/thumbnail", {"dataset": DATASET, "item": ITEM}, (("", "read"),)
    ),
    "/files/{binary}": Row("/files/{binary}", {"binary": Id("binary")}, (("", "read"),)),
    "/uploads/{upload}": Row("/uploads/{upload}", {"upload": Id("upload")}, (("", BROUGHT),)),
    "/datasets/{dataset}": Row("/datasets/{dataset}", {"dataset": DATASET}, (("", "read"),)),
}
"""What is no GraphQL but takes ids; all of them are varied together."""
OPEN_ROUTES = {
    *("/graphql", "/healthz", "/readyz", "/metrics", "/uploads"),
    *("/", "/playground", "/playground/assets/{name}"),
}
"""What takes none; the first is all the other rows."""
