"""What a request carries: who asks, the way to the database, and what has been read already.

An operation is executed in one worker thread, so its reads and writes simply happen. All reads see
one snapshot, until the operation writes. Records that several fields ask for are read in batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import anyio
import anyio.to_thread
import strawberry
from strawberry.dataloader import DataLoader

from gql_service import metrics
from gql_service.api.batches import Batch, Begun, Turns
from gql_service.api.documents import Document
from gql_service.api.grants import Grants
from gql_service.api.selecting import Selecting
from gql_service.api.stopping import Stopping
from gql_service.api.tally import Tally
from gql_service.catalog.dataset import DatasetRecord
from gql_service.catalog.user import Identity, UserRecord
from gql_service.database.deadline import current as current_deadline
from gql_service.database.engine import Database, Tx
from gql_service.database.reads import Reads
from gql_service.errors import Unauthenticated
from gql_service.settings import Settings
from gql_service.vault.contract import Vault

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")
S = TypeVar("S")
Loader: TypeAlias = DataLoader[Any, Any] | Batch[Any, Any]
"""The library's where graphql-core executes, which needs an event loop; ours in compiled queries,
which have none."""

NEEDS_TOKEN = "A token is needed: Authorization: Bearer <token>"


@dataclass(frozen=True, slots=True)
class Backend:
    """What every request shares. `threads` is how many transactions may run at once.

    Without `splicing`, queries are not compiled and every list is answered by resolvers: the same
    answers, only slower.
    """

    settings: Settings
    database: Database
    vault: Vault
    threads: anyio.CapacityLimiter
    splicing: bool = True
    grants: Grants = field(default_factory=Grants)
    stopping: Stopping = field(default_factory=Stopping)

    async def run(self, work: Callable[[], T]) -> T:
        """Runs blocking work in a worker thread. Raises Timeout where none is free in time."""
        deadline = current_deadline()

        def counted() -> T:
            with metrics.BUSY_THREADS.track_inprogress():
                return work()

        if deadline is None:
            return await anyio.to_thread.run_sync(counted, limiter=self.threads)
        with anyio.move_on_after(deadline.remaining):  # work that has begun is waited for
            return await anyio.to_thread.run_sync(counted, limiter=self.threads)
        raise deadline.refusal()


@dataclass(slots=True)
class Context:
    """One request. `viewer` is None without a token, and then nothing can be read or written."""

    backend: Backend
    viewer: Identity | None
    reads: Reads
    document: Document
    tally: Tally
    selections: Selecting | None = None
    turns: Turns | None = None
    _loaders: dict[tuple[Any, str], Loader] = field(default_factory=dict)
    _heads: dict[int, int] = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """Who asks, and by which token. Raises Unauthenticated."""
        if self.viewer is None:
            raise Unauthenticated(NEEDS_TOKEN)
        return self.viewer

    @property
    def user(self) -> UserRecord:
        """Who asks. Raises Unauthenticated."""
        return self.identity.user

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Runs `work` over the snapshot of the request, as the viewer. Raises Unauthenticated."""
        return self.reads.read(work, self.identity.actor)

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Runs `work` in one transaction and commits it, as the viewer.

        What was read before is forgotten: the fields of the answer show what is there now.
        Raises Unauthenticated.
        """
        actor = self.identity.actor
        self.reads.close()
        try:
            return self.backend.database.write(work, actor=actor)
        finally:
            self._loaders.clear()
            self._heads.clear()

    async def load(self, batch: Callable[[Tx, Collection[K]], Mapping[K, V]], key: K) -> V | None:
        """What `batch` finds for the key; all keys of one moment are asked for at once."""
        return await self._loader(batch, "", batch).load(key)

    async def load_with(
        self, batch: Callable[[Tx, Collection[K], S], Mapping[K, V]], key: K, shape: S
    ) -> V | None:
        """As `load`, where keys are asked for together when their `shape` is the same."""

        def shaped(tx: Tx, keys: Collection[K]) -> Mapping[K, V]:
            return batch(tx, keys, shape)

        return await self._loader(batch, repr(shape), shaped).load(key)

    async def together(self, *works: Coroutine[Any, Any, T]) -> list[T]:
        """What they return, all of them begun before any is waited for."""
        if self.turns is None:
            return list(await asyncio.gather(*works))
        begun = [self.turns.started(work) for work in works]
        return [await one if type(one) is Begun else one for one in begun]

    def _loader(
        self, name: Any, shape: str, batch: Callable[[Tx, Collection[K]], Mapping[K, V]]
    ) -> Loader:
        found = self._loaders.get((name, shape))
        if found is None:
            found = self._loaders[name, shape] = self._made(batch)
        return found

    def _made(self, batch: Callable[[Tx, Collection[K]], Mapping[K, V]]) -> Loader:
        def read(keys: list[K]) -> Mapping[K, V]:
            return self.reads.read(lambda tx: batch(tx, keys), self.identity.actor)

        async def listed(keys: list[K]) -> list[V | None]:
            found = read(keys)
            return [found.get(key) for key in keys]

        return DataLoader(listed) if self.turns is None else self.turns.batch(read)

    def head(self, dataset: DatasetRecord) -> int:
        """The head that this request sees: the first one it met, whatever is written meanwhile."""
        return self._heads.setdefault(dataset.id, dataset.head)


Info = strawberry.Info[Context, None]
