"""The first tables, and the well of lineage keys.

Written down, not read from the row classes: those go on changing, this stays what it was.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from gql_service.database.columns import BigKey, ByteOrderedText, Timestamp

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ENDED = "until < 9223372036854775807"


def upgrade() -> None:
    _users_and_projects()
    _recipes()
    _datasets()
    _lines()
    _binaries()
    _items()
    _annotations()
    _knowledge()
    _reports()
    _jobs()
    _idempotency_keys()
    _lineage_keys()
    _statistics()


def _id() -> sa.Column[Any]:
    return sa.Column("id", BigKey, primary_key=True)


def _column(type_: Any, name: str, refers_to: str | None, **options: Any) -> sa.Column[Any]:
    """Not null unless it says so; `refers_to` is `table.column`, with `ondelete` for its rows."""
    ondelete = options.pop("ondelete", None)
    foreign = [sa.ForeignKey(refers_to, ondelete=ondelete)] if refers_to else []
    return sa.Column(name, type_, *foreign, **{"nullable": False, **options})


def _number(name: str, refers_to: str | None = None, **options: Any) -> sa.Column[Any]:
    return _column(sa.BigInteger(), name, refers_to, **options)


def _text(name: str, refers_to: str | None = None, **options: Any) -> sa.Column[Any]:
    return _column(sa.String(), name, refers_to, **options)


def _moment(name: str, **options: Any) -> sa.Column[Any]:
    return _column(Timestamp(), name, None, **options)


def _flag(name: str, **options: Any) -> sa.Column[Any]:
    return _column(sa.Boolean(), name, None, **options)


def _partial(name: str, table: str, *columns: str, where: str, unique: bool = False) -> None:
    predicate = sa.text(where)
    op.create_index(
        name,
        table,
        list(columns),
        unique=unique,
        sqlite_where=predicate,
        postgresql_where=predicate,
    )


def _users_and_projects() -> None:
    op.create_table(
        "users",
        _id(),
        _text("name"),
        _text("email", unique=True),
        _flag("admin"),
        _moment("created_at"),
    )
    op.create_table(
        "tokens",
        _id(),
        _number("user", "users.id"),
        _text("name"),
        _text("digest", unique=True),
        _moment("created_at"),
        _moment("expires_at", nullable=True),
        _moment("revoked_at", nullable=True),
    )
    op.create_index("ix_tokens_user", "tokens", ["user"])
    op.create_table(
        "projects",
        _id(),
        _text("name", unique=True),
        _number("creator", "users.id"),
        _moment("created_at"),
    )
    op.create_table(
        "members",
        _number("project", "projects.id", primary_key=True, ondelete="CASCADE"),
        _number("user", "users.id", primary_key=True),
        _text("role"),
    )
    op.create_index("ix_members_user", "members", ["user"])


def _recipes() -> None:
    op.create_table(
        "recipes",
        _id(),
        _number("project", "projects.id"),
        _number("revision"),
        _number("creator", "users.id"),
        _moment("created_at"),
        _moment("deleted_at", nullable=True),
    )
    op.create_index("ix_recipes_project", "recipes", ["project"])
    op.create_table(
        "recipe_revisions",
        _number("recipe", "recipes.id", primary_key=True),
        _number("revision", primary_key=True),
        _text("title"),
        _text("fingerprint"),
        _text("content"),
        _number("author", "users.id"),
        _moment("created_at"),
    )


def _datasets() -> None:
    op.create_table(
        "datasets",
        _id(),
        _number("project", "projects.id"),
        _text("name"),
        _text("type"),
        _number("head"),
        _number("creator", "users.id"),
        _moment("created_at"),
        _moment("deleted_at", nullable=True),
        _moment("purged_at", nullable=True),
        sa.CheckConstraint("head >= 0", name="datasets_head"),
    )
    _partial(
        "datasets_name", "datasets", "project", "name", where="deleted_at IS NULL", unique=True
    )
    op.create_table(
        "dataset_sources",
        _number("dataset", "datasets.id", primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        _number("source", "datasets.id"),
        _number("source_version"),
        _number("since"),
    )
    op.create_index("ix_dataset_sources_source", "dataset_sources", ["source"])
    op.create_table(
        "versions",
        _number("dataset", "datasets.id", primary_key=True),
        _number("number", primary_key=True),
        _text("operation"),
        _text("message", nullable=True),
        _number("author", "users.id"),
        _moment("created_at"),
        _number("recipe", "recipes.id"),
        _number("recipe_revision"),
        _number("items"),
        _number("annotated_items"),
        _number("annotations"),
        _number("items_added"),
        _number("items_modified"),
        _number("items_removed"),
        _number("annotations_added"),
        _number("annotations_modified"),
        _number("annotations_removed"),
    )
    op.create_index("ix_versions_recipe", "versions", ["recipe"])
    op.create_table(
        "label_counts",
        _number("dataset", "datasets.id", primary_key=True),
        _number("until", primary_key=True),
        sa.Column("label", ByteOrderedText, primary_key=True),
        _number("since"),
        _number("annotations"),
        sa.CheckConstraint("since < until", name="label_counts_interval"),
    )


def _lines() -> None:
    op.create_table("lines", _id(), _number("dataset", "datasets.id"), _number("born"))
    op.create_index("lines_dataset", "lines", ["dataset", "born"])
    op.create_table(
        "layers",
        _number("line", "lines.id", primary_key=True),
        _number("below", "lines.id", primary_key=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        _number("at"),
        _flag("with_annotations"),
        _flag("with_metadata"),
        _flag("with_status"),
    )
    op.create_index("ix_layers_below", "layers", ["below"])


def _binaries() -> None:
    op.create_table(
        "blob_keys",
        _text("key", primary_key=True),
        _text("state"),
        _moment("lease_until"),
        _moment("dead_at", nullable=True),
        _moment("deleted_at", nullable=True),
        sa.CheckConstraint("state IN ('pending', 'live', 'dead')", name="blob_keys_state"),
    )
    op.create_index("blob_keys_state_lease", "blob_keys", ["state", "lease_until"])
    op.create_table(
        "binaries",
        _id(),
        _text("sha256", unique=True),
        _number("size"),
        _text("mime_type"),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        _text("blob_key", "blob_keys.key", unique=True),
        _text("state"),
        _moment("condemned_at", nullable=True),
        _moment("created_at"),
        sa.CheckConstraint("state IN ('live', 'condemned', 'corrupt')", name="binaries_state"),
        sqlite_autoincrement=True,
    )
    _partial("binaries_condemned", "binaries", "condemned_at", where="condemned_at IS NOT NULL")
    op.create_table(
        "sweep_candidates",
        _number("binary", "binaries.id", primary_key=True, ondelete="CASCADE"),
    )


def _items() -> None:
    op.create_table(
        "item_states",
        _id(),
        _number("line", "lines.id"),
        _number("since"),
        _number("until"),
        _number("key"),
        _number("copy_of", nullable=True),
        _number("origin_dataset"),
        _number("origin_version"),
        sa.Column("path", ByteOrderedText, nullable=False),
        _number("binary", "binaries.id"),
        sa.Column("metadata", sa.Text(), nullable=False),
        _flag("metadata_known"),
        _text("description", nullable=True),
        _flag("hidden"),
        _number("copied_from", nullable=True),
        _number("created_by"),
        _moment("created_at"),
        _number("updated_by"),
        _moment("updated_at"),
        sa.CheckConstraint("since < until", name="item_states_interval"),
        sa.UniqueConstraint("line", "until", "path", name="item_states_live_path"),
        sa.UniqueConstraint("line", "key", "until", name="item_states_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("item_states_path", "item_states", ["line", "path", "since"])
    op.create_index("item_states_since", "item_states", ["line", "since"])
    op.create_index("item_states_binary", "item_states", ["binary"])
    _whiteouts("item_whiteouts", "item_states.id")


def _annotations() -> None:
    op.create_table(
        "annotation_states",
        _id(),
        _number("line", "lines.id"),
        _number("since"),
        _number("until"),
        _number("key"),
        _number("root"),
        _number("copy_of", nullable=True),
        _number("origin_dataset"),
        _number("origin_version"),
        _number("item"),
        _text("type"),
        sa.Column("label", ByteOrderedText, nullable=False),
        _text("coordinates"),
        _text("attributes"),
        sa.Column("metadata", sa.Text(), nullable=False),
        _text("status", nullable=True),
        _flag("status_known"),
        _number("created_by"),
        _moment("created_at"),
        _number("updated_by"),
        _moment("updated_at"),
        sa.CheckConstraint("since < until", name="annotation_states_interval"),
        sa.UniqueConstraint("line", "key", "until", name="annotation_states_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("annotation_states_item", "annotation_states", ["line", "item", "until"])
    op.create_index("annotation_states_label", "annotation_states", ["line", "label", "until"])
    op.create_index("annotation_states_since", "annotation_states", ["line", "since"])
    _partial("annotation_states_ended", "annotation_states", "line", "until", where=ENDED)
    _partial("annotation_states_sibling", "annotation_states", "line", "root", where="root <> key")
    _whiteouts("annotation_whiteouts", "annotation_states.id")


def _whiteouts(name: str, states: str) -> None:
    op.create_table(
        name,
        _number("state", states, primary_key=True, ondelete="CASCADE"),
        _number("line", "lines.id", primary_key=True),
        _number("since"),
    )
    op.create_index(f"{name}_since", name, ["line", "since"])


def _knowledge() -> None:
    op.create_table(
        "knowledge",
        _number("dataset", "datasets.id", primary_key=True),
        _number("since", primary_key=True),
        _number("other", primary_key=True),
        _number("at", primary_key=True),
        _flag("annotations", primary_key=True),
        _text("batches", primary_key=True),
    )
    op.create_table(
        "chosen_keys",
        _number("batch", primary_key=True),
        _number("key", primary_key=True),
    )


def _reports() -> None:
    op.create_table(
        "merge_reports",
        _number("dataset", "datasets.id", primary_key=True),
        _number("version", primary_key=True),
        _text("outcome"),
        _number("unified"),
        _number("summed"),
    )
    op.create_table(
        "merge_conflicts",
        _number("dataset", "datasets.id", primary_key=True),
        _number("version", primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        _number("item"),
        _number("annotation", nullable=True),
        _text("field"),
        _text("base", nullable=True),
        sa.Column("left_value", sa.Text()),
        sa.Column("right_value", sa.Text()),
        _number("left_dataset"),
        _number("left_version"),
        _number("right_dataset"),
        _number("right_version"),
        _text("chosen", nullable=True),
    )
    op.create_table(
        "path_changes",
        _number("dataset", "datasets.id", primary_key=True),
        _number("version", primary_key=True),
        _number("item", primary_key=True),
        _text("wanted"),
        _text("given"),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        _id(),
        _text("kind"),
        _text("status"),
        _number("project", "projects.id"),
        _number("creator", "users.id"),
        _number("done"),
        _number("total"),
        _text("unit"),
        _number("dataset"),
        _number("version"),
        _moment("created_at"),
        _moment("started_at"),
        _moment("finished_at"),
    )
    op.create_index("ix_jobs_project", "jobs", ["project"])


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        _number("user", "users.id", primary_key=True),
        _text("operation", primary_key=True),
        _text("key", primary_key=True),
        _text("digest"),
        _text("result", nullable=True),
        _moment("created_at"),
    )
    op.create_index("idempotency_keys_created", "idempotency_keys", ["created_at"])


def _lineage_keys() -> None:
    """A counter where one writes at a time anyway, else a sequence; a value is a block of 256."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE lineage_key AS bigint START 1")
        return
    well = op.create_table("lineage_key", sa.Column("next", sa.BigInteger(), nullable=False))
    op.bulk_insert(well, [{"next": 1}])


