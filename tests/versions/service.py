"""The service as the histories drive it: one method per operation, in terms of its own ids.

The only file of the comparison that knows how the service's functions are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any, TypeVar

import sqlalchemy as sa

from gql_service.catalog.annotation_content import AnnotationStatus, AnnotationType
from gql_service.catalog.binary import Binary, BlobKey
from gql_service.catalog.dataset import Operation
from gql_service.catalog.filters import (
    AnnotationFilter,
    AnnotationsFilter,
    ItemFilter,
    JsonFilter,
    StringFilter,
)
from gql_service.catalog.project import Member, Project, Role
from gql_service.catalog.recipe import create_recipe
from gql_service.catalog.recipe_content import Label, RecipeContent
from gql_service.catalog.user import User
from gql_service.database.columns import table_of
from gql_service.database.engine import Database, Tx
from gql_service.errors import ServiceError
from gql_service.versions import annotations as annotating
from gql_service.versions import datasets, items, retention, tags
from gql_service.versions.clone import CloneOutcome, CloneRequest, clone_dataset
from gql_service.versions.clone_plan import plan_clone
from gql_service.versions.forgetting import Forgotten, forget_states
from gql_service.versions.given import GIVEN_NOTHING
from gql_service.versions.keeping import expire_versions_of, set_retention
from gql_service.versions.merge import MergeOutcome, MergeRequest, merge_datasets
from gql_service.versions.merge_forecast import forecast_merge
from gql_service.versions.merge_rules import ConflictPolicy, MergePolicy
from gql_service.versions.report_read import conflicts_of
from gql_service.versions.revert import RevertRequest, restore_items, revert_dataset
from gql_service.versions.selection import Selection
from tests.oracle.editing import AnnotationEdit, ItemEdit, NewAnnotation, NewItem
from tests.oracle.model import Flags
from tests.versions.agreeing import Disagreement, agree
from tests.versions.copies import Watched

T = TypeVar("T")
U = TypeVar("U")
USERS = 2
BINARIES = 5
RECIPES = {0: "animals", 1: "animals", 2: "birds"}
"""Which recipes there are, and which of them are equal to one another."""
START = datetime(2026, 1, 1, tzinfo=UTC)
_NUMBERS = count(1)


class Ticks:
    """A clock that the history winds on: a second per tick."""

    def __init__(self) -> None:
        self.tick = 0

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.tick)


@dataclass(frozen=True)
class Stage:
    """What a database holds before the first history: users, a project, recipes, binaries."""

    project: int
    users: tuple[int, ...]
    recipes: Mapping[int, int]
    binaries: tuple[int, ...]


def set_the_stage(database: Database) -> Stage:
    """Fills an empty database."""
    return database.write(_insert_stage)


def _insert_stage(tx: Tx) -> Stage:
    users = tuple(
        _insert(
            tx,
            User,
            name=f"user {n}",
            email=f"user{n}@example.org",
            admin=n == 0,
            created_at=tx.now,
        )
        for n in range(USERS)
    )
    project = _insert(tx, Project, name="histories", creator=users[0], created_at=tx.now)
    for user in users:
        tx.execute(
            sa.insert(table_of(Member)),
            {"project": project, "user": user, "role": Role.OWNER.value},
        )
    acting = Tx(tx.connection, tx.now, users[0], snapshot=False)
    recipes = {
        number: create_recipe(acting, project, f"recipe {number}", _content(kind))
        for number, kind in RECIPES.items()
    }
    return Stage(project, users, recipes, tuple(_insert_binary(tx, n) for n in range(BINARIES)))


def _content(kind: str) -> RecipeContent:
    extra = (Label("wren"),) if kind == "birds" else ()
    return RecipeContent(labels=(Label("cat"), Label("dog"), *extra))


def digest_of(number: int) -> str:
    """The SHA-256 that a binary of the stage has, whatever its bytes are."""
    return sha256(_blob_key(number).encode()).hexdigest()


def _blob_key(number: int) -> str:
    return f"{number:032x}"


def _insert_binary(tx: Tx, number: int) -> int:
    key = _blob_key(number)
    row = {"key": key, "state": "live", "lease_until": tx.now}
    tx.execute(sa.insert(table_of(BlobKey)), row)
    return _insert(
        tx,
        Binary,
        sha256=digest_of(number),
        size=number,
        mime_type="image/jpeg",
        blob_key=key,
        state="live",
        created_at=tx.now,
    )


def _insert(tx: Tx, model: Any, **values: Any) -> int:
    table = table_of(model)
    key: int = tx.scalar(sa.insert(table).values(values).returning(table.c.id))
    return key


@dataclass
class Service:
    """Operations on datasets, items and annotations by the service's ids; one transaction each."""

    database: Database
    stage: Stage
    clock: Ticks
    user: int = 0
    copied: Counter[str] = field(default_factory=Counter)
    """What the last merge copied unread."""

    def write(self, work: Callable[[Tx], T]) -> T:
        return self.database.write(work, actor=self.stage.users[self.user])

    def read(self, work: Callable[[Tx], T]) -> T:
        with self.database.read(self.stage.users[self.user]) as tx:
            return work(tx)

    def fresh_name(self) -> str:
        return f"history {next(_NUMBERS)}"

    def create_dataset(self, recipe: int) -> int:
        return self.write(
            lambda tx: datasets.create_dataset(
                tx, self.stage.project, self.fresh_name(), self.stage.recipes[recipe]
            )
        )

    def switch_recipe(self, dataset: int, recipe: int) -> None:
        self.write(lambda tx: datasets.switch_recipe(tx, dataset, self.stage.recipes[recipe]))

    def delete_dataset(self, dataset: int) -> None:
        self.write(lambda tx: datasets.delete_dataset(tx, dataset))

    def lock(self, dataset: int) -> None:
        self.write(lambda tx: datasets.set_lock(tx, dataset))

    def unlock(self, dataset: int) -> None:
        self.write(lambda tx: datasets.lift_lock(tx, dataset))

    def tag_golden(self, dataset: int) -> int:
        return self.write(lambda tx: tags.tag_version(tx, dataset, "golden", golden=True))

    def untag(self, dataset: int) -> int:
        return self.write(lambda tx: tags.delete_tag(tx, dataset, "golden"))

    def tag(self, dataset: int, name: str, version: int) -> int:
        return self.write(lambda tx: tags.tag_version(tx, dataset, name, version))

    def retain(self, dataset: int, newest: int) -> tuple[tuple[int, ...], Forgotten]:
        """Keeps that many versions of one dataset, and sweeps it: what expired, and what went."""
        self.write(lambda tx: set_retention(tx, dataset, newest, None))
        expired = self.write(lambda tx: expire_versions_of(tx, dataset))
        return expired, forget_states(self.database, dataset, size=3)

    def purge(self) -> None:
        """Purges every dataset that is deleted, however lately."""
        self.write(lambda tx: retention.purge_deleted(tx, older_than=timedelta(0)))

    def add_items(self, dataset: int, new: Sequence[NewItem], mode: str) -> tuple[int, ...]:
        given = [
            items.NewItem(
                path=one.path,
                binary=self.stage.binaries[one.binary],
                metadata=None if one.metadata is None else dict(one.metadata),
                description=one.description,
                hidden=one.hidden,
                annotations=tuple(_new_annotation(a) for a in one.annotations),
            )
            for one in new
        ]
        return self.write(
            lambda tx: items.add_items(
                tx, dataset, given, mode=items.UploadMode(mode), operation=Operation.UPLOAD
            )
        ).keys

    def update_items(self, dataset: int, keys: Sequence[int], edit: ItemEdit) -> None:
        """The same edit for each of the items."""
        metadata: dict[str, Any] = {**edit.set, **dict.fromkeys(edit.remove)}
        patch = items.ItemPatch(
            metadata=metadata or GIVEN_NOTHING,
            description=edit.fields.get("description", GIVEN_NOTHING),
            hidden=edit.fields.get("hidden", GIVEN_NOTHING),
        )
        self.write(lambda tx: items.update_items(tx, dataset, Selection(tuple(keys)), patch))

    def move_items(self, dataset: int, moves: Mapping[int, str]) -> None:
        self.write(lambda tx: items.move_items(tx, dataset, moves))

    def delete_items(self, dataset: int, keys: Sequence[int]) -> None:
        self.write(lambda tx: items.delete_items(tx, dataset, Selection(tuple(keys))))

    def add_annotations(
        self, dataset: int, new: Sequence[tuple[int, NewAnnotation]]
    ) -> tuple[int, ...]:
        given = [(item, _new_annotation(one)) for item, one in new]
        return self.write(lambda tx: annotating.add_annotations(tx, dataset, given)).keys

    def update_annotations(self, dataset: int, edits: Sequence[AnnotationEdit]) -> None:
        patches = [annotating.AnnotationPatch(edit.key, **_given(edit.fields)) for edit in edits]
        self.write(lambda tx: annotating.update_annotations(tx, dataset, patches))

    def delete_annotations(self, dataset: int, keys: Collection[int]) -> None:
        self.write(lambda tx: annotating.delete_annotations(tx, dataset, keys))

    def revert(self, dataset: int, version: int, selection: Selection | None) -> None:
        self.write(lambda tx: revert_dataset(tx, RevertRequest(dataset, version, selection)))

    def restore(self, dataset: int, version: int, keys: Sequence[int]) -> None:
        self.write(lambda tx: restore_items(tx, dataset, version, keys))

    def clone(
        self, source: int, version: int, selection: Selection | None, flags: Flags, flat: bool
    ) -> CloneOutcome:
        request = CloneRequest(
            source=source,
            version=version,
            name=self.fresh_name(),
            selection=selection,
            strip_folders=flat,
            with_annotations=flags.annotations,
            with_metadata=flags.metadata,
            with_status=flags.status,
        )
        return self._clone(request)

    def clone_into(
        self,
        source: int,
        version: int,
        destination: int,
        selection: Selection | None,
        flags: Flags,
        **how: Any,
    ) -> CloneOutcome:
        request = CloneRequest(
            source=source,
            version=version,
            destination=destination,
            selection=selection,
            with_annotations=flags.annotations,
            with_metadata=flags.metadata,
            with_status=flags.status,
            **how,
        )
        return self._clone(request)

    def _clone(self, request: CloneRequest) -> CloneOutcome:
        """A plan must say beforehand what comes of it."""
        plan, outcome = self._foreseen(
            lambda tx: plan_clone(tx, request),
            lambda: self.write(lambda tx: clone_dataset(tx, request)),
        )
        agree(
            (plan.items, plan.annotations, [(one.wanted, one.given) for one in plan.renamed]),
            (
                outcome.items,
                outcome.annotations,
                [(one.wanted, one.given) for one in outcome.renamed],
            ),
            "clone: plan and outcome",
        )
        return outcome

    def _foreseen(self, plan: Callable[[Tx], T], act: Callable[[], U]) -> tuple[T, U]:
        """What a plan says and what is done then; a refusal must be the same for both."""
        try:
            foreseen = self.read(plan)
        except ServiceError as expected:
            try:
                act()
            except ServiceError as refusal:
                said = (refusal.code, refusal.message, refusal.path)
                agree(said, (expected.code, expected.message, expected.path), "plan: refusal")
                raise
            raise Disagreement("a plan was refused, and what it foresaw was done") from expected
        return foreseen, act()

    def merge(
        self,
        sources: Sequence[tuple[int, int]],
        policy: str,
        on_conflict: str,
        flags: Flags,
        into: int | None = None,
    ) -> MergeOutcome:
        """A plan must say beforehand what comes of it."""
        request = self._merge_request(sources, policy, on_conflict, flags, into)
        self.copied.clear()
        plan, outcome = self._foreseen(
            lambda tx: forecast_merge(tx, request),
            lambda: self.write(lambda tx: merge_datasets(Watched.of(tx, self.copied), request)),
        )
        agree(
            (plan.outcome, plan.items, plan.annotations, plan.unified, plan.summed, plan.changed),
            (
                outcome.outcome,
                outcome.items,
                outcome.annotations,
                outcome.unified,
                outcome.summed,
                outcome.version is not None,
            ),
            "merge: plan and outcome",
        )
        agree(plan.renamed, outcome.renamed, "merge: planned and changed paths")
        if outcome.version is not None:
            point = (outcome.dataset, outcome.version)
            kept = self.read(lambda tx: conflicts_of(tx, point, limit=10_000))
            agree(list(plan.conflicts), kept, "merge: planned and kept conflicts")
        return outcome

    def overrides(
        self,
        sources: Sequence[tuple[int, int]],
        policy: str,
        on_conflict: str,
        flags: Flags,
        into: int,
    ) -> bool:
        """Whether a merge would tell of a change that stands against a removal."""
        request = self._merge_request(sources, policy, on_conflict, flags, into)
        try:
            plan = self.read(lambda tx: forecast_merge(tx, request))
        except ServiceError:
            return False
        return any(one.field == "removed" and one.chosen == "changed" for one in plan.conflicts)

    def _merge_request(
        self,
        sources: Sequence[tuple[int, int]],
        policy: str,
        on_conflict: str,
        flags: Flags,
        into: int | None,
    ) -> MergeRequest:
        return MergeRequest(
            name=self.fresh_name() if into is None else None,
            into=into,
            sources=tuple(sources),
            policy=MergePolicy(policy),
            on_conflict=ConflictPolicy(on_conflict),
            with_annotations=flags.annotations,
            with_metadata=flags.metadata,
            with_status=flags.status,
        )


def by_keys(keys: Sequence[int]) -> Selection:
    return Selection(keys=tuple(keys))


def by_label(label: str) -> Selection:
    some = AnnotationFilter(label=StringFilter(eq=label))
    return Selection(where=ItemFilter(annotations=AnnotationsFilter(some=some)))


def by_metadata(key: str, value: Any) -> Selection:
    return Selection(where=ItemFilter(metadata=[JsonFilter(path=[key], eq=value)]))


def _new_annotation(new: NewAnnotation) -> annotating.NewAnnotation:
    return annotating.NewAnnotation(
        type=AnnotationType(new.type),
        label=new.label,
        coordinates=new.coordinates,
        attributes=dict(new.attributes),
        metadata=dict(new.metadata),
        status=AnnotationStatus(new.status) if new.status else None,
    )


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(fields)
    if given.get("status") is not None:
        given["status"] = AnnotationStatus(given["status"])
    return given
