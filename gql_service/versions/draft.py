"""The one writer: every change of a dataset is a draft that is published as exactly one version.

A draft holds the dataset's lock from `open_draft` to the end of the transaction, so the order of
versions is the order of commits. It writes rows dated by the version to come; nobody sees them
before `publish` moves the head, and a transaction that fails leaves nothing.

* Content that equals what the dataset shows already writes nothing; a draft without a change
  makes no version.
* A state on the own line is closed (`until`, written once), one that shines through from a lower
  line is covered by a whiteout; then the new state is inserted. All closes of a batch come before
  all inserts, so that items can swap their paths.
* A key may be put or removed once in a draft: two states of one version cannot both be right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.dataset import Operation, Version
from gql_service.catalog.recipe import Recipe, RecipeRecord, recipes_by_id
from gql_service.catalog.visibility import (
    ANNOTATIONS,
    DATASETS,
    ITEMS,
    View,
    open_view,
)
from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import chunks
from gql_service.errors import PathTaken
from gql_service.versions.content import (
    AnnotationPut,
    ItemPut,
    Row,
    annotation_content,
    annotations_by_key,
    annotations_of_items,
    item_content,
    items_by_key,
    items_by_path,
)
from gql_service.versions.counting import Counters, Tally
from gql_service.versions.locking import expect_version, lock_dataset
from gql_service.versions.states import end_states, insert_annotations, insert_items

VERSIONS = table_of(Version)
RECIPES = table_of(Recipe)


@dataclass(slots=True)
class Draft:
    """A version in the making. `number` is the version it will be."""

    tx: Tx
    view: View
    number: int
    operation: Operation
    message: str | None
    recipe: int
    tally: Tally
    force: bool = False
    """Publish even without a change: a dataset's first version, a switched recipe."""
    touched: set[int] = field(default_factory=set)
    """Keys whose states this version has written or ended."""

    @property
    def dataset(self) -> int:
        return self.view.dataset

    # Reading what the dataset shows, the draft's own writes included.

    def items(self, keys: Sequence[int]) -> dict[int, Row]:
        return items_by_key(self.tx, self.view, keys)

    def items_at(self, paths: Sequence[str]) -> dict[str, Row]:
        return items_by_path(self.tx, self.view, paths)

    def annotations(self, keys: Sequence[int]) -> dict[int, Row]:
        return annotations_by_key(self.tx, self.view, keys)

    def recipe_record(self) -> RecipeRecord:
        """The recipe that the dataset has, at its newest revision."""
        return recipes_by_id(self.tx, [(self.recipe, None)])[self.recipe, None]

    # Writing.

    def put_items(
        self,
        puts: Iterable[ItemPut],
        *,
        fresh: bool = False,
        held: Mapping[int, Row] | None = None,
    ) -> None:
        """Adds or changes items. `fresh` promises that no key was ever used in this dataset;
        `held`, when the caller has read it, is what the dataset shows under these keys.

        Raises PathTaken when an item that stays has one of the paths.
        """
        if fresh:
            for part in chunks(puts):
                self.tally.fresh.update(put.key for put in part)
                self._put_item_batch(part, {})
            return
        batch = list(puts)
        if held is None:
            parts = chunks([put.key for put in batch])
            held = {key: row for part in parts for key, row in self.items(part).items()}
        changed = [put for put in batch if _item_differs(put, held.get(put.key))]
        self._put_item_batch(changed, held)

    def _put_item_batch(self, puts: Sequence[ItemPut], held: Mapping[int, Row]) -> None:
        self._touch([put.key for put in puts])
        ended = [held[put.key] for put in puts if put.key in held]
        self._check_paths(puts, held)
        end_states(self.tx, self.view, ITEMS, ended)
        for part in chunks(puts):
            insert_items(self.tx, self.view, part, held)
        modified = sum(
            item_content(held[put.key]) != put.content for put in puts if put.key in held
        )
        self.tally.items(added=len(puts) - len(ended), modified=modified)

    def remove_items(self, keys: Collection[int]) -> None:
        """Removes items and, in the same version, their annotations. Absent keys are ignored."""
        for part in chunks(sorted(keys)):
            ended = list(self.items(part).values())
            self._touch([row.key for row in ended])
            self._remove_annotation_rows(
                annotations_of_items(self.tx, self.view, [row.key for row in ended])
            )
            end_states(self.tx, self.view, ITEMS, ended)
            self.tally.items(removed=len(ended))

    def put_annotations(
        self,
        puts: Iterable[AnnotationPut],
        *,
        fresh: bool = False,
        held: Mapping[int, Row] | None = None,
    ) -> None:
        """Adds or changes annotations; `fresh` and `held` as in `put_items`."""
        known = {} if fresh else held
        for part in chunks(puts):
            held = self.annotations([put.key for put in part]) if known is None else known
            changed = [put for put in part if _annotation_differs(put, held.get(put.key))]
            if not changed:
                continue
            self._touch([put.key for put in changed])
            ended = [held[put.key] for put in changed if put.key in held]
            items = {put.content.item for put in changed}
            self.tally.note(self.tx, self.view, items | {row.item for row in ended})
            self.tally.annotate(items)
            end_states(self.tx, self.view, ANNOTATIONS, ended)
            insert_annotations(self.tx, self.view, changed, held)
            self.tally.labels.subtract(row.label for row in ended)
            self.tally.labels.update(put.content.label for put in changed)
            modified = sum(
                annotation_content(held[put.key]) != put.content
                for put in changed
                if put.key in held
            )
            self.tally.annotations(added=len(changed) - len(ended), modified=modified)

    def remove_annotations(self, keys: Collection[int]) -> None:
        """Removes annotations. Absent keys are ignored."""
        for part in chunks(sorted(keys)):
            self._remove_annotation_rows(list(self.annotations(part).values()))

    def publish(self) -> int | None:
        """Makes the version visible at commit. Returns its number, None when nothing changed.

        A thing that is the same as before, only written anew by a merge, is counted as nothing.
        """
        if not (self.tally.counters.changed or self.touched or self.force):
            return None
        self.tally.settle(self.tx, self.view)
        if self.number == 1:
            self.tally.counters.as_first()
        self.tx.run(_NEW_VERSION, self._version_row())
        self.tx.run(_MOVE_HEAD, {"moved": self.dataset, "to": self.number})
        self.tx.announced.add(self.dataset)
        if len(self.view.sheets) > 1:  # what lies on nothing never needs to be flattened
            self.tx.published.add(self.dataset)
        return self.number

    # How.

    def _touch(self, keys: Sequence[int]) -> None:
        before = len(self.touched)
        self.touched.update(keys)
        assert len(self.touched) == before + len(keys), "a key was touched twice in one version"

    def _check_paths(self, puts: Sequence[ItemPut], held: Mapping[int, Row]) -> None:
        wanted = {put.content.path: held.get(put.key) for put in puts}
        assert len(wanted) == len(puts), "two items of one batch with one path"
        leaving = {row.id for row in wanted.values() if row is not None}
        new = [path for path, row in wanted.items() if row is None or row.path != path]
        for part in chunks(sorted(new)):
            for path, row in self.items_at(part).items():
                if row.id not in leaving:
                    raise PathTaken(f"Another item has the path {path!r}", path=("path",))

    def _remove_annotation_rows(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        self._touch([row.key for row in rows])
        self.tally.note(self.tx, self.view, {row.item for row in rows})
        end_states(self.tx, self.view, ANNOTATIONS, rows)
        self.tally.labels.subtract(row.label for row in rows)
        self.tally.annotations(removed=len(rows))

    def _version_row(self) -> dict[str, Any]:
        counters = self.tally.counters
        return {
            "dataset": self.dataset,
            "number": self.number,
            "operation": self.operation.value,
            "message": self.message,
            "author": self.tx.actor,
            "created_at": self.tx.now,
            "recipe": self.recipe,
            "newest_of": self.recipe,
            **{name: getattr(counters, name) for name in Counters.__dataclass_fields__},
        }


_NEW_VERSION = Prepared(
    sa.insert(VERSIONS).values(
        recipe_revision=sa.select(RECIPES.c.revision)
        .where(RECIPES.c.id == sa.bindparam("newest_of"))
        .scalar_subquery()
    )
)
_MOVE_HEAD = Prepared(
    sa.update(DATASETS)
    .where(DATASETS.c.id == sa.bindparam("moved"))
    .values(head=sa.bindparam("to"))
)
VERSION_ROW = Prepared(
    sa.select(VERSIONS).where(
        VERSIONS.c.dataset == sa.bindparam("dataset"), VERSIONS.c.number == sa.bindparam("number")
    )
)


def open_draft(
    tx: Tx,
    dataset: int,
    operation: Operation,
    *,
    expected_version: int | None = None,
    message: str | None = None,
) -> Draft:
    """Locks a dataset and begins its next version.

    Raises NotFound for one that is absent, deleted or not yet published, DatasetLocked for one that
    is read-only, and VersionMoved when the head is not `expected_version`.
    """
    head = lock_dataset(tx, dataset)
    expect_version(head, expected_version)
    last = tx.first(VERSION_ROW, {"dataset": dataset, "number": head})
    assert last is not None, "a published head without a version"
    counters = Counters(last.items, last.annotated_items, last.annotations)
    below = open_view(tx, dataset, head)
    own, *layers = below.sheets
    sheet = replace(own, at=head + 1)
    view = View(dataset, head + 1, True, (sheet, *layers))
    return Draft(tx, view, head + 1, operation, message, last.recipe, Tally(counters))


def _item_differs(put: ItemPut, held: Row | None) -> bool:
    if held is None or put.renew or item_content(held) != put.content:
        return True
    return put.written is not None and put.written.write != held.write


def _annotation_differs(put: AnnotationPut, held: Row | None) -> bool:
    if held is None or put.renew or annotation_content(held) != put.content:
        return True
    return put.written is not None and put.written.write != held.write
