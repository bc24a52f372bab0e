"""Proves every invariant of the store by looking at all of it; changes nothing.

Each finding names the invariant that does not hold. A sound store has none, after any history of
operations, crashes and sweeps included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary_audit import audit_binaries
from gql_service.catalog.finding import EXAMPLES, Finding
from gql_service.catalog.heads import in_heads
from gql_service.catalog.tag import TAGS
from gql_service.catalog.visibility import (
    ANNOTATION_WHITEOUTS,
    ANNOTATIONS,
    DATASETS,
    ITEM_WHITEOUTS,
    ITEMS,
    LAYERS,
    LINES,
    Column,
    open_views,
)
from gql_service.database.columns import FOREVER
from gql_service.database.engine import Database, Tx
from gql_service.vault.contract import Vault
from gql_service.versions.draft import VERSIONS
from gql_service.versions.expiration import MAX_DAYS
from gql_service.versions.verify_indexes import index_findings
from gql_service.versions.verify_lines import flattened_lines, line_questions
from gql_service.versions.verify_version import check_version, holdings


def verify_store(
    database: Database,
    vault: Vault,
    *,
    deep: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> list[Finding]:
    """Checks everything in one snapshot: versions, reference counts, binaries, journal, vault.

    `deep` reads and hashes all bytes. `progress` is called once per version and per binary.
    """
    with database.read() as tx:
        return [
            *verify_versions(tx, progress=progress),
            *audit_binaries(tx, vault, deep=deep, progress=progress),
        ]


Question = tuple[str, sa.Select[Any]]
"""An invariant, and a statement that has no rows where it holds."""


def verify_versions(tx: Tx, *, progress: Callable[[], None] = lambda: None) -> list[Finding]:
    """Checks lines, layers, whiteouts and states, and every version of every dataset."""
    findings = [*_answered(tx), *_piles(tx), *flattened_lines(tx), *index_findings(tx)]
    holders: Counter[tuple[int, int]] = Counter()
    for dataset, versions in groupby(tx.rows(_VERSIONS), key=lambda row: row.dataset):
        rows = {row.number: row for row in versions}
        readable = [number for number, row in rows.items() if row.expired_at is None]
        views = open_views(tx, [(dataset, number) for number in readable])
        for view in views.values():
            row = rows[view.version]
            findings += check_version(tx, view, row)
            if view.version == row.head and row.deleted_at is None:
                holders.update(holdings(tx, view))
            progress()
    return [*findings, *_references(tx, holders)]


def _answered(tx: Tx) -> Iterator[Finding]:
    """A finding, with a few examples, for every question that has an answer."""
    for invariant, statement in _QUESTIONS:
        rows = tx.rows(statement)
        if rows:
            yield Finding(invariant, ", ".join(str(tuple(row)) for row in rows))


def _references(tx: Tx, holders: Counter[tuple[int, int]]) -> Iterator[Finding]:
    """References counted from the states' side are those that the heads show."""
    counted = {(row.dataset, row.binary): row.held for row in tx.rows(_REFERENCES)}
    for key in sorted(counted.keys() | holders.keys()):
        if counted.get(key, 0) != holders[key]:
            detail = f"dataset {key[0]}, binary {key[1]}: {counted.get(key, 0)}, not {holders[key]}"
            yield Finding("references are what heads show", detail)


def _held_by_heads() -> sa.Select[Any]:
    def build(state: sa.FromClause, dataset: Column) -> sa.Select[Any]:
        return sa.select(dataset.label("dataset"), state.c.binary.label("binary"))

    found = in_heads(build).subquery()
    pair = (found.c.dataset, found.c.binary)
    return sa.select(*pair, sa.func.count().label("held")).group_by(*pair)


def _numbers() -> Iterator[Question]:
    number, head = VERSIONS.c.number, DATASETS.c.head
    gaps = (
        sa.select(DATASETS.c.id)
        .outerjoin(VERSIONS, VERSIONS.c.dataset == DATASETS.c.id)
        .where(DATASETS.c.purged_at.is_(None))
        .group_by(DATASETS.c.id, head)
        .having(
            sa.or_(
                sa.func.count(number) != head,
                sa.func.coalesce(sa.func.min(number), 1) != 1,
                sa.func.coalesce(sa.func.max(number), 0) != head,
            )
        )
    )
    yield "versions are numbered from 1 to the head", gaps


