"""Planning a merge: reads the sources, decides every lineage that can differ, writes nothing.

One source is the ground: what it shows is there from the start, and only what the others can show
differently is read and decided. The result does not depend on which source that is. Nothing is
read of what needs no decision: sources that know nothing of the others, and annotations that one
of two sources changed alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from gql_service.database.engine import Tx
from gql_service.versions import merge_annotations, merge_items
from gql_service.versions.content import AnnotationPut
from gql_service.versions.merge_alone import Alone, changed_alone
from gql_service.versions.merge_paths import ItemPaths, Wish, changes, settle_item_paths
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
    candidate_annotations,
    candidate_items,
    families,
    item_history,
    read_facts,
    read_items,
    removals,
)


@dataclass(slots=True)
class MergePlan:
    """What the result is to be, told as changes of the ground, sources[ground].

    Only the sources `kin` are judged against one another. The others, strangers, know nothing of
    them: all that they show comes in as it is, but for the items that are put under other paths.
    What is `alone` comes in as it is, too.
    """

    ground: int
    kin: Sequence[int]
    alone: Alone | None = None
    paths: ItemPaths = field(default_factory=lambda: ItemPaths([], [], {}, {}))
    item_removals: set[int] = field(default_factory=set)
    annotation_puts: list[AnnotationPut] = field(default_factory=list)
    annotation_removals: set[int] = field(default_factory=set)
    conflicts: list[Conflict] = field(default_factory=list)
    unified: int = 0
    summed: int = 0
    removed: int = 0
    """Items that some source holds and the result does not."""
    annotations: int = 0
    """How many more the result has than the ground, without those that are `alone`."""
    news: bool = False
    """Whether some source holds a value that the ground has neither taken nor seen: it may have
    the same by itself, but has still to learn of it."""


def plan_merge(
    tx: Tx,
    sources: Sequence[Source],
    policy: MergePolicy,
    on_conflict: ConflictPolicy,
    *,
    into: bool = False,
) -> MergePlan:
    """Decides a merge of two or more sources, in their order; `into` the first of them, which then
    is the ground, or into something new."""
    related = sorted(s for family in families(sources) if len(family) > 1 for s in family)
    ground = max(related or range(len(sources)), key=lambda s: (sources[s].items, -s))
    plan = MergePlan(ground, related or [ground])
    if into:
        ground = 0
        plan = MergePlan(ground, sorted({ground, *related}))
    keys = candidate_items(tx, sources, plan.kin, ground)
    items = read_items(tx, sources, plan.kin, keys)
    uneven = sorted(key for key in keys if not all(key in items[s] for s in plan.kin))
    if not into:  # what is copied unread would have to be told from what is there already
        plan.alone = _alone(tx, sources, plan, uneven)
    roots = plan.alone.left if plan.alone else candidate_annotations(tx, sources, plan.kin, ground)
    facts = read_facts(tx, sources, plan.kin, items, uneven, roots)
    annotations = _judge_annotations(facts, keys, policy)
    wishes = _settle_items(tx, sources, plan, facts, keys, annotations, policy, on_conflict)
    plan.paths = settle_item_paths(
        tx, sources, plan.kin, ground, facts.items[ground], plan.item_removals, wishes
    )
    _settle_annotations(tx, sources, plan, facts, annotations, on_conflict)
    _count_meetings(plan, facts, keys, sources)
    _count_annotations(plan, facts, sources)
    plan.news = into and any(_unheard(facts, source, ground) for source in plan.kin)
    return plan


def _alone(
    tx: Tx, sources: Sequence[Source], plan: MergePlan, uneven: Collection[int]
) -> Alone | None:
    ground = sources[plan.ground]
    if len(plan.kin) != 2:
        return None
    (other,) = (sources[s] for s in plan.kin if s != plan.ground)
    return changed_alone(tx, ground, other, uneven)


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
) -> list[Wish]:
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
    wishes: list[Wish] = []
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
        plan.conflicts += _overridden_removals(tx, sources, plan.kin, facts, groups, verdicts)
    removed = set(verdicts) - {put.key for _, put in wishes}
    plan.removed = len(removed)
    _drop_annotations_of(annotations, removed)
    return wishes


def _overridden_removals(
    tx: Tx,
    sources: Sequence[Source],
    kin: Sequence[int],
    facts: Facts,
    groups: Mapping[int, Group[ItemFact]],
    verdicts: Mapping[int, Verdict[ItemFact]],
) -> list[Conflict]:
    """A change wins over a removal and is told, unless whoever changed had seen the removal."""
    conflicts = []
    for position in kin:
        absent = [
            key
            for key, verdict in verdicts.items()
            if verdict.survivors and not groups[key].held[position]
        ]
        for key, (dataset, version) in removals(tx, sources[position].view, absent).items():
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
            put for put in decision.puts if put.key not in held or changes(put, held[put.key])
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
    is held by all that are judged, what a stranger has by nobody else."""
    holders = [sum(key in held for held in facts.items) for key in keys]
    untouched = sources[plan.ground].items - len(facts.items[plan.ground])
    alone = [source.items for s, source in enumerate(sources) if s not in plan.kin]
    plan.summed = sum(count == 1 for count in holders) + sum(alone)
    plan.unified = sum(count > 1 for count in holders)
    if len(plan.kin) > 1:
        plan.unified += untouched
    else:
        plan.summed += untouched


def _count_annotations(plan: MergePlan, facts: Facts, sources: Sequence[Source]) -> None:
    """By how many the annotations of the ground grow; those of removed items go with them."""
    held = {fact.key: fact for found in facts.annotations[plan.ground].values() for fact in found}
    gone = sum(fact.content.item in plan.item_removals for fact in held.values())
    new = sum(put.key not in held for put in plan.annotation_puts)
    strangers = (source for s, source in enumerate(sources) if s not in plan.kin)
    plan.annotations = new - gone - len(plan.annotation_removals)
    plan.annotations += sum(source.annotations for source in strangers)


def _unheard(facts: Facts, source: int, ground: int) -> bool:
    """Whether a source holds a write that the ground neither holds nor has seen."""
    items = facts.items[ground]
    if any(
        not (key in items and items[key].written.write == fact.written.write)
        and not facts.seen_item(ground, fact)
        for key, fact in facts.items[source].items()
    ):
        return True
    return any(
        not facts.seen_annotation(ground, fact)
        and fact.written.write not in facts.writes_of(ground, root)
        for root, found in facts.annotations[source].items()
        for fact in found
    )
