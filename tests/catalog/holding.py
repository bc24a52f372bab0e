"""Builders for tests of binaries: a line to write states on, uploads, sweeps, and the final check.

The states are inserted as rows: here it only matters that they name a binary.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import (
    BINARIES,
    BLOB_KEYS,
    CANDIDATES,
    StoredBlob,
    attach,
    release,
    revive,
)
from gql_service.catalog.blob import store
from gql_service.catalog.dataset import Dataset
from gql_service.catalog.item import ItemState
from gql_service.catalog.line import Line
from gql_service.catalog.project import Project
from gql_service.catalog.sweep import SweepReport, sweep
from gql_service.database.columns import table_of
from gql_service.database.engine import Database, Tx
from gql_service.settings import Settings
from gql_service.vault.contract import Vault

LEASE = timedelta(hours=24)
RULES = Settings(sweep_grace_hours=24, sweep_delete_delay_hours=7 * 24, upload_lease_hours=24)
STATES = table_of(ItemState)


@dataclass(frozen=True)
class Shelf:
    """A database and a vault, with one empty line in it."""

    database: Database
    vault: Vault
    actor: int
    line: int

    def upload(self, content: bytes, name: str = "a.bin") -> StoredBlob:
        chunks = [content[at : at + 7] for at in range(0, len(content), 7)]
        return store(self.database, self.vault, chunks, name=name, max_bytes=None, lease=LEASE)

    def add(self, *contents: bytes) -> list[int]:
        """Uploads, attaches and holds each; returns the ids of the binaries."""
        return self.publish([self.upload(content) for content in contents])

    def publish(self, blobs: Sequence[StoredBlob]) -> list[int]:
        def work(tx: Tx) -> list[int]:
            binaries = attach(tx, blobs)
            self.hold(tx, binaries)
            return binaries

        return self.database.write(work, actor=self.actor)

    def hold(self, tx: Tx, binaries: Sequence[int]) -> None:
        """One new state for each, as the writer inserts them."""
        rows = [self._state(tx, secrets.randbelow(2**62), binary) for binary in binaries]
        tx.execute(sa.insert(STATES).values(rows))

    def name(self, binary: int) -> None:
        """What a clone or a merge does: a state for a binary that is stored already."""

        def work(tx: Tx) -> None:
            revive(tx, [binary])
            self.hold(tx, [binary])

        self.database.write(work, actor=self.actor)

    def purge(self, *binaries: int) -> None:
        """Removes the states that name these, all when none is given."""

        def work(tx: Tx) -> None:
            chosen = STATES.c.binary.in_(binaries) if binaries else sa.true()
            gone = tx.rows(sa.delete(STATES).where(chosen).returning(STATES.c.binary))
            release(tx, [row.binary for row in gone])

        self.database.write(work, actor=self.actor)

    def sweep(self, **options: bool) -> SweepReport:
        return sweep(self.database, self.vault, RULES, **options)

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        with self.database.read() as tx:
            return [dict(row._mapping) for row in tx.rows(sa.select(table))]

    def binary(self, number: int) -> dict[str, Any]:
        (row,) = [row for row in self.rows(BINARIES) if row["id"] == number]
        return row

    def key_state(self, key: str) -> str | None:
        states = {row["key"]: row["state"] for row in self.rows(BLOB_KEYS)}
        return states.get(key)

    def is_empty(self) -> bool:
        tables = (STATES, BINARIES, BLOB_KEYS, CANDIDATES)
        return not any(self.rows(table) for table in tables) and not list(self.vault.keys())

    def problems(self) -> list[str]:
        """What is wrong between states, binaries, journal and vault; nothing should be."""
        binaries = {row["id"]: row for row in self.rows(BINARIES)}
        keys = {row["key"]: row["state"] for row in self.rows(BLOB_KEYS)}
        found = [f"{key} is unknown" for key in self.vault.keys() if key not in keys]  # noqa: SIM118
        for row in binaries.values():
            if keys[row["blob_key"]] != "live":
                found.append(f"binary {row['id']} has a key that is {keys[row['blob_key']]}")
            if self.vault.size(row["blob_key"]) != row["size"]:
                found.append(f"binary {row['id']} has no object")
        served = {row["blob_key"] for row in binaries.values()}
        found += [
            f"{k} is live for nobody" for k, s in keys.items() if s == "live" and k not in served
        ]
        held = {row["binary"] for row in self.rows(STATES)}
        found += [f"{n} is held and condemned" for n in held if binaries[n]["condemned_at"]]
        return found

    def _state(self, tx: Tx, key: int, binary: int) -> dict[str, Any]:
        return {
            "line": self.line,
            "since": 1,
            "until": 2**63 - 1,
            "key": key,
            "origin_dataset": 1,
            "origin_version": 1,
            "path": f"/{key}",
            "binary": binary,
            "metadata": "{}",
            "metadata_known": True,
            "hidden": False,
            "created_by": self.actor,
            "created_at": tx.now,
            "updated_by": self.actor,
            "updated_at": tx.now,
        }


def make_shelf(database: Database, vault: Vault, actor: int) -> Shelf:
    def work(tx: Tx) -> int:
        def insert(model: Any, **values: Any) -> int:
            table = table_of(model)
            number: int = tx.scalar(sa.insert(table).values(values).returning(table.c.id))
            return number

        made = {"creator": actor, "created_at": tx.now}
        project = insert(Project, name="p", **made)
        dataset = insert(Dataset, project=project, name="d", type="MASTER", head=1, **made)
        return insert(Line, dataset=dataset, born=1)

    return Shelf(database, vault, actor, database.write(work))
