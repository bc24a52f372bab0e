"""Large objects on their way to a store, part by part.

The client of the store asks for the next bytes from inside its own event loop, where nothing else
can be asked of it. But bytes may come from anywhere, out of another object of the same store for
one. So the client works in a thread of its own, and is handed what the caller's thread has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Full, Queue

import obstore
from obstore.store import S3Store

PART = 8 * 1024 * 1024
"""Bytes of a part: a store takes 10,000 of them, so that the largest object has 78 GiB."""
PARTS_AT_ONCE = 2
_WAITING = 4
"""Pieces that are there and have not been asked for."""
_LOOK_SECONDS = 0.2
"""How soon it is noticed that nobody will ask for more."""

_Handed = Queue[bytes | BaseException | None]
"""Pieces, and at the end None, or why there is no end."""


def send_parts(store: S3Store, path: str, pieces: Iterable[bytes]) -> None:
    """Stores an object. Raises what `pieces` raise and what the client does; then there is none."""
    handed: _Handed = Queue(_WAITING)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(
            obstore.put,
            store,
            path,
            _taken(handed),
            use_multipart=True,
            chunk_size=PART,
            max_concurrency=PARTS_AT_ONCE,
        )
        _feed(pieces, handed, sending)
        sending.result()


def _feed(pieces: Iterable[bytes], handed: _Handed, sending: Future[obstore.PutResult]) -> None:
    end: BaseException | None = None
    try:
        for piece in pieces:
            if not _hand(piece, handed, sending):
                return
    except BaseException as failure:  # which the client meets, and gives up
        end = failure
    _hand(end, handed, sending)


def _hand(
    one: bytes | BaseException | None, handed: _Handed, sending: Future[obstore.PutResult]
) -> bool:
    """Whether it was taken; it is not where the sending has failed."""
    while not sending.done():
        try:
            handed.put(one, timeout=_LOOK_SECONDS)
        except Full:
            continue
        return True
    return False


def _taken(handed: _Handed) -> Iterator[bytes]:
    while (one := handed.get()) is not None:
        if isinstance(one, BaseException):
            raise one
        yield one
