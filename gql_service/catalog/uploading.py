"""The way of an upload's bytes: into parts, and from these into the one object that is left.

A part is stored like any other object: journaled first, durable before anybody hears of it. The
part that completes an upload is not counted as received before the whole file has been hashed, so
that to have received all of it and to be complete are one thing, in one transaction. A crash in
between costs the client that last part, and nothing is ever half-finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import chain
from typing import TypeVar

from gql_service.catalog.binary import StoredBlob
from gql_service.catalog.blob import abandon, store
from gql_service.catalog.upload import (
    Opening,
    UploadRecord,
    add_part,
    complete,
    end_upload,
    keep_whole,
    open_upload,
    parts_of,
    upload_of,
)
from gql_service.database.acting import Actor
from gql_service.database.engine import Database, Tx
from gql_service.errors import BinaryCorrupt, StorageUnavailable
from gql_service.vault.contract import Vault

T = TypeVar("T")

PART = 256 * 1024 * 1024
"""Bytes of a part at most: what a crash can cost, and up to where nothing is written twice."""


class Uploading:
    """Stores the bytes of one caller. `lasting` is how long an upload waits for its next bytes."""

    def __init__(self, database: Database, vault: Vault, actor: Actor, lasting: timedelta) -> None:
        self._database = database
        self._vault = vault
        self._actor = actor
        self._lasting = lasting

    def open(self, opening: Opening, *, most_open: int) -> UploadRecord:
        """A new upload, of which nothing has been received. Raises as `open_upload`."""
        return self._write(lambda tx: open_upload(tx, opening, self._lasting, most_open=most_open))

    def whole(self, name: str, pieces: Iterable[bytes], most: int) -> UploadRecord:
        """A complete upload of these bytes. Raises LimitExceeded beyond `most` of them, and as
        `catalog.blob.store`; what `pieces` raise passes through. Then nothing is left."""
        blob = store(
            self._database,
            self._vault,
            pieces,
            name=name,
            max_bytes=most,
            lease=self._lasting,
        )
        return self._or_abandon(blob, lambda tx: keep_whole(tx, name, blob))

    def part(
        self,
        upload: UploadRecord,
        pieces: Iterable[bytes],
        check: Callable[[], None] = lambda: None,
    ) -> UploadRecord:
        """The upload with these bytes after those that it has; `pieces` may be none, and are no
        more than are missing and than `PART`. What `check` raises after them undoes all of it.

        Raises Conflict when another request continued it, or it has ended; StorageUnavailable and
        InsufficientStorage. What was received before stays.
        """
        first = next(iter(pieces := iter(pieces)), b"")
        if not first and (upload.received < upload.length or upload.sha256 is not None):
            check()
            return upload
        blob = self._stored(upload, chain([first], pieces))
        try:
            check()
        except BaseException:
            abandon(self._database, self._vault, [blob])
            raise

        def keep(tx: Tx) -> UploadRecord:
            add_part(tx, upload, blob, self._lasting)
            return upload_of(tx, upload.id)

        if upload.received + blob.size < upload.length:
            return self._or_abandon(blob, keep)
        return self._completed(upload, blob)

    def end(self, id: str) -> None:
        """Ends an upload, and its bytes with it. Raises NotFound."""
        self._delete(self._write(lambda tx: end_upload(tx, id)))

    def _completed(self, upload: UploadRecord, last: StoredBlob) -> UploadRecord:
        if upload.received == 0:
            return self._or_abandon(last, lambda tx: self._finish(tx, upload, last, []))[0]
        with self._database.read() as tx:
            keys = [*(key for key, _ in parts_of(tx, upload.id)), last.blob_key]
        try:
            whole = self._stored(upload, self._read(upload, keys))
        except BaseException:
            abandon(self._database, self._vault, [last])
            raise
        spare = [last.blob_key]
        done, dead = self._or_abandon(
            whole, lambda tx: self._finish(tx, upload, whole, spare), last
        )
        self._delete(dead)
        return done

    def _finish(
        self, tx: Tx, upload: UploadRecord, blob: StoredBlob, spare: Sequence[str]
    ) -> tuple[UploadRecord, list[str]]:
        dead = complete(tx, upload, blob, spare, self._lasting)
        return upload_of(tx, upload.id), dead

    def _stored(self, upload: UploadRecord, pieces: Iterable[bytes]) -> StoredBlob:
        return store(
            self._database,
            self._vault,
            pieces,
            name=upload.name,
            max_bytes=upload.length,
            lease=self._lasting,
        )

    def _read(self, upload: UploadRecord, keys: Sequence[str]) -> Iterator[bytes]:
        count = 0
        for key in keys:
            for piece in self._vault.read(key):
                count += len(piece)
                yield piece
        if count != upload.length:
            raise BinaryCorrupt("The bytes that were received are missing")

    def _or_abandon(self, blob: StoredBlob, work: Callable[[Tx], T], *more: StoredBlob) -> T:
        try:
            return self._write(work)
        except BaseException:
            abandon(self._database, self._vault, [blob, *more])
            raise

    def _write(self, work: Callable[[Tx], T]) -> T:
        return self._database.write(work, actor=self._actor)

    def _delete(self, dead: Sequence[str]) -> None:
        """Objects that no row names any more; should it fail, the sweep deletes them."""
        for key in dead:
            with suppress(StorageUnavailable):
                self._vault.delete(key)
