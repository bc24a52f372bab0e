"""Uploads of files by themselves: whole by PUT, or in pieces by the tus protocol.

    PUT     /uploads/<name>     the body is the file
    POST    /uploads            opens a resumable upload, and may bring its first bytes
    HEAD    /uploads/<id>       how much has been received; GET says the same in JSON, and more
    PATCH   /uploads/<id>       the bytes from Upload-Offset on
    DELETE  /uploads/<id>       ends it

Who asks is settled before anything of a body is read, and a body that is not wanted is not read at
all: the connection ends. What is absent, and what is another user's, answer 404 alike.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gql_service.api import tus
from gql_service.api.answers import failure_response, json_response, refused
from gql_service.api.auth import require_viewer
from gql_service.api.body_stream import Bodies, Body
from gql_service.api.context import Backend
from gql_service.api.scalars import print_moment
from gql_service.api.serving import serving
from gql_service.catalog.project import check_may_upload
from gql_service.catalog.upload import (
    Opening,
    UploadRecord,
    upload_of,
)
from gql_service.catalog.uploading import PART, Uploading
from gql_service.catalog.user import Identity
from gql_service.errors import ErrorCode, LimitExceeded, NotFound, ServiceError

METHODS = ("OPTIONS", "HEAD", "GET", "POST", "PUT", "PATCH", "DELETE")
UPLOAD_ID = re.compile("up_([0-9a-f]{32})")
_BODIES = ("POST", "PUT", "PATCH")


def parse_upload_id(text: str) -> str:
    """The key that an id spells. Raises NotFound: what is no id is that of nothing."""
    match = UPLOAD_ID.fullmatch(text)
    if match is None:
        raise NotFound("There is no such upload")
    return match[1]


class Uploads:
    """Answers requests to /uploads and below."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._bodies = Bodies(backend.settings.request_seconds)
        self._handlers: Mapping[str, Callable[[Request, Identity], Awaitable[Response]]] = {
            "POST": self._open,
            "PUT": self._put,
            "HEAD": self._tell,
            "GET": self._tell,
            "PATCH": self._continue,
            "DELETE": self._end,
        }

    async def __call__(self, request: Request) -> Response:
        serving().operation = "upload"
        try:
            response = await self._respond(request)
        except tus.Refused as refusal:
            response = refused(refusal.code, refusal.message, status=refusal.status)
        except ServiceError as refusal:
            response = refused(refusal.code, refusal.message, path=refusal.path)
        except TimeoutError:
            response = refused(ErrorCode.TIMEOUT, "The body took too long", status=408)
        except ClientDisconnect:
            response = refused(ErrorCode.INVALID, "The request ended early")
        except Exception as error:
            response = failure_response(error, request, serving().id)
        response.headers["tus-resumable"] = tus.VERSION
        if response.status_code == 412:
            response.headers["tus-version"] = tus.VERSION
        if response.status_code >= 400 and request.method in _BODIES:
            response.headers["connection"] = "close"  # the rest of the body is not read
        return response

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return self._abilities()
        method = request.method
        check = check_may_upload if method == "PUT" else None  # nothing else comes before its body
        viewer = await require_viewer(request, self._backend, check)
        if method == "POST" and "upload" in request.path_params:
            method = request.headers.get("x-http-method-override", "").upper()
            if method not in ("PATCH", "DELETE", "HEAD"):
                raise tus.Refused("An upload is continued by PATCH and ended by DELETE", 405)
        if method not in ("PUT", "GET"):
            tus.require_version(request)
        if "upload" not in request.path_params and method not in ("POST", "PUT"):
            raise tus.Refused("An upload is opened by POST, or sent whole by PUT", 405)
        return await self._handlers[method](request, viewer)

    def _abilities(self) -> Response:
        headers = {
            "tus-version": tus.VERSION,
            "tus-extension": tus.EXTENSIONS,
            "tus-max-size": str(self._backend.settings.max_file_bytes),
            "tus-checksum-algorithm": ",".join(tus.CHECKSUMS),
        }
        return Response(status_code=204, headers=headers)

    async def _put(self, request: Request, viewer: Identity) -> Response:
        most = self._backend.settings.max_file_bytes
        name = tus.clean_file_name(request.path_params.get("upload", ""), ("name",))
        if (tus.content_length(request) or 0) > most:
            raise LimitExceeded(f"A file can have {most} bytes")
        uploading = self._uploading(viewer)
        done = await self._bodies.read(
            request, lambda body: uploading.whole(name, body.whole(), most)
        )
        return json_response(_shown(done), 201, {"location": self._location(done)})

    async def _open(self, request: Request, viewer: Identity) -> Response:
        settings = self._backend.settings
        length = tus.length(request, settings.max_file_bytes)
        name, described = tus.metadata(request)
        brings = request.headers.get("content-type") is not None and tus.content_length(request)
        if brings:
            tus.require_bytes(request)
            _check_room(request, length)
        opening = Opening(name, described, length)

        try:
            uploading, most_open = self._uploading(viewer), settings.max_open_uploads_per_token
            opened = await self._backend.run(lambda: uploading.open(opening, most_open=most_open))
        except LimitExceeded as refusal:
            raise tus.Refused(refusal.message, 429, refusal.code) from None
        if brings or length == 0:
            opened = await self._received(request, viewer, opened)
        headers = {"location": self._location(opened), **tus.state(opened)}
        return Response(status_code=201, headers=headers)

    async def _continue(self, request: Request, viewer: Identity) -> Response:
        tus.require_bytes(request)
        offset = tus.number(request, "Upload-Offset")
        upload = await self._found(request, viewer, to_change=True)
        if offset != upload.received:
            raise tus.Refused(f"The upload goes on at {upload.received}", 409, ErrorCode.CONFLICT)
        _check_room(request, upload.length - upload.received)
        done = await self._received(request, viewer, upload)
        return Response(status_code=204, headers=tus.state(done))

    async def _received(
        self, request: Request, viewer: Identity, upload: UploadRecord
    ) -> UploadRecord:
        """The upload with the body, or with what came of it. Raises what ended it early."""
        checksum, uploading = tus.checksum(request), self._uploading(viewer)
        if checksum and (tus.content_length(request) or PART + 1) > PART:
            raise LimitExceeded(f"A request with a checksum can bring {PART} bytes")

        def work(body: Body) -> UploadRecord:
            if checksum is not None:
                return _checked_part(uploading, upload, body, checksum)
            return _all_parts(uploading, upload, body)

        return await self._bodies.read(request, work)

    async def _tell(self, request: Request, viewer: Identity) -> Response:
        upload = await self._found(request, viewer)
        headers = {"cache-control": "no-store", **tus.description(upload)}
        if request.method == "GET":
            return json_response(_shown(upload), 200, headers)
        return Response(status_code=200, headers=headers)

    async def _end(self, request: Request, viewer: Identity) -> Response:
        key = (await self._found(request, viewer, to_change=True)).id
        await self._backend.run(lambda: self._uploading(viewer).end(key))
        return Response(status_code=204)

    async def _found(
        self, request: Request, viewer: Identity, *, to_change: bool = False
    ) -> UploadRecord:
        """Raises NotFound, and Refused (410) for one whose time has passed; whatever the id is,
        Forbidden when it is to be changed by one who may not upload."""

        def find() -> tuple[UploadRecord, bool]:
            with self._backend.database.read(viewer.actor) as tx:
                if to_change:
                    check_may_upload(tx)
                key = parse_upload_id(request.path_params["upload"])
                upload = upload_of(tx, key)
                return upload, upload.expires_at <= tx.now

        upload, expired = await self._backend.run(find)
        if expired:
            raise tus.Refused("The upload has expired", 410, ErrorCode.NOT_FOUND)
        return upload

    def _uploading(self, viewer: Identity) -> Uploading:
        backend = self._backend
        return Uploading(backend.database, backend.vault, viewer.actor, self._lasting)

    @property
    def _lasting(self) -> timedelta:
        return timedelta(hours=self._backend.settings.upload_lease_hours)

    def _location(self, upload: UploadRecord) -> str:
        return f"{self._backend.settings.resolved_public_url}/uploads/up_{upload.id}"


