"""Downloads: the bytes of an item or of a binary, as attachments that no browser will run.

    /files/<dataset id>/<item id or key>        /files/<binary id>

Known by the same bearer token as everything else; what is absent and what is not the caller's to
read both answer 404. The entity tag is the SHA-256, so a copy that a client has is good for ever.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gql_service.api.answers import failure_response, refusal_response, refused
from gql_service.api.auth import require_viewer
from gql_service.api.context import Backend
from gql_service.api.ids import BinaryId, DatasetId, ItemId, parse, parse_as
from gql_service.api.nodes import visible_binary
from gql_service.catalog.binary import BinaryRecord, binaries_by_id
from gql_service.catalog.blob import open_binary
from gql_service.catalog.dataset import datasets_by_id
from gql_service.catalog.item_path import name_of
from gql_service.catalog.lineage import items_by_place
from gql_service.database.engine import Tx
from gql_service.errors import ErrorCode, Invalid, NotFound, ServiceError

Handler = Callable[[Request], Awaitable[Response]]

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
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_KEY = re.compile("[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class _File:
    """What is to be sent, and under which name it is to be saved."""

    binary: BinaryRecord
    name: str

    @property
    def tag(self) -> str:
        return f'"{self.binary.sha256}"'


def item_files(backend: Backend) -> Handler:
    """Answers /files/{dataset}/{item}."""

    def find(tx: Tx, request: Request) -> _File:
        return _item_file(tx, request.path_params["dataset"], request.path_params["item"])

    return _answering(backend, find)


def binary_files(backend: Backend) -> Handler:
    """Answers /files/{binary}."""

    def find(tx: Tx, request: Request) -> _File:
        id = parse_as(BinaryId, request.path_params["binary"], ())
        record = visible_binary(tx, id.sha256)
        if record is None:
            raise _absent()
        return _File(record, record.sha256)

    return _answering(backend, find)


def _answering(backend: Backend, find: Callable[[Tx, Request], _File]) -> Handler:
    async def answer(request: Request) -> Response:
        request_id = uuid.uuid4().hex
        try:
            viewer = await require_viewer(request, backend)

            def read() -> _File:
                with backend.database.read(viewer.id) as tx:
                    return find(tx, request)

            return await _send(backend, request, await backend.run(read))
        except Invalid:
            return refusal_response(_absent())
        except ServiceError as refusal:
            return refusal_response(refusal)
        except Exception as error:
            return failure_response(error, request, request_id)

    return answer


def _item_file(tx: Tx, dataset_text: str, item_text: str) -> _File:
    dataset = parse_as(DatasetId, dataset_text, ())
    version = dataset.version
    if _KEY.fullmatch(item_text):
        item = ItemId(dataset.key, int(item_text))
    else:
        id = parse(item_text, ())
        if not isinstance(id, ItemId) or id.dataset != dataset.key:
            raise _absent()
        item = id
    if item.version is not None:
        if version not in (None, item.version):
            raise _absent()
        version = item.version
    record = datasets_by_id(tx, [dataset.key]).get(dataset.key)
    wanted = record.head if record and version is None else version
    if record is None or wanted is None or not 1 <= wanted <= record.head:
        raise _absent()
    place = (dataset.key, wanted, item.key)
    placed = items_by_place(tx, [place]).get(place) if item.key < 2**63 else None
    if placed is None:
        raise _absent()
    binary = binaries_by_id(tx, [placed.row.binary])[placed.row.binary]
    return _File(binary, name_of(placed.row.path))


async def _send(backend: Backend, request: Request, file: _File) -> Response:
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
    pieces = await backend.run(
        lambda: open_binary(
            backend.database, backend.vault, file.binary, start=sent.start, stop=sent.stop
        )
    )
    return StreamingResponse(pieces, status_code=status, headers=headers)


def _headers(file: _File) -> dict[str, str]:
    plain = re.sub(r'[^ -~]|["\\%]', "_", file.name)
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
    return {
        **GUARDS,
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": named,
        "etag": file.tag,
        "vary": "Authorization",
    }


def _content_type(binary: BinaryRecord) -> str:
    if binary.mime_type == "text/plain":
        return "text/plain; charset=utf-8"
    return binary.mime_type if binary.mime_type in SHOWN_AS_IS else "application/octet-stream"


def _has_it(request: Request, file: _File) -> bool:
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    return bool({"*", file.tag} & tags)


def _range(request: Request, file: _File) -> range | None:
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


def _absent() -> NotFound:
    return NotFound("There is no such file")
