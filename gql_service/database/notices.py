"""Word of what was committed, from one process to the others, as far as the database carries it.

PostgreSQL does: NOTIFY in the transaction that announces something reaches every process that
listens, when and only when it is committed. A notice is only a hint. It may come late or not at
all, while a connection is broken; whoever listens looks for themselves again after `LISTENING`.
SQLite carries nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

CHANNEL = "gql_service_datasets"
LISTENING = -1
"""Stands in the place of a dataset: from now on, notices will come."""
_NOTIFY = sa.text("SELECT pg_notify(:channel, CAST(one AS text)) FROM unnest(:datasets) AS one")
_KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


def announce(connection: Connection, datasets: Collection[int]) -> None:
    """Tells other processes of these datasets, if the transaction of the connection commits."""
    if datasets and connection.dialect.name == "postgresql":
        connection.execute(_NOTIFY, {"channel": CHANNEL, "datasets": sorted(datasets)})


async def notices(engine: Engine) -> AsyncGenerator[int, None]:
    """The datasets that are announced, over one connection of its own, `LISTENING` first.

    Raises psycopg.Error when the connection cannot be made or breaks.
    """
    arguments, options = engine.dialect.create_connect_args(engine.url)
    options = {**_KEEPALIVES, **options, "autocommit": True}
    connection = await psycopg.AsyncConnection.connect(*arguments, **options)
    async with connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        yield LISTENING
        async with aclosing(connection.notifies()) as heard:
            async for notice in heard:
                if notice.payload.isdecimal():
                    yield int(notice.payload)
