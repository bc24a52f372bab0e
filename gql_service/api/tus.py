"""The headers of the tus protocol for resumable uploads, version 1.0.0: read, checked, printed."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from starlette.requests import Request

from gql_service.catalog.names import refuse_unseen
from gql_service.catalog.upload import UploadRecord
from gql_service.errors import ErrorCode, Invalid, LimitExceeded, ServiceError

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination,checksum"
CHECKSUMS = {"sha1": 20, "sha256": 32}
"""Algorithms by which the bytes of one request can be checked, and the length of their digests."""
BYTES_TYPE = "application/offset+octet-stream"
MOST_METADATA = 4096
NAME_CHARACTERS = 255

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_KEY = re.compile(r"[!-+\--~]+")


class Refused(ServiceError):
    """Refused by a rule of the protocol that has a status of its own."""

    code = ErrorCode.INVALID

    def __init__(self, message: str, status: int, code: ErrorCode = ErrorCode.INVALID) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of a request are to come to."""

    algorithm: str
    digest: bytes


def require_version(request: Request) -> None:
    """Raises Refused (412) unless the client speaks our version."""
    if request.headers.get("tus-resumable") != VERSION:
        raise Refused(f"This is tus {VERSION}: send Tus-Resumable: {VERSION}", 412)


def require_bytes(request: Request) -> None:
    """Raises Refused (415) unless the body is said to be bytes of an upload."""
    if request.headers.get("content-type", "").strip().lower() != BYTES_TYPE:
        raise Refused(f"The bytes of an upload are sent as {BYTES_TYPE}", 415)


def number(request: Request, header: str) -> int:
    """The number of bytes in a header. Raises Invalid."""
    text = request.headers.get(header, "")
    if not _NUMBER.fullmatch(text):
        raise Invalid(f"{header} is a number of bytes", path=(header,))
    return int(text)


def content_length(request: Request) -> int | None:
    """How many bytes the body has; None where that is not said."""
    text = request.headers.get("content-length", "")
    return int(text) if _NUMBER.fullmatch(text) else None


def length(request: Request, most: int) -> int:
    """The length of a new upload. Raises Invalid and LimitExceeded."""
    if "upload-defer-length" in request.headers:
        raise Invalid("Upload-Length is needed from the beginning", path=("Upload-Defer-Length",))
    asked = number(request, "Upload-Length")
    if asked > most:
        raise LimitExceeded(f"A file can have {most} bytes", path=("Upload-Length",))
    return asked


def metadata(request: Request) -> tuple[str, str]:
    """The name of the file, empty when none is given, and the metadata as they were given.

    Raises Invalid and LimitExceeded.
    """
    given = request.headers.get("upload-metadata", "")
    where = ("Upload-Metadata",)
    if len(given) > MOST_METADATA:
        raise LimitExceeded(f"Metadata can have {MOST_METADATA} bytes", path=where)
    values: dict[str, bytes] = {}
    for pair in given.split(",") if given.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in values:
            raise Invalid("Metadata are pairs of a key, once each, and Base64", path=where)
        values[key] = _decoded(value.strip(), where)
    try:
        name = (values.get("filename") or values.get("name") or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("The name of the file is UTF-8 in Base64", path=where) from None
    return clean_file_name(name, where), given


def clean_file_name(name: str, where: tuple[str, ...]) -> str:
    """What follows the last slash. Raises Invalid and LimitExceeded."""
    last = name.rpartition("/")[2]
    if len(last) > NAME_CHARACTERS:
        raise LimitExceeded(f"A name can have {NAME_CHARACTERS} characters", path=where)
    refuse_unseen(last, where)
    return last


def checksum(request: Request) -> Checksum | None:
    """What the client says of the body. Raises Invalid."""
    given = request.headers.get("upload-checksum")
    if given is None:
        return None
    algorithm, _, text = given.strip().partition(" ")
    digest = _decoded(text.strip(), ("Upload-Checksum",))
    if CHECKSUMS.get(algorithm) != len(digest):
        known = ", ".join(CHECKSUMS)
        raise Invalid(f"A checksum is one of {known}, in Base64", path=("Upload-Checksum",))
    return Checksum(algorithm, digest)


def state(upload: UploadRecord) -> dict[str, str]:
    """The headers that tell how far an upload is."""
    return {"upload-offset": str(upload.received), "upload-expires": moment(upload.expires_at)}


def description(upload: UploadRecord) -> dict[str, str]:
    """The headers that tell what an upload is, beside its state."""
    described = {"upload-metadata": upload.described} if upload.described else {}
    return {**state(upload), "upload-length": str(upload.length), **described}


def moment(at: datetime) -> str:
    return format_datetime(at, usegmt=True)


def _decoded(text: str, where: tuple[str, ...]) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise Invalid("This is not Base64", path=where) from None
