"""What is counted, as Prometheus reads it.

Every label has values from a set that the schema or the code spells out; nothing that a client
sends ever becomes one. In one of several worker processes the values live in files that all of
them share (`PROMETHEUS_MULTIPROC_DIR`), and whichever is asked answers for all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5, 10, 30)

REQUESTS = Counter(
    "gql_service_requests",
    "Requests by root field or route, kind, HTTP status and first error code.",
    ["operation", "type", "status", "code"],
)
SECONDS = Histogram(
    "gql_service_request_seconds",
    "How long requests took, from their headers to the end of the answer.",
    ["operation"],
    buckets=_BUCKETS,
)
STATEMENTS = Counter(
    "gql_service_sql_statements", "Statements that requests ran in the database.", ["operation"]
)
SQL_SECONDS = Counter(
    "gql_service_sql_seconds", "Time that requests waited for the database.", ["operation"]
)
RECEIVED = Counter("gql_service_received_bytes", "Bodies of requests.", ["operation"])
SENT = Counter("gql_service_sent_bytes", "Bodies of answers.", ["operation"])
_BY_OPERATION: Any = (SECONDS, STATEMENTS, SQL_SECONDS, RECEIVED, SENT)
OPEN_REQUESTS = Gauge(
    "gql_service_requests_open", "Requests being served.", multiprocess_mode="livesum"
)
OPEN_TRANSACTIONS = Gauge(
    "gql_service_transactions_open", "Transactions that are open.", multiprocess_mode="livesum"
)
BUSY_THREADS = Gauge(
    "gql_service_threads_busy", "Worker threads at work.", multiprocess_mode="livesum"
)

_OF_LIVING = re.compile(r"gauge_live\w+_(\d+)\.db")


@dataclass(frozen=True, slots=True)
class Counts:
    """What is counted for one operation."""

    seconds: Histogram
    statements: Counter
    sql_seconds: Counter
    received: Counter
    sent: Counter


# Finding the counter of a label takes longer than counting. The sets of labels are small, and
# kept by the library anyway.
@cache
def counts(operation: str) -> Counts:
    return Counts(*(one.labels(operation) for one in _BY_OPERATION))


@cache
def requests(operation: str, type: str, status: int, code: str) -> Counter:
    """The counter of such requests."""
    return REQUESTS.labels(operation, type, str(status), code)


def registry() -> CollectorRegistry:
    """Everything that is counted, in all worker processes together."""
    folder = os.environ.get(SHARED_FOLDER)
    if folder is None:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]
    together.register(_Processes(Path(folder)))
    return together


def forget_process(pid: int) -> None:
    """Its gauges count no more; what it had counted stays."""
    mark_process_dead(pid, os.environ[SHARED_FOLDER])  # type: ignore[no-untyped-call]


class _Processes(Collector):
    """Memory, processor time and open files of each worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        found = (_OF_LIVING.fullmatch(path.name) for path in self._folder.iterdir())
        families: dict[str, Metric] = {}
        for pid in sorted({match[1] for match in found if match}):
            for family in _of_process(int(pid)):
                kept = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    kept.add_sample(sample.name, {**sample.labels, "pid": pid}, sample.value)
        yield from families.values()


def _of_process(pid: int) -> list[Metric]:
    return list(ProcessCollector(pid=lambda: pid, registry=CollectorRegistry()).collect())
