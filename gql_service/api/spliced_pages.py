"""Pages whose rows the database has finished, as connections are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gql_service.api.connections import Window
from gql_service.api.context import Info
from gql_service.api.point import Point
from gql_service.api.shapes import names_at
from gql_service.catalog.shape import Fields, nodes_in
from gql_service.catalog.spliced import Filter, Order, Question, joined_list, splice
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Tx


@dataclass(frozen=True, slots=True)
class SplicedPage:
    """The lists of a page by response key, the cursors of its first row and of its last, and where
    it ends."""

    lists: dict[str, orjson.Fragment]
    cursors: list[str]
    has_next: bool
    has_previous: bool


async def spliced_page(
    info: Info,
    at: Point,
    lists: Mapping[str, Fields],
    filter: Filter,
    order: Order,
    asked: Window,
    *,
    of_items: bool,
) -> SplicedPage:
    """Reads a page of a dataset at a point in one transaction. Raises Invalid as `splice`."""
    names = names_at(info, at, asked.digest)
    question = Question(
        of_items=of_items,
        wanted=tuple(lists.values()),
        filter=filter,
        order=order,
        limit=asked.limit,
        backwards=asked.backwards,
        after=asked.anchor,
    )

    def read(tx: Tx) -> SplicedPage:
        found = splice(tx, open_view(tx, at.dataset, at.version), question, names)
        made = [orjson.Fragment(joined_list(texts)) for texts in found.texts]
        if info.context.tally.wanted:
            for fields, texts in zip(question.wanted, found.texts, strict=True):
                info.context.tally.nodes += sum(
                    nodes_in(fields, orjson.loads(text)) for text in texts
                )
        ends = found.keys[:1] + found.keys[-1:]
        cursors = [asked.cursor(key, at.version) for key in ends]
        by_key = dict(zip(lists, made, strict=True))
        return SplicedPage(by_key, cursors, found.has_next, found.has_previous)

    return await info.context.read(read)
