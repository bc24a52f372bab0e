"""Planning a merge: reads the sources, decides every lineage that can differ, writes nothing.

One source is the ground: what it shows is there from the start, and only what the others can show
differently is read and decided. The result does not depend on which source that is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gql_service.catalog.visibility import (
    View,
)
from gql_service.database.engine import Tx
from gql_service.database.sets import chunks
from gql_service.versions import merge_annotations, merge_items
from gql_service.versions.content import (
    AnnotationPut,
    ItemPut,
    items_by_path,
)
from gql_service.versions.merge_rules import (
    AnnotationFact,
    Conflict,
    ConflictPolicy,
    Group,
    ItemFact,
    MergePolicy,
    Verdict,
    judge,
)
from gql_service.versions.merge_sources import (
    Facts,
    Source,
    annotation_history,
    candidates,
    item_fact,
    item_history,
    read_facts,
    removals,
)
from gql_service.versions.paths import PathChange, settle_paths


@dataclass(slots=True)
class MergePlan:
    """What the result is to be, told as changes of the ground, sources[ground]."""

    ground: int
    item_puts: list[ItemPut] = field(default_factory=list)
    item_removals: set[int] = field(default_factory=set)
    annotation_puts: list[AnnotationPut] = field(default_factory=list)
    annotation_removals: set[int] = field(default_factory=set)
    conflicts: list[Conflict] = field(default_factory=list)
    renamed: list[PathChange] = field(default_factory=list)
    unified: int = 0
    summed: int = 0


def plan_merge(
    tx: Tx, sources: Sequence[Source], policy: MergePolicy, on_conflict: ConflictPolicy
) -> MergePlan:
    """Decides a merge of two or more sources, in their order."""
    ground = max(range(len(sources)), key=lambda s: (sources[s].items, -s))
    plan = MergePlan(ground)
    keys, roots = candidates(tx, sources, ground)
    facts = read_facts(tx, sources, keys, roots)
    annotations = _judge_annotations(facts, keys, policy)
    _settle_items(tx, sources, plan, facts, keys, annotations, policy, on_conflict)
    _settle_annotations(tx, sources, plan, facts, annotations, on_conflict)
    _count_meetings(plan, facts, keys, sources)
    return plan


def _judge_annotations(
    facts: Facts, keys: set[int], policy: MergePolicy
) -> dict[int, tuple[Group[AnnotationFact], Verdict[AnnotationFact]]]:
    """What survives of each lineage. A source that has not the item does not remove what is on
    it: the item's own fate decides that."""
    judged = {}
    for root in {root for held in facts.annotations for root in held}:
        group = facts.annotation_group(root)
        item = next(held[0].content.item for held in group.held if held)
        may_remove = [item not in keys or item in held for held in facts.items]
        judged[root] = (group, judge(group, policy, may_remove))
    return judged


def _settle_items(
    tx: Tx,
    sources: Sequence[Source],
    plan: MergePlan,
    facts: Facts,
    keys: set[int],
    annotations: Mapping[int, tuple[Group[AnnotationFact], Verdict[AnnotationFact]]],
    policy: MergePolicy,
    on_conflict: ConflictPolicy,
) -> None:
    on_item: dict[int, list[AnnotationFact]] = {}
    for _, judged in annotations.values():
        for one in judged.survivors:
            on_item.setdefault(one.fact.content.item, []).append(one.fact)
    groups = {key: facts.item_group(key) for key in keys}
    always = [True] * len(sources)
    verdicts = {
        key: judge(group, policy, always) for key, group in groups.items() if any(group.held)
    }
    disputed = [key for key, verdict in verdicts.items() if merge_items.needs_base(verdict)]
    history = item_history(tx, sources, disputed)
    ground = facts.items[plan.ground]
    wishes: list[tuple[int, ItemPut]] = []
    for key, verdict in verdicts.items():
        decision = merge_items.settle_item(
            groups[key],
            verdict,
            on_item.get(key, []),
            facts.seen_annotation,
            history.get(key, []),
            on_conflict,
        )
        plan.conflicts += decision.conflicts
        if decision.put is not None:
            wishes.append((decision.first, decision.put))
        elif key in ground:
            plan.item_removals.add(key)
    if policy is MergePolicy.THREE_WAY:
        plan.conflicts += _overridden_removals(tx, sources, facts, groups, verdicts)
    removed = set(verdicts) - {put.key for _, put in wishes}
    _drop_annotations_of(annotations, removed)
    _settle_paths(tx, sources, plan, facts, wishes)


