"""Reviews: whose side a rule takes, and what a decision makes of what was unknown.

The random reviews of `test_histories` compare all else. Seeded bugs that turned these red: an item
that stands against its removal without its annotations; a status that a merge did not see compared;
the base of a masked annotation left unknown; removals looked for on the newest line only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gql_service.catalog.annotation_content import AnnotationStatus
from gql_service.versions.annotations import AnnotationPatch
from gql_service.versions.flatten import flatten
from gql_service.versions.forgetting import forget
from gql_service.versions.items import ItemPatch
from gql_service.versions.keeping import expire_versions, set_retention
from gql_service.versions.merge_rules import MergePolicy
from gql_service.versions.resolution import ConflictChoice, Resolution
from gql_service.versions.resolve import Resolved, ResolveRequest, resolve_conflicts
from gql_service.versions.side_authors import Rule
from tests.builders import ON_SQLITE, Lab, by_keys, mark, new_item
from tests.conftest import SetClock

pytestmark = ON_SQLITE
THREE_WAY = MergePolicy.THREE_WAY


def review(lab: Lab, dataset: int, **how: Any) -> Resolved:
    return lab.write(resolve_conflicts, ResolveRequest(dataset, **how))


def test_an_item_stands_against_its_removal_with_the_newest_of_its_annotations(
    lab: Lab, clock: SetClock
) -> None:
    dataset = lab.dataset(new_item("/a"), new_item("/b"))
    a, b = lab.keys(dataset)
    other = lab.clone(dataset)
    lab.annotate(dataset, b, mark())
    clock.advance(timedelta(seconds=1))
    lab.delete(other, a, b)
    clock.advance(timedelta(seconds=1))
    lab.annotate(dataset, a, mark())
    merged = lab.merging(dataset, other, policy=THREE_WAY)
    assert [one.field for one in merged.conflicts] == ["removed", "removed"]

    done = review(lab, merged.dataset, rule=Rule(newest=True))

    assert (done.closed, done.open) == (2, 0)
    assert lab.labels(merged.dataset) == {"/a": ["cat"]}
    lab.verify()


def test_a_rule_knows_the_sides_of_a_merge_that_did_not_see_statuses(
    lab: Lab, clock: SetClock
) -> None:
    dataset = lab.dataset(new_item("/a", 1, "cat"))
    other = lab.clone(dataset)
    for place, label in ((other, "dog"), (dataset, "cat")):
        clock.advance(timedelta(seconds=1))
        (row,) = lab.annotations(place)
        status = AnnotationStatus.APPROVED
        lab.change(place, AnnotationPatch(row.key, metadata={"by": label}, status=status))
    merged = lab.merging(other, dataset, with_status=False)
    assert [one.field for one in merged.conflicts] == ["annotation"]

    assert review(lab, merged.dataset, rule=Rule(newest=True)).closed == 1

    (left,) = lab.annotations(merged.dataset)
    assert left.metadata == '{"by":"cat"}'
    lab.verify()


def test_the_status_of_a_base_that_is_chosen_is_known_from_then_on(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1))
    lab.annotate(dataset, *lab.keys(dataset), mark(status=AnnotationStatus.ISSUE))
    seen, blind = lab.clone(dataset), lab.clone(dataset, with_status=False)
    for place, value in ((blind, 1), (seen, 2)):
        (row,) = lab.annotations(place)
        lab.change(place, AnnotationPatch(row.key, metadata={"n": value}))
    merged = lab.merging(blind, seen)
    assert [one.field for one in merged.conflicts] == ["annotation"]
    before = [(row.status, row.status_known) for row in lab.annotations(merged.dataset)]
    assert before == [(None, False), ("ISSUE", True)]

    base = Resolution(0, ConflictChoice.BASE)
    assert review(lab, merged.dataset, resolutions=(base,)).closed == 1

    (left,) = lab.annotations(merged.dataset)
    assert (left.metadata, left.status, left.status_known) == ("{}", "ISSUE", True)
    lab.verify()


def test_who_removed_an_item_is_known_after_a_flatten_whose_past_has_gone(
    lab: Lab, clock: SetClock
) -> None:
    dataset = lab.dataset(new_item("/a"), new_item("/b"))
    a, b = lab.keys(dataset)
    other = lab.clone(dataset)
    lab.delete(dataset, a)
    flatten(lab.database, dataset)
    for number in range(3):
        lab.update(dataset, by_keys(b), ItemPatch(metadata={"n": number}))
    lab.write(set_retention, dataset, 1, None)
    expire_versions(lab.database)
    forget(lab.database)
    clock.advance(timedelta(seconds=1))
    lab.update(other, by_keys(a), ItemPatch(description="changed"))

    merged = lab.merging(dataset, other, policy=THREE_WAY)

    assert [(one.field, one.item) for one in merged.conflicts] == [("removed", a)]
    assert review(lab, merged.dataset, rule=Rule(newest=True)).closed == 1
    assert lab.paths(merged.dataset) == ["/a", "/b"]
    lab.verify()
