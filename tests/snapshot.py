"""A filled database that is filled once: its rows are kept, and put back for the next test."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gql_service.database.engine import Database
from tests.postgres import Cluster


class Snapshot(Protocol):
    """What one kind of database held when it was kept; `put_back` replaces what it holds now."""

    def keep(self) -> None: ...

    def put_back(self) -> None: ...


@dataclass(frozen=True)
class SqliteSnapshot:
    database: Database
    file: Path
    kept: Path

    def keep(self) -> None:
        self.database.close()  # the last connection brings the log into the file
        shutil.copy(self.file, self.kept)

    def put_back(self) -> None:
        self.database.close()
        for old in self.file.parent.iterdir():
            old.unlink()
        shutil.copy(self.kept, self.file)


@dataclass(frozen=True)
class PostgresSnapshot:
    cluster: Cluster

    def keep(self) -> None:
        self.cluster.administer.execute(_KEEP)

    def put_back(self) -> None:
        self.cluster.clean()
        self.cluster.administer.execute("SELECT pg_temp.put_back()")


_KEEP = """
DO $make$
DECLARE
    body text := '';
    a record;
BEGIN
    CREATE SCHEMA kept;
    FOR a IN
        SELECT quote_ident(relname) AS name FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
            AND relname <> 'alembic_version'
    LOOP
        EXECUTE format('CREATE TABLE kept.%s AS TABLE public.%s', a.name, a.name);
        body := body || format(
            'INSERT INTO public.%s OVERRIDING SYSTEM VALUE SELECT * FROM kept.%s;', a.name, a.name);
    END LOOP;
    FOR a IN
        SELECT format('%I.%I', schemaname, sequencename) AS name, last_value FROM pg_sequences
        WHERE last_value IS NOT NULL
    LOOP
        body := body || format('PERFORM setval(%L, %s);', a.name, a.last_value);
    END LOOP;
    EXECUTE format(
        'CREATE FUNCTION pg_temp.put_back() RETURNS void LANGUAGE plpgsql'
        ' SET session_replication_role = replica AS $put$ BEGIN %s END $put$', body);
END $make$
"""
