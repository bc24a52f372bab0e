"""Downloads: the bytes of an item or of a binary, as attachments that no browser will run.

    /files/<dataset id>/<item id or key>        /files/<dataset id>/<binary id>
    /files/<dataset id>/<item id or key>/thumbnail?size=256             /files/<binary id>

By the same bearer token as everything else, or by the grant in the address itself; what is absent
and what is not the caller's to read both answer 404. The entity tag is the SHA-256, so a copy that
a client has is good for ever; an address that also says which bytes it means (`of`) is kept by
browsers without asking again, for as long as its grant lasts.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import anyio
import anyio.to_thread
import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from gql_service.api.addresses import binary_subject, dataset_subject, thumbnail_size
from gql_service.api.answers import failure_response, refusal_response
from gql_service.api.auth import require_viewer
from gql_service.api.context import Backend
from gql_service.api.file_sending import FileToSend, send_file, send_thumbnail
from gql_service.api.grants import Grants
from gql_service.api.ids import BinaryId, DatasetId, ItemId, parse, parse_as
from gql_service.api.nodes import visible_binary
from gql_service.api.serving import serving
from gql_service.catalog.binary import BinaryRecord, binaries_by_id, binary_by_sha256
from gql_service.catalog.dataset import DatasetRecord, datasets_by_id, living_dataset
from gql_service.catalog.item_path import name_of
from gql_service.catalog.lineage import PlacedItem, items_by_place
from gql_service.catalog.picture import can_be_drawn
from gql_service.catalog.visibility import open_view, visible_items
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, NotFound, ServiceError, Unauthenticated

Handler = Callable[[Request], Awaitable[Response]]

_KEY = re.compile("[1-9][0-9]{0,18}")
_SIZE = re.compile("[1-9][0-9]{0,3}")
_GRANT = "grant"
DRAWN_AT_ONCE = 2
"""Thumbnails: each may take a core and a quarter of a gigabyte for a moment."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A download that was asked for. Without a grant, the viewer of the transaction may read."""

    request: Request
    grants: Grants | None

    @property
    def size(self) -> int:
        """Of a thumbnail. Raises Invalid."""
        text = self.request.query_params.get("size", "256")
        if not _SIZE.fullmatch(text):
            raise Invalid("The size is a number of pixels", path=("size",))
        return thumbnail_size(int(text))

    def seconds_left(self, subject: str, now: datetime) -> int:
        """Of the grant. Raises Unauthenticated when it does not let the subject be read."""
        assert self.grants is not None, "asked for by a token"
        left = self.grants.seconds_left(self.request.query_params[_GRANT], subject, now)
        if not left:
            raise Unauthenticated("The address is not valid, or not any more: ask for it again")
        return left

    def file(
        self, binary: BinaryRecord, name: str, left: int | None, *, by_content: bool = False
    ) -> FileToSend:
        """`left` are the seconds of a grant. Raises NotFound when the address means other bytes."""
        of = self.request.query_params.get("of")
        if of is not None and not (of and binary.sha256.startswith(of)):
            raise _absent()
        unchanging = by_content or of is not None
        return FileToSend(binary, name, left if unchanging else None, left is not None)


Find = Callable[[Tx, _Asked], FileToSend]


def item_files(backend: Backend) -> Handler:
    """Answers /files/{dataset}/{item}."""

    async def send(asked: _Asked, file: FileToSend) -> Response:
        return await send_file(backend, asked.request, file)

    return _answering("file", backend, _in_dataset, send)


def thumbnails(backend: Backend) -> Handler:
    """Answers /files/{dataset}/{item}/thumbnail."""
    drawing = anyio.CapacityLimiter(DRAWN_AT_ONCE)

    async def send(asked: _Asked, file: FileToSend) -> Response:
        binary, size = file.binary, asked.size
        if not can_be_drawn(binary.mime_type, binary.size, binary.width, binary.height):
            raise _absent()
        return await send_thumbnail(backend, drawing, asked.request, file, size)

    return _answering("thumbnail", backend, _in_dataset, send)


