"""One history, lived twice: every operation is done by the service and by the naive model.

Both must do it or both must refuse it, for the same reason. The head that changed is compared at
once; `verify` compares every version of every dataset, and all counters, at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import sqlalchemy as sa

from gql_service.catalog.lost_state import LOST
from gql_service.catalog.visibility import ANNOTATIONS, ITEMS, LINES
from gql_service.database.engine import Database, Tx
from gql_service.database.sets import among
from gql_service.errors import ServiceError
from gql_service.versions.merge import MergeOutcome
from gql_service.versions.selection import Selection
from tests.oracle import cloning, editing, merging, reverting
from tests.oracle.editing import AnnotationEdit, ItemEdit, NewAnnotation, NewItem
from tests.oracle.groups import FAIL, UNION
from tests.oracle.merging import Report
from tests.oracle.model import Annotation, Dataset, Flags, Item, Refused, Snapshot, World
from tests.versions import reports
from tests.versions.agreeing import agree
from tests.versions.needing import check_needed
from tests.versions.pairing import Pairing
from tests.versions.service import RECIPES, USERS, Service, Stage, Ticks, by_keys

T = TypeVar("T")
U = TypeVar("U")


@dataclass
class Twin:
    """`done` counts what was done, by name; `purged` are datasets whose rows are gone."""

    database: Database
    stage: Stage
    clock: Ticks = field(default_factory=Ticks)
    done: Counter[str] = field(default_factory=Counter)
    purged: set[int] = field(default_factory=set)
    golden_at: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.database.clock = self.clock
        self.world = World(recipes=dict(RECIPES))
        self.service = Service(self.database, self.stage, self.clock)
        self.pairing = Pairing(self.stage, self.world)

    # What there is.

    def alive(self) -> list[int]:
        return [one.number for one in self.world.datasets if not one.deleted]

    def deleted(self) -> list[int]:
        return [one.number for one in self.world.datasets if one.deleted]

    def head(self, dataset: int) -> Snapshot:
        return self.model(dataset).at(self.model(dataset).head)

    def model(self, dataset: int) -> Dataset:
        return self.world.datasets[dataset]

    def id(self, dataset: int) -> int:
        return self.pairing.datasets[dataset]

    # Doing things twice.

    def both(
        self, name: str, model: Callable[[], T], service: Callable[[], U]
    ) -> tuple[T, U] | None:
        """Does one thing on both sides; None when both refuse it with the same code."""
        self.clock.tick += 1
        self.world.tick = self.clock.tick
        user = self.clock.tick % USERS
        self.world.user = self.service.user = user
        refused = "accepted"
        expected: T | None = None
        try:
            expected = model()
        except Refused as refusal:
            refused = refusal.code
        try:
            got = service()
        except ServiceError as error:
            agree(error.code.value, refused, f"{name}: refusal ({error.message})")
            self.done[f"{name}: {refused}"] += 1
            return None
        agree("accepted", refused, name)
        self.done[name] += 1
        assert expected is not None or refused == "accepted"
        return expected, got  # type: ignore[return-value]

    def check(self, dataset: int) -> None:
        """Compares a head."""
        with self.database.read() as tx:
            self.pairing.compare(tx, [(dataset, self.model(dataset).head)])

    def _edit(
        self, name: str, dataset: int, model: Callable[[], T], service: Callable[[], U]
    ) -> None:
        self.both(name, model, service)
        if not self.model(dataset).deleted:
            self.check(dataset)

    # Edits.

    def create(self, recipe: int) -> int:
        done = self.both(
            "create",
            lambda: editing.create_dataset(self.world, recipe),
            lambda: self.service.create_dataset(recipe),
        )
        assert done is not None
        self.pairing.datasets.append(done[1])
        return done[0].number

    def upload(self, dataset: int, new: Sequence[NewItem], mode: str) -> None:
        self._edit(
            f"upload {mode}",
            dataset,
            lambda: editing.add_items(self.world, self.model(dataset), new, mode),
            lambda: self.service.add_items(self.id(dataset), new, mode),
        )

    def update(self, dataset: int, keys: Sequence[int], edit: ItemEdit) -> None:
        edits = [replace(edit, key=key) for key in sorted(set(keys))]
        self._edit(
            "update",
            dataset,
            lambda: editing.update_items(self.world, self.model(dataset), edits),
            lambda: self.service.update_items(self.id(dataset), self.pairing.item_keys(keys), edit),
        )

    def move(self, dataset: int, moves: dict[int, str]) -> None:
        numbers = dict(zip(self.pairing.item_keys(moves), moves.values(), strict=True))
        self._edit(
            "move",
            dataset,
            lambda: editing.move_items(self.world, self.model(dataset), moves),
            lambda: self.service.move_items(self.id(dataset), numbers),
        )

    def delete(self, dataset: int, keys: Sequence[int]) -> None:
        self._edit(
            "delete",
            dataset,
            lambda: editing.delete_items(self.world, self.model(dataset), keys),
            lambda: self.service.delete_items(self.id(dataset), self.pairing.item_keys(keys)),
        )

    def annotate(self, dataset: int, new: Sequence[tuple[int, NewAnnotation]]) -> None:
        numbers = self.pairing.item_keys(item for item, _ in new)
        given = [(number, one) for number, (_, one) in zip(numbers, new, strict=True)]
        self._edit(
            "annotate",
            dataset,
            lambda: editing.add_annotations(self.world, self.model(dataset), new),
            lambda: self.service.add_annotations(self.id(dataset), given),
        )

    def reannotate(self, dataset: int, edits: Sequence[AnnotationEdit]) -> None:
        numbers = self.pairing.annotation_keys(edit.key for edit in edits)
        given = [replace(one, key=number) for number, one in zip(numbers, edits, strict=True)]
        self._edit(
            "edit annotation",
            dataset,
            lambda: editing.update_annotations(self.world, self.model(dataset), edits),
            lambda: self.service.update_annotations(self.id(dataset), given),
        )

    def unannotate(self, dataset: int, keys: Sequence[int]) -> None:
        self._edit(
            "delete annotation",
            dataset,
            lambda: editing.delete_annotations(self.world, self.model(dataset), keys),
            lambda: self.service.delete_annotations(
                self.id(dataset), self.pairing.annotation_keys(keys)
            ),
        )

    def switch(self, dataset: int, recipe: int) -> None:
        self._edit(
            "switch recipe",
            dataset,
            lambda: editing.switch_recipe(self.world, self.model(dataset), recipe),
            lambda: self.service.switch_recipe(self.id(dataset), recipe),
        )

    # Back to what was.

    def revert(
        self,
        dataset: int,
        version: int,
        chosen: Sequence[int] | None = None,
        selection: Selection | None = None,
    ) -> None:
        """`selection` is what `chosen` says, in the service's words."""
        if chosen is not None and selection is None:
            selection = by_keys(self.pairing.item_keys(chosen))
        self._edit(
            "revert" + (" some" if chosen is not None else ""),
            dataset,
            lambda: reverting.revert(self.world, self.model(dataset), version, chosen),
            lambda: self.service.revert(self.id(dataset), version, selection),
        )

    def restore(self, dataset: int, version: int, keys: Sequence[int]) -> None:
        numbers = self.pairing.item_keys(keys)
        self._edit(
            "restore",
            dataset,
            lambda: reverting.restore(self.world, self.model(dataset), version, keys),
            lambda: self.service.restore(self.id(dataset), version, numbers),
        )

    # Datasets as wholes.

    def drop(self, dataset: int) -> None:
        """A soft delete: the dataset refuses everything, and its clones do not notice."""

        def drop() -> None:
            if self.model(dataset).deleted:
                raise Refused("NOT_FOUND")
            if self.model(dataset).locked:
                raise Refused("DATASET_LOCKED")
            self.model(dataset).deleted = True

        self.both("drop", drop, lambda: self.service.delete_dataset(self.id(dataset)))

    def mark(self, mark: str, dataset: int, present: bool) -> None:
        """Sets or lifts a lock, or a golden tag, which no dataset has twice."""

        def change() -> None:
            model = self.model(dataset)
            if model.deleted and (mark == "locked" or present):
                raise Refused("NOT_FOUND")
            if getattr(model, mark) == present:
                raise Refused(_MARKED[mark, present])
            setattr(model, mark, present)
            if mark == "golden":
                self.golden_at[dataset] = model.head

        act = {
            ("locked", True): self.service.lock,
            ("locked", False): self.service.unlock,
            ("golden", True): self.service.tag_golden,
            ("golden", False): self.service.untag,
        }[mark, present]
        self.both(f"{mark} {present}", change, lambda: act(self.id(dataset)))

    def tag(self, dataset: int, version: int) -> None:
        """Gives a version a name of its own."""

        def tag() -> None:
            self.model(dataset).at(version)
            self.model(dataset).tagged.add(version)

        name = f"tag {self.clock.tick}"
        self.both("tag", tag, lambda: self.service.tag(self.id(dataset), name, version))

    def retain(self, dataset: int, newest: int) -> None:
        """Keeps the newest versions and those with tags; nothing that nobody needs is left."""

        def expire() -> set[int]:
            model = self.model(dataset)
            if model.deleted:
                raise Refused("NOT_FOUND")
            if model.locked:
                raise Refused("DATASET_LOCKED")
            tagged = model.tagged | ({self.golden_at[dataset]} if model.golden else set())
            new = (
                set(model.readable()) - tagged - set(range(model.head - newest + 1, model.head + 1))
            )
            model.expired |= new
            return new

        done = self.both("retain", expire, lambda: self.service.retain(self.id(dataset), newest))
        if done is not None:
            agree(done[1][0], tuple(sorted(done[0])), "retain: expired versions")
            self.done["states forgotten"] += done[1][1].item_states
            with self.database.read() as tx:
                check_needed(tx, self.id(dataset))

    def purge(self) -> None:
        """Takes away what only deleted datasets show; the model then forgets lost bases.

        What has a golden tag stays.
        """
        self.both("purge", lambda: None, self.service.purge)
        self.purged.update(one for one in self.deleted() if not self.model(one).golden)
        with self.database.read() as tx:
            items, annotations = self._stored_writes(tx)
        self.pairing.item_writes.forget_all_but(items)
        self.pairing.annotation_writes.forget_all_but(annotations)

    def _stored_writes(
        self, tx: Tx, among_lines: sa.ColumnElement[bool] | None = None
    ) -> tuple[dict[int, bool], dict[int, bool]]:
        """The writes of items and of annotations that some row holds: whether one knows all."""
        pairing, where = self.pairing, sa.true() if among_lines is None else among_lines
        return (
            _stored(tx, ITEMS, ITEMS.c.metadata_known, pairing.items.handle, where),
            _stored(tx, ANNOTATIONS, ANNOTATIONS.c.status_known, pairing.annotations.handle, where),
        )

    # Clones and merges.

    def clone(
        self,
        source: int,
        version: int,
        *,
        chosen: Sequence[int] | None = None,
        selection: Selection | None = None,
        flags: Flags = Flags(),  # noqa: B008 - frozen
        flat: bool = False,
    ) -> int | None:
        """The number of the clone. `selection` is what `chosen` says, in the service's words."""
        if chosen is not None and selection is None:
            selection = by_keys(self.pairing.item_keys(chosen))
        done = self.both(
            "clone" + (" filtered" if chosen is not None else "") + (" flat" if flat else ""),
            lambda: cloning.clone(
                self.world,
                self.model(source),
                version,
                chosen=chosen,
                flags=flags,
                strip_folders=flat,
            ),
            lambda: self.service.clone(self.id(source), version, selection, flags, flat),
        )
        if done is None:
            return None
        expected, got = done
        self.pairing.datasets.append(got.dataset)
        self.check(expected.dataset.number)
        reports.compare_clone(self.pairing, expected, got)
        return expected.dataset.number

    def clone_into(
        self,
        source: int,
        version: int,
        destination: int,
        *,
        directory: str = "/",
        chosen: Sequence[int] | None = None,
        selection: Selection | None = None,
        flags: Flags = Flags(),  # noqa: B008 - frozen
        flat: bool = False,
        allow_many: bool = False,
    ) -> None:
        if chosen is not None and selection is None:
            selection = by_keys(self.pairing.item_keys(chosen))
        done = self.both(
            "clone into" + (" allowing many" if allow_many else ""),
            lambda: cloning.clone_into(
                self.world,
                self.model(source),
                version,
                self.model(destination),
                directory=directory,
                chosen=chosen,
                flags=flags,
                strip_folders=flat,
                allow_many=allow_many,
            ),
            lambda: self.service.clone_into(
                self.id(source),
                version,
                self.id(destination),
                selection,
                flags,
                directory=directory,
                strip_folders=flat,
                allow_many=allow_many,
            ),
        )
        if done is not None:
            self.check(destination)
            reports.compare_clone(self.pairing, *done)

    def merge(
        self,
        sources: Sequence[tuple[int, int]],
        *,
        policy: str,
        on_conflict: str,
        flags: Flags = Flags(),  # noqa: B008 - frozen
    ) -> int | None:
        """The number of the merge, None when it was refused.

        The model does not know removals that a change overrides, which are conflicts to the
        service; so what fails on any conflict is tried as a union, where removals do not count.
        """
        if on_conflict == FAIL:
            policy = UNION
        self._forget_lost_bases(sources)
        done = self.both(
            f"merge {len(sources)} {policy} {on_conflict}",
            lambda: merging.merge(
                self.world,
                self._models(sources),
                policy=policy,
                on_conflict=on_conflict,
                flags=flags,
            ),
            lambda: self.service.merge(self._numbers(sources), policy, on_conflict, flags),
        )
        copied = self.service.copied
        self.done.update(f"merge copied {kind}" for kind, rows in copied.items() if rows)
        if done is None:
            return None
        self.pairing.datasets.append(done[1].dataset)
        self._compare_merge(*done, sources, made=True)
        return done[0].dataset.number

    def merge_into(
        self,
        destination: int,
        sources: Sequence[tuple[int, int]],
        *,
        policy: str,
        on_conflict: str,
        flags: Flags = Flags(),  # noqa: B008 - frozen
    ) -> bool:
        """Whether a version was made. What the model does not know of removals, it is told."""
        if on_conflict == FAIL:
            policy = UNION
        head = self.model(destination).head
        self._forget_lost_bases([(destination, head), *sources])
        given = (self._numbers(sources), policy, on_conflict, flags, self.id(destination))
        more_to_tell = self.service.overrides(*given)
        done = self.both(
            f"merge into {len(sources)} {policy} {on_conflict}",
            lambda: merging.merge_into(
                self.world,
                self.model(destination),
                self._models(sources),
                policy=policy,
                on_conflict=on_conflict,
                flags=flags,
                more_to_tell=more_to_tell,
            ),
            lambda: self.service.merge(*given),
        )
        if done is None:
            return False
        made = self.model(destination).head > head
        self.done["merge into: nothing new"] += not made
        self._compare_merge(*done, [(destination, head), *sources], made=made)
        return made

    def _models(self, points: Sequence[tuple[int, int]]) -> list[tuple[Dataset, int]]:
        return [(self.model(dataset), version) for dataset, version in points]

    def _numbers(self, points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(self.id(dataset), version) for dataset, version in points]

    def _compare_merge(
        self,
        expected: Report,
        got: MergeOutcome,
        sources: Sequence[tuple[int, int]],
        *,
        made: bool,
    ) -> None:
        self.check(expected.dataset.number)
        self.done[f"outcome {expected.outcome}"] += 1
        self.done["renamed by merge"] += len(expected.renamed)
        self.done.update(f"conflict {_kind(one.field)}" for one in expected.conflicts)
        reports.compare_merge(self.pairing, expected, got, made=made)
        if made:
            told = reports.told_conflicts(self.pairing, expected, got, sources)
            expected.dataset.reports[expected.dataset.head] = told

    def _forget_lost_bases(self, sources: Sequence[tuple[int, int]]) -> None:
        """Tells the model which old writes are still stored, once a purge or retention has taken
        some away.

        A merge looks for a base on the lines of the datasets that its sources know of. What is lost
        to retention alone must never be taken for another value; what a purge took, nobody knows.
        """
        if not self.purged and not any(one.expired for one in self.world.datasets):
            return
        known = set().union(*(self.model(d).then(v).kin for d, v in sources))
        lines = sa.select(LINES.c.id).where(among(LINES.c.dataset, [self.id(d) for d in known]))
        with self.database.read() as tx:
            wanted = [row.id for row in tx.rows(lines)]
            items, annotations = self._stored_writes(tx, among(sa.column("line"), wanted))
            left = sa.select(LOST.c.write).where(among(LOST.c.line, wanted))
            traces = {row.write for row in tx.rows(left)}

        def stored(row: Item | Annotation) -> Item | Annotation | None:
            if isinstance(row, Item):
                number = self.pairing.item_writes.number.get(row.write, 0)
                if items.get(number, True):
                    return row if number in items else None
                return replace(row, metadata={}, metadata_known=False)
            number = self.pairing.annotation_writes.number.get(row.write, 0)
            if annotations.get(number, True):
                return row if number in annotations else None
            return replace(row, status=None, status_known=False)

        def lost(row: Item | Annotation) -> bool:
            return stored(row) is None and (not self.purged or self._number(row) in traces)

        self.world.stored, self.world.lost = stored, lost

    def _number(self, row: Item | Annotation) -> int:
        """The service's number of a write, 0 for one that it does not have."""
        of_item = isinstance(row, Item)
        writes = self.pairing.item_writes if of_item else self.pairing.annotation_writes
        return writes.number.get(row.write, 0)


_MARKED = {
    ("locked", True): "DATASET_LOCKED",
    ("locked", False): "NOT_LOCKED",
    ("golden", True): "NAME_TAKEN",
    ("golden", False): "NOT_FOUND",
}
"""The refusal of what is so already."""


def _kind(field: str) -> str:
    return field.split(".")[0]


def _stored(
    tx: Tx,
    table: sa.Table,
    known: sa.ColumnElement[bool],
    keys: dict[int, int],
    where: sa.ColumnElement[bool],
) -> dict[int, bool]:
    write = sa.func.coalesce(table.c.copy_of, table.c.id)
    select = sa.select(write.label("write"), known.label("known"))
    rows = tx.rows(select.where(among(table.c.key, sorted(keys)), where))
    stored: dict[int, bool] = {}
    for row in rows:
        stored[row.write] = stored.get(row.write, False) or bool(row.known)
    return stored
