"""The rules of a merge: what becomes of one item, or of one annotation's lineage. Pure functions.

There is no common base of datasets. A value is superseded when a source that has seen it holds a
newer one; that alone serves any number of sources, criss-cross and repeated merges, filters and
masks, because what was filtered out or masked was never seen. Only when two values remain that
know nothing of one another are their fields compared with a base: the newest value that all of
their holders have seen. A conflict is a value in the answer, never an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from gql_service.versions.content import (
    AnnotationContent,
    Authorship,
    ItemContent,
    Written,
)


class MergePolicy(Enum):
    """What a removal means in a merge."""

    UNION = "UNION"
    THREE_WAY = "THREE_WAY"


class ConflictPolicy(Enum):
    """Whose value is taken where two sides changed the same field."""

    FIRST = "FIRST"
    LAST = "LAST"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class ItemFact:
    """An item as a source holds it, or as it once was; `lost` when nobody knows any more how."""

    key: int
    written: Written
    content: ItemContent
    authorship: Authorship
    copied_from: int | None = None
    lost: bool = False

    @property
    def known(self) -> bool:
        return self.content.metadata_known


@dataclass(frozen=True, slots=True)
class AnnotationFact:
    """An annotation as a source holds it, or as it once was; `lost` as for an item."""

    key: int
    root: int
    written: Written
    content: AnnotationContent
    authorship: Authorship
    lost: bool = False

    @property
    def known(self) -> bool:
        return self.content.status_known


class Fact(Protocol):
    @property
    def key(self) -> int: ...
    @property
    def written(self) -> Written: ...
    @property
    def known(self) -> bool: ...
    @property
    def lost(self) -> bool: ...


F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sides that cannot both be right, and what was chosen. Sources are positions; values are
    JSON values."""

    item: int
    annotation: int | None
    field: str
    base: Any
    left: Any
    right: Any
    left_source: int
    right_source: int
    chosen: Any


@dataclass(frozen=True, slots=True)
class Group(Generic[F]):
    """One lineage over all sources: `held[s]` is what source s holds of it."""

    held: Sequence[Sequence[F]]
    seen: Callable[[int, F], bool]

    def holders(self, write: int) -> list[int]:
        return [
            s for s, facts in enumerate(self.held) if any(f.written.write == write for f in facts)
        ]


@dataclass(slots=True)
class Survivor(Generic[F]):
    """A value that nothing superseded. `first` is the first source that holds it; `rejected` says
    that some source has seen it and let it go all the same."""

    fact: F
    first: int
    rejected: bool


@dataclass(slots=True)
class Verdict(Generic[F]):
    """What is left of a lineage, in the order of the sources. `unreplaced` are the survivors if
    removals did not count; `held` are all values, the newest first."""

    survivors: list[Survivor[F]]
    unreplaced: list[Survivor[F]]
    held: list[F] = field(default_factory=list)


def judge(group: Group[F], policy: MergePolicy, may_remove: Sequence[bool]) -> Verdict[F]:
    """Which values survive. A source removes a value only where `may_remove` says so."""
    firsts: dict[int, tuple[int, F]] = {}
    for source, facts in enumerate(group.held):
        for fact in facts:
            write = fact.written.write
            if write not in firsts:
                firsts[write] = (source, fact)
            elif fact.known and not firsts[write][1].known:
                firsts[write] = (firsts[write][0], fact)
    verdict: Verdict[F] = Verdict([], [])
    for source, fact in firsts.values():
        replaced, removed, rejected = _fate(group, fact, may_remove)
        survivor = Survivor(fact, source, rejected)
        if not replaced:
            verdict.unreplaced.append(survivor)
            if policy is MergePolicy.UNION or not removed:
                verdict.survivors.append(survivor)
    verdict.held = sorted((f for _, f in firsts.values()), key=lambda f: -f.written.write)
    return verdict


def _fate(group: Group[F], fact: F, may_remove: Sequence[bool]) -> tuple[bool, bool, bool]:
    """Whether some source has replaced the value, removed it, or at all let it go."""
    write = fact.written.write
    replaced = removed = rejected = False
    for source, facts in enumerate(group.held):
        if any(f.written.write == write for f in facts) or not group.seen(source, fact):
            continue
        rejected = True
        siblings = _siblings(group, write)
        others = [f for f in facts if f.written.write not in siblings]
        if any(not _stays(group, fact, other) for other in others):
            replaced = True
        elif not others and may_remove[source]:
            removed = True
    return replaced, removed, rejected


def _siblings(group: Group[F], write: int) -> set[int]:
    """The values that some source holds beside this one: kept together, neither replaced by the
    other."""
    found: set[int] = set()
    for facts in group.held:
        if len(facts) > 1:
            writes = {f.written.write for f in facts}
            if write in writes:
                found |= writes - {write}
    return found


def _stays(group: Group[F], fact: F, other: F) -> bool:
    """Each side has seen the other's value and holds its own: the newer one stays."""
    write, other_write = fact.written.write, other.written.write
    mutual = any(
        group.seen(holder, other)
        and all(f.written.write != other_write for f in group.held[holder])
        for holder in group.holders(write)
    )
    return mutual and write > other_write


def base_of(group: Group[F], verdict: Sequence[Survivor[F]], history: Sequence[F]) -> F | None:
    """The newest value that every holder of a survivor has seen; one that is fully known first.

    None when that one is lost: an older one would tell changes where there are none, and hide
    others.
    """
    holders = sorted({h for s in verdict for h in group.holders(s.fact.written.write)})
    ordered = sorted(history, key=lambda f: (-f.written.write, f.lost, not f.known))
    for fact in ordered:
        if all(group.seen(holder, fact) for holder in holders):
            return None if fact.lost else fact
    return None


@dataclass(frozen=True, slots=True)
class Choice:
    """The outcome for one field: the value, and the two sides when they are in conflict."""

    value: Any
    left: int | None = None
    right: int | None = None
    """Positions among the survivors."""


def choose_value(
    values: Sequence[Any], base: Any, changed: Sequence[bool], on_conflict: ConflictPolicy
) -> Choice:
    """One field over all survivors: nobody changed it, one value did, or they differ."""
    moved = [at for at, did in enumerate(changed) if did]
    if not moved:
        return Choice(base)
    left = moved[0]
    differing = [at for at in moved if values[at] != values[left]]
    if not differing:
        return Choice(values[left])
    taken = left if on_conflict is ConflictPolicy.FIRST else moved[-1]
    return Choice(values[taken], left, differing[-1])
