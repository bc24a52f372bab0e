"""The server that one would write first: Strawberry types, SQLAlchemy objects, data loaders.

    python -m bench.peers.plain_strawberry <port> <address of the database> <line>

It reads the newest states of one line of the service's own tables: no token, no versions, no
layers.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import strawberry
import uvicorn
from sqlalchemy.orm import Session
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.scalars import JSON

from gql_service.catalog import annotation, binary, item
from gql_service.database.columns import FOREVER

ITEMS: Any = item.ItemState
ANNOTATIONS: Any = annotation.AnnotationState
BINARIES: Any = binary.Binary


@dataclass
class Reader:
    """One request: each read is a session in a worker thread."""

    engine: sa.Engine
    line: int

    def __post_init__(self) -> None:
        self.binaries = DataLoader(self._load_binaries)
        self.annotations = DataLoader(self._load_annotations)

    async def all(self, statement: sa.Select[Any]) -> Sequence[Any]:
        def read() -> Sequence[Any]:
            with Session(self.engine) as session:
                return session.scalars(statement).all()

        return await asyncio.to_thread(read)

    def live(self, model: Any) -> sa.Select[Any]:
        return sa.select(model).where(model.line == self.line, model.until == FOREVER)

    async def _load_binaries(self, keys: list[int]) -> list[Any]:
        rows = await self.all(sa.select(BINARIES).where(BINARIES.id.in_(keys)))
        found = {row.id: row for row in rows}
        return [found[key] for key in keys]

    async def _load_annotations(self, keys: list[int]) -> list[list[Any]]:
        wanted = self.live(ANNOTATIONS).where(ANNOTATIONS.item.in_(keys))
        found: dict[int, list[Any]] = {key: [] for key in keys}
        for row in await self.all(wanted.order_by(ANNOTATIONS.key)):
            found[row.item].append(row)
        return [found[key] for key in keys]


Info = strawberry.Info[Reader, None]


@strawberry.type
class Binary:
    sha256: str
    size: str
    mime_type: str


@strawberry.type
class Annotation:
    id: strawberry.ID
    type: str
    label: str
    coordinates: JSON

    @staticmethod
    def of(row: Any) -> Annotation:
        return Annotation(
            id=strawberry.ID(str(row.key)),
            type=row.type,
            label=row.label,
            coordinates=json.loads(row.coordinates),
        )


@strawberry.type
class Item:
    row: strawberry.Private[Any]
    id: strawberry.ID
    path: str
    metadata: JSON

    @staticmethod
    def of(row: Any) -> Item:
        return Item(
            row=row,
            id=strawberry.ID(str(row.key)),
            path=row.path,
            metadata=json.loads(row.meta),
        )

    @strawberry.field
    async def binary(self, info: Info) -> Binary:
        found = await info.context.binaries.load(self.row.binary)
        return Binary(sha256=found.sha256, size=str(found.size), mime_type=found.mime_type)

    @strawberry.field
    async def annotations(self, info: Info) -> list[Annotation]:
        return [Annotation.of(row) for row in await info.context.annotations.load(self.row.key)]


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class ItemConnection:
    nodes: list[Item]
    page_info: PageInfo


@strawberry.type
class Query:
    @strawberry.field
    async def items(
        self, info: Info, first: int, after: str | None = None, label: str | None = None
    ) -> ItemConnection:
        reader = info.context
        wanted = reader.live(ITEMS).order_by(ITEMS.path).limit(first + 1)
        if after is not None:
            wanted = wanted.where(ITEMS.path > after)
        if label is not None:
            marked = reader.live(ANNOTATIONS).where(ANNOTATIONS.label == label)
            wanted = wanted.where(ITEMS.key.in_(marked.with_only_columns(ANNOTATIONS.item)))
        rows = await reader.all(wanted)
        end = rows[:first][-1].path if rows else None
        return ItemConnection(
            nodes=[Item.of(row) for row in rows[:first]],
            page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=end),
        )

    @strawberry.field
    async def item(self, info: Info, id: strawberry.ID) -> Item | None:
        reader = info.context
        rows = await reader.all(reader.live(ITEMS).where(ITEMS.key == int(id)))
        return Item.of(rows[0]) if rows else None


class Application(GraphQL[Reader, None]):
    """Strawberry's own ASGI application."""

    def __init__(self, reader: Callable[[], Reader]) -> None:
        super().__init__(strawberry.Schema(Query), graphql_ide=None)
        self._reader = reader

    async def get_context(self, *_: Any, **__: Any) -> Reader:
        return self._reader()


def main() -> None:
    port, url, line = sys.argv[1:]
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=10)
    application = Application(lambda: Reader(engine, int(line)))
    uvicorn.run(application, port=int(port), log_level="warning", server_header=False)


if __name__ == "__main__":
    main()
