"""What becomes of one annotation's lineage in a merge: one annotation, several, or none.

A lineage is a root: normally one annotation per source, more where an earlier merge kept two
versions of it beside one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gql_service.catalog.json_text import parse
from gql_service.versions.content import AnnotationContent, AnnotationPut, Authorship
from gql_service.versions.merge_rules import (
    AnnotationFact,
    Conflict,
    ConflictPolicy,
    Group,
    Survivor,
    Verdict,
    base_of,
    choose_value,
)

FRESH_KEY = 0
"""Stands for a key that is drawn when the merge is carried out."""


@dataclass(frozen=True, slots=True)
class AnnotationDecision:
    """The annotations of a lineage as they are to be."""

    puts: tuple[AnnotationPut, ...]
    conflicts: tuple[Conflict, ...] = ()


def needs_base(group: Group[AnnotationFact], verdict: Verdict[AnnotationFact]) -> bool:
    """Whether values have to be compared, for which the lineage's history is asked."""
    contents = {one.fact.content for one in verdict.survivors}
    return len(contents) > 1 and all(len(facts) <= 1 for facts in group.held)


def settle_annotation(
    group: Group[AnnotationFact],
    verdict: Verdict[AnnotationFact],
    history: Sequence[AnnotationFact],
    on_conflict: ConflictPolicy,
) -> AnnotationDecision:
    """Decides a lineage that at least one source holds."""
    survivors = verdict.survivors
    if not survivors:
        return AnnotationDecision(())
    if any(len(facts) > 1 for facts in group.held):
        return _settle_siblings(group, verdict)
    if len({one.fact.content for one in survivors}) == 1:
        return AnnotationDecision((_agreed(survivors[0], verdict),))
    base = base_of(group, survivors, history)
    moved = [s for s in survivors if base is None or _value(s.fact) != _value(base)]
    if len({_value(one.fact) for one in moved}) <= 1:
        return _joined(verdict, base, moved, on_conflict)
    return _both_kept(group, base, moved)


def _value(fact: AnnotationFact) -> AnnotationContent:
    """All that is merged as one: everything but the status."""
    return replace(fact.content, status=None, status_known=True)


def _put(fact: AnnotationFact, *, renew: bool, key: int | None = None) -> AnnotationPut:
    return AnnotationPut(
        fact.key if key is None else key,
        fact.root,
        fact.content,
        written=None if renew else fact.written,
        authorship=fact.authorship,
        renew=renew,
    )


def _agreed(survivor: Survivor[AnnotationFact], verdict: Verdict[AnnotationFact]) -> AnnotationPut:
    """One value, of however many sources: a status unknown to it is the newest known one."""
    fact = survivor.fact
    fuller = None if fact.known else _newest_known(verdict)
    if fuller is None:
        return _put(fact, renew=survivor.rejected)
    content = replace(fact.content, status=fuller.content.status, status_known=True)
    return _put(replace(fact, content=content), renew=True)


def _newest_known(verdict: Verdict[AnnotationFact]) -> AnnotationFact | None:
    return next((fact for fact in verdict.held if fact.known), None)


def _joined(
    verdict: Verdict[AnnotationFact],
    base: AnnotationFact | None,
    moved: Sequence[Survivor[AnnotationFact]],
    on_conflict: ConflictPolicy,
) -> AnnotationDecision:
    """At most one side changed the value: it stands, and the status is merged as a field."""
    survivors = verdict.survivors
    source = moved[0].fact if moved else base
    assert source is not None, "without a base every survivor has moved"
    conflicts: list[Conflict] = []
    status, known = _status(verdict, base, on_conflict, conflicts)
    content = replace(source.content, status=status, status_known=known)
    first = survivors[0].fact
    updated = (moved[-1] if moved else survivors[-1]).fact.authorship
    authors = Authorship(
        first.authorship.created_by,
        first.authorship.created_at,
        updated.updated_by,
        updated.updated_at,
    )
    put = AnnotationPut(first.key, first.root, content, authorship=authors, renew=True)
    return AnnotationDecision((put,), tuple(conflicts))


