"""What becomes of one item in a merge, once it is known which of its annotations survive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gql_service.catalog.json_text import canonical, parse
from gql_service.versions.content import Authorship, ItemContent, ItemPut
from gql_service.versions.merge_rules import (
    AnnotationFact,
    Conflict,
    ConflictPolicy,
    Group,
    ItemFact,
    Survivor,
    Verdict,
    base_of,
    choose_value,
)

FIELDS = ("path", "binary", "description", "hidden")


@dataclass(frozen=True, slots=True)
class ItemDecision:
    """The item as it is to be, None when it is removed. `first` is the first source that holds
    it."""

    put: ItemPut | None
    first: int
    conflicts: tuple[Conflict, ...] = ()


def needs_base(verdict: Verdict[ItemFact]) -> bool:
    """Whether fields have to be compared, for which the item's history is asked."""
    remaining = verdict.survivors or verdict.unreplaced
    return len({one.fact.content for one in remaining}) > 1


def settle_item(
    group: Group[ItemFact],
    verdict: Verdict[ItemFact],
    annotations: Sequence[AnnotationFact],
    seen_annotation: Callable[[int, AnnotationFact], bool],
    history: Sequence[ItemFact],
    on_conflict: ConflictPolicy,
) -> ItemDecision:
    """Decides an item that at least one source holds.

    A removal stands only when the removers have seen every annotation that survives on the item.
    """
    conflicts: list[Conflict] = []
    survivors = verdict.survivors
    if not survivors:
        removers = [s for s, facts in enumerate(group.held) if not facts]
        if all(any(seen_annotation(s, a) for s in removers) for a in annotations):
            return ItemDecision(None, 0)
        survivors = verdict.unreplaced
        remover = next(s for s in removers if any(group.seen(s, f) for f in verdict.held))
        conflicts.append(_kept_conflict(survivors[0], remover))
    if len({one.fact.content for one in survivors}) == 1:
        put = _agreed(survivors[0], verdict)
    else:
        base = base_of(group, survivors, history)
        content, found = _merged(survivors, base, verdict, on_conflict)
        conflicts += found
        put = ItemPut(
            survivors[0].fact.key,
            content,
            copied_from=survivors[0].fact.copied_from,
            authorship=_joined(survivors),
            renew=True,
        )
    if conflicts and not put.renew:
        put = replace(put, written=None, renew=True)
    first = next(source for source, facts in enumerate(group.held) if facts)
    return ItemDecision(put, first, tuple(conflicts))


def _agreed(survivor: Survivor[ItemFact], verdict: Verdict[ItemFact]) -> ItemPut:
    """One value, of however many sources: what it does not know, the newest that does lends it."""
    fact = survivor.fact
    fuller = None if fact.known else _newest_known(verdict)
    if fuller is not None:
        metadata = {**parse(fuller.content.metadata), **parse(fact.content.metadata)}
        text = canonical(metadata, object_only=True)
        content = replace(fact.content, metadata=text, metadata_known=True)
        return _put(fact, content, renew=True)
    return _put(fact, fact.content, renew=survivor.rejected)


def _put(fact: ItemFact, content: ItemContent, *, renew: bool) -> ItemPut:
    return ItemPut(
        fact.key,
        content,
        copied_from=fact.copied_from,
        written=None if renew else fact.written,
        authorship=fact.authorship,
        renew=renew,
    )


@dataclass(slots=True)
class _Fields:
    """Settles field after field over the same survivors, and collects the conflicts."""

    survivors: Sequence[Survivor[ItemFact]]
    on_conflict: ConflictPolicy
    conflicts: list[Conflict]

    def settle(
        self,
        name: str,
        values: Sequence[Any],
        base: Any,
        changed: Sequence[bool],
        shown: Callable[[Any], Any] = lambda value: value,
    ) -> Any:
        choice = choose_value(values, base, changed, self.on_conflict)
        if choice.left is not None and choice.right is not None:
            left, right = choice.left, choice.right
            self.conflicts.append(
                Conflict(
                    self.survivors[0].fact.key,
                    None,
                    name,
                    shown(base),
                    shown(values[left]),
                    shown(values[right]),
                    self.survivors[left].first,
                    self.survivors[right].first,
                    shown(choice.value),
                )
            )
        return choice.value


def _merged(
    survivors: Sequence[Survivor[ItemFact]],
    base: ItemFact | None,
    verdict: Verdict[ItemFact],
    on_conflict: ConflictPolicy,
) -> tuple[ItemContent, list[Conflict]]:
    """Field by field, and metadata key by key, against the base."""
    contents = [one.fact.content for one in survivors]
    fields = _Fields(survivors, on_conflict, [])
    merged: dict[str, Any] = {}
    for name in FIELDS:
        values = [getattr(content, name) for content in contents]
        before = getattr(base.content, name) if base else None
        changed = [base is None or value != before for value in values]
        merged[name] = fields.settle(name, values, before, changed)
    metadata, known = _merged_metadata(fields, contents, base, verdict)
    return ItemContent(metadata=metadata, metadata_known=known, **merged), fields.conflicts


def _merged_metadata(
    fields: _Fields,
    contents: Sequence[ItemContent],
    base: ItemFact | None,
    verdict: Verdict[ItemFact],
) -> tuple[str, bool]:
    """A side that does not know the metadata changes only the keys that it set."""
    known = any(content.metadata_known for content in contents)
    fullest = base if known else _newest_known(verdict)
    start = _members(fullest.content.metadata) if fullest and fullest.known else {}
    sides = [_members(content.metadata) for content in contents]
    merged: dict[str, str] = {}
    for key in sorted({*start, *(key for side in sides for key in side)}):
        values = [side.get(key) for side in sides]
        before = start.get(key)
        changed = [
            value != before and (content.metadata_known or value is not None)
            for value, content in zip(values, contents, strict=True)
        ]
        value = fields.settle(f"metadata.{key}", values, before, changed, _shown)
        if value is not None:
            merged[key] = value
    text = canonical({key: parse(value) for key, value in merged.items()}, object_only=True)
    return text, known or fullest is not None


def _members(metadata: str) -> dict[str, str]:
    """The members of a JSON object, each as text: 1 and true are equal in Python, not in JSON."""
    return {key: canonical(value, object_only=False) for key, value in parse(metadata).items()}


def _shown(text: str | None) -> Any:
    return None if text is None else parse(text)


def _newest_known(verdict: Verdict[ItemFact]) -> ItemFact | None:
    return next((fact for fact in verdict.held if fact.known), None)


def _joined(survivors: Sequence[Survivor[ItemFact]]) -> Authorship:
    """Made by whoever made the first; changed last by whoever changed one of them last."""
    first = survivors[0].fact.authorship
    last = max((one.fact.authorship for one in survivors), key=lambda a: a.updated_at)
    return replace(first, updated_by=last.updated_by, updated_at=last.updated_at)


def _kept_conflict(survivor: Survivor[ItemFact], remover: int) -> Conflict:
    fact = survivor.fact
    return Conflict(
        fact.key, None, "removed", None, "kept", "removed", survivor.first, remover, "kept"
    )


def overridden(survivor: Survivor[ItemFact], remover: int) -> Conflict:
    """The report of a change that stands against a removal."""
    fact = survivor.fact
    return Conflict(
        fact.key, None, "removed", None, "changed", "removed", survivor.first, remover, "changed"
    )
