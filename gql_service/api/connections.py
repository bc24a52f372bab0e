"""Pages of lists, as Relay has them, over keyset cursors.

A cursor is `<version>.<key>.<list>`: the version that the page was read at (0 where there is none),
the key of its row, and a short hash of what was asked for, so that a cursor of another list, filter
or order is refused instead of answering nonsense.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar, cast

import orjson
import strawberry

from gql_service.api.context import Info
from gql_service.api.described import resolver
from gql_service.errors import Invalid, LimitExceeded

T = TypeVar("T")

DEFAULT_PAGE = 50
largest_page: ContextVar[int] = ContextVar("largest_page", default=500)
"""The setting, for the request that is being answered."""

_CURSOR = re.compile(r"(0|[1-9][0-9]{0,18})\.([1-9][0-9]{0,18}|0)\.([0-9a-f]{8})")
_LARGEST = 2**63 - 1

First = Annotated[
    int | None,
    strawberry.argument(
        description="How many from the start: by default 50, at most 500 unless the service is set "
        "otherwise. Not together with `last`."
    ),
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="Begin behind this cursor of the same list, filter and order; with `first`."
    ),
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description="How many from the end: at most 500 unless the service is set otherwise. Not "
        "together with `first`."
    ),
]
Before = Annotated[
    str | None,
    strawberry.argument(
        description="End before this cursor of the same list, filter and order; with `last`."
    ),
]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there are more behind the page.")
    has_previous_page: bool = strawberry.field(
        description="Whether there are more before the page."
    )
    start_cursor: str | None = strawberry.field(
        description="Cursor of the first row, null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last row, null on an empty page."
    )


@strawberry.type(description="A row of a page with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(
        description="Where the row lies; give it to `after` or `before`."
    )
    node: T = strawberry.field(description="The row.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    rows: strawberry.Private[Sequence[T]]
    cursors: strawberry.Private[Sequence[str]]
    has_next: strawberry.Private[bool]
    has_previous: strawberry.Private[bool]
    count: strawberry.Private[Callable[[], Awaitable[int]]]
    spliced: strawberry.Private[Mapping[str, orjson.Fragment] | None] = None
    """Lists that are finished already, by response key; then there are no `rows`."""

    @resolver(description="The rows of the page, without their cursors.")
    def nodes(self, info: Info) -> list[T]:
        if self.spliced is not None:
            return cast(list[T], self.spliced[_response_key(info)])
        return list(self.rows)

    @resolver(description="The rows of the page with their cursors.")
    def edges(self, info: Info) -> list[Edge[T]]:
        if self.spliced is not None:
            return cast(list[Edge[T]], self.spliced[_response_key(info)])
        rows = zip(self.cursors, self.rows, strict=True)
        return [Edge(cursor=cursor, node=node) for cursor, node in rows]

    @resolver(description="Where the page lies in its list.")
    def page_info(self) -> PageInfo:
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=self.cursors[0] if self.cursors else None,
            end_cursor=self.cursors[-1] if self.cursors else None,
        )

    @resolver(description="How many rows the whole list has; counted only when asked for.")
    async def total_count(self) -> int:
        return await self.count()


def _response_key(info: Info) -> str:
    return str(info.path.key)


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list was asked for; `version` and `anchor` are those of the cursor."""

    limit: int
    backwards: bool
    version: int | None
    anchor: int | None
    digest: str

    @property
    def anchor_argument(self) -> str:
        return "before" if self.backwards else "after"

    def cursor(self, key: int, version: int = 0) -> str:
        return f"{version}.{key}.{self.digest}"


def window(
    of: object,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Window:
    """The part asked for of the list that `of` describes (its name, filter and order).

    Raises Invalid, naming the argument, for a negative number, for `first` with `last`, for a
    cursor on the wrong side, and for one of another list; LimitExceeded beyond the largest page.
    """
    if first is not None and last is not None:
        raise Invalid("Give first or last, not both", path=("last",))
    backwards = last is not None or (first is None and before is not None)
    if backwards and after is not None:
        raise Invalid("after goes with first; last goes with before", path=("after",))
    if not backwards and before is not None:
        raise Invalid("before goes with last; first goes with after", path=("before",))
    limit = _limit(last, "last") if backwards else _limit(first, "first")
    digest = hashlib.blake2s(repr(of).encode(errors="replace"), digest_size=4).hexdigest()
    text = before if backwards else after
    if text is None:
        return Window(limit, backwards, None, None, digest)
    version, anchor = _decode(text, digest, "before" if backwards else "after")
    return Window(limit, backwards, version or None, anchor, digest)


def page_size(
    first: int | None = None,
    after: str | None = None,  # noqa: ARG001 - the arguments of a page, in their order
    last: int | None = None,
    before: str | None = None,  # noqa: ARG001
) -> int:
    """How many rows these arguments ask for at once; `window` refuses what is wrong with them."""
    given = last if first is None else first
    return DEFAULT_PAGE if given is None else given


def _limit(asked: int | None, argument: str) -> int:
    most = largest_page.get()
    if asked is None:
        return min(DEFAULT_PAGE, most)
    if asked < 0:
        raise Invalid(f"{argument} cannot be negative", path=(argument,))
    if asked > most:
        raise LimitExceeded(
            f"A page has at most {most} rows; {asked} were asked for", path=(argument,)
        )
    return asked


def _decode(text: str, digest: str, argument: str) -> tuple[int, int]:
    match = _CURSOR.fullmatch(text)
    if match is None or max(int(match[1]), int(match[2])) > _LARGEST:
        raise Invalid("This is not a cursor of this service", path=(argument,))
    if match[3] != digest:
        raise Invalid(
            "The cursor belongs to another list, or to another filter or order", path=(argument,)
        )
    return int(match[1]), int(match[2])
