"""Uploads: one large file, by PUT and by tus, and many small ones."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

from tusclient.client import TusClient

from bench.files_service import (
    MIB,
    Service,
    hashed_by_the_shell,
    noise,
    noisy_file,
    service_over,
)
from bench.measure import Figure, as_rate, side_by_side
from bench.store import Store

LARGE_MIB, PART_MIB = 256, 16
SMALL_BYTES = 10_000
CONNECTIONS = 8

_NUMBERS = itertools.count(1)
_GOAL = "≥ 60 %"


def measure(store: Store, runs: int) -> Iterator[Figure]:
    """As many small files as the store has items, at most 2,000."""
    count = min(2_000, store.stage.items)
    mebibytes = LARGE_MIB if count >= 1_000 else 8
    with service_over(store) as service:
        for name, upload in (("by PUT", _by_put), ("by tus", _by_tus)):
            yield _large(service, runs, f"{mebibytes} MiB {name}", mebibytes, upload)
        yield _small(service, runs, count)


def _large(
    service: Service,
    runs: int,
    name: str,
    mebibytes: int,
    upload: Callable[[Service, Path], None],
) -> Figure:
    path = noisy_file(service.folder / "large", mebibytes)
    figure = side_by_side(
        name,
        mebibytes,
        runs,
        lambda: upload(service, path),
        lambda: hashed_by_the_shell(path),
        "reads and hashes the file: dd | sha256sum",
    )
    rate = as_rate(figure, mebibytes, "MiB/s")
    return Figure(name, mebibytes, rate.unit, rate.ours, rate.floor, rate.floor_is, goal=_GOAL)


def _by_put(service: Service, path: Path) -> None:
    connection = service.connect()
    with path.open("rb") as file:
        service.put(connection, f"large-{next(_NUMBERS)}", file, path.stat().st_size)
    connection.close()


def _by_tus(service: Service, path: Path) -> None:
    client = TusClient(f"http://127.0.0.1:{service.port}/uploads", headers=service.headers)
    with path.open("rb") as file:
        client.uploader(file_stream=file, chunk_size=PART_MIB * MIB).upload()


def _small(service: Service, runs: int, count: int) -> Figure:
    """Over a few connections, as a pipeline would; the floor writes as many files at once."""

    def send(connection: HTTPConnection) -> None:
        content = noise(SMALL_BYTES)[:SMALL_BYTES]
        service.put(connection, f"{next(_NUMBERS)}", content, SMALL_BYTES)

    def ours() -> None:
        def some(_: int) -> None:
            connection = service.connect()
            for _ in range(count // CONNECTIONS):
                send(connection)
            connection.close()

        _at_once(some)

    def floor() -> None:
        def some(_: int) -> None:
            for _ in range(count // CONNECTIONS):
                _written(service.folder / f"floor {next(_NUMBERS)}")

        _at_once(some)

    name = f"files of {SMALL_BYTES:,} bytes by PUT, {CONNECTIONS} connections"
    figure = side_by_side(name, count, runs, ours, floor, "hashes, writes and syncs each file")
    return as_rate(figure, count // CONNECTIONS * CONNECTIONS, "files/s")


def _at_once(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(work, range(CONNECTIONS)))


def _written(path: Path) -> None:
    content = noise(SMALL_BYTES)[:SMALL_BYTES]
    hashlib.sha256(content).hexdigest()
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