def _intervals() -> Iterator[Question]:
    for states in (ITEMS, ANNOTATIONS):
        ahead = (
            sa.select(states.c.id)
            .join(LINES, LINES.c.id == states.c.line)
            .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
            .where(
                sa.or_(
                    states.c.since > DATASETS.c.head,
                    sa.and_(states.c.until < FOREVER, states.c.until > DATASETS.c.head),
                )
            )
        )
        yield f"no {states.name} is dated after its dataset's head", ahead
        other = states.alias()
        overlapping = sa.select(states.c.id).where(
            other.c.line == states.c.line,
            other.c.key == states.c.key,
            other.c.id > states.c.id,
            other.c.since < states.c.until,
            other.c.until > states.c.since,
        )
        yield f"no two {states.name} of a key overlap on a line", overlapping


def _whiteouts() -> Iterator[Question]:
    for states, whiteouts in ((ITEMS, ITEM_WHITEOUTS), (ANNOTATIONS, ANNOTATION_WHITEOUTS)):
        ahead = (
            sa.select(whiteouts.c.state)
            .join(LINES, LINES.c.id == whiteouts.c.line)
            .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
            .where(whiteouts.c.since > DATASETS.c.head)
        )
        yield f"no {whiteouts.name} is dated after its dataset's head", ahead
        under = sa.select(sa.literal(1)).where(
            LAYERS.c.line == whiteouts.c.line,
            LAYERS.c.below == states.c.line,
            states.c.since <= LAYERS.c.at,
            states.c.until > LAYERS.c.at,
        )
        stray = (
            sa.select(whiteouts.c.state)
            .join(states, states.c.id == whiteouts.c.state)
            .where(~under.exists())
        )
        yield f"every one of {whiteouts.name} covers what its line saw", stray
        upper = whiteouts.alias()
        twice = sa.select(upper.c.state).where(
            upper.c.state == whiteouts.c.state,
            LAYERS.c.line == upper.c.line,
            LAYERS.c.below == whiteouts.c.line,
            LAYERS.c.at >= whiteouts.c.since,
        )
        yield f"no state is covered twice in one pile by {whiteouts.name}", twice


def _piles(tx: Tx) -> Iterator[Finding]:
    piles: dict[int, list[sa.Row[Any]]] = {}
    for row in tx.rows(_LAYERS):
        piles.setdefault(row.line, []).append(row)
    for line, (parent, *rest) in piles.items():
        below = piles.get(parent.below, [])
        if [(row.below, row.at) for row in rest] != [(row.below, row.at) for row in below]:
            yield Finding("a line lies on its parent and on all that lies under it", f"line {line}")
        for upper, lower in zip(rest, below, strict=False):
            for mask in ("with_annotations", "with_metadata", "with_status"):
                wanted = getattr(lower, mask) and getattr(parent, mask)
                if getattr(upper, mask) != wanted:
                    yield Finding("masks of layers are combined downwards", f"line {line}, {mask}")


def _late_layers() -> Iterator[Question]:
    late = (
        sa.select(LAYERS.c.line)
        .join(LINES, LINES.c.id == LAYERS.c.below)
        .join(DATASETS, DATASETS.c.id == LINES.c.dataset)
        .where(LAYERS.c.at > DATASETS.c.head)
    )
    yield "no layer is frozen at a version that is not published", late


