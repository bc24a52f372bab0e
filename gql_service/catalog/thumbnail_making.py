"""Making a thumbnail once: the picture is read and checked whole, drawn, stored, and then kept."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from typing import BinaryIO, cast

from gql_service.catalog.binary import BinaryRecord
from gql_service.catalog.blob import abandon, open_binary, store
from gql_service.catalog.picture import drawn
from gql_service.catalog.thumbnail import forget_thumbnail, keep_thumbnail, thumbnail_key
from gql_service.database.engine import Database
from gql_service.errors import BinaryCorrupt
from gql_service.vault.contract import Vault

_IN_MEMORY = 8 * 1024 * 1024
_LEASE = timedelta(hours=1)


def kept_thumbnail(
    database: Database, vault: Vault, binary: BinaryRecord, size: int
) -> bytes | None:
    """The thumbnail, if it has been made before and can still be read."""
    with database.read() as tx:
        key = thumbnail_key(tx, binary.id, size)
    if key is None:
        return None
    try:
        return b"".join(vault.read(key))
    except BinaryCorrupt:
        database.write(lambda tx: forget_thumbnail(tx, binary.id, size, key))
        return None


def made_thumbnail(database: Database, vault: Vault, binary: BinaryRecord, size: int) -> bytes:
    """Draws the thumbnail, and keeps it unless somebody else has in the meantime.

    Raises BinaryCorrupt when the picture is damaged, InsufficientStorage when there is no room.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        for piece in open_binary(database, vault, binary):
            file.write(piece)
        file.seek(0)
        picture = drawn(cast(BinaryIO, file), binary.mime_type, size)
    blob = store(database, vault, [picture], name="thumbnail.webp", max_bytes=None, lease=_LEASE)
    try:
        kept = database.write(lambda tx: keep_thumbnail(tx, binary.id, size, blob.blob_key))
    except BaseException:
        abandon(database, vault, [blob])
        raise
    if not kept:
        abandon(database, vault, [blob])
    return picture
