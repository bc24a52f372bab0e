"""Thumbnails: made for the first time, and asked for again."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

from bench.download import path_of_url
from bench.files_service import (
    CONNECTIONS,
    Service,
    bare_files,
    picture,
    rates,
    service_over,
)
from bench.load import Request
from bench.measure import Figure, as_rate, side_by_side
from bench.store import Store
from gql_service.catalog.picture import drawn

PICTURES, WIDTH, HEIGHT = 32, 2000, 1500
SIZE = 256
TOGETHER = 2
"""Pictures asked for at once, as many as the usual machine of this bench has cores."""
_SECONDS = 3.0

_NUMBERS = itertools.count(1)


def measure(store: Store, runs: int) -> Iterator[Figure]:
    """The bare database stands for the picture library alone, and for a server of files."""
    quick = store.stage.items < 1_000
    count, seconds = (4, 0.2) if quick else (PICTURES, _SECONDS)
    with service_over(store) as service, bare_files(service.folder) as bare:
        yield _first(service, runs, count)
        content = picture(WIDTH, HEIGHT)
        (service.folder / "thumbnail").write_bytes(_drawn(content))
        (one,) = service.with_items(f"shown {next(_NUMBERS)}", [content])
        asked, floor = Request(path_of_url(one["thumbnail"])), Request("/thumbnail")
        connection = service.connect()
        _get(connection, asked.path)
        connection.close()
        name = f"a thumbnail that is there, {CONNECTIONS} connections"
        yield rates(name, runs, seconds, (asked, service.port), (floor, bare))


def _first(service: Service, runs: int, count: int) -> Figure:
    waiting = []
    pictures: list[bytes] = []
    for _ in range(runs):
        pictures = [picture(WIDTH, HEIGHT) for _ in range(count)]
        found = service.with_items(f"drawn {next(_NUMBERS)}", pictures)
        waiting.append([path_of_url(one["thumbnail"]) for one in found])

    def ours() -> None:
        paths = waiting.pop()

        def some(at: int) -> None:
            connection = service.connect()
            for path in paths[at::TOGETHER]:
                _get(connection, path)
            connection.close()

        with ThreadPoolExecutor(TOGETHER) as pool:
            list(pool.map(some, range(TOGETHER)))

    def floor() -> None:
        with ThreadPoolExecutor(TOGETHER) as pool:
            list(pool.map(_drawn, pictures))

    name = f"thumbnails of {WIDTH} x {HEIGHT}, made at the first request"
    figure = side_by_side(name, count, runs, ours, floor, "draws them with Pillow, as many at once")
    return as_rate(figure, count, "pictures/s")


def _drawn(content: bytes) -> bytes:
    return drawn(io.BytesIO(content), "image/jpeg", SIZE)


def _get(connection: HTTPConnection, path: str) -> None:
    connection.request("GET", path)
    response = connection.getresponse()
    if response.status != 200 or not response.read():
        raise RuntimeError(f"{path}: {response.status}")
