"""Tells subscriptions of this process that something may have happened, and ends what must end.

One task for all of them, and it lives only while somebody is connected. It hears of versions from
this process at once, from others by PostgreSQL's notices, or by looking at the heads of all watched
datasets in one statement: on SQLite often, on PostgreSQL now and then in case a notice was lost.
Whatever it hears is a hint, upon which a subscription looks for itself; what there is to tell is
read from the versions. Now and then it looks whether tokens are still valid and datasets still
readable, which no version tells.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg
import sqlalchemy as sa

from gql_service.api.context import Backend
from gql_service.api.live.source import Position
from gql_service.api.live.telling import Subscribed, Told
from gql_service.catalog.dataset import datasets_by_id, heads_of
from gql_service.catalog.user import tokens_alive
from gql_service.database.acting import Actor
from gql_service.database.deadline import Deadline
from gql_service.database.notices import LISTENING, notices
from gql_service.errors import LimitExceeded, ServiceError

T = TypeVar("T")

log = logging.getLogger("gql_service.api")

EVENTS_AT_ONCE = 4
"""Worker threads that make events at the same time; the others are left to requests."""
SHORTEST_POLL_SECONDS = 0.05
RECONNECT_SECONDS = 1.0


@dataclass(eq=False, slots=True)
class Watcher:
    """A subscription that waits: `news` is set when it had better look."""

    actor: Actor
    dataset: int | None
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False, slots=True)
class Connected:
    """A connection; `cut` ends it when its token is not valid any more."""

    token: str
    cut: Callable[[], None]


class Feed:
    """Everything that goes on in one process, for one event loop at a time."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._watchers: dict[int | None, set[Watcher]] = {}
        self._connected: set[Connected] = set()
        self._of_token: Counter[str] = Counter()
        self._heads: dict[int, int] = {}
        self._telling: dict[tuple[object, ...], asyncio.Task[Told]] = {}
        self._places = asyncio.Semaphore(EVENTS_AT_ONCE)
        self._task: asyncio.Task[None] | None = None
        self._stirred = asyncio.Event()
        self.closing = False

    # Who is there.

    @contextmanager
    def connected(self, token: str, cut: Callable[[], None]) -> Iterator[None]:
        """A connection, from the start of the block to its end. Raises LimitExceeded when the token
        has as many as it may have."""
        most = self._backend.settings.max_connections_per_token
        if self._of_token[token] >= most:
            raise LimitExceeded(f"A token can have {most} connections open")
        one = Connected(token, cut)
        self._connected.add(one)
        self._of_token[token] += 1
        self._begin()
        try:
            yield
        finally:
            self._connected.remove(one)
            self._of_token -= Counter((token,))  # which forgets the token with its last one
            self._end_unless_needed()

    @contextmanager
    def watching(self, actor: Actor, dataset: int | None) -> Iterator[asyncio.Event]:
        """News of a dataset, or of anything, from the start of the block to its end. Within the
        block of a connection."""
        one = Watcher(actor, dataset)
        self._watchers.setdefault(dataset, set()).add(one)
        self._stirred.set()
        try:
            yield one.news
        finally:
            of_dataset = self._watchers[dataset]
            of_dataset.remove(one)
            if not of_dataset:
                del self._watchers[dataset]
                if dataset is not None:
                    self._heads.pop(dataset, None)

    def close(self) -> None:
        """Ends every subscription: the server is stopping."""
        self.closing = True
        self._wake(tuple(self._watchers))

    # What there is to tell.

    async def told(self, subscription: Subscribed, position: Position) -> Told:
        """The event behind a position; made once for all who ask for the same at the same time.

        Raises as `Subscribed.tell`, and Timeout.
        """
        key = (*subscription.key, position)
        task = self._telling.get(key)
        if task is None:
            task = asyncio.create_task(self._tell(subscription, position))
            self._telling[key] = task
            task.add_done_callback(lambda done: self._is_told(key, done))
        return await asyncio.shield(task)

    async def _tell(self, subscription: Subscribed, position: Position) -> Told:
        async with self._places:
            with Deadline(self._backend.settings.request_seconds).active():
                return await self._backend.run(lambda: subscription.tell(position))

    def _is_told(self, key: tuple[object, ...], task: asyncio.Task[Told]) -> None:
        del self._telling[key]
        if not task.cancelled():
            task.exception()  # somebody has it, or nobody is there any more to have it

    # Hearing.

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(_log_failure)

    def _end_unless_needed(self) -> None:
        if not self._connected and self._task is not None:
            self._task.cancel()
            self._task = None
            self._heads.clear()

    async def _run(self) -> None:
        loop, database = asyncio.get_running_loop(), self._backend.database

        def hear(datasets: set[int]) -> None:
            with suppress(RuntimeError):  # the loop has just ended, and all who wait with it
                loop.call_soon_threadsafe(self._wake, frozenset(datasets))

        database.heard_by.add(hear)
        try:
            async with asyncio.TaskGroup() as tasks:
                if database.dialect == "postgresql":
                    tasks.create_task(self._listen())
                tasks.create_task(self._poll())
                tasks.create_task(self._look())
        finally:
            database.heard_by.discard(hear)

    def _wake(self, datasets: Collection[int | None]) -> None:
        for dataset in datasets:
            for watcher in self._watchers.get(dataset, ()):
                watcher.news.set()

    async def _listen(self) -> None:
        while True:
            try:
                async with aclosing(notices(self._backend.database.engine)) as heard:
                    async for dataset in heard:
                        known = tuple(self._watchers) if dataset == LISTENING else (dataset,)
                        self._wake(known)
            except psycopg.Error as trouble:
                log.warning("notices of other processes do not come: %s", trouble)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _poll(self) -> None:
        """Looks at heads: soon after something happened, and ever more rarely while nothing does.

        On PostgreSQL, where notices come, only as often as at everything else.
        """
        settings = self._backend.settings
        if self._backend.database.dialect == "postgresql":
            shortest = longest = settings.watch_look_seconds
        else:
            longest = settings.watch_poll_seconds
            shortest = min(SHORTEST_POLL_SECONDS, longest)
        pause = shortest
        while True:
            await asyncio.sleep(pause)
            watched = {dataset for dataset in self._watchers if dataset is not None}
            if not watched:
                self._stirred.clear()
                await self._stirred.wait()
            moved = await self._moved(watched)
            self._wake(moved)
            pause = shortest if moved else min(1.5 * pause, longest)

    async def _moved(self, watched: set[int]) -> set[int]:
        """Those of which the head is another one than when it was looked at last, or gone."""

        def read() -> dict[int, int]:
            with self._backend.database.read() as tx:
                return heads_of(tx, watched)

        heads = await self._read(read)
        if heads is None or not watched:
            return set()
        moved = {one for one in watched if self._heads.get(one) != heads.get(one)}
        self._heads = heads
        return moved

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._backend.settings.watch_look_seconds)
            await self._look_at_tokens(set(self._of_token))
            await self._look_at_rights()

    async def _look_at_tokens(self, tokens: set[str]) -> None:
        alive = await self._read(lambda: self._alive(tokens))
        if alive is not None:
            for one in tuple(self._connected):
                if one.token in tokens - alive:
                    one.cut()

    async def _look_at_rights(self) -> None:
        """Whoever must not read what they watch looks for themselves, and so learns it."""
        wanted: dict[Actor, set[int]] = {}
        for dataset, watchers in self._watchers.items():
            for watcher in watchers if dataset is not None else ():
                wanted.setdefault(watcher.actor, set()).add(watcher.dataset or 0)
        readable = await self._read(lambda: self._readable(wanted))
        for dataset, watchers in self._watchers.items():
            for watcher in watchers:
                if readable is not None and (watcher.actor, dataset) not in readable:
                    watcher.news.set()

    def _alive(self, tokens: set[str]) -> set[str]:
        with self._backend.database.read() as tx:
            return tokens_alive(tx, tokens)

    def _readable(self, wanted: dict[Actor, set[int]]) -> set[tuple[Actor, int | None]]:
        """A statement for each who is connected."""
        found: set[tuple[Actor, int | None]] = set()
        for actor, datasets in wanted.items():
            with self._backend.database.read(actor) as tx:
                found |= {(actor, dataset) for dataset in datasets_by_id(tx, datasets)}
        return found

    async def _read(self, work: Callable[[], T]) -> T | None:
        """None while the database does not answer: it is asked again."""
        try:
            with Deadline(self._backend.settings.request_seconds).active():
                return await self._backend.run(work)
        except (ServiceError, sa.exc.SQLAlchemyError) as trouble:
            log.warning("what is watched could not be looked at: %s", trouble)
            return None


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("what is watched is not looked at any more", exc_info=task.exception())
