"""Random histories: the service agrees with the naive model at every version of every dataset.

Everything is compared: contents, lineage keys, which writes are the same, origins, authors, what
is known behind masks, counters, refusals, and what clones and merges report.

Each of these mistakes was put into the service on purpose, and found by the history of this number,
the first being seed 0:

| mistake | found by |
|---|---|
| off by one in a state's `since` · in a whiteout's | 1 · 1 |
| whiteouts ignored | 1 |
| annotations left when their item goes | 1 |
| a flag forgotten in the counters of a clone | 1 |
| a stale counter of a label | 1 |
| the ancestor's state covered instead of the visible one | 2 |
| a line listed twice after a merge with a clone | 2 |
| a base that only one side has seen · that only the first holder has seen | 2 · 2 |
| filtered out counted as seen | 2 |
| a value kept against a removal is not a new write | 6 |
| masked annotations counted as seen | 23 |
| whiteouts are no candidates of a merge | 90 |
| a clone into a dataset keeps a write that it had seen; a purge keeps only one pin | not in 120 |
| siblings not recognised; two values that have seen one another both go | not in 120 |

And these, where every history has 12 steps and some go back (`run_history(…, reverting=True)`):

| mistake | found by seed |
|---|---|
| a revert lifts a whiteout | 0 |
| a revert keeps old writes · is off by one version · forgets who made what comes back | 1 · 1 · 1 |
| annotations of items that come back are forgotten | 4 |
| items of which only annotations changed are not reverted | 5 |
| metadata that was unknown comes back as known | 9 |
| histories forget what whiteouts cover · take copies for events | 0 · 0 |
| histories forget what a line ends · blame stops at the first write | 1 · 1 |
| histories tell what a filtered clone has not seen | 4 |

And these, where merges are reviewed (`run_history(…, 6, resolving=True)`, from seed 30 on):

| mistake | found by seed |
|---|---|
| a field · an annotation is decided that was edited since | 54 · 40 |
| an item goes that was edited since | 40 |
| the annotation that stays is no new write · is the reviewer's own | 38 · 38 |
| a status that is set is no new write | 71 |
| of the conflicts of one item only the last is decided | 36 |
| KEEP makes no version · what is closed is closed again | 31 · 31 |
| the newest side turned round | 41 |

The last two rows of the first table are found by `test_special_histories` and by the tables of
`test_merge_rules`.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from gql_service.database.engine import Database
from gql_service.versions.verify import verify_versions
from tests.versions.histories import prepared, run_history
from tests.versions.machine import machine_for
from tests.versions.service import Stage

pytestmark = pytest.mark.model

SEEDS = {"sqlite": range(25), "postgresql": range(9, 18)}
REVIEWED = {"sqlite": (36, 40, 41, 44, 47, 49, 50, 54), "postgresql": (40, 49)}
EXAMPLES = {"sqlite": 8, "postgresql": 3}
"""The rules are the same on both: the second database shows that its statements are, too, in seeds
that do everything. What only later ones find is a matter of `proofs/histories`: it lives thousands.
"""


@pytest.fixture
def stage(database: Database) -> Stage:
    return prepared(database)


def test_random_histories_agree_with_the_naive_model(database: Database, stage: Stage) -> None:
    done: Counter[str] = Counter()

    for seed in SEEDS[database.dialect]:
        done += run_history(database, stage, seed)

    assert {"update: DATASET_LOCKED", "clone into: DATASET_LOCKED"} <= done.keys()
    sharing = {"clone", "clone filtered", "clone into", "purge", "conflict metadata"}
    assert sharing | {"revert", "revert some", "restore"} <= done.keys()


def test_random_reviews_of_merges_agree_with_the_naive_model(
    database: Database, stage: Stage
) -> None:
    done: Counter[str] = Counter()

    for seed in REVIEWED[database.dialect]:
        done += run_history(database, stage, seed, 6, resolving=True)

    decided = {"resolve: closed", "resolve by side: closed", "resolve by newest: closed"}
    assert decided | {"resolve by side: CHANGED", "resolve: RESOLVED"} <= (+done).keys()


def test_histories_that_hypothesis_builds_agree_too(database: Database, stage: Stage) -> None:
    run_state_machine_as_test(
        machine_for(database, stage),
        settings=settings(
            max_examples=EXAMPLES[database.dialect],
            stateful_step_count=15,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

    with database.read() as tx:
        assert verify_versions(tx) == []
