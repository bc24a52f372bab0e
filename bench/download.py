"""Downloads by the addresses that queries answer with: a large file, and many small ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.files_service import (
    CONNECTIONS,
    MIB,
    bare_files,
    noise,
    noisy_file,
    picture,
    rates,
    service_over,
)
from bench.load import Request
from bench.measure import Figure, as_rate, side_by_side
from bench.store import Store

LARGE_MIB = 256
_SECONDS = 3.0

_NUMBERS = itertools.count(1)


def measure(store: Store, runs: int) -> Iterator[Figure]:
    """The bare database stands for a server that sends files of a folder by name."""
    quick = store.stage.items < 1_000
    mebibytes, seconds = (8, 0.2) if quick else (LARGE_MIB, _SECONDS)
    with service_over(store) as service, bare_files(service.folder) as bare:
        large = noisy_file(service.folder / "large", mebibytes)
        small = picture(640, 480)
        (service.folder / "small").write_bytes(small)
        name = f"downloaded {next(_NUMBERS)}"
        files = service.with_items(name, [large.read_bytes(), small, noise(10)])
        paths = [path_of_url(one["file"]) for one in files]
        figure = side_by_side(
            f"{mebibytes} MiB",
            mebibytes,
            runs,
            lambda: _read(service.port, paths[0], mebibytes),
            lambda: _read(bare, "/large", mebibytes),
            "sends a file of a folder",
        )
        yield as_rate(figure, mebibytes, "MiB/s")
        asked, floor = Request(paths[1]), Request("/small")
        name = f"a picture of {len(small) // 1024} KiB, {CONNECTIONS} connections"
        yield rates(name, runs, seconds, (asked, service.port), (floor, bare))


def path_of_url(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _read(port: int, path: str, mebibytes: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("GET", path)
    response = connection.getresponse()
    size = 0
    while piece := response.read(MIB):
        size += len(piece)
    connection.close()
    if response.status != 200 or size != mebibytes * MIB:
        raise RuntimeError(f"{path}: {response.status}, {size} bytes")
