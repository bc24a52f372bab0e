"""Proves what must hold of binaries: rows, journal and vault tell the same story."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES, BLOB_KEYS
from gql_service.catalog.finding import Finding, no_rows
from gql_service.catalog.item import ItemState
from gql_service.catalog.sweep_steps import NAMED
from gql_service.catalog.thumbnail import THUMBNAILS
from gql_service.database.columns import table_of
from gql_service.database.engine import Tx
from gql_service.database.sets import among, chunks
from gql_service.errors import BinaryCorrupt
from gql_service.vault.contract import Vault

ITEMS = table_of(ItemState)


def audit_binaries(
    tx: Tx, vault: Vault, *, deep: bool = False, progress: Callable[[], None] = lambda: None
) -> Iterator[Finding]:
    """Every finding about binaries. `deep` reads and hashes all bytes.

    `progress` is called once for each binary. Binaries that are known to be corrupt are not
    findings: they are marked, and wait for the same bytes to be uploaded again.
    """
    held = sa.select(ITEMS.c.id).where(ITEMS.c.binary == BINARIES.c.id)
    condemned = sa.select(BINARIES.c.sha256).where(BINARIES.c.state == "condemned", held.exists())
    yield from no_rows(tx, condemned, "no binary that is held is condemned")
    key = BLOB_KEYS.c.key
    unused = sa.select(key).where(BLOB_KEYS.c.state == "live", ~NAMED)
    yield from no_rows(tx, unused, "every live key serves a binary or a thumbnail")
    drawn = sa.select(THUMBNAILS.c.binary).where(
        THUMBNAILS.c.blob_key == key, BLOB_KEYS.c.state != "live"
    )
    yield from no_rows(tx, drawn, "every thumbnail is served by a live key")
    lapsed = sa.select(BINARIES.c.sha256).where(
        BINARIES.c.blob_key == key, BLOB_KEYS.c.state != "live"
    )
    yield from no_rows(tx, lapsed, "every binary is served by a live key")
    yield from _objects(tx, vault, deep, progress)
    journal = {row.key for row in tx.rows(sa.select(key))}
    for stray in sorted(set(vault.keys()) - journal):
        yield Finding("every object has been journalled", stray)


def _objects(tx: Tx, vault: Vault, deep: bool, progress: Callable[[], None]) -> Iterator[Finding]:
    sound = sa.select(BINARIES).where(BINARIES.c.state != "corrupt").order_by(BINARIES.c.id)
    for row in tx.rows(sound):
        size = vault.size(row.blob_key)
        if size != row.size:
            found = "nothing" if size is None else f"{size} bytes"
            detail = f"{row.sha256}: {row.size} bytes expected, {found} found"
            yield Finding("every binary has its bytes", detail, row.blob_key)
        elif deep:
            yield from _hashed(vault, row)
        progress()


def _hashed(vault: Vault, row: sa.Row[Any]) -> Iterator[Finding]:
    digest = hashlib.sha256()
    try:
        for piece in vault.read(row.blob_key):
            digest.update(piece)
    except BinaryCorrupt as unreadable:
        detail = f"{row.sha256}: {unreadable.message}"
        yield Finding("every binary can be read", detail, row.blob_key)
        return
    if digest.hexdigest() != row.sha256:
        yield Finding("every binary hashes to its name", row.sha256, row.blob_key)


def mark_damaged(tx: Tx, findings: Iterable[Finding]) -> None:
    """Marks the binaries whose bytes were found bad; the next upload of the same bytes heals them.

    Unmarked, that upload would be told that they are stored. One that was healed since keeps its
    new object and is left alone.
    """
    keys = sorted({one.damaged for one in findings if one.damaged is not None})
    for part in chunks(keys):
        bad = among(BINARIES.c.blob_key, part)
        tx.execute(sa.update(BINARIES).where(bad).values(state="corrupt"))


def corrupt_count(tx: Tx) -> int:
    """How many binaries are known to be corrupt, and wait for the same bytes."""
    corrupt = sa.select(sa.func.count()).where(BINARIES.c.state == "corrupt")
    count: int = tx.scalar(corrupt)
    return count
