"""A vault in an S3-compatible store: one object per key, at `<prefix>/<key>`.

An object appears as a whole or not at all, so there is nothing to rename and nothing to sync. What
is up to `PART` bytes goes in one conditional request; what is larger, in parts, of which at most
`PARTS_AT_ONCE` are in memory beside the one that is being filled.

An answer can be lost, and what was given up on can still happen. So a `put` that fails looks
whether the object is there before it says so, and takes back what may come; what comes later
than that lies under a key that the journal calls dead, and is deleted by the sweep.

Parts of an upload that a crash has cut off are seen by nobody, cost room, and end only when
somebody ends them: they count as something under their key, and go with it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from gql_service.errors import (
    BinaryCorrupt,
    Conflict,
    InsufficientStorage,
    ServiceError,
    StorageUnavailable,
)
from gql_service.vault.contract import CHUNK, KEY, check_key
from gql_service.vault.s3_sending import PART, send_parts
from gql_service.vault.s3_signing import Account, abort_upload, unfinished_uploads

if TYPE_CHECKING:
    from obstore.store import S3Config

_PAGE = 1000

_CONNECT = timedelta(seconds=5)
_SILENCE = timedelta(seconds=60)
_WHOLE = timedelta(hours=6)
"""The longest download: its client sets the pace, so that only silence is a sign of trouble."""
_RETRIES = 3
_RETRYING = timedelta(seconds=20)

_NO_ROOM = re.compile(
    r"status code: 507|<Code>(QuotaExceeded|ServiceQuotaExceeded|XMinioStorageFull)</Code>"
)
_log = logging.getLogger(__name__)


class S3Vault:
    """Keeps the contract of `Vault`. The bucket must exist; see `check`."""

    def __init__(self, account: Account, prefix: str = "") -> None:
        self._account = account
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._store = S3Store(
            account.bucket,
            config=_config(account),
            client_options={
                "allow_http": account.endpoint.startswith("http://"),
                "connect_timeout": _CONNECT,
                "read_timeout": _SILENCE,
                "timeout": _WHOLE,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRYING},
        )

    def __repr__(self) -> str:
        return f"S3Vault({self._account!r}, {self._prefix!r})"

    def check(self) -> None:
        """Raises StorageUnavailable unless the bucket is there and the keys open it."""
        with _refusals():
            next(iter(obstore.list(self._store, self._prefix or None, chunk_size=1)), None)

    def check_writable(self) -> None:
        """As far as can be told without writing: whether the store answers to these keys."""
        self.check()

    def put(self, key: str, chunks: Iterable[bytes]) -> None:
        path = self._path(key)
        stream = _Counted(chunks)
        pieces = iter(stream)
        try:
            first = _gathered(pieces)
            with _refusals():
                if len(first) < PART:
                    obstore.put(self._store, path, first, mode="create", use_multipart=False)
                    return
                send_parts(self._store, path, chain([first], pieces))
        except ServiceError as failure:
            if stream.ended and self._arrived(key, stream.size):
                return  # only the answer was lost
            if not isinstance(failure, Conflict):  # then it is not ours to take back
                self._take_back(key)
            raise
        except BaseException:
            self._take_back(key)
            raise

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        path = self._path(key)
        try:
            with _refusals(absent=BinaryCorrupt):
                if start == 0 and stop is None:
                    found = obstore.get(self._store, path)
                elif stop is None:
                    found = obstore.get(self._store, path, options={"range": {"offset": start}})
                elif start < stop:
                    found = obstore.get(self._store, path, options={"range": (start, stop)})
                else:
                    return self._nothing(key)
        except StorageUnavailable:
            # There is no range without a byte, and a store refuses one beyond the end.
            size = self.size(key)
            if size is None or start < size:
                raise
            return iter(())
        return _pieces(found)

    def size(self, key: str) -> int | None:
        path = self._path(key)
        try:
            with _refusals(absent=BinaryCorrupt):
                return obstore.head(self._store, path)["size"]
        except BinaryCorrupt:
            return None

    def delete(self, key: str) -> None:
        path = self._path(key)
        with suppress(BinaryCorrupt), _refusals(absent=BinaryCorrupt):
            obstore.delete(self._store, path)
        for found, upload in unfinished_uploads(self._account, path):
            if found == path:
                abort_upload(self._account, path, upload)

    def keys(self) -> Iterator[str]:
        with _refusals():
            for page in obstore.list(self._store, self._prefix or None, chunk_size=_PAGE):
                yield from self._named(entry["path"] for entry in page)
        yield from self._named(path for path, _ in unfinished_uploads(self._account, self._prefix))

    def link(self, key: str, headers: Mapping[str, str], *, seconds: int) -> str:
        chosen = {f"response-{name}": value for name, value in headers.items()}
        return self._account.signed("GET", self._path(key), chosen, seconds=seconds)

    def _path(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _named(self, paths: Iterable[str]) -> Iterator[str]:
        names = (path.removeprefix(self._prefix) for path in paths)
        return (name for name in names if KEY.fullmatch(name))

    def _nothing(self, key: str) -> Iterator[bytes]:
        if self.size(key) is None:
            raise BinaryCorrupt("The stored bytes are missing")
        return iter(())

    def _arrived(self, key: str, size: int) -> bool:
        with suppress(ServiceError):
            return self.size(key) == size
        return False

    def _take_back(self, key: str) -> None:
        with suppress(ServiceError):
            self.delete(key)


def _config(account: Account) -> S3Config:
    config: S3Config = {
        "aws_endpoint_url_s3": account.endpoint,
        "virtual_hosted_style_request": False,
        "region": account.region,
        "access_key_id": account.access_key,
        "secret_access_key": account.secret_key,
        # A removal of many in one request is not offered everywhere, and we remove one.
        "disable_bulk_delete": True,
    }
    if account.session_token is not None:
        config["session_token"] = account.session_token
    return config


class _Counted:
    """Passes chunks on; knows how many bytes they were, and whether that was all."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.size = 0
        self.ended = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            yield chunk
        self.ended = True


def _gathered(pieces: Iterator[bytes]) -> bytes:
    """The first pieces: less than PART bytes when these are all."""
    first = bytearray()
    for piece in pieces:
        first += piece
        if len(first) >= PART:
            break
    return bytes(first)


def _pieces(found: obstore.GetResult) -> Iterator[bytes]:
    with _refusals(absent=BinaryCorrupt):
        for block in found.stream(min_chunk_size=CHUNK):
            for at in range(0, len(block), CHUNK):
                yield block[at : at + CHUNK]


@contextmanager
def _refusals(absent: type[ServiceError] = StorageUnavailable) -> Iterator[None]:
    """What the store says, in our words; errors of a stream of ours pass through."""
    try:
        yield
    except FileNotFoundError as error:
        if type(error) is not FileNotFoundError or error.errno is not None:
            raise  # a file of the caller's, whose bytes were to be stored
        raise absent("The stored bytes are missing") from error
    except AlreadyExistsError as error:
        raise Conflict("Something is stored under this key already") from error
    except BaseError as error:
        if _NO_ROOM.search(str(error)):
            raise InsufficientStorage("There is no room left for the bytes") from error
        _log.error("the storage failed: %s", str(error).partition("\n")[0])
        raise StorageUnavailable("The storage of files does not answer") from error
