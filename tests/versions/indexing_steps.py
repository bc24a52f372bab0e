"""Steps of metadata indexes: whatever is declared, dropped or half-filled, no answer changes.

The model knows nothing of indexes: it is asked what matches, of every version.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import pytest

from gql_service.catalog.filters import ItemFilter, JsonFilter
from gql_service.catalog.indexed_filter import helped
from gql_service.catalog.metadata_index import indexes_of, steps_of
from gql_service.catalog.page import count_items, page_items
from gql_service.catalog.visibility import open_view
from gql_service.versions import index_filling
from gql_service.versions.index_filling import declare_index, drop_index, tend_indexes
from gql_service.versions.verify_indexes import index_findings
from tests.versions.agreeing import agree
from tests.versions.flattening_steps import SMALL, Interrupted
from tests.versions.steps import METADATA_KEYS, Choose, Step, chance, one
from tests.versions.twin import Twin

INDEXED = 15
"""After how many steps of a hundred an index is declared, dropped or gone on with."""


def index_something(twin: Twin, choose: Choose) -> None:
    """Declares or drops an index; what is left to do is done in part, later, or now."""
    dataset, key = twin.id(one(choose, twin.alive())), one(choose, METADATA_KEYS)
    with twin.database.read() as tx:
        declared = [steps_of(index.path) for index in indexes_of(tx, [dataset])[dataset]]
    left = choose(5)

    def rest() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Interrupted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_filling, "BATCH", SMALL)
        if [key] not in declared:
            actor = twin.stage.users[0]
            twin.database.write(lambda tx: declare_index(tx, dataset, [key]), actor=actor)
        elif chance(choose, 40):
            twin.database.write(lambda tx: drop_index(tx, dataset, [key]))
        try:
            tend_indexes(twin.database, dataset, rest=rest)
        except Interrupted:
            twin.done["index: interrupted"] += 1
    twin.done["index"] += 1


def amid_indexes(step: Step, choose: Choose) -> Step:
    """The step, after which something may be indexed; `choose` is not that of the steps."""

    @wraps(step)
    def then_index(twin: Twin, choose_step: Choose) -> None:
        step(twin, choose_step)
        if chance(choose, INDEXED) and twin.alive():
            index_something(twin, choose)

    return then_index


def compare_indexed(twin: Twin, choose: Choose) -> None:
    """Every readable version that an index helps is asked something; all indexes are checked."""
    for dataset in twin.world.datasets:
        if dataset.number not in twin.purged and not dataset.deleted:
            for version in dataset.readable():
                _ask(twin, dataset.number, version, choose)
    with twin.database.read() as tx:
        agree(list(index_findings(tx)), [], "findings about indexes")


def _ask(twin: Twin, dataset: int, version: int, choose: Choose) -> None:
    key, value = one(choose, METADATA_KEYS), choose(3)
    asked: list[tuple[JsonFilter, Callable[[object], bool]]] = [
        (JsonFilter(path=[key], eq=value), lambda held: held == value),
        (JsonFilter(path=[key], gte=value), lambda held: isinstance(held, int) and held >= value),
        (JsonFilter(path=[key], exists=True), lambda _held: True),
    ]
    condition, holds = one(choose, asked)
    rows = twin.model(dataset).at(version).items.values()
    keys = [r.key for r in rows if key in r.metadata and holds(r.metadata[key])]
    expected = sorted(twin.pairing.item_keys(keys))
    where = f"{dataset} at {version}: {condition}"
    with twin.database.read() as tx:
        view, filter = open_view(tx, twin.id(dataset), version), ItemFilter(metadata=[condition])
        if not helped(tx, view, filter):  # what filters find without is compared elsewhere
            return
        twin.done["index: asked"] += 1
        found = [row.key for row in page_items(tx, view, filter, limit=1_000).rows]
        agree(sorted(found), expected, where)
        agree(count_items(tx, view, filter), len(expected), where)