def _status(
    verdict: Verdict[AnnotationFact],
    base: AnnotationFact | None,
    on_conflict: ConflictPolicy,
    conflicts: list[Conflict],
) -> tuple[str | None, bool]:
    survivors = verdict.survivors
    if not any(one.fact.known for one in survivors):
        fuller = _newest_known(verdict)
        return (fuller.content.status, True) if fuller else (None, False)
    values = [one.fact.content.status for one in survivors]
    before = base.content.status if base else None
    changed = [
        one.fact.known and (base is None or value != before)
        for one, value in zip(survivors, values, strict=True)
    ]
    choice = choose_value(values, before, changed, on_conflict)
    if choice.left is not None and choice.right is not None:
        left, right = survivors[choice.left], survivors[choice.right]
        conflicts.append(
            Conflict(
                left.fact.content.item,
                survivors[0].fact.key,
                "status",
                before,
                left.fact.content.status,
                right.fact.content.status,
                left.first,
                right.first,
                choice.value,
            )
        )
    return choice.value, True


def _both_kept(
    group: Group[AnnotationFact],
    base: AnnotationFact | None,
    moved: Sequence[Survivor[AnnotationFact]],
) -> AnnotationDecision:
    """Several sides changed the value: each one's is kept, the first under its own key."""
    distinct: dict[AnnotationContent, Survivor[AnnotationFact]] = {}
    for one in moved:
        distinct.setdefault(_value(one.fact), one)
    kept = list(distinct.values())
    taken = {kept[0].fact.key}
    puts = [_put(kept[0].fact, renew=kept[0].rejected)]
    for one in kept[1:]:
        key = _own_key(group, one.fact, taken)
        taken.add(key)
        puts.append(_put(one.fact, renew=one.rejected, key=key))
    conflict = _kept_conflict(kept[0].fact.key, base, kept[0], kept[-1])
    return AnnotationDecision(tuple(puts), (conflict,))


def _own_key(group: Group[AnnotationFact], fact: AnnotationFact, taken: set[int]) -> int:
    """A key under which some source holds this very write, or a fresh one."""
    for facts in group.held:
        for held in facts:
            if held.written.write == fact.written.write and held.key not in taken:
                return held.key
    return FRESH_KEY


def _settle_siblings(
    group: Group[AnnotationFact], verdict: Verdict[AnnotationFact]
) -> AnnotationDecision:
    """Some source holds several of the lineage: compare the whole group, not key by key."""
    distinct: dict[AnnotationContent, Survivor[AnnotationFact]] = {}
    for one in verdict.survivors:
        distinct.setdefault(one.fact.content, one)
    kept = list(distinct.values())
    keys = _sibling_keys(group, kept)
    conflicts: tuple[Conflict, ...] = ()
    if len(kept) > max(len(facts) for facts in group.held):
        old = next(key for key in keys.values() if key != FRESH_KEY)
        conflicts = (_kept_conflict(old, None, kept[0], kept[-1]),)
    puts = tuple(
        _put(one.fact, renew=one.rejected, key=keys[one.fact.written.write]) for one in kept
    )
    return AnnotationDecision(puts, conflicts)


def _sibling_keys(
    group: Group[AnnotationFact], kept: Sequence[Survivor[AnnotationFact]]
) -> dict[int, int]:
    """The source that holds most of the lineage names its own; then keys the others have for the
    value, or had for one that it replaced; then fresh ones."""
    order = sorted(range(len(group.held)), key=lambda s: (-len(group.held[s]), s))
    names: dict[int, int] = {}
    taken: set[int] = set()

    def give(write: int, candidates: Sequence[int]) -> None:
        if write not in names:
            free = next((key for key in candidates if key not in taken), None)
            if free is not None:
                names[write] = free
                taken.add(free)

    writes = [one.fact.written.write for one in kept]
    for source in order:
        for write in writes:
            own = [f.key for f in group.held[source] if f.written.write == write]
            give(write, own)
    for write in writes:
        replaced = [
            f.key
            for facts in group.held
            for f in facts
            if f.written.write not in writes
            and any(group.seen(holder, f) for holder in group.holders(write))
        ]
        give(write, replaced)
    return {write: names.get(write, FRESH_KEY) for write in writes}


def _kept_conflict(
    key: int,
    base: AnnotationFact | None,
    left: Survivor[AnnotationFact],
    right: Survivor[AnnotationFact],
) -> Conflict:
    """`key` is that of one of the kept ones; it has to be known before fresh keys are drawn."""
    return Conflict(
        left.fact.content.item,
        key,
        "annotation",
        shown(base.content) if base else None,
        shown(left.fact.content),
        shown(right.fact.content),
        left.first,
        right.first,
        "both",
    )


def shown(content: AnnotationContent) -> Any:
    """An annotation as reports tell it: what it says, without the item that it is on."""
    return {
        "type": content.type,
        "label": content.label,
        "coordinates": parse(content.coordinates),
        "attributes": parse(content.attributes),
        "metadata": parse(content.metadata),
        "status": content.status,
    }