def _check_room(request: Request, room: int) -> None:
    if (tus.content_length(request) or 0) > room:
        raise LimitExceeded(f"Of this upload {room} bytes are missing, and the body has more")


def _all_parts(uploading: Uploading, upload: UploadRecord, body: Body) -> UploadRecord:
    """What came stays, also of a body that ended early."""
    while True:
        room = min(PART, upload.length - upload.received)
        upload = uploading.part(upload, _within(body, room, upload))
        if body.ended or upload.received == upload.length:
            break
    if body.failure is not None and upload.received < upload.length:
        raise body.failure
    return upload


def _checked_part(
    uploading: Uploading, upload: UploadRecord, body: Body, checksum: tus.Checksum
) -> UploadRecord:
    """All of the body or nothing."""
    digest = hashlib.new(checksum.algorithm, usedforsecurity=False)

    def pieces() -> Iterator[bytes]:
        for piece in _within(body, upload.length - upload.received, upload):
            digest.update(piece)
            yield piece

    def check() -> None:
        if body.failure is not None:
            raise body.failure
        if digest.digest() != checksum.digest:
            raise tus.Refused("The bytes that came are not those of the checksum", 460)

    return uploading.part(upload, pieces(), check)


def _within(body: Body, room: int, upload: UploadRecord) -> Iterator[bytes]:
    """At most `room` bytes. Raises LimitExceeded where more follow than the upload has."""
    yield from body.pieces(room)
    if room == upload.length - upload.received and body.has_more():
        raise LimitExceeded(f"The upload has {upload.length} bytes, and the body has more")


def _shown(upload: UploadRecord) -> dict[str, object]:
    return {
        "id": f"up_{upload.id}",
        "name": upload.name,
        "length": upload.length,
        "offset": upload.received,
        "sha256": upload.sha256,
        "expiresAt": print_moment(upload.expires_at),
    }