def _overridden_removals(
    tx: Tx,
    sources: Sequence[Source],
    facts: Facts,
    groups: Mapping[int, Group[ItemFact]],
    verdicts: Mapping[int, Verdict[ItemFact]],
) -> list[Conflict]:
    """A change wins over a removal and is told, unless whoever changed had seen the removal."""
    conflicts = []
    for position, source in enumerate(sources):
        absent = [
            key
            for key, verdict in verdicts.items()
            if verdict.survivors and not groups[key].held[position]
        ]
        for key, (dataset, version) in removals(tx, source.view, absent).items():
            survivors = verdicts[key].survivors
            holders = {h for s in survivors for h in groups[key].holders(s.fact.written.write)}
            if not any(
                facts.sights[holder].has_seen(key, dataset, version, annotation=False)
                for holder in holders
            ):
                conflicts.append(merge_items.overridden(survivors[0], position))
    return conflicts


def _drop_annotations_of(
    annotations: Mapping[int, tuple[Group[AnnotationFact], Verdict[AnnotationFact]]],
    removed: Collection[int],
) -> None:
    for _, verdict in annotations.values():
        verdict.survivors = [
            one for one in verdict.survivors if one.fact.content.item not in removed
        ]


def _settle_paths(
    tx: Tx,
    sources: Sequence[Source],
    plan: MergePlan,
    facts: Facts,
    wishes: list[tuple[int, ItemPut]],
) -> None:
    """Gives every item a path of its own: the one of the earlier source keeps it."""
    base = sources[plan.ground].view
    ground = facts.items[plan.ground]
    decided = {put.key for _, put in wishes} | plan.item_removals
    paths = {put.content.path for _, put in wishes}
    bystanders: dict[int, ItemFact] = {}
    for part in chunks(sorted(paths)):
        for row in items_by_path(tx, base, part).values():
            if row.key not in decided:
                bystanders[row.key] = item_fact(row)
    # A bystander is shown alike by all sources, so it stands first; it takes part only to be
    # renamed when the ground's dataset, and with it the bystander, comes later than a rival.
    firsts = {put.key: first for first, put in wishes}
    ordered = sorted(
        [*wishes, *((0, _unchanged(fact)) for fact in bystanders.values())],
        key=lambda wish: (wish[0], wish[1].key),
    )
    occupied = _occupied(tx, base, decided | bystanders.keys())
    changes = settle_paths([(put.key, put.content.path) for _, put in ordered], occupied)
    given = {change.item: change.given for change in changes}
    plan.renamed = changes
    for _, put in ordered:
        if put.key in given:
            moved = replace(put.content, path=given[put.key])
            put = replace(put, content=moved, written=None, renew=True)
        if put.key in firsts or put.key in given:
            held = ground.get(put.key)
            if held is None or _changes(put, held):
                plan.item_puts.append(put)


def _unchanged(fact: ItemFact) -> ItemPut:
    return ItemPut(
        fact.key,
        fact.content,
        copied_from=fact.copied_from,
        written=fact.written,
        authorship=fact.authorship,
    )


def _changes(put: ItemPut | AnnotationPut, held: ItemFact | AnnotationFact) -> bool:
    return put.renew or put.written != held.written or put.content != held.content


def _occupied(tx: Tx, base: View, decided: Collection[int]) -> Any:
    def occupied(paths: Sequence[str]) -> set[str]:
        taken: set[str] = set()
        for part in chunks(paths):
            rows = items_by_path(tx, base, part)
            taken |= {path for path, row in rows.items() if row.key not in decided}
        return taken

    return occupied


def _settle_annotations(
    tx: Tx,
    sources: Sequence[Source],
    plan: MergePlan,
    facts: Facts,
    annotations: Mapping[int, tuple[Group[AnnotationFact], Verdict[AnnotationFact]]],
    on_conflict: ConflictPolicy,
) -> None:
    disputed = [
        root for root, judged in annotations.items() if merge_annotations.needs_base(*judged)
    ]
    history = annotation_history(tx, sources, disputed)
    for root, (group, verdict) in annotations.items():
        decision = merge_annotations.settle_annotation(
            group, verdict, history.get(root, []), on_conflict
        )
        plan.conflicts += decision.conflicts
        held = {fact.key: fact for fact in facts.annotations[plan.ground].get(root, [])}
        plan.annotation_puts += [
            put for put in decision.puts if put.key not in held or _changes(put, held[put.key])
        ]
        kept = {put.key for put in decision.puts}
        plan.annotation_removals |= {
            key
            for key, fact in held.items()
            if key not in kept and fact.content.item not in plan.item_removals
        }


def _count_meetings(
    plan: MergePlan, facts: Facts, keys: set[int], sources: Sequence[Source]
) -> None:
    """How many items met in two or more sources, and how many stood alone. What is no candidate
    is held by all."""
    holders = [sum(key in held for held in facts.items) for key in keys]
    untouched = sources[plan.ground].items - len(facts.items[plan.ground])
    plan.summed = sum(count == 1 for count in holders)
    plan.unified = untouched + sum(count > 1 for count in holders)