def binary_files(backend: Backend) -> Handler:
    """Answers /files/{binary}."""

    def find(tx: Tx, asked: _Asked) -> FileToSend:
        id = parse_as(BinaryId, asked.request.path_params["binary"], ())
        left = None
        if asked.grants is None:
            record = visible_binary(tx, id.sha256)
        else:
            left = asked.seconds_left(binary_subject(id.sha256), tx.now)
            record = binary_by_sha256(tx, id.sha256)
        if record is None:
            raise _absent()
        return asked.file(record, id.sha256, left, by_content=True)

    async def send(asked: _Asked, file: FileToSend) -> Response:
        return await send_file(backend, asked.request, file)

    return _answering("binary", backend, find, send)


def _answering(
    name: str,
    backend: Backend,
    find: Find,
    send: Callable[[_Asked, FileToSend], Awaitable[Response]],
) -> Handler:
    async def answer(request: Request) -> Response:
        serving().operation = name
        try:
            by_grant = _GRANT in request.query_params and "authorization" not in request.headers
            viewer = None if by_grant else await require_viewer(request, backend)
            asked = _Asked(request, backend.grants if by_grant else None)

            def read() -> FileToSend:
                with backend.database.read(viewer.actor if viewer else None) as tx:
                    return find(tx, asked)

            return await send(asked, await backend.run(read))
        except Invalid:
            return refusal_response(_absent())
        except ServiceError as refusal:
            return refusal_response(refusal)
        except Exception as error:
            return failure_response(error, request, serving().id)

    return answer


def _in_dataset(tx: Tx, asked: _Asked) -> FileToSend:
    dataset = parse_as(DatasetId, asked.request.path_params["dataset"], ())
    left = None
    if asked.grants is None:
        record = datasets_by_id(tx, [dataset.key]).get(dataset.key)
    else:
        left = asked.seconds_left(dataset_subject(dataset.key), tx.now)
        record = living_dataset(tx, dataset.key)
    if record is None:
        raise _absent()
    text = asked.request.path_params["item"]
    if not _KEY.fullmatch(text) and isinstance(id := parse(text, ()), BinaryId):
        held = _held(tx, record, dataset.version, id.sha256)
        return asked.file(held, id.sha256, left, by_content=True)
    placed = _item(tx, record, dataset, text)
    binary = binaries_by_id(tx, [placed.row.binary])[placed.row.binary]
    return asked.file(binary, name_of(placed.row.path), left)


def _item(tx: Tx, record: DatasetRecord, dataset: DatasetId, text: str) -> PlacedItem:
    version = dataset.version
    if _KEY.fullmatch(text):
        item = ItemId(dataset.key, int(text))
    else:
        id = parse(text, ())
        if not isinstance(id, ItemId) or id.dataset != dataset.key:
            raise _absent()
        item = id
    if item.version is not None:
        if version not in (None, item.version):
            raise _absent()
        version = item.version
    wanted = _version(record, version)
    place = (dataset.key, wanted, item.key)
    placed = items_by_place(tx, [place]).get(place) if item.key < 2**63 else None
    if placed is None:
        raise _absent()
    return placed


def _held(tx: Tx, record: DatasetRecord, version: int | None, sha256: str) -> BinaryRecord:
    """A binary that the dataset shows at that version."""
    binary = binary_by_sha256(tx, sha256)
    if binary is None:
        raise _absent()
    view = open_view(tx, record.id, _version(record, version))
    shown = visible_items(view, lambda c: sa.select(c.key).where(c.binary == binary.id).limit(1))
    if tx.first(shown) is None:
        raise _absent()
    return binary


def _version(record: DatasetRecord, asked: int | None) -> int:
    wanted = record.head if asked is None else asked
    if not 1 <= wanted <= record.head:
        raise _absent()
    return wanted


def _absent() -> NotFound:
    return NotFound("There is no such file")
