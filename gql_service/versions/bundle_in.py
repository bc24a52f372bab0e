"""A dataset with all of its past comes in: the rows of a bundle, under numbers of this database.

All of it is one transaction, so nobody ever sees half of it, and every version that can be read is
verified before the end. Datasets that the bundle only speaks of are made as a purge would leave
them: without a name, for the knowledge and the layers that name them by number.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gql_service.catalog.binary import StoredBlob, attach
from gql_service.catalog.user import USERS, clean_email, create_user
from gql_service.catalog.visibility import DATASETS, open_views
from gql_service.database.columns import Timestamp, from_microseconds
from gql_service.database.engine import Tx
from gql_service.database.keys import take_keys
from gql_service.database.sets import CHUNK, among, chunks
from gql_service.errors import Invalid
from gql_service.versions.birth import refuse_taken_name
from gql_service.versions.bundle_tables import (
    BULK,
    DATASET_ROWS,
    LINE_ROWS,
    RECIPE_ROWS,
    Kind,
    Part,
)
from gql_service.versions.draft import VERSIONS
from gql_service.versions.verify_version import check_version

AT_ONCE = 2_000
"""Rows that are in memory at a time."""
_LOCK = ("locked_at", "locked_by", "lock_reason")

Rows = Callable[[Part], Iterable[Sequence[Any]]]
"""The rows of a part, in the order and the columns that the bundle has them in."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A bundle that has been checked for damage. `columns` are those of each part, `counted` says
    how many keys and writes it speaks of, `blobs` are its files, stored, in its order."""

    people: Sequence[tuple[str, str]]
    columns: Mapping[str, Sequence[str]]
    counted: Mapping[Kind, int]
    rows: Rows
    blobs: Sequence[StoredBlob]


@dataclass(frozen=True, slots=True)
class Arrived:
    """The dataset that was made, its head, and how many users had to be made for it."""

    dataset: int
    head: int
    users_made: int


def bring_in(tx: Tx, project: int, name: str, bundle: Incoming) -> Arrived:
    """Makes a dataset of that name; rights and the name's form are the caller's to check.

    Raises NameTaken, Invalid for rows that contradict one another, and what `attach` raises.
    """
    with _Refusing():
        users, made = _users(tx, bundle.people)
        numbers: dict[Kind, Sequence[int]] = {
            Kind.USER: users,
            Kind.BINARY: attach(tx, bundle.blobs),
            Kind.KEY: _keys(tx, bundle.counted[Kind.KEY]),
            Kind.ITEM_WRITE: _reserve(tx, "item_states", bundle.counted[Kind.ITEM_WRITE]),
            Kind.ANNOTATION_WRITE: _reserve(
                tx, "annotation_states", bundle.counted[Kind.ANNOTATION_WRITE]
            ),
        }
        numbers[Kind.RECIPE] = _recipes(tx, project, bundle, numbers)
        with refuse_taken_name(tx, project, name):
            rows = _named(bundle, DATASET_ROWS, numbers)
            numbers[Kind.DATASET], lock = _datasets(tx, project, name, rows)
        numbers[Kind.LINE] = _lines(tx, bundle, numbers)
        for part in BULK:
            _insert(tx, bundle, part, numbers)
        dataset = numbers[Kind.DATASET][0]
        if lock["locked_at"] is not None:  # no version can be inserted afterwards
            tx.execute(sa.update(DATASETS).where(DATASETS.c.id == dataset).values(lock))
        head = _verified(tx, dataset)
    tx.announced.add(dataset)
    tx.published.add(dataset)  # it may lie on more than it should
    return Arrived(dataset, head, made)


class _Refusing:
    """Turns what rows that fit nowhere lead to into one refusal."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError | LookupError | TypeError | ValueError):
            raise _contradictory(str(error).splitlines()[0]) from error


def _contradictory(detail: str) -> Invalid:
    return Invalid(f"The rows of the bundle contradict one another: {detail}", path=("source",))


def _users(tx: Tx, people: Sequence[tuple[str, str]]) -> tuple[list[int], int]:
    """Users by their addresses; who is not there is made, without a token and so without access."""
    addresses = [clean_email(email, ("source",)) for _, email in people]
    found = sa.select(USERS.c.id, USERS.c.email).where(among(USERS.c.email, addresses))
    known: dict[str, int] = {row.email: row.id for row in tx.rows(found)}
    before = len(known)
    for (name, _), email in zip(people, addresses, strict=True):
        if email not in known:
            known[email] = create_user(tx, name, email)
    return [known[email] for email in addresses], len(known) - before


def _keys(tx: Tx, count: int) -> array[int]:
    keys = array("q")
    for start in range(0, count, CHUNK):
        keys.extend(take_keys(tx, min(CHUNK, count - start)))
    return keys