def _writes() -> Iterator[Question]:
    """Rows with one write are copies of one value: same identity, origin and content."""
    for states, same, known, when_known in (
        (ITEMS, ("key", "path", "binary", "hidden"), "metadata_known", "metadata"),
        (
            ANNOTATIONS,
            ("root", "item", "type", "label", "coordinates", "attributes", "metadata"),
            "status_known",
            "status",
        ),
    ):
        c = states.c
        write = sa.func.coalesce(c.copy_of, c.id)
        fact = sa.func.coalesce(sa.case((c[known], c[when_known])), "")
        columns = [sa.cast(c[name], sa.Text()) for name in (*same, "origin_dataset")]
        columns.append(sa.cast(c.origin_version, sa.Text()))
        differ = [sa.func.min(column) != sa.func.max(column) for column in columns]
        full = sa.select(write).where(c[known])
        split = sa.select(write).group_by(write).having(sa.or_(*differ))
        yield f"one write of {states.name} is one value everywhere", split
        torn = full.group_by(write).having(sa.func.min(fact) != sa.func.max(fact))
        yield f"one write of {states.name} has one {when_known}", torn


def _marks() -> Iterator[Question]:
    """What people set beside the versions: tags, and the lock that makes a dataset read-only."""
    tags = sa.select(TAGS.c.id).join(DATASETS, DATASETS.c.id == TAGS.c.dataset)
    stray = sa.or_(TAGS.c.version > DATASETS.c.head, DATASETS.c.purged_at.is_not(None))
    yield "every tag is of a published version that is kept", tags.where(stray)
    locked, locker = DATASETS.c.locked_at.is_not(None), DATASETS.c.locked_by.is_not(None)
    unsound = sa.or_(
        sa.and_(locked, DATASETS.c.deleted_at.is_not(None)),
        sa.and_(locked, ~locker),
        sa.and_(~locked, locker),
    )
    yield (
        "a locked dataset is not deleted, and was locked by somebody",
        (sa.select(DATASETS.c.id).where(unsound)),
    )
    days, by = DATASETS.c.item_max_days, DATASETS.c.expiration_by
    odd = sa.or_(days.is_(None) != by.is_(None), days < 1, days > MAX_DAYS)
    yield (
        "an expiration is of a number of days, and was set by somebody",
        sa.select(DATASETS.c.id).where(odd),
    )


def _expired() -> Iterator[Question]:
    """What retention has let expire, and why it may."""
    head, kept_from = DATASETS.c.head, DATASETS.c.kept_from
    expired = (
        sa.select(VERSIONS.c.dataset, VERSIONS.c.number)
        .join(DATASETS, DATASETS.c.id == VERSIONS.c.dataset)
        .where(VERSIONS.c.expired_at.is_not(None))
    )
    tagged = sa.exists().where(
        TAGS.c.dataset == VERSIONS.c.dataset, TAGS.c.version == VERSIONS.c.number
    )
    yield "no version with a tag has expired", expired.where(tagged)
    newer = VERSIONS.c.number >= sa.func.coalesce(kept_from, 0)
    yield "what a dataset keeps has not expired", expired.where(newer)
    beyond = sa.or_(kept_from < 2, kept_from > head)
    yield "a dataset keeps its head", sa.select(DATASETS.c.id).where(beyond)
    versions, days = DATASETS.c.keep_versions, DATASETS.c.keep_days
    given = sa.or_(versions.is_not(None), days.is_not(None))
    by = DATASETS.c.retention_by.is_not(None)
    odd = sa.or_(given != by, versions < 1, days < 1)
    yield (
        "a retention is of numbers, and was set by somebody",
        sa.select(DATASETS.c.id).where(odd),
    )


# Built once: making a statement anew takes longer than to run it over a small store.
_QUESTIONS = tuple(
    (invariant, statement.limit(EXAMPLES))
    for ask in (
        *(_numbers, _intervals, _whiteouts, _late_layers),
        *(line_questions, _writes, _marks, _expired),
    )
    for invariant, statement in ask()
)
_LAYERS = sa.select(LAYERS).order_by(LAYERS.c.line, LAYERS.c.depth)
_REFERENCES = _held_by_heads()
_VERSIONS = (
    sa.select(VERSIONS, DATASETS.c.head, DATASETS.c.deleted_at)
    .join(DATASETS, DATASETS.c.id == VERSIONS.c.dataset)
    .where(VERSIONS.c.number <= DATASETS.c.head)
    .order_by(VERSIONS.c.dataset, VERSIONS.c.number)
)
