"""The same questions to every server, in its own words, and what the right answers are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from bench import floor_page
from bench.data import LABELS, SHARED_LABELS, path_of
from bench.load import Request
from gql_service.catalog.visibility import View

PAGE = 100
WALKED = 500
"""Rows per step on the way to a page far in: the most that the service gives."""
LABEL = LABELS[0]
_JSON = ("content-type", "application/json")
_PAGE_INFO = "pageInfo { hasNextPage endCursor }"


@dataclass(frozen=True, slots=True)
class Words:
    """How one GraphQL server spells the questions.

    `items` and `marked` open the list of items (the second of those with a label) up to its
    arguments, which are the variables of each question; `item` is the whole field of one item by
    `$id`. `id` is how the id of an item is made of its key.
    """

    items: str
    marked: str
    item: str
    node: str
    id: Callable[[int], str] = str
    types: tuple[str, str] = ("ID!", "String")
    """Of an id, and of a cursor."""
    headers: tuple[tuple[str, str], ...] = ()

    def page(self, after: str | None = None, *, marked: bool = False) -> Request:
        """A page of items with their files and annotations."""
        return self._list(PAGE, after, f"nodes {{ {self.node} }} {_PAGE_INFO}", marked)

    def step(self, rows: int, after: str | None) -> Request:
        """Only where a page of so many rows ends."""
        return self._list(rows, after, _PAGE_INFO, marked=False)

    def one(self, key: int) -> Request:
        return self._asked(f"query One($id: {self.types[0]}) {{ {self.item} }}", id=self.id(key))

    def _list(self, first: int, after: str | None, fields: str, marked: bool) -> Request:
        opened = self.marked if marked else self.items
        types = f"$first: Int!, $after: {self.types[1]}"
        document = f"query Page({types}) {{ {opened} {{ {fields} }} }}"
        return self._asked(document, first=first, after=after)

    def _asked(self, document: str, **variables: object) -> Request:
        body = json.dumps({"query": document, "variables": variables})
        return Request("/graphql", (_JSON, *self.headers), body)


_NODE = "id path metadata binary { sha256 size mimeType } "
_MARKS = "annotations { id type label coordinates }"
_ARGUMENTS = "first: $first, after: $after"


def of_service(dataset: int, token: str) -> Words:
    marked = f'where: {{ annotations: {{ some: {{ label: {{ eq: "{LABEL}" }} }} }} }}'
    return Words(
        items=f'items(datasetId: "ds_{dataset}", {_ARGUMENTS})',
        marked=f'items(datasetId: "ds_{dataset}", {marked}, {_ARGUMENTS})',
        item="item(by: { id: $id }) { id path metadata }",
        node=_NODE + "annotations { nodes { id type label coordinates } }",
        id=lambda key: f"it_{dataset}_{key}",
        headers=(("authorization", f"Bearer {token}"),),
    )


PLAIN = Words(
    items=f"items({_ARGUMENTS})",
    marked=f'items(label: "{LABEL}", {_ARGUMENTS})',
    item="item(id: $id) { id path metadata }",
    node=_NODE + _MARKS,
)
"""Of both servers written for the bench."""

POSTGRAPHILE = Words(
    items=f"items: allItems(orderBy: [PATH_ASC], {_ARGUMENTS})",
    marked=f'items: itemsWithLabel(label: "{LABEL}", {_ARGUMENTS})',
    item="item: itemByRowId(rowId: $id) { rowId path metadata }",
    node="rowId path metadata binary: binaryByBinaryId { sha256 size mimeType } "
    "annotations: annotationsByItemId { nodes { rowId type label coordinates } }",
    types=("BigInt!", "Cursor"),
)


@dataclass(frozen=True, slots=True)
class Right:
    """What has to be answered: the paths of the rows of each question."""

    items: int
    paths: Mapping[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        def some(start: int, step: int) -> list[str]:
            return [path_of(n) for n in range(start, self.items, step)[:PAGE]]

        paths = {
            "page": some(0, 1),
            "deep": some(self.skipped, 1),
            "marked": some(0, SHARED_LABELS),
            "item": [path_of(self.items // 2)],
        }
        object.__setattr__(self, "paths", paths)

    @property
    def skipped(self) -> int:
        """How many items are before the deep page."""
        return max(0, min(self.items * 9 // 10, self.items - PAGE))

    def check(self, question: str, port: int, request: Request) -> None:
        """Asks once. Raises RuntimeError when the answer is another one."""
        answer = ask(port, request)
        if isinstance(answer, dict) and "data" in answer:
            data = answer["data"]
            answer = data["items"]["nodes"] if "items" in data else data["item"]
        rows = answer if isinstance(answer, list) else [answer]
        if [row["path"] for row in rows] != self.paths[question]:
            raise RuntimeError(f"The wrong rows were answered: {str(answer)[:300]}")
        if question != "item" and not all(_is_whole(row) for row in rows):
            raise RuntimeError(f"Files or annotations are missing: {str(answer)[:300]}")


def ask(port: int, request: Request) -> Any:
    """The answer to one request. Raises RuntimeError unless it is a 200 without errors."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            request.method, request.path, request.body.encode(), dict(request.headers)
        )
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    answer = json.loads(body) if response.status == 200 else {"errors": body}
    if isinstance(answer, dict) and answer.get("errors"):
        raise RuntimeError(f"{request.body or request.path}: {answer['errors']}")
    return answer


def to_graphql(words: Words, port: int, right: Right, key: int) -> dict[str, Request]:
    """The questions to a GraphQL server. Walks to the page far in by the server's own cursors."""
    cursor, walked = None, 0
    while walked < right.skipped:
        rows = min(WALKED, right.skipped - walked)
        page = ask(port, words.step(rows, cursor))["data"]["items"]["pageInfo"]
        cursor, walked = page["endCursor"], walked + rows
    return {
        "page": words.page(),
        "deep": words.page(cursor),
        "marked": words.page(marked=True),
        "item": words.one(key),
    }


def in_sql(view: View, right: Right, key: int, *, postgres: bool) -> dict[str, str]:
    """The precomposed statement for each question."""

    def page(after: str = "", label: str | None = None) -> str:
        return floor_page.page(view, postgres=postgres, limit=PAGE, after=after, label=label)

    return {
        "page": page(),
        "deep": page(after=path_of(right.skipped - 1) if right.skipped else ""),
        "marked": page(label=LABEL),
        "item": floor_page.item(view, key, postgres=postgres),
    }


def _is_whole(row: dict[str, Any]) -> bool:
    marks = row["annotations"]
    file = row.get("binary", row)
    return len(marks["nodes"] if isinstance(marks, dict) else marks) == 3 and file["sha256"]
