"""How files are sent: whole, in part, or not at all when the client has them already.

Where it is set and the store can, the client is sent to the store with an address that lasts for
minutes and names the headers of the answer: still an attachment, still no type that a browser runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gql_service.api.answers import refused
from gql_service.api.context import Backend
from gql_service.catalog.binary import BinaryRecord
from gql_service.catalog.blob import open_binary
from gql_service.catalog.picture import MIME_TYPE
from gql_service.catalog.thumbnail_making import kept_thumbnail, made_thumbnail
from gql_service.errors import ErrorCode

SHOWN_AS_IS = {
    *("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff"),
    *("image/avif", "image/heic", "image/heif"),
    *("audio/mpeg", "audio/wav", "audio/x-wav", "audio/ogg", "audio/flac", "audio/aac"),
    *("audio/mp4", "audio/webm"),
    *("video/mp4", "video/mpeg", "video/ogg", "video/webm", "video/quicktime"),
    *("video/x-msvideo", "video/x-matroska"),
}
"""Media types that can do nothing but be shown. Beside them plain text; the rest is just bytes."""

GUARDS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
AT_ONCE = 256 * 1024
"""Bytes that are read before any of them is sent: to ask a thread for each piece takes longer."""
LINK_SECONDS = 300
"""How long a download sent to the store may take to begin."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class FileToSend:
    """What is to be sent, and under which name it is to be saved."""

    binary: BinaryRecord
    name: str
    kept_seconds: int | None = None
    """For how long a copy is good without asking again; None without a grant."""
    by_grant: bool = False
    tag_end: str = ""
    """What tells a thumbnail from its original."""

    @property
    def tag(self) -> str:
        return f'"{self.binary.sha256}{self.tag_end}"'


async def send_thumbnail(
    backend: Backend,
    drawing: anyio.CapacityLimiter,
    request: Request,
    file: FileToSend,
    size: int,
) -> Response:
    """The thumbnail of a picture that can be drawn, made now if it has not been before.

    Raises BinaryCorrupt where the picture cannot be read.
    """
    binary = file.binary
    thumbnail = replace(file, tag_end=f"-{size}")
    headers = _guarded(thumbnail) | {"content-type": MIME_TYPE}
    if _has_it(request, thumbnail):
        return Response(status_code=304, headers=headers)
    store = backend.database, backend.vault, binary, size
    picture = await backend.run(lambda: kept_thumbnail(*store))
    if picture is None:
        picture = await anyio.to_thread.run_sync(lambda: made_thumbnail(*store), limiter=drawing)
    if request.method == "HEAD":
        return Response(headers=headers | {"content-length": str(len(picture))})
    return Response(picture, headers=headers)


async def send_file(backend: Backend, request: Request, file: FileToSend) -> Response:
    """The bytes, the part of them that was asked for, or word that the client has them."""
    headers = _headers(file)
    if _has_it(request, file):
        return Response(status_code=304, headers=headers)
    size = file.binary.size
    wanted = _range(request, file)
    if wanted is not None and wanted.start >= size:
        return refused(
            ErrorCode.INVALID,
            "The range lies beyond the end of the file",
            status=416,
            headers={**GUARDS, "content-range": f"bytes */{size}"},
        )
    sent = range(size) if wanted is None else range(wanted.start, min(wanted.stop, size))
    headers |= {"content-length": str(len(sent)), "content-type": _content_type(file.binary)}
    if wanted is not None:
        headers["content-range"] = f"bytes {sent.start}-{sent.stop - 1}/{size}"
    status = 200 if wanted is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    if link := _link(backend, file):
        # The address does not last as long as the bytes do: only these may be kept.
        sent_on = {"location": link, "cache-control": "no-store"}
        return Response(status_code=307, headers=_headers(file) | sent_on)

    def opened() -> Iterator[bytes] | bytes:
        store = backend.database, backend.vault
        pieces = open_binary(*store, file.binary, start=sent.start, stop=sent.stop)
        return pieces if len(sent) > AT_ONCE else b"".join(pieces)

    content = await backend.run(opened)
    if isinstance(content, bytes):
        return Response(content, status_code=status, headers=headers)
    return StreamingResponse(content, status_code=status, headers=headers)


def _link(backend: Backend, file: FileToSend) -> str | None:
    """Where the store itself sends the file, when it may and the bytes are not known to be bad."""
    if not backend.settings.direct_downloads or file.binary.state == "corrupt":
        return None
    headers = {name: _headers(file)[name] for name in ("cache-control", "content-disposition")}
    headers["content-type"] = _content_type(file.binary)
    return backend.vault.link(file.binary.blob_key, headers, seconds=LINK_SECONDS)


def _headers(file: FileToSend) -> dict[str, str]:
    plain = re.sub(r'[^ -~]|["\\%]', "_", file.name)
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
    return {**_guarded(file), "accept-ranges": "bytes", "content-disposition": named}


def _guarded(file: FileToSend) -> dict[str, str]:
    """A granted address works wherever it is put: pages of other origins may show the picture and
    read its pixels. What a token opens is for its own origin."""
    headers = {**GUARDS, "etag": file.tag, "vary": "Authorization"}
    if file.by_grant:
        headers |= {"cross-origin-resource-policy": "cross-origin"}
        headers |= {"access-control-allow-origin": "*"}
    kept = file.kept_seconds
    known = f"private, max-age={kept}, immutable" if kept is not None else "private, no-cache"
    return {**headers, "cache-control": known}


def _content_type(binary: BinaryRecord) -> str:
    if binary.mime_type == "text/plain":
        return "text/plain; charset=utf-8"
    return binary.mime_type if binary.mime_type in SHOWN_AS_IS else "application/octet-stream"


def _has_it(request: Request, file: FileToSend) -> bool:
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    return bool({"*", file.tag} & tags)


def _range(request: Request, file: FileToSend) -> range | None:
    """The one range that was asked for; None for the whole file, as for what makes no sense."""
    given = request.headers.get("range")
    if given is None or request.headers.get("if-range", file.tag) != file.tag:
        return None
    match = _RANGE.fullmatch(given.strip())
    if match is None or match[1] == match[2] == "":
        return None
    size = file.binary.size
    if match[1] == "":
        length = min(int(match[2]), size)
        return range(size - length, size) if length else range(size, size)
    start = int(match[1])
    stop = size if match[2] == "" else int(match[2]) + 1
    return None if stop <= start and match[2] != "" else range(start, max(stop, start))
