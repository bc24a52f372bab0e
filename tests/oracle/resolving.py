"""Resolving the conflicts of a merge in the naive model: one version, conflict by conflict.

The conflicts are told to the model by position, as the service reported them; what they are was
compared when the merge was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.oracle.editing import Draft
from tests.oracle.groups import Conflict
from tests.oracle.model import Annotation, Dataset, Item, Json, Refused, Snapshot, World

LEFT, RIGHT, BASE, KEEP = "LEFT", "RIGHT", "BASE", "KEEP"
RESOLVED, CHANGED, GONE = "RESOLVED", "CHANGED", "GONE"
PATH_TAKEN, NO_SIDE = "PATH_TAKEN", "NO_SIDE"
STATUSES = ("ISSUE", "APPROVED", "REVIEW")


@dataclass
class Told:
    """A conflict of a report: which sources its sides come from, and the version that closed it."""

    conflict: Conflict
    left: tuple[int, int]
    right: tuple[int, int]
    resolved: int | None = None


@dataclass(frozen=True)
class Asked:
    """What to do about a conflict: one of the choices, or else a value that is set."""

    position: int
    choose: str | None = None
    value: Json = None


@dataclass
class Review:
    """What came of it; `version` is None when nothing could be decided."""

    version: int | None = None
    closed: set[int] = field(default_factory=set)
    open: int = 0
    skipped: dict[int, str] = field(default_factory=dict)


class _Stays(Exception):
    """A conflict that cannot be decided in this way now."""


def resolve(
    world: World,
    dataset: Dataset,
    merge: int | None,
    asked: Sequence[Asked],
    skipped: Mapping[int, str] | None = None,
) -> Review:
    """Decides those conflicts of a merge (None: of the newest) that are `asked` about. `skipped`
    are those that a rule has no answer for."""
    draft = Draft(world, dataset)
    at = max(dataset.reports, default=None) if merge is None else merge
    if at not in dataset.reports:
        raise Refused("NOT_FOUND")
    told: list[Told] = dataset.reports[at]
    if len({one.position for one in asked}) < len(asked):
        raise Refused("INVALID")
    if any(one.position not in range(len(told)) for one in asked):
        raise Refused("NOT_FOUND")
    review = Review(skipped=dict(skipped or {}))
    work = _Work(draft, dataset.at(at))
    removals = {at for at, one in enumerate(told) if one.conflict.field == "removed"}
    for one in sorted(asked, key=lambda one: (one.position not in removals, one.position)):
        try:
            if told[one.position].resolved is not None:
                raise _Stays(RESOLVED)
            work.decide(told[one.position].conflict, one)
        except _Stays as why:
            review.skipped[one.position] = str(why)
        else:
            review.closed.add(one.position)
    work.remove()
    before = dataset.head
    after = draft.finish("RESOLVE", force=bool(review.closed))
    review.version = after if after > before else None
    for position in review.closed:
        told[position].resolved = after
    review.open = sum(one.resolved is None for one in told)
    return review


@dataclass
class _Work:
    """The next version in the making. `then` is what the merge left; `now` is what stood before."""

    draft: Draft
    then: Snapshot
    leaving: set[int] = field(default_factory=set)

    @property
    def now(self) -> Snapshot:
        return self.draft.head

    def decide(self, conflict: Conflict, asked: Asked) -> None:
        if asked.choose == KEEP:
            return
        what = conflict.field
        if conflict.item in self.leaving:
            if what == "removed" and asked.choose == RIGHT:
                return
            raise _Stays(GONE)
        if what == "removed":
            self._remove(conflict, asked)
        elif what == "annotation":
            self._choose_annotation(conflict, asked)
        elif what == "status":
            self._set_status(conflict, asked)
        else:
            self._set_field(conflict, asked)

    def remove(self) -> None:
        for key in self.leaving:
            self.draft.drop_item(key)

    def _remove(self, conflict: Conflict, asked: Asked) -> None:
        if asked.choose not in (LEFT, RIGHT):
            raise Refused("INVALID")
        if conflict.item not in self.now.items:
            raise _Stays(GONE)
        if asked.choose == RIGHT:
            if _written(self.then, conflict.item) != _written(self.now, conflict.item):
                raise _Stays(CHANGED)
            self.leaving.add(conflict.item)

    def _choose_annotation(self, conflict: Conflict, asked: Asked) -> None:
        """One stays as it is, under a new write; or the first becomes what the base was."""
        base, key = conflict.base, conflict.annotation
        assert key is not None, "a conflict of annotations"
        if asked.choose is None or (asked.choose == BASE and base is None):
            raise Refused("INVALID")
        root = self.then.annotations[key].root
        before, present = _of_root(self.then, root), _of_root(self.now, root)
        if not present:
            raise _Stays(GONE)
        if {one.key: one.write for one in before} != {one.key: one.write for one in present}:
            raise _Stays(CHANGED)
        if asked.choose == BASE:
            stays = self._based_on(self.now.annotations[key], base)
        else:
            wanted = conflict.left if asked.choose == LEFT else conflict.right
            stays = next(one for one in present if one.content() == wanted.content())
        for one in present:
            del self.draft.annotations[one.key]
        self._renew(stays)

    def _based_on(self, row: Annotation, base: Annotation) -> Annotation:
        return replace(
            row,
            type=base.type,
            label=base.label,
            coordinates=base.coordinates,
            attributes=base.attributes,
            metadata=base.metadata,
            status=base.status,
            status_known=row.status_known or base.status is not None,
            updated=self.draft.world.stamp,
        )

    def _set_status(self, conflict: Conflict, asked: Asked) -> None:
        assert conflict.annotation is not None, "a conflict of annotations"
        status = _side(conflict, asked)
        if status is not None and status not in STATUSES:
            raise Refused("INVALID")
        row = self.now.annotations.get(conflict.annotation)
        if row is None:
            raise _Stays(GONE)
        if row.status != self.then.annotations[conflict.annotation].status:
            raise _Stays(CHANGED)
        stamp = self.draft.world.stamp
        self._renew(replace(row, status=status, status_known=True, updated=stamp))

    def _renew(self, row: Annotation) -> None:
        """A decision is a new write, also when nothing else is new."""
        self.draft.annotations[row.key] = replace(row, write=self.draft.world.fresh_write())

    def _set_field(self, conflict: Conflict, asked: Asked) -> None:
        value = _checked(conflict, asked)
        then, now = (shown.items.get(conflict.item) for shown in (self.then, self.now))
        if then is None or now is None:
            raise _Stays(GONE)
        if _part(then, conflict.field) != _part(now, conflict.field):
            raise _Stays(CHANGED)
        if conflict.field == "path":
            shown = (*self.now.items.values(), *self.draft.items.values())
            if any(row.path == value and row.key != now.key for row in shown):
                raise _Stays(PATH_TAKEN)
        self.draft.items[now.key] = self._with_part(now, conflict.field, value)

    def _with_part(self, now: Item, name: str, value: Json) -> Item:
        """What was decided before about the same item stays decided."""
        row = self.draft.items[now.key]
        if name.startswith("metadata."):
            others = {k: v for k, v in row.metadata.items() if f"metadata.{k}" != name}
            key = name.removeprefix("metadata.")
            row = replace(row, metadata=others if value is None else {**others, key: value})
        else:
            row = replace(row, **{name: value})
        if row.content() == now.content():
            return now
        world = self.draft.world
        return replace(row, write=world.fresh_write(), updated=world.stamp)


def _side(conflict: Conflict, asked: Asked) -> Json:
    sides = {LEFT: conflict.left, RIGHT: conflict.right, BASE: conflict.base}
    return asked.value if asked.choose is None else sides[asked.choose]


def _checked(conflict: Conflict, asked: Asked) -> Json:
    """The value to set; None is a key, or a text, that is not there."""
    value, name = _side(conflict, asked), conflict.field
    if asked.choose == BASE and value is None and name in ("path", "binary", "hidden"):
        raise Refused("INVALID")
    if asked.choose is None:
        fits = {
            "path": isinstance(value, str),
            "description": isinstance(value, str),
            "hidden": isinstance(value, bool),
            "binary": value in (conflict.base, conflict.left, conflict.right),
        }
        if not fits.get(name, True):
            raise Refused("INVALID")
    return value


def _part(row: Item, name: str) -> Json:
    key = name.removeprefix("metadata.")
    return row.metadata.get(key) if name.startswith("metadata.") else getattr(row, name)


def _written(shown: Snapshot, item: int) -> set[int]:
    return {shown.items[item].write, *(row.write for row in shown.annotations_of(item))}


def _of_root(shown: Snapshot, root: int) -> list[Annotation]:
    return [row for row in shown.annotations.values() if row.root == root]
