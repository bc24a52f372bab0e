"""Migrations: all or nothing, once, by whoever comes first, and never backwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from gql_service.database import migrate
from gql_service.database.engine import Database
from gql_service.errors import SchemaTooNew

HEAD = migrate.head_revision()

REVISION = """
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {below!r}


def upgrade() -> None:
{body}
"""

Release = Callable[..., str]


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """Makes the scripts of a release that has the given revisions (`name=body`), in order."""

    def make(name: str, **revisions: str) -> str:
        folder = tmp_path / name
        (folder / "versions").mkdir(parents=True)
        ours = Path(migrate.__file__).parent / "migrations" / "env.py"
        (folder / "env.py").write_text(ours.read_text())
        below = None
        for revision, body in revisions.items():
            text = REVISION.format(revision=revision, below=below, body=f"    {body}")
            (folder / "versions" / f"{revision}.py").write_text(text)
            below = revision
        return str(folder)

    return make


def tables(database: Database) -> set[str]:
    return set(sa.inspect(database.engine).get_table_names())


def stamp(database: Database, revision: str) -> None:
    statement = sa.text("UPDATE alembic_version SET version_num = :revision")
    database.write(lambda tx: tx.execute(statement, {"revision": revision}))


def test_an_empty_database_is_at_no_revision(empty_database: Database) -> None:
    assert migrate.current_revision(empty_database) is None
    assert migrate.pending(empty_database)
    migrate.ensure_current(empty_database)


def test_upgrade_brings_an_empty_database_to_the_newest_revision(
    empty_database: Database,
) -> None:
    migrate.upgrade(empty_database)

    assert migrate.current_revision(empty_database) == HEAD
    assert not migrate.pending(empty_database)
    assert {"datasets", "item_states", "users"} <= tables(empty_database)


def test_upgrading_again_changes_nothing(database: Database, actor: int) -> None:
    migrate.upgrade(database)

    assert migrate.current_revision(database) == HEAD
    with database.read() as tx:
        assert tx.scalar(sa.text("SELECT id FROM users")) == actor


def test_a_database_of_a_newer_release_is_refused(empty_database: Database) -> None:
    migrate.upgrade(empty_database)
    stamp(empty_database, "9999")

    for attempt in (migrate.ensure_current, migrate.pending, migrate.upgrade):
        with pytest.raises(SchemaTooNew, match="9999"):
            attempt(empty_database)
    assert migrate.current_revision(empty_database) == "9999"


def test_a_failure_half_way_leaves_nothing(empty_database: Database, release: Release) -> None:
    broken = release(
        "broken",
        one='op.create_table("first", sa.Column("id", sa.Integer, primary_key=True))',
        two='op.create_table("second", sa.Column("id", sa.Integer)); op.execute("nonsense")',
    )

    with pytest.raises(sa.exc.DBAPIError, match="nonsense"):
        migrate.upgrade(empty_database, scripts=broken)

    assert tables(empty_database) == set()
    assert migrate.current_revision(empty_database) is None


def test_after_a_failure_the_mended_release_upgrades(
    empty_database: Database, release: Release
) -> None:
    create = 'op.create_table("first", sa.Column("id", sa.Integer, primary_key=True))'
    with pytest.raises(sa.exc.DBAPIError, match="nonsense"):
        migrate.upgrade(
            empty_database, scripts=release("bad", one=create, two='op.execute("nonsense")')
        )

    migrate.upgrade(empty_database, scripts=release("good", one=create, two="pass"))

    assert migrate.current_revision(empty_database) == "two"
    assert tables(empty_database) == {"alembic_version", "first"}


def test_several_that_start_at_once_migrate_once(empty_database: Database) -> None:
    ready = threading.Barrier(3)
    url = empty_database.engine.url.render_as_string(hide_password=False)

    def start(_process: int) -> str | None:
        database = Database(url)
        ready.wait()
        migrate.upgrade(database)
        revision = migrate.current_revision(database)
        database.close()
        return revision

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(start, range(3))) == [HEAD] * 3


PARENT_AND_CHILD = (
    'op.create_table("parent", sa.Column("id", sa.Integer, primary_key=True), '
    'sa.Column("old", sa.Integer)); '
    'op.create_table("child", sa.Column("parent", sa.Integer, '
    'sa.ForeignKey("parent.id", ondelete="CASCADE"))); '
    'op.execute("INSERT INTO parent VALUES (1, 1)"); op.execute("INSERT INTO child VALUES (1)")'
)
DROP_OLD = """
    with op.batch_alter_table("parent", recreate="auto") as parent:
        parent.drop_column("old")
"""


def test_a_table_that_is_made_anew_keeps_the_rows_that_refer_to_it(
    empty_database: Database, release: Release
) -> None:
    scripts = release("rebuild", one=PARENT_AND_CHILD, two=DROP_OLD.strip())

    migrate.upgrade(empty_database, scripts=scripts)

    with empty_database.read() as tx:
        assert tx.rows(sa.text("SELECT * FROM parent")) == [(1,)]
        assert tx.rows(sa.text("SELECT * FROM child")) == [(1,)]


def test_references_are_watched_again_after_a_migration(empty_database: Database) -> None:
    migrate.upgrade(empty_database)

    orphan = sa.text("INSERT INTO lines (dataset, born) VALUES (404, 1)")
    with pytest.raises(sa.exc.IntegrityError):
        empty_database.write(lambda tx: tx.execute(orphan))


# PostgreSQL watches references during a migration too, and deletes the child.
@pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
def test_a_migration_that_leaves_a_dangling_reference_is_undone(
    empty_database: Database, release: Release
) -> None:
    scripts = release("careless", one=PARENT_AND_CHILD, two='op.execute("DELETE FROM parent")')

    with pytest.raises(RuntimeError, match="1 references dangling"):
        migrate.upgrade(empty_database, scripts=scripts)

    assert tables(empty_database) == set()
