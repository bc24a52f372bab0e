"""Which stored bytes items are made over: named by their SHA-256, or by the upload that brought
them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gql_service.api.inputs.items import AddItem
from gql_service.api.uploads import UPLOAD_ID
from gql_service.catalog.binary import attach
from gql_service.catalog.references import visible_by_sha256
from gql_service.catalog.upload import take_uploads
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, NotFound

_SHA256 = re.compile("[0-9a-f]{64}")


def stored_bytes(tx: Tx, items: Sequence[AddItem]) -> list[int]:
    """The binary of each item, in order; uploads among them end with this transaction.

    Raises Invalid unless each names its bytes in one way, and NotFound for bytes that the viewer
    cannot see and for uploads that are not theirs, not complete, or have expired.
    """
    uploads = [_upload(item, at) for at, item in enumerate(items)]
    visible = visible_by_sha256(tx, {item.sha256 for item in items if item.sha256 is not None})
    uploaded = _attached(tx, {key for key in uploads if key is not None})
    found = []
    for at, (item, upload) in enumerate(zip(items, uploads, strict=True)):
        binary = visible.get(item.sha256 or "") if upload is None else uploaded.get(upload)
        if binary is None and upload is None:
            raise NotFound("There are no such bytes", path=("items", at, "sha256"))
        if binary is None:
            raise NotFound(
                "There is no such upload, or it is not complete", path=("items", at, "uploadId")
            )
        found.append(binary)
    return found


def _upload(item: AddItem, at: int) -> str | None:
    """The key of the upload that an item names; None when it names a SHA-256."""
    if (item.sha256 is None) == (item.upload_id is None):
        raise Invalid("Give exactly one of sha256 and uploadId", path=("items", at, "sha256"))
    if item.sha256 is not None:
        if not _SHA256.fullmatch(item.sha256):
            raise Invalid(
                "A SHA-256 has 64 hexadecimal digits in small letters", path=("items", at, "sha256")
            )
        return None
    match = UPLOAD_ID.fullmatch(str(item.upload_id))
    if match is None:
        raise Invalid("This is not the id of an upload", path=("items", at, "uploadId"))
    return match[1]


def _attached(tx: Tx, keys: set[str]) -> dict[str, int]:
    blobs = take_uploads(tx, keys)
    return dict(zip(blobs, attach(tx, list(blobs.values())), strict=True))
