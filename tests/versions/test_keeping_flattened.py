"""Retention of datasets that were flattened: they let go of their past as others do.

That what is left says what it said is what the random histories find
(`run_history(…, retaining=True, flattened=0.3)`). A line that is needed only up to the version
before the next one began is found by seeds 14, 1017, 1021 and 1024 of them, and here.
"""

from __future__ import annotations

from typing import Any

from gql_service.catalog.lineage import items_at
from gql_service.catalog.visibility import ITEMS
from gql_service.versions.flatten import flatten
from gql_service.versions.forgetting import forget, plan_forgetting
from gql_service.versions.history import item_histories
from gql_service.versions.items import ItemPatch
from gql_service.versions.keeping import by_dataset, expire_versions, plan_expiry, set_retention
from gql_service.versions.tags import tag_version
from tests.builders import ON_SQLITE, Lab, by_keys, new_item
from tests.versions.needing import check_needed


def told(lab: Lab, dataset: int, head: int, key: int) -> list[tuple[int, Any]]:
    """The versions that changed an item, newest first, with what they did."""
    with lab.database.read(lab.actor) as tx:
        (item,) = items_at(tx, {(dataset, head): [key]}).values()
        events = item_histories(tx, [item])[item].events
    return [(version, event.kind) for (_, version), event in events]


@ON_SQLITE
def test_a_flattened_dataset_lets_go_of_its_past_and_tells_the_rest_as_before(lab: Lab) -> None:
    dataset = lab.dataset(new_item("/a", 1), new_item("/b", 2))  # at version 2
    a, b = lab.keys(dataset)
    lab.update(dataset, by_keys(a), ItemPatch(metadata={"n": 3}))
    flatten(lab.database, dataset)
    lab.delete(dataset, b)  # 4
    lab.update(dataset, by_keys(a), ItemPatch(metadata={"n": 5}))
    flatten(lab.database, dataset)
    lab.update(dataset, by_keys(a), ItemPatch(metadata={"n": 6}))
    lab.write(tag_version, dataset, "before", 4)
    lab.write(set_retention, dataset, 2, None)
    before, events = lab.shown(dataset, 4), told(lab, dataset, 6, a)
    planned = lab.read(plan_forgetting, by_dataset(lab.read(plan_expiry)))

    assert [one.versions for one in expire_versions(lab.database)] == [(1, 2, 3)]
    assert forget(lab.database) == planned

    assert [(one.dataset, one.binaries) for one in planned] == [(dataset, 1)]
    assert {row.binary for row in lab.rows(ITEMS)} == {1}
    assert lab.shown(dataset, 4) == before
    assert told(lab, dataset, 6, a) == [one for one in events if one[0] >= 5]
    with lab.database.read() as tx:
        check_needed(tx, dataset)
    assert forget(lab.database) == []
    lab.verify()
