"""The dataset that is measured, written by the service's own writer as one version.

Item i has a path in one of many folders, a file of its own, metadata {camera: {model, iso}, split}
and three annotations. Label 0 is on every seventh item, and so is camera 0 (on other ones): both
choose 14 % of the items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.annotation_content import AnnotationStatus, AnnotationType
from gql_service.catalog.binary import BINARIES, BLOB_KEYS
from gql_service.catalog.project import create_project
from gql_service.catalog.recipe import create_recipe
from gql_service.catalog.recipe_content import Label, RecipeContent
from gql_service.catalog.user import create_user
from gql_service.catalog.visibility import DATASETS
from gql_service.database.engine import Database, Tx
from gql_service.database.sets import chunks
from gql_service.versions.annotations import NewAnnotation
from gql_service.versions.datasets import create_dataset
from gql_service.versions.items import NewItem, add_items

MAIN = "photos"
LABELS = tuple(f"label {number}" for number in range(10))
SHARED_LABELS = 7
CAMERAS = 7
SPLITS = ("train", "train", "train", "val", "test")
ITEMS_PER_FOLDER = 500
_BOXES = 97
_STATUSES = (AnnotationStatus.APPROVED, None, AnnotationStatus.REVIEW)


@dataclass(frozen=True, slots=True)
class Stage:
    """Who acts, and where. `dataset` is the one that was filled, `items` its size."""

    actor: int
    project: int
    recipe: int
    dataset: int
    items: int


def fill(database: Database, items: int) -> Stage:
    """Makes a user, a project, a recipe and a dataset of `items` items in an empty database."""
    actor = database.write(lambda tx: create_user(tx, "bench", "bench@example.org"))

    def begin(tx: Tx) -> tuple[int, int]:
        project = create_project(tx, "bench")
        labels = tuple(Label(name) for name in LABELS)
        return project, create_recipe(tx, project, "labels", RecipeContent(labels=labels))

    project, recipe = database.write(begin, actor=actor)
    stage = Stage(actor, project, recipe, 0, items)
    dataset = add_dataset(database, stage, MAIN, items)
    return Stage(actor, project, recipe, dataset, items)


def staged(database: Database, items: int) -> Stage:
    """The stage of a database that `fill` has filled."""
    with database.read() as tx:
        row = tx.first(sa.select(DATASETS).where(DATASETS.c.name == MAIN))
        assert row is not None, "not filled"
        recipe = tx.scalar(sa.text("SELECT min(id) FROM recipes"))
    return Stage(row.creator, row.project, recipe, row.id, items)


def add_dataset(
    database: Database, stage: Stage, name: str, items: int, *, folder: str = "photos"
) -> int:
    """Another dataset with as many items of its own: nothing of it is known to any other."""
    binaries = add_binaries(database, name, items)

    def add(tx: Tx) -> int:
        dataset = create_dataset(tx, stage.project, name, stage.recipe)
        add_items(tx, dataset, new_items(binaries, folder=folder))
        return dataset

    return database.write(add, actor=stage.actor)


def add_binaries(database: Database, name: str, count: int) -> list[int]:
    """Rows of stored files, without bytes: their ids."""

    def add(tx: Tx) -> list[int]:
        before = tx.scalar(sa.select(sa.func.coalesce(sa.func.max(BINARIES.c.id), 0)))
        for part in chunks(range(count)):
            rows = [_binary(tx, name, number) for number in part]
            tx.execute(sa.insert(BLOB_KEYS), [_journalled(tx, row["blob_key"]) for row in rows])
            tx.execute(sa.insert(BINARIES), rows)
        made = sa.select(BINARIES.c.id).where(BINARIES.c.id > before).order_by(BINARIES.c.id)
        return [row.id for row in tx.rows(made)]

    return database.write(add)


def new_items(
    binaries: Sequence[int], *, folder: str = "photos", annotated: bool = True
) -> list[NewItem]:
    """One item per binary. Equal values are shared objects, so that a million fit in memory."""
    marks = [_marks(number) for number in range(_BOXES * SHARED_LABELS * 9)] if annotated else []
    metadata = [_metadata(number) for number in range(CAMERAS * SHARED_LABELS * len(SPLITS))]
    return [
        NewItem(
            path_of(number, folder),
            binary,
            metadata[number % len(metadata)],
            annotations=marks[number % len(marks)] if annotated else (),
        )
        for number, binary in enumerate(binaries)
    ]


def path_of(number: int, folder: str = "photos") -> str:
    return f"/{folder}/{number // ITEMS_PER_FOLDER:05d}/{number:08d}.jpg"


def box(number: int) -> list[dict[str, float]]:
    """Coordinates of a box, as many different ones as numbers up to ten thousand."""
    x, y = number % 100 + 0.5, number // 100 % 100 + 0.25
    return [{"x": x, "y": y}, {"x": x + 40, "y": y + 30}]


def _marks(number: int) -> tuple[NewAnnotation, ...]:
    labels = (
        LABELS[number % SHARED_LABELS],
        LABELS[SHARED_LABELS + number % 3],
        LABELS[SHARED_LABELS + number // 3 % 3],
    )
    return tuple(
        NewAnnotation(
            AnnotationType.BOX,
            label,
            coordinates=box(number * 3 + position),
            status=_STATUSES[position],
        )
        for position, label in enumerate(labels)
    )


def _metadata(number: int) -> dict[str, Any]:
    camera = number // SHARED_LABELS % CAMERAS
    return {
        "camera": {"model": f"camera {camera}", "iso": 100 * (1 + camera)},
        "split": SPLITS[number % len(SPLITS)],
    }


def _binary(tx: Tx, name: str, number: int) -> dict[str, Any]:
    digest = hashlib.sha256(f"{name} {number}".encode()).hexdigest()
    return {
        "sha256": digest,
        "size": 100_000 + number % 1000,
        "mime_type": "image/jpeg",
        "width": 1920,
        "height": 1080,
        "blob_key": digest[:32],
        "state": "live",
        "created_at": tx.now,
    }


def _journalled(tx: Tx, key: str) -> dict[str, Any]:
    return {"key": key, "state": "live", "lease_until": tx.now}
