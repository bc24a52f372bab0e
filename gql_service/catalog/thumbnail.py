"""Thumbnails: small pictures of binaries, made when they are first asked for, and then kept.

The object of a thumbnail is journalled like any other (`catalog/binary`), so an unfinished one is
swept away. Its row goes in the transaction that removes its binary, which turns its key dead.
Thumbnails are no contents of their own: they have no hash that anybody could name, and losing one
loses nothing.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gql_service.catalog.binary import BINARIES, bury_keys, claim_keys
from gql_service.catalog.unique import insert_unless_taken
from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among


class Thumbnail(SQLModel, table=True):
    """The object that holds the thumbnail of a binary in one size (longest side, in pixels)."""

    __tablename__ = "thumbnails"

    binary: int = Field(sa_type=sa.BigInteger, foreign_key="binaries.id", primary_key=True)
    size: int = Field(primary_key=True)
    blob_key: str = Field(foreign_key="blob_keys.key", unique=True)


THUMBNAILS = table_of(Thumbnail)

_KEY = Prepared(
    sa.select(THUMBNAILS.c.blob_key).where(
        THUMBNAILS.c.binary == sa.bindparam("binary", type_=sa.BigInteger()),
        THUMBNAILS.c.size == sa.bindparam("size", type_=sa.Integer()),
    )
)


def thumbnail_key(tx: Tx, binary: int, size: int) -> str | None:
    """The key of the object, if that thumbnail has been made."""
    key: str | None = tx.scalar(_KEY, {"binary": binary, "size": size})
    return key


def keep_thumbnail(tx: Tx, binary: int, size: int, key: str) -> bool:
    """Makes the object under a pending key the thumbnail; false when it is not needed, because
    there is one by now, or the binary has gone. The key is then still pending.

    Raises Conflict when the key is not pending any more.
    """
    there = sa.select(BINARIES.c.id).where(BINARIES.c.id == binary)
    if tx.first(there.with_for_update(read=True, key_share=True)) is None:
        return False
    row = {"binary": binary, "size": size, "blob_key": key}
    if insert_unless_taken(tx, THUMBNAILS, row, THUMBNAILS.c.size) is None:
        return False
    claim_keys(tx, {key})
    return True


def forget_thumbnail(tx: Tx, binary: int, size: int, key: str) -> None:
    """Of an object that turned out to be damaged: the next one who asks has it made again."""
    gone = tx.rows(
        sa.delete(THUMBNAILS)
        .where(
            THUMBNAILS.c.binary == binary, THUMBNAILS.c.size == size, THUMBNAILS.c.blob_key == key
        )
        .returning(THUMBNAILS.c.blob_key)
    )
    bury_keys(tx, [row.blob_key for row in gone])


def remove_thumbnails(tx: Tx, binaries: Collection[int]) -> None:
    """Of binaries whose rows go in this transaction, and are locked."""
    gone = tx.rows(
        sa.delete(THUMBNAILS)
        .where(among(THUMBNAILS.c.binary, binaries))
        .returning(THUMBNAILS.c.blob_key)
    )
    bury_keys(tx, [row.blob_key for row in gone])
