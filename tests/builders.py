"""A small world for tests of the rules: a user, a project, recipes, bytes, and datasets in a line.

`Lab` acts as its user, one transaction per call, and reads back what a dataset shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

import orjson
import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from gql_service.catalog.annotation_content import AnnotationStatus, AnnotationType
from gql_service.catalog.binary import Binary, BlobKey
from gql_service.catalog.project import create_project
from gql_service.catalog.recipe import create_recipe
from gql_service.catalog.recipe_content import Label, RecipeContent
from gql_service.catalog.visibility import View, open_view, visible_annotations, visible_items
from gql_service.database.columns import table_of
from gql_service.database.engine import Database, Tx
from gql_service.errors import ErrorCode, ServiceError
from gql_service.vault.contract import Vault
from gql_service.versions.annotations import (
    AnnotationPatch,
    NewAnnotation,
    add_annotations,
    delete_annotations,
    update_annotations,
)
from gql_service.versions.clone import CloneOutcome, CloneRequest, clone_dataset
from gql_service.versions.datasets import create_dataset
from gql_service.versions.draft import VERSIONS
from gql_service.versions.given import Outcome
from gql_service.versions.items import (
    ItemPatch,
    NewItem,
    add_items,
    delete_items,
    move_items,
    update_items,
)
from gql_service.versions.merge import MergeOutcome, MergeRequest, merge_datasets
from gql_service.versions.selection import Selection
from gql_service.versions.verify import verify_store

T = TypeVar("T")
Row = sa.Row[Any]

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what no statement decides: refusals of arguments, pure rules."""

CONTENTS = (b"first file", b"second file", b"third file")
PETS = RecipeContent(labels=(Label("cat"), Label("dog")))
BIRDS = RecipeContent(labels=(Label("wren"),))


def mark(label: str = "cat", **fields: Any) -> NewAnnotation:
    """A classification; `status` is an `AnnotationStatus`."""
    return NewAnnotation(AnnotationType.CLASSIFICATION, label, **fields)


def new_item(path: str, binary: int = 1, *labels: str, **fields: Any) -> NewItem:
    return NewItem(path, binary, annotations=tuple(map(mark, labels)), **fields)


def by_keys(*keys: int) -> Selection:
    return Selection(keys=keys)


