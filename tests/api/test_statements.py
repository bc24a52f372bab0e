"""How many statements each object field costs: the same number for 1 row and for many."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, build_schema, get_named_type
from graphql.type import is_composite_type

from gql_service.api.schema import printed_schema
from tests.api.client import Client
from tests.api.shelf import BOX, Shelf
from tests.builders import ON_SQLITE
from tests.conftest import CountStatements

SCHEMA: GraphQLSchema = build_schema(printed_schema())
ROWS = 25
TOKEN = 1  # who asks

ITEMS = '{ items(datasetId: "%(dataset)s", first: %(n)d) { nodes { %(field)s } } }'
ORIGINALS = '{ items(datasetId: "ds_1", first: %(n)d) { nodes { %(field)s } } }'
ANNOTATIONS = (
    '{ dataset(by: {id: "%(dataset)s"}) { annotations(first: %(n)d) { nodes { %(field)s } } } }'
)
BINARIES = '{ items(datasetId: "%(dataset)s", first: %(n)d) { nodes { binary { %(field)s } } } }'
DATASETS = "{ datasets(first: %(n)d) { nodes { %(field)s } } }"
SOURCES = "{ datasets(first: %(n)d) { nodes { sources { %(field)s } } } }"
VERSIONS = "{ datasets(first: %(n)d) { nodes { version { %(field)s } } } }"
EXPIRATIONS = "{ datasets(first: %(n)d) { nodes { expiration { %(field)s } } } }"
RETENTIONS = "{ datasets(first: %(n)d) { nodes { retention { %(field)s } } } }"
INDEXES = "{ datasets(first: %(n)d) { nodes { metadataIndexes { %(field)s } } } }"
LOCKS = "{ datasets(first: %(n)d) { nodes { lock { %(field)s } } } }"
TAGS = "{ datasets(first: %(n)d) { nodes { tags { %(field)s } } } }"
RECIPES = '{ recipes(projectId: "%(project)s", first: %(n)d) { nodes { %(field)s } } }'
PROJECTS = "{ projects(first: %(n)d) { nodes { %(field)s } } }"
MEMBERS = "{ projects(first: %(n)d) { nodes { members { %(field)s } } } }"
CHANGES = (
    '{ diff(from: {datasetId: "ds_1", at: {number: 2}}, to: {datasetId: "ds_1"}) '
    "{ items(first: %(n)d) { nodes { %(field)s } } } }"
)
PASTS = ITEMS.replace("%(field)s", "history { nodes { %(field)s } }")
BLAMES = ITEMS.replace("%(field)s", "blame { %(field)s }")
ANNOTATION_CHANGES = CHANGES.replace("%(field)s", "annotations { nodes { %(field)s } }")

# What is asked for, how, and how many statements: first without the field, then with it.
COSTS: dict[str, tuple[str, str, int]] = {
    # Of a clone of a clone: four statements per generation.
    "Item.dataset": (ITEMS, "dataset { id }", 1),
    "Item.binary": (ITEMS, "binary { id }", 1),
    "Item.sourceItems": (ITEMS, "sourceItems { id }", 5),
    "Item.masterItem": (ITEMS, "masterItem { id }", 10),
    "Item.ancestors": (ITEMS, "ancestors { id }", 10),
    "Item.copies": (ORIGINALS, "copies { nodes { id } totalCount }", 8),
    "Item.annotations": (ITEMS, "annotations { nodes { id } totalCount }", 4),
    # What it has seen, lines, two kinds of states, datasets and their versions.
    "Item.history": (ITEMS, "history { nodes { kind } totalCount }", 6),
    "Item.blame": (ITEMS, "blame { path }", 4),
    "Item.creator": (ITEMS, "creator { id }", 1),
    "Item.updatedBy": (ITEMS, "updatedBy { id }", 1),
    "Annotation.item": (ANNOTATIONS, "item { id }", 3),
    "Annotation.bounds": (ANNOTATIONS, "bounds { x }", 0),
    "Annotation.source": (ANNOTATIONS, "source { version dataset { id } }", 1),
    "Annotation.history": (ANNOTATIONS, "history { nodes { kind } totalCount }", 5),
    "Annotation.blame": (ANNOTATIONS, "blame { path }", 4),
    "FieldBlame.user": (BLAMES, "user { id }", 1),
    "FieldBlame.source": (BLAMES, "source { version dataset { id } }", 1),
    "Annotation.creator": (ANNOTATIONS, "creator { id }", 1),
    "Annotation.updatedBy": (ANNOTATIONS, "updatedBy { id }", 1),
    "Binary.referencedBy": (BINARIES, "referenceCount referencedBy { nodes { id } }", 8),
    "Dataset.project": (DATASETS, "project { id }", 2),
    "Dataset.recipe": (DATASETS, "recipe { id }", 2),
    "Dataset.sources": (DATASETS, "sources { version }", 1),
    "Dataset.clones": (DATASETS, "clones { nodes { id } totalCount }", 2),
    "Dataset.creator": (DATASETS, "creator { id }", 1),
    "Dataset.updatedBy": (DATASETS, "updatedBy { id }", 2),
    "Dataset.labelCounts": (DATASETS, "labelCounts { label }", 1),
    "Dataset.tags": (DATASETS, "tags { name golden }", 1),
    "Dataset.metadataIndexes": (DATASETS, "metadataIndexes { path ready }", 1),
    "MetadataIndex.creator": (INDEXES, "creator { id }", 1),
    "Dataset.lock": (DATASETS, "lock { reason }", 0),
    "Dataset.expiration": (DATASETS, "expiration { itemMaxDays }", 0),
    "DatasetExpiration.creator": (EXPIRATIONS, "creator { id }", 1),
    "Dataset.retention": (DATASETS, "retention { keepVersions }", 0),
    "DatasetRetention.creator": (RETENTIONS, "creator { id }", 1),
    "DatasetLock.creator": (LOCKS, "creator { id }", 1),
    "Tag.version": (TAGS, "version { id }", 1),
    "Tag.creator": (TAGS, "creator { id }", 1),
    "Dataset.version": (DATASETS, "version { id }", 1),
    "Dataset.head": (DATASETS, "head { id }", 1),
    "Facet.values": (
        '{ dataset(by: {id: "%(dataset)s"}) { itemsCount facets(paths: ["mimeType"], first: %(n)d)'
        " { path %(field)s } } }",
        "values { value count }",
        0,
    ),
    "DatasetSource.dataset": (SOURCES, "version dataset { id }", 1),
    "Version.dataset": (VERSIONS, "dataset { id }", 1),
    "Version.author": (VERSIONS, "author { id }", 1),
    "Version.recipe": (VERSIONS, "recipe { id }", 1),
    "Version.counts": (VERSIONS, "counts { itemsAdded }", 0),
    "Version.tags": (VERSIONS, "tags { name }", 1),
    "Version.mergeReport": (VERSIONS, "mergeReport { outcome }", 1),
    "Recipe.project": (RECIPES, "project { id }", 0),
    "Recipe.labels": (RECIPES, "labels { name }", 0),
    "Recipe.attributes": (RECIPES, "attributes { key }", 0),
    "Recipe.datasets": (RECIPES, "datasets { nodes { id } totalCount }", 2),
    "Project.creator": (PROJECTS, "creator { id }", 1),
    "Project.members": (PROJECTS, "members { role }", 1),
    "Project.datasets": (PROJECTS, "datasets { nodes { id } totalCount }", 2),
    "Member.user": (MEMBERS, "role user { id }", 1),
    "ItemChange.before": (CHANGES, "before { id }", 0),
    "ItemChange.after": (CHANGES, "after { id }", 3),
    "ItemChange.version": (CHANGES, "version { id }", 0),
    "ItemChange.metadata": (CHANGES, "metadata { path }", 3),
    "ItemChange.annotations": (CHANGES, "annotations { totalCount nodes { kind } }", 2),
    "ItemChange.after of a history": (PASTS, "after { id }", 3),
    "ItemChange.version of a history": (PASTS, "version { id }", 1),
    "ItemChange.annotations of a history": (PASTS, "annotations { nodes { kind } }", 3),
    "AnnotationChange.before": (ANNOTATION_CHANGES, "before { id }", 0),
    "AnnotationChange.after": (ANNOTATION_CHANGES, "after { id }", 0),
    "AnnotationChange.version": (ANNOTATION_CHANGES, "version { id }", 0),
    "AnnotationChange.values": (ANNOTATION_CHANGES, "values { path }", 0),
}
BY_PARENT = {
    # Pages of these are read one after the other, in one snapshot: the cost grows with the
    # datasets or projects that are listed, never with their items.
    "Dataset.items",
    "Dataset.annotations",
    "Dataset.facets",
    "Dataset.storage",
    "Dataset.diff",
    "Dataset.versions",
    "Version.changes",
    "Project.recipes",
}
ONE_AT_A_TIME = {
    # Reached from one job, report, viewer or root field only.
    *("Job", "CloneReport", "MergeReport", "Conflict", "PathChange", "Viewer", "Query", "Mutation"),
    *("RecipeComparison", "PageInfo", "DatasetDiff", "RevertReport"),
    # Of one event, and what it tells of an item is what a diff tells.
    *("Subscription", "DatasetEvent", "WatchedItem"),
}


def counted(statements: list[str]) -> int:
    """Without the words by which SQLite opens a transaction for reading."""
    return sum(not statement.startswith("PRAGMA") for statement in statements)


@pytest.fixture
def many(ada: Client, shelf: Shelf) -> Shelf:
    """Many annotated items, and a clone of a clone of them; several projects and recipes.

    Every dataset is locked, has two tags and two indexes, and lets its items and versions expire.
    """
    sha = hashlib.sha256(b"shelf 0").hexdigest()
    new = [
        {"sha256": sha, "path": f"/more/{number:03}.txt", "annotations": [BOX]}
        for number in range(ROWS)
    ]
    ada.change("addItems", datasetId=shelf.dataset, items=new)
    for number in range(3):
        ada.change("cloneRecipe", recipeId=shelf.recipe, title=f"recipe {number}")
        ada.change("createProject", name=f"project {number}")
    for source in ("ds_1", "ds_2"):
        ada.change("cloneDataset", datasetId=source, name=f"clone of {source}")
    for dataset in ("ds_1", "ds_2", "ds_3"):
        for name in ("first", "second"):
            ada.change("tagVersion", datasetId=dataset, name=name)
            ada.change("declareMetadataIndex", datasetId=dataset, path=[name])
        kept = {"expiration": {"itemMaxDays": 1}, "retention": {"keepDays": 1}}
        ada.change("updateDataset", datasetId=dataset, **kept)
        ada.change("lockDataset", datasetId=dataset)
    return Shelf(shelf.project, shelf.recipe, "ds_3", shelf.items, shelf.annotations)


@pytest.mark.exhaustive
@ON_SQLITE
def test_a_field_costs_the_same_for_one_row_and_for_many(
    resolved: Client, many: Shelf, count_statements: CountStatements, subtests: pytest.Subtests
) -> None:
    @cache  # what a list costs without the field is the same for many fields
    def cost(query: str, asked: str, rows: int) -> int:
        given = {"dataset": many.dataset, "project": many.project, "n": rows, "field": asked}
        with count_statements() as statements:
            resolved.run(query % given)
        return counted(statements)

    for field, (query, selection, allowed) in COSTS.items():
        with subtests.test(field):
            plain = "__typename" if query not in (SOURCES, MEMBERS) else selection.split()[0]
            without = cost(query, plain, ROWS)
            assert cost(query, plain, 1) == without
            many_rows = cost(query, selection, ROWS)
            assert cost(query, selection, 1) <= many_rows
            assert many_rows - without == allowed


SPLICED = {
    "id metadata binary { sha256 } creator { id } updatedBy { name }",
    "annotations { nodes { id creator { name } } totalCount pageInfo { hasNextPage } }",
    "annotated annotationsCount first: annotations(first: 1) { edges { cursor } }",
}


@ON_SQLITE
def test_what_nests_in_a_page_of_items_costs_no_statement(
    ada: Client, many: Shelf, count_statements: CountStatements, subtests: pytest.Subtests
) -> None:
    for field in sorted(SPLICED):
        with subtests.test(field), count_statements() as statements:
            ada.run(ITEMS % {"dataset": many.dataset, "n": ROWS, "field": field})
        assert counted(statements) == TOKEN + 3


def test_the_statements_of_a_page_are_few(
    ada: Client, many: Shelf, count_statements: CountStatements
) -> None:
    with count_statements() as statements:
        ada.run(ITEMS % {"dataset": many.dataset, "n": ROWS, "field": "id path"})
    assert counted(statements) == TOKEN + 3


def test_every_object_field_has_its_cost() -> None:
    listed = COSTS.keys() | BY_PARENT
    for name, type_ in SCHEMA.type_map.items():
        plumbing = name.startswith("__") or name.endswith(("Edge", "Connection", "Success"))
        if not isinstance(type_, GraphQLObjectType) or plumbing or name in ONE_AT_A_TIME:
            continue
        if name in ("RecipeMismatchError", "ValidationError", "Label", "Attribute"):
            continue  # plain values
        for field_name, field in type_.fields.items():
            if is_composite_type(get_named_type(field.type)):
                assert f"{name}.{field_name}" in listed
