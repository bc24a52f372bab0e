"""Claims of keys: two at once, a change that fails, and what is forgotten.

On SQLite writers take turns; on PostgreSQL the second one is seen to wait before the first ends.

Seeded bugs that turned these red: a look for the key before it is inserted, and a claim after the
work (both on PostgreSQL only); the work run again on a retry; the digest not compared; a claim that
never ends, or that any retry renews; a sweep that stops after its first part, or that forgets young
claims.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import TypeAdapter

from gql_service.catalog import idempotency
from gql_service.catalog.idempotency import KEPT, KEYS, Claim, Done, ShownOnce, forget, once
from gql_service.catalog.project import PROJECTS, create_project
from gql_service.catalog.sweep import sweep
from gql_service.database.engine import Database, Tx
from gql_service.errors import IdempotencyConflict, NameTaken
from gql_service.settings import Settings
from gql_service.vault.contract import Vault
from tests.conftest import SetClock

PATIENCE = 20
MOMENT = timedelta(microseconds=1)
NUMBER: TypeAdapter[int] = TypeAdapter(int)


def claim(key: str = "key", digest: str = "digest", operation: str = "createProject") -> Claim:
    return Claim(operation, key, digest)


def creating(name: str) -> Callable[[Tx], int]:
    return lambda tx: create_project(tx, name)


def run(database: Database, actor: int, claim: Claim, work: Callable[[Tx], int]) -> Done[int]:
    return database.write(lambda tx: once(tx, claim, work, NUMBER), actor=actor)


def count(database: Database, table: sa.Table) -> int:
    with database.read() as tx:
        number: int = tx.scalar(sa.select(sa.func.count()).select_from(table))
        return number


def test_the_second_time_only_the_result_is_read(database: Database, actor: int) -> None:
    first = run(database, actor, claim(), creating("p"))
    assert run(database, actor, claim(), creating("q")) == Done(first.result, repeated=True)
    assert not first.repeated
    assert (count(database, PROJECTS), count(database, KEYS)) == (1, 1)


def test_what_is_shown_once_is_not_stored_and_not_told_again(
    database: Database, actor: int
) -> None:
    def make(tx: Tx) -> Done[str]:
        return once(tx, claim(), lambda _: "secret", ShownOnce("It was shown"))

    assert database.write(make, actor=actor).result == "secret"
    with pytest.raises(IdempotencyConflict, match="It was shown"):
        database.write(make, actor=actor)
    with database.read() as tx:
        assert "secret" not in str(tx.rows(sa.select(KEYS)))


def test_a_result_of_nothing_is_told_again(database: Database, actor: int) -> None:
    nothing: TypeAdapter[None] = TypeAdapter(None)
    calls: list[int] = []

    def work(_: Tx) -> None:
        calls.append(1)

    for _ in range(2):
        database.write(lambda tx: once(tx, claim(), work, nothing), actor=actor)
    assert calls == [1]


def wait_for_a_waiting_one(database: Database) -> None:
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    until = monotonic() + PATIENCE
    while monotonic() < until:
        with database.read() as tx:
            if tx.scalar(waiting):
                return
    raise AssertionError("nobody waited")


def overlapping(
    database: Database, actor: int, first: Callable[[Tx], int], second: Claim
) -> tuple[Future[Any], Future[Any]]:
    """Two changes at once; the second one begins when the first has claimed its key."""
    begun = Event()

    def hold(tx: Tx) -> int:
        begun.set()
        if tx.postgres:
            wait_for_a_waiting_one(database)
        return first(tx)

    def follow() -> Done[int]:
        assert begun.wait(PATIENCE)
        return run(database, actor, second, creating("second"))

    with ThreadPoolExecutor(2) as pool:
        return pool.submit(run, database, actor, claim(), hold), pool.submit(follow)


def test_the_second_of_two_at_once_waits_and_is_told_the_result(
    database: Database, actor: int
) -> None:
    first, second = overlapping(database, actor, creating("first"), claim())
    assert second.result() == Done(first.result().result, repeated=True)
    assert count(database, PROJECTS) == 1


def test_the_second_of_two_at_once_with_another_input_is_refused(
    database: Database, actor: int
) -> None:
    first, second = overlapping(database, actor, creating("first"), claim(digest="other"))
    assert isinstance(second.exception(), IdempotencyConflict)
    assert not first.result().repeated
    assert count(database, PROJECTS) == 1


def test_the_second_of_two_at_once_does_the_work_when_the_first_fails(
    database: Database, actor: int
) -> None:
    def refuse(tx: Tx) -> int:
        create_project(tx, "first")
        raise NameTaken("No")

    first, second = overlapping(database, actor, refuse, claim())
    assert isinstance(first.exception(), NameTaken)
    assert not second.result().repeated
    assert (count(database, PROJECTS), count(database, KEYS)) == (1, 1)


def test_the_second_of_two_at_once_renews_an_old_claim_no_more(
    database: Database, actor: int, clock: SetClock
) -> None:
    run(database, actor, claim(), creating("old"))
    clock.advance(KEPT)
    first, second = overlapping(database, actor, creating("first"), claim())
    assert not first.result().repeated
    assert second.result() == Done(first.result().result, repeated=True)
    assert count(database, PROJECTS) == 2


def test_a_sweep_forgets_what_has_ended_in_parts(
    database: Database,
    vault: Vault,
    actor: int,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idempotency, "FORGOTTEN_AT_ONCE", 2)
    for number in range(5):
        run(database, actor, claim(f"old {number}"), lambda _: 1)
    clock.advance(MOMENT)
    run(database, actor, claim("young"), lambda _: 1)
    clock.advance(KEPT - MOMENT)
    plan = sweep(database, vault, Settings(), dry_run=True)
    assert (plan.expired_idempotency_keys, count(database, KEYS)) == (5, 6)
    assert sweep(database, vault, Settings()).expired_idempotency_keys == 5
    assert count(database, KEYS) == 1
    assert run(database, actor, claim("young"), lambda _: 2).result == 1
    assert sweep(database, vault, Settings()).expired_idempotency_keys == 0


def test_a_sweep_leaves_alone_a_claim_that_is_being_renewed(
    database: Database, actor: int, clock: SetClock
) -> None:
    run(database, actor, claim(), lambda _: 1)
    clock.advance(KEPT)

    def renewing(tx: Tx) -> int:
        if tx.postgres:  # on SQLite the sweep would wait for us
            assert forget(database, clock()) == 0
        return 2

    assert run(database, actor, claim(), renewing).result == 2
    assert forget(database, clock()) == 0
    assert run(database, actor, claim(), lambda _: 3).result == 2
