"""Where the events of a subscription come from: asked for one at a time, each in its own snapshot.

A source keeps no connection, no thread and no task; all it remembers is the position that it is
asked from. So whoever cannot take the next event yet simply does not ask for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass

from gql_service.api.context import Context
from gql_service.api.types.job import Job, readable_jobs
from gql_service.api.types.watch import DatasetEvent
from gql_service.catalog.dataset import DatasetRecord, datasets_by_id
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.version import next_readable
from gql_service.database.engine import Tx
from gql_service.errors import NotFound
from gql_service.versions.watching import Span

Position = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """What comes behind a position, and the position behind that. `value` is None when nothing has
    happened; `more` says that the next event is there already, `last` that there is none."""

    position: Position
    value: object | None = None
    more: bool = False
    last: bool = False


class Source(ABC):
    """The events of one subscription."""

    start: Position
    dataset: int | None
    """Which dataset has to change for something to happen; None when only a look can tell."""

    @abstractmethod
    def next(self, context: Context, position: Position) -> Event:
        """The event behind a position. Raises NotFound when there is nothing to watch (any more).

        Runs in a worker thread, under the deadline of its event.
        """

    def __aiter__(self) -> AsyncIterator[object]:
        """graphql-core asks whether the answer of a subscription is a stream, and no more."""
        raise TypeError("a source is asked for its events one by one")


@dataclass(frozen=True)
class DatasetSource(Source):
    """The versions of a dataset behind `since`, through a filter; of one that lies more than
    `lag` versions back, all that came since in one event. Versions that have expired are told
    together with the next one that can be read."""

    dataset: int
    since: int
    filter: ItemFilter | None
    lag: int

    @property
    def start(self) -> Position:  # type: ignore[override]
        return (self.since,)

    def next(self, context: Context, position: Position) -> Event:
        (told,) = position
        assert isinstance(told, int), "a number of a version"
        head, to = context.reads.read(lambda tx: self._ahead(tx, told), context.identity.actor)
        if head <= told:
            return Event(position)
        change = DatasetEvent.of(Span(self.dataset, told, to), self.filter)
        return Event((to,), change, more=to < head)

    def _ahead(self, tx: Tx, told: int) -> tuple[int, int]:
        """The head, and where the step from a version ends."""
        record = _record(tx, self.dataset)
        if not 0 < record.head - told <= self.lag:
            return record.head, record.head
        to = next_readable(tx, self.dataset, told, kept_from=record.kept_from)
        return record.head, to


@dataclass(frozen=True)
class JobSource(Source):
    """The present state of a job, then each one that differs, until it has finished."""

    job: int
    start: Position = ()
    dataset: None = None

    def next(self, context: Context, position: Position) -> Event:
        row = context.reads.read(
            lambda tx: readable_jobs(tx, [self.job]), context.identity.actor
        ).get(self.job)
        if row is None:
            raise NotFound("There is no such job", path=("id",))
        state = (row.status, row.done, row.total)
        if state == position:
            return Event(position)
        return Event(state, Job.of(row), last=row.finished_at is not None)


def _record(tx: Tx, dataset: int) -> DatasetRecord:
    record = datasets_by_id(tx, [dataset]).get(dataset)
    if record is None:
        raise NotFound("There is no such dataset", path=("datasetId",))
    return record