_STATISTICS = {
    ("item_states", "sqlite_autoindex_item_states_1"): "1000000 100000 90000 10",
    ("item_states", "sqlite_autoindex_item_states_2"): "1000000 100000 2 1",
    ("item_states", "item_states_path"): "1000000 100000 10 10",
    ("item_states", "item_states_since"): "1000000 100000 1000",
    ("item_states", "item_states_binary"): "1000000 2",
    ("item_whiteouts", "sqlite_autoindex_item_whiteouts_1"): "100000 2 1",
    ("item_whiteouts", "item_whiteouts_since"): "100000 10000 100",
    ("annotation_states", "sqlite_autoindex_annotation_states_1"): "1000000 100000 2 1",
    ("annotation_states", "annotation_states_item"): "1000000 100000 5 4",
    ("annotation_states", "annotation_states_label"): "1000000 100000 10000 9000",
    ("annotation_states", "annotation_states_since"): "1000000 100000 1000",
    ("annotation_states", "annotation_states_ended"): "1000000 100000 90000",
    ("annotation_states", "annotation_states_sibling"): "1000000 100000 2",
    ("annotation_whiteouts", "sqlite_autoindex_annotation_whiteouts_1"): "100000 2 1",
    ("annotation_whiteouts", "annotation_whiteouts_since"): "100000 10000 100",
}
"""Rows of the index, then rows per value of its first column, of its first two, and so on."""


def _statistics() -> None:
    """Tells SQLite what its planner cannot guess: a line has very many rows, a key very few.

    Without statistics it takes ten rows for any value of a first column, and reads a whole line to
    find one key of it. The shape of the data is known, so nobody has to run ANALYZE.
    """
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("ANALYZE")
    op.execute("DELETE FROM sqlite_stat1")
    for (table, index), numbers in _STATISTICS.items():
        op.execute(f"INSERT INTO sqlite_stat1 VALUES ('{table}', '{index}', '{numbers}')")
    op.execute("ANALYZE sqlite_schema")