def _reserve(tx: Tx, table: str, count: int) -> array[int]:
    """So many ids that no row of a table has or ever will get by itself, ascending."""
    given = {"table": table, "count": count}
    if tx.postgres:
        draw = sa.text(
            "SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)"
        )
        return array("q", sorted(row[0] for row in tx.execute(draw, given)))
    last = tx.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table"), given)
    if last is None:
        last = 0
        tx.execute(sa.text("INSERT INTO sqlite_sequence VALUES (:table, 0)"), given)
    move = sa.text("UPDATE sqlite_sequence SET seq = seq + :count WHERE name = :table")
    tx.execute(move, given)
    return array("q", range(last + 1, last + count + 1))


def _number(numbers: Mapping[Kind, Sequence[int]], kind: Kind | None, value: Any) -> Any:
    if kind is None or value is None:
        return value
    if kind is Kind.BATCHES:
        batches = map(int, value.split(",")) if value else ()
        return ",".join(str(_number(numbers, Kind.KEY, batch)) for batch in batches)
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} is none of the {kind.value}")
    return numbers[kind][value - 1]


def _translated(
    bundle: Incoming, part: Part, numbers: Mapping[Kind, Sequence[int]]
) -> Iterator[tuple[Any, ...]]:
    """Rows as the driver takes them."""
    kinds = [part.refers.get(name) for name in bundle.columns[part.name]]
    for row in bundle.rows(part):
        yield tuple(_number(numbers, k, value) for k, value in zip(kinds, row, strict=True))


def _named(
    bundle: Incoming, part: Part, numbers: Mapping[Kind, Sequence[int]]
) -> Iterator[dict[str, Any]]:
    """Rows as statements take them."""
    names = bundle.columns[part.name]
    moments = {c.name for c in part.table.c if isinstance(c.type, Timestamp)}
    for row in _translated(bundle, part, numbers):
        yield {
            name: from_microseconds(value) if name in moments and value is not None else value
            for name, value in zip(names, row, strict=True)
        }


def _insert(tx: Tx, bundle: Incoming, part: Part, numbers: Mapping[Kind, Sequence[int]]) -> None:
    names = bundle.columns[part.name]
    for rows in chunks(_translated(bundle, part, numbers), AT_ONCE):
        tx.insert(part.table, names, rows)


def _recipes(
    tx: Tx, project: int, bundle: Incoming, numbers: Mapping[Kind, Sequence[int]]
) -> list[int]:
    insert = sa.insert(RECIPE_ROWS.table).returning(RECIPE_ROWS.table.c.id)
    rows = _named(bundle, RECIPE_ROWS, numbers)
    return [tx.scalar(insert.values({**row, "project": project})) for row in rows]


def _datasets(
    tx: Tx, project: int, name: str, rows: Iterable[dict[str, Any]]
) -> tuple[list[int], dict[str, Any]]:
    """The dataset and those that it speaks of; and the lock, which is to be set at the end."""
    insert = sa.insert(DATASETS).returning(DATASETS.c.id)
    ids: list[int] = []
    lock: dict[str, Any] = dict.fromkeys(_LOCK)
    for row in rows:
        if not ids:
            lock = {column: row.pop(column) for column in _LOCK}
            row.update(project=project, name=name)
        else:
            row.update(project=project, name="", creator=tx.actor)
            row.update(deleted_at=tx.now, purged_at=tx.now)
            # What it did before is not carried: histories then say that there may have been more.
            row.update(kept_from=row["head"] if row["head"] > 1 else None)
        ids.append(tx.scalar(insert.values(row)))
    return ids, lock


def _lines(tx: Tx, bundle: Incoming, numbers: Mapping[Kind, Sequence[int]]) -> list[int]:
    insert = sa.insert(LINE_ROWS.table).returning(LINE_ROWS.table.c.id)
    ids: list[int] = []
    # A line replaces an older one, whose number is known by then.
    for row in _named(bundle, LINE_ROWS, {**numbers, Kind.LINE: ids}):
        ids.append(tx.scalar(insert.values(row)))
    return ids


def _verified(tx: Tx, dataset: int) -> int:
    """The head, when every version that can be read shows what its counters say. Raises Invalid."""
    own = sa.select(VERSIONS).where(VERSIONS.c.dataset == dataset).order_by(VERSIONS.c.number)
    versions = tx.rows(own)
    head: int = tx.scalar(sa.select(DATASETS.c.head).where(DATASETS.c.id == dataset))
    if [row.number for row in versions] != list(range(1, head + 1)) or head < 1:
        raise _contradictory("versions are numbered from 1 to the head")
    for part in chunks([row for row in versions if row.expired_at is None], AT_ONCE):
        views = open_views(tx, [(dataset, row.number) for row in part])
        for row in part:
            for finding in check_version(tx, views[dataset, row.number], row):
                raise _contradictory(f"{finding.invariant}: {finding.detail}")
    return head
