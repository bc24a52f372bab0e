"""JSON as it comes in and goes out: strict on the way in, never failing on the way out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, NoReturn

import anyio
import orjson
from starlette.requests import Request

from gql_service.errors import Invalid, LimitExceeded


async def read_body(request: Request, most: int, seconds: float) -> bytes:
    """The body. Raises LimitExceeded beyond so many bytes, TimeoutError when it takes longer."""
    body = bytearray()
    async with asyncio.timeout(seconds):
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise LimitExceeded(f"A JSON body can have {most} bytes")
    return bytes(body)


async def arriving(request: Request, seconds: float) -> AsyncGenerator[bytes, None]:
    """The body in pieces. Raises TimeoutError when one of them takes longer to come."""
    stream = aiter(request.stream())
    while True:
        with anyio.fail_after(seconds):
            try:
                chunk = await anext(stream)
            except StopAsyncIteration:
                return
        yield chunk


def is_short(request: Request, most: int) -> bool:
    """Whether the body says that it has no more bytes than this."""
    length = request.headers.get("content-length", "")
    return length.isdecimal() and len(length) < 20 and int(length) <= most


def decode(body: bytes | str, what: str) -> Any:
    """The value of a JSON text. Raises Invalid, saying `what` is wrong.

    The standard library's parser, because it keeps integers of any size, which scalars then
    refuse by name; orjson would silently turn them into floating point.
    """
    try:
        text = body if isinstance(body, str) else body.decode("utf-8")
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise Invalid(f"{what} is nested too deeply") from None
    except ValueError:  # also UnicodeDecodeError, and integers of thousands of digits
        raise Invalid(f"{what} is not JSON in UTF-8") from None


def encode(value: Any) -> bytes:
    """The JSON of an answer. A message may repeat a half of a surrogate pair, which UTF-8 cannot
    hold: then everything that is not ASCII is escaped."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value).encode("ascii")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
