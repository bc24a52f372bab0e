"""The one way in which mutations write: under the caller's idempotency key, when there is one.

A retry is answered from what the first call's work returned, by the same code, and so it may select
other fields; these show what is there now, as every answer does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, TypeVar

import strawberry
from pydantic import TypeAdapter
from starlette.datastructures import UploadFile

from gql_service.api.context import Info
from gql_service.catalog.idempotency import Claim, Done, ShownOnce, once
from gql_service.catalog.names import refuse_unseen
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, LimitExceeded
from gql_service.versions.given import Outcome

T = TypeVar("T")

KEY_CHARACTERS = 200
_PATH = ("idempotencyKey",)
_FIELD = "idempotency_key"

NOTHING: TypeAdapter[None] = TypeAdapter(None)
NUMBER: TypeAdapter[int] = TypeAdapter(int)
OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)


class Keyed(Protocol):
    """The input of a mutation."""

    @property
    def idempotency_key(self) -> str | None: ...


async def write_once(
    info: Info,
    input: Keyed,
    kept: TypeAdapter[T] | ShownOnce,
    work: Callable[[Tx], T],
    *,
    files: Sequence[tuple[str, str]] = (),
    unused: Callable[[], None] | None = None,
) -> T:
    """What `work` returned, in this call or in the first one with this key, user and input.

    `kept` says how the result is stored for retries. `files` are the paths and SHA-256 of what was
    uploaded; `unused` gives up what was prepared for the work, when a retry did not need it.
    Raises what `work` raises, Invalid for a wrong key, and IdempotencyConflict.
    """
    key = checked_key(input)
    if key is None:
        return await info.context.write(work)
    claim = Claim(info.field_name, _sha256(key), input_digest(input, files))
    done: Done[T] = await info.context.write(lambda tx: once(tx, claim, work, kept))
    if done.repeated and unused is not None:
        unused()
    return done.result


def checked_key(input: Keyed) -> str | None:
    """The caller's key, None without one. Raises Invalid and LimitExceeded."""
    key = input.idempotency_key
    if key is None:
        return None
    if not key:
        raise Invalid("An idempotency key needs at least one character", path=_PATH)
    if len(key) > KEY_CHARACTERS:
        raise LimitExceeded(f"At most {KEY_CHARACTERS} characters are allowed", path=_PATH)
    refuse_unseen(key, _PATH)
    return key


def input_digest(input: Keyed, files: Sequence[tuple[str, str]] = ()) -> str:
    """The SHA-256 of what is asked for, without the key: the same for every spelling of it.

    What is left out, null, or given as its default is one and the same; so is the order of fields
    and of the keys in JSON.
    """
    meant = [_meant(input), list(files)]
    return _sha256(json.dumps(meant, sort_keys=True, separators=(",", ":")))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _meant(value: Any) -> Any:
    """As JSON. Each field has one type, so that different values never look the same."""
    match value:
        case Enum():
            return value.name
        case datetime():
            return value.isoformat()
        case strawberry.Some():
            return _meant(value.value)
        case UploadFile():
            return None  # its bytes are told by `files`
        case list():
            return [_meant(one) for one in value]
        case _ if is_dataclass(value):
            given = {field.name: getattr(value, field.name) for field in fields(value)}
            return {  # without what is not given: a field more in a later release changes nothing
                name: _meant(one)
                for name, one in given.items()
                if one is not None and name != _FIELD
            }
    return value
