"""The table of rights, written down once more and independently of the service, with a row for
every operation and every place of an id: what one needs, in the order in which it is asked for.

A row is a template of arguments in which `Id` stands for ids; `needs` names, by their paths, what
is needed of the things that they mean. Where nothing is said of an id, anything may stand there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.api.rights.world import ROLES, SCOPES

ABOVE_VIEWER = frozenset(ROLES) - {"VIEWER"}
WRITERS = frozenset({"OWNER", "DEVELOPER"})
OWNERS = frozenset({"OWNER"})

NEEDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    # Roles in the project of the thing, and scopes of which the token has one.
    "read": (frozenset(ROLES), frozenset({"READ", "ANNOTATE", "WRITE", "ADMIN"})),
    "annotate": (ABOVE_VIEWER, frozenset({"ANNOTATE", "WRITE"})),
    "write": (WRITERS, frozenset({"WRITE"})),
    "curate": (WRITERS, frozenset({"WRITE"})),
    "own": (OWNERS, frozenset({"ADMIN"})),
}
WHOLE, BE_ADMIN, INSIDE, MEMBER, AMONG, MINE, KNOWN, BROUGHT = (
    "a token of scope ADMIN for every project",
    "to be an admin",
    "to be of the dataset that is named beside",
    "to be a member of the project",
    "to be among the projects of the datasets",
    "to be a token of one's own",
    "to be a user whom one may look up",
    "to be an upload of one's own",
)


@dataclass(frozen=True)
class Id:
    """Stands for the id of a thing of the world. What lies in a thing that is named `beside` goes
    along with it."""

    thing: str
    beside: str | None = None


@dataclass(frozen=True)
class Row:
    """A field, what it is given (of one that takes an `input`, what stands in that), and what it
    needs. `inside` is the way to a field that is no root."""

    field: str
    given: dict[str, Any] = field(default_factory=dict)
    needs: tuple[tuple[str, str], ...] = ()
    select: str = ""
    inside: str = "%s"

    def ids(self) -> dict[str, Id]:
        return dict(_ids(self.given))


def _ids(value: Any, path: str = "") -> Iterator[tuple[str, Id]]:
    if isinstance(value, Id):
        yield path, value
        return
    pairs = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        pairs = enumerate(value)  # type: ignore[assignment]
    for key, inner in pairs:
        yield from _ids(inner, f"{path}.{key}" if path else str(key))


def expected(row: Row, varied: str, whose: str, caller: str, token: str) -> str:
    """The code that is to be answered when the id at `varied` is that of a thing which is the
    caller's `own`, `foreign` or `absent`, and all others are their own; OK for a success."""
    for path, need in row.needs:
        code = _refusal(need, whose if path == varied else "own", caller, token)
        if code is not None:
            return code
    return "OK"


def _refusal(need: str, whose: str, caller: str, token: str) -> str | None:
    role = caller if caller in ROLES else None
    scopes, reaches = SCOPES[token], token != "ELSEWHERE"
    if need in NEEDS:
        roles, enough = NEEDS[need]
        if whose != "own" or role is None or not reaches:
            return "NOT_FOUND"
        return None if role in roles and scopes & enough else "FORBIDDEN"
    whole = "ADMIN" in scopes and token not in ("HERE", "ELSEWHERE")
    if need == WHOLE:
        return None if whole else "FORBIDDEN"
    if need == BE_ADMIN:
        return None if caller == "ADMIN" else "FORBIDDEN"
    if need == MINE:
        return None if whose == "own" and whole else "NOT_FOUND"
    if need == KNOWN:
        everybody = caller == "ADMIN" and token not in ("HERE", "ELSEWHERE")
        fellow = whose == "own" and role is not None and reaches
        return None if fellow or (everybody and whose != "absent") else "NOT_FOUND"
    if whose == "own":
        return None
    codes = {INSIDE: "INVALID", MEMBER: "NOT_FOUND", AMONG: "INVALID", BROUGHT: "NOT_FOUND"}
    return codes[need]