@dataclass
class Lab:
    """A store with one user who owns one project. Binaries 1, 2 and 3 hold `CONTENTS`."""

    database: Database
    vault: Vault
    actor: int
    project: int
    pets: int
    twin: int
    """Another recipe, equal to `pets`."""
    birds: int
    _names: Iterator[int] = field(default_factory=lambda: count(1))

    def write(self, work: Callable[..., T], *args: Any, **kw: Any) -> T:
        """`work(tx, *args, **kw)`, committed."""
        return self.database.write(lambda tx: work(tx, *args, **kw), actor=self.actor)

    def read(self, work: Callable[..., T], *args: Any, **kw: Any) -> T:
        with self.database.read(self.actor) as tx:
            return work(tx, *args, **kw)

    # Making.

    def name(self) -> str:
        return f"dataset {next(self._names)}"

    def empty(self, name: str | None = None, recipe: int | None = None) -> int:
        """A dataset at version 1."""
        return self.write(create_dataset, self.project, name or self.name(), recipe or self.pets)

    def dataset(self, *items: NewItem, name: str | None = None, recipe: int | None = None) -> int:
        """A dataset with these items, at version 2; without any, with three: see `samples`."""

        def make(tx: Tx) -> int:
            made = create_dataset(tx, self.project, name or self.name(), recipe or self.pets)
            add_items(tx, made, items or samples(3))
            return made

        return self.write(make)

    def add(self, dataset: int, *items: NewItem, **how: Any) -> Outcome:
        return self.write(add_items, dataset, items, **how)

    def update(self, dataset: int, selection: Selection, patch: ItemPatch, **how: Any) -> Outcome:
        return self.write(update_items, dataset, selection, patch, **how)

    def move(self, dataset: int, moves: Mapping[int, str], **how: Any) -> Outcome:
        return self.write(move_items, dataset, moves, **how)

    def delete(self, dataset: int, *keys: int, **how: Any) -> Outcome:
        return self.write(delete_items, dataset, by_keys(*keys), **how)

    def annotate(self, dataset: int, item: int, *marks: NewAnnotation, **how: Any) -> Outcome:
        return self.write(add_annotations, dataset, [(item, one) for one in marks], **how)

    def change(self, dataset: int, *patches: AnnotationPatch, **how: Any) -> Outcome:
        return self.write(update_annotations, dataset, patches, **how)

    def erase(self, dataset: int, *keys: int, **how: Any) -> Outcome:
        return self.write(delete_annotations, dataset, keys, **how)

    def cloning(self, source: int, **how: Any) -> CloneOutcome:
        """A clone under a fresh name, unless `how` says otherwise."""
        if "name" not in how and "destination" not in how:
            how["name"] = self.name()
        return self.write(clone_dataset, CloneRequest(source, **how))

    def clone(self, source: int, **how: Any) -> int:
        return self.cloning(source, **how).dataset

    def merging(self, *sources: int, **how: Any) -> MergeOutcome:
        """A merge of heads; `points` names other versions."""
        points = how.pop("points", tuple((source, None) for source in sources))
        name = how.pop("name", None) or self.name()
        return self.write(merge_datasets, MergeRequest(name, points, **how))

    def merge(self, *sources: int, **how: Any) -> int:
        return self.merging(*sources, **how).dataset

    # Reading.

    def items(self, dataset: int, version: int | None = None) -> dict[str, Row]:
        """What is shown, by path."""

        def find(tx: Tx) -> dict[str, Row]:
            rows = tx.rows(visible_items(open_view(tx, dataset, version)))
            return {row.path: row for row in sorted(rows, key=lambda row: str(row.path))}

        return self.read(find)

    def keys(self, dataset: int) -> list[int]:
        """The keys of the items, by path."""
        return [row.key for row in self.items(dataset).values()]

    def paths(self, dataset: int, version: int | None = None) -> list[str]:
        return list(self.items(dataset, version))

    def metadata(self, dataset: int, version: int | None = None) -> dict[str, Any]:
        return {
            path: orjson.loads(row.metadata) for path, row in self.items(dataset, version).items()
        }

    def annotations(self, dataset: int, version: int | None = None) -> list[Row]:
        """What is shown, by key."""

        def find(tx: Tx) -> list[Row]:
            rows = tx.rows(visible_annotations(open_view(tx, dataset, version)))
            return sorted(rows, key=lambda row: int(row.key))

        return self.read(find)

    def labels(self, dataset: int, version: int | None = None) -> dict[str, list[str]]:
        """The labels of every item, sorted, by path."""
        found: dict[int, list[str]] = {}
        for row in self.annotations(dataset, version):
            found.setdefault(row.item, []).append(row.label)
        return {
            path: sorted(found.get(row.key, []))
            for path, row in self.items(dataset, version).items()
        }

    def shown(self, dataset: int, version: int | None = None) -> Any:
        """All that a version shows, in a form that can be compared."""
        return self.read(lambda tx: shown_by(tx, open_view(tx, dataset, version)))

    def version(self, dataset: int, number: int) -> Row:
        chosen = sa.and_(VERSIONS.c.dataset == dataset, VERSIONS.c.number == number)
        found: list[Row] = self.read(lambda tx: list(tx.rows(sa.select(VERSIONS).where(chosen))))
        (row,) = found
        return row

    def head(self, dataset: int) -> int:
        return self.read(lambda tx: open_view(tx, dataset).version)

    def rows(self, table: sa.Table) -> list[Row]:
        return self.read(lambda tx: list(tx.rows(sa.select(table))))

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""

        def find(tx: Tx) -> dict[str, list[tuple[Any, ...]]]:
            read = tx.connection.exec_driver_sql  # as they are, without compiling a statement each
            return {
                name: sorted(map(tuple, read(f'SELECT * FROM "{name}"').all()), key=repr)
                for name in SQLModel.metadata.tables
            }

        return self.read(find)

    # Judging.

    @contextmanager
    def refused(self, code: ErrorCode, *path: str | int) -> Iterator[Any]:
        """The block is refused, with this code for this argument, and nothing is written."""
        before = self.everything()
        with pytest.raises(ServiceError) as caught:
            yield caught
        assert (caught.value.code, caught.value.path) == (code, tuple(map(str, path)))
        assert self.everything() == before

    def verify(self) -> None:
        assert verify_store(self.database, self.vault, deep=True) == []


def shown_by(tx: Tx, view: View) -> Any:
    """The items and annotations of a view without the numbers of their rows."""

    def bare(row: Row) -> dict[str, Any]:
        return {name: value for name, value in row._mapping.items() if name not in ("id", "line")}

    items = {row.key: bare(row) for row in tx.rows(visible_items(view))}
    annotations = {row.key: bare(row) for row in tx.rows(visible_annotations(view))}
    return items, annotations


def samples(count: int) -> list[NewItem]:
    """`/0.jpg` and so on: metadata, and an approved label `cat` each."""
    status = AnnotationStatus.APPROVED
    return [
        NewItem(f"/{n}.jpg", n % 3 + 1, {"n": n}, annotations=(mark("cat", status=status),))
        for n in range(count)
    ]


def make_lab(database: Database, vault: Vault, actor: int) -> Lab:
    def make(tx: Tx) -> Lab:
        project = create_project(tx, "lab")
        pets, twin, birds = (
            create_recipe(tx, project, title, content)
            for title, content in (("pets", PETS), ("pets again", PETS), ("birds", BIRDS))
        )
        for content in CONTENTS:
            insert_binary(tx, vault, content)
        return Lab(database, vault, actor, project, pets, twin, birds)

    return database.write(make, actor=actor)


def insert_binary(tx: Tx, vault: Vault, content: bytes) -> int:
    """Stored bytes, at once live; what the uploads do in several transactions."""
    digest = hashlib.sha256(content).hexdigest()
    key = digest[:32]
    vault.put(key, [content])
    tx.execute(sa.insert(table_of(BlobKey)), {"key": key, "state": "live", "lease_until": tx.now})
    row = {
        "sha256": digest,
        "size": len(content),
        "mime_type": "application/octet-stream",
        "blob_key": key,
        "state": "live",
        "created_at": tx.now,
    }
    binaries = table_of(Binary)
    number: int = tx.scalar(sa.insert(binaries).values(row).returning(binaries.c.id))
    return number
