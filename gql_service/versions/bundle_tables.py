"""Which rows make up a dataset with all of its past, and what each of their numbers names.

Numbers of one database mean nothing in another. In a bundle every number that names something is
the position of that thing, from 1, among all things of its kind which the bundle speaks of, in
the order of the numbers that they had: what was older stays older wherever it comes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import sqlalchemy as sa

from gql_service.catalog.dataset import VERSIONS
from gql_service.catalog.dataset_source import SOURCES
from gql_service.catalog.lost_state import LOST
from gql_service.catalog.metadata_index import DATASET_INDEXES
from gql_service.catalog.recipe import RECIPES, REVISIONS
from gql_service.catalog.tag import TAGS
from gql_service.catalog.version import LABEL_COUNTS
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    DATASETS,
    ITEM_WHITEOUTS,
    ITEMS,
    LAYERS,
    LINES,
)
from gql_service.versions.knowledge import CHOSEN_KEYS, KNOWLEDGE
from gql_service.versions.report import CONFLICTS, RENAMES, REPORTS


class Kind(Enum):
    """What a number in a row names. DATASET 1 is the one that the bundle is of."""

    USER = "users"
    RECIPE = "recipes"
    DATASET = "datasets"
    LINE = "lines"
    BINARY = "binaries"
    KEY = "keys"
    ITEM_WRITE = "item_writes"
    ANNOTATION_WRITE = "annotation_writes"
    BATCHES = "batches"
    """Keys, as a text with commas between."""


@dataclass(frozen=True)
class Part:
    """The rows of one table, or some of them. `left_out` are columns that are not carried."""

    name: str
    table: sa.Table
    refers: Mapping[str, Kind]
    order: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.table.c if c.name not in self.left_out)

    @cached_property
    def kinds(self) -> tuple[Kind | None, ...]:
        """What each of the columns names."""
        return tuple(self.refers.get(name) for name in self.columns)


_STATE = {
    "line": Kind.LINE,
    "key": Kind.KEY,
    "origin_dataset": Kind.DATASET,
    "created_by": Kind.USER,
    "updated_by": Kind.USER,
}
_ITEM = {"id": Kind.ITEM_WRITE, "copy_of": Kind.ITEM_WRITE}
_ANNOTATION = {"id": Kind.ANNOTATION_WRITE, "copy_of": Kind.ANNOTATION_WRITE}
_LOST = {
    "key": Kind.KEY,
    "line": Kind.LINE,
    "root": Kind.KEY,
    "item": Kind.KEY,
    "origin_dataset": Kind.DATASET,
}
_OF_DATASET = {"dataset": Kind.DATASET}

RECIPE_ROWS = Part("recipes", RECIPES, {"creator": Kind.USER}, ("id",), left_out=("id", "project"))
DATASET_ROWS = Part(
    "datasets",
    DATASETS,
    dict.fromkeys(("creator", "locked_by", "expiration_by", "retention_by"), Kind.USER),
    ("id",),
    left_out=("id", "project", "name", "deleted_at", "purged_at"),
)
LINE_ROWS = Part(
    "lines",
    LINES,
    {"dataset": Kind.DATASET, "flat_of": Kind.LINE},
    ("id",),
    left_out=("id",),
)
ITEM_ROWS = Part(
    "item_states",
    ITEMS,
    {**_STATE, **_ITEM, "binary": Kind.BINARY, "copied_from": Kind.KEY},
    ("id",),
)
ANNOTATION_ROWS = Part(
    "annotation_states",
    ANNOTATIONS,
    {**_STATE, **_ANNOTATION, "root": Kind.KEY, "item": Kind.KEY},
    ("id",),
)
ITEM_WHITEOUT_ROWS = Part(
    "item_whiteouts",
    ITEM_WHITEOUTS,
    {"state": Kind.ITEM_WRITE, "line": Kind.LINE},
    ("state", "line"),
)
ANNOTATION_WHITEOUT_ROWS = Part(
    "annotation_whiteouts",
    ANNOTATION_WHITEOUTS,
    {"state": Kind.ANNOTATION_WRITE, "line": Kind.LINE},
    ("state", "line"),
)
LOST_ITEM_ROWS = Part(
    "lost_items", LOST, {**_LOST, "write": Kind.ITEM_WRITE}, ("key", "line", "until")
)
LOST_ANNOTATION_ROWS = Part(
    "lost_annotations", LOST, {**_LOST, "write": Kind.ANNOTATION_WRITE}, ("key", "line", "until")
)
CHOSEN_ROWS = Part(
    "chosen_keys", CHOSEN_KEYS, {"batch": Kind.KEY, "key": Kind.KEY}, ("batch", "key")
)
LAYER_ROWS = Part("layers", LAYERS, {"line": Kind.LINE, "below": Kind.LINE}, ("line", "depth"))
REVISION_ROWS = Part(
    "recipe_revisions",
    REVISIONS,
    {"recipe": Kind.RECIPE, "author": Kind.USER},
    ("recipe", "revision"),
)
BESIDE_VERSIONS = (
    Part(
        "versions",
        VERSIONS,
        {**_OF_DATASET, "author": Kind.USER, "recipe": Kind.RECIPE},
        ("number",),
    ),
    Part("label_counts", LABEL_COUNTS, _OF_DATASET, ("until", "label")),
    Part(
        "knowledge",
        KNOWLEDGE,
        {**_OF_DATASET, "other": Kind.DATASET, "batches": Kind.BATCHES},
        ("since", "other", "at", "annotations", "batches"),
    ),
    Part("dataset_sources", SOURCES, {**_OF_DATASET, "source": Kind.DATASET}, ("position",)),
    Part("merge_reports", REPORTS, _OF_DATASET, ("version",)),
    Part(
        "merge_conflicts",
        CONFLICTS,
        {
            **_OF_DATASET,
            "item": Kind.KEY,
            "annotation": Kind.KEY,
            "left_dataset": Kind.DATASET,
            "right_dataset": Kind.DATASET,
        },
        ("version", "position"),
    ),
    Part("path_changes", RENAMES, {**_OF_DATASET, "item": Kind.KEY}, ("version", "item")),
    Part("dataset_indexes", DATASET_INDEXES, {**_OF_DATASET, "creator": Kind.USER}, ("path",)),
    Part("tags", TAGS, {**_OF_DATASET, "creator": Kind.USER}, ("id",), left_out=("id",)),
)
"""What is known of a dataset by its number alone."""

NUMBERED = (RECIPE_ROWS, DATASET_ROWS, LINE_ROWS)
"""Rows that get their numbers one by one as they come in; the first row is number 1."""
BULK = (
    REVISION_ROWS,
    *BESIDE_VERSIONS,
    LAYER_ROWS,
    ITEM_ROWS,
    ANNOTATION_ROWS,
    ITEM_WHITEOUT_ROWS,
    ANNOTATION_WHITEOUT_ROWS,
    LOST_ITEM_ROWS,
    LOST_ANNOTATION_ROWS,
    CHOSEN_ROWS,
)
"""All other rows, in an order in which everything comes after what it names."""
