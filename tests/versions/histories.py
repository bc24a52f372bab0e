"""Random histories: a seed, a number of steps, and the databases they run on."""

from __future__ import annotations

import random
from collections import Counter

from gql_service.database.engine import Database
from tests.versions.differing import compare_diffs
from tests.versions.ending import compare_everything
from tests.versions.flattening_steps import flatten_amid, flatten_quietly
from tests.versions.indexing_steps import amid_indexes, compare_indexed
from tests.versions.marking_steps import try_locked
from tests.versions.remembering import compare_pasts
from tests.versions.resolving_steps import RESOLVING
from tests.versions.retaining_steps import RETAINING
from tests.versions.reverting_steps import REVERTING
from tests.versions.reviewing import compare_reviews
from tests.versions.service import Stage, set_the_stage
from tests.versions.sharing_steps import DROPPING, INTO, SHARING
from tests.versions.steps import EDITS, Choose, Step, begin
from tests.versions.twin import Twin

STEPS = 20
LOCKED = 0.05
"""After how many steps a dataset is locked for a moment."""
FLATTENED = 0.15
"""After how many steps a dataset is flattened."""


def prepared(database: Database) -> Stage:
    """Sets the stage of an empty database, and keeps all its compiled statements.

    Masks and piles of layers make more kinds of statements than the engine remembers by itself.
    """
    database.engine = database.engine.execution_options(compiled_cache={})
    database.reading = database.reading.execution_options(compiled_cache={})
    return set_the_stage(database)


class Failed(AssertionError):
    """A history in which service and model disagree, by its seed."""


def run_history(
    database: Database,
    stage: Stage,
    seed: int,
    steps: int = STEPS,
    *,
    dropping: bool | None = None,
    into: bool | None = None,
    reverting: bool | None = None,
    retaining: bool | None = None,
    indexing: bool | None = None,
    resolving: bool = False,
    flattened: float = FLATTENED,
) -> Counter[str]:
    """Lives one history on a database whose stage is set, and says what was done.

    Without `dropping` every third seed also deletes and purges datasets, without `into` every fifth
    also merges into datasets that are there, without `reverting` every fifth one also reverts,
    without `retaining` every seventh also lets versions expire, and without `indexing` every third
    also declares and drops metadata indexes. With `resolving` conflicts are decided, too.
    Raises Failed when service and model disagree anywhere.
    """
    chooser = random.Random(seed)
    choose: Choose = chooser.randrange
    with_drops = seed % 3 == 2 if dropping is None else dropping
    with_into = seed % 5 == 3 if into is None else into
    with_reverts = seed % 5 == 4 if reverting is None else reverting
    with_retention = seed % 7 == 5 if retaining is None else retaining
    with_indexes = seed % 3 == 1 if indexing is None else indexing
    kinds = [
        *(*EDITS, *SHARING),
        *(INTO if with_into else ()),
        *(DROPPING if with_drops else ()),
        *(REVERTING if with_reverts else ()),
        *((*RETAINING, *EDITS) if with_retention else ()),
        *(RESOLVING if resolving else ()),
    ]
    names: list[Step] = [step for step, _ in kinds]
    weights = [weight for _, weight in kinds]
    twin = Twin(database, stage)
    # Of their own: every seed lives the history it lived.
    others = ("marks", "flattens", "indexes")
    marker, flattener, indexer = (random.Random(f"{name} {seed}") for name in others)
    if with_indexes:
        names = [amid_indexes(step, indexer.randrange) for step in names]
    amid = flatten_amid(names)
    at = 0
    try:
        begin(twin, choose)
        for step in chooser.choices(names, weights, k=steps):
            at += 1
            step(twin, choose)
            if marker.random() < LOCKED:
                try_locked(twin, marker.randrange)
            if flattener.random() < flattened:
                kind = flatten_quietly if flattener.random() < 0.5 else amid
                kind(twin, flattener.randrange)
        compare_everything(twin)
        if with_indexes:
            compare_indexed(twin, indexer.randrange)
        compare_reviews(twin)
        compare_diffs(twin)
        compare_pasts(twin)
    except Exception as error:
        raise Failed(f"seed {seed}, step {at} of {steps}: {error}") from error
    return twin.done
