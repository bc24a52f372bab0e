"""Which states somebody needs, said naively: state by state, and version by version."""

from __future__ import annotations

import sqlalchemy as sa

from gql_service.catalog.line import FLATTENINGS
from gql_service.catalog.visibility import ANNOTATIONS, DATASETS, ITEMS, LAYERS, LINES
from gql_service.database.engine import Tx
from gql_service.versions.draft import VERSIONS
from gql_service.versions.knowledge import CHOSEN_KEYS, Seen, seen_by

Pin = tuple[int, frozenset[int] | None]
"""A version, and the keys of the items that matter there; None for all."""


def check_needed(tx: Tx, dataset: int) -> None:
    """Raises AssertionError when a state of a dataset, just swept, is there for nobody.

    While it is being flattened, nothing is taken away, and nothing is asked."""
    if tx.first(sa.select(FLATTENINGS.c.line).where(FLATTENINGS.c.dataset == dataset)):
        return
    pins: set[Pin] = {(number, None) for number in _readable(tx, dataset)}
    lines = [row.id for row in tx.rows(sa.select(LINES.c.id).where(LINES.c.dataset == dataset))]
    owner = LINES.alias()
    lying = (
        sa.select(LAYERS.c.at)
        .join(owner, owner.c.id == LAYERS.c.line)
        .join(DATASETS, DATASETS.c.id == owner.c.dataset)
        .where(LAYERS.c.below.in_(lines), DATASETS.c.purged_at.is_(None))
    )
    pins |= {(row.at, None) for row in tx.rows(lying)} | _seen_last(tx, dataset)
    for states in (ITEMS, ANNOTATIONS):
        for row in tx.rows(sa.select(states).where(states.c.line.in_(lines))):
            key = row.key if states is ITEMS else row.item
            needed = any(
                row.since <= at < row.until and (keys is None or key in keys) for at, keys in pins
            )
            assert needed, f"{states.name} {row.id} of dataset {dataset} is kept for nobody"


def _readable(tx: Tx, dataset: int) -> list[int]:
    c = VERSIONS.c
    kept = sa.select(c.number).where(c.dataset == dataset, c.expired_at.is_(None))
    return [row.number for row in tx.rows(kept)]


def _seen_last(tx: Tx, dataset: int) -> set[Pin]:
    there = sa.select(DATASETS.c.id).where(DATASETS.c.purged_at.is_(None), DATASETS.c.id != dataset)
    found: set[Pin] = set()
    for row in tx.rows(there):
        for version in _readable(tx, row.id):
            newest: dict[tuple[bool, tuple[int, ...]], Seen] = {}
            for one in seen_by(tx, row.id, version):
                kind = (one.annotations, one.batches)
                if one.other == dataset and (kind not in newest or newest[kind].at < one.at):
                    newest[kind] = one
            found |= {(one.at, _chosen(tx, one.batches)) for one in newest.values()}
    return found


def _chosen(tx: Tx, batches: tuple[int, ...]) -> frozenset[int] | None:
    if not batches:
        return None
    last = sa.select(CHOSEN_KEYS.c.key).where(CHOSEN_KEYS.c.batch == max(batches))
    return frozenset(row.key for row in tx.rows(last))
