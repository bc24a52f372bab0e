"""What a bundle knows of the tables: which columns name something, and what is only declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from gql_service.catalog.metadata_index import indexes_of
from gql_service.database.engine import Tx
from gql_service.versions.bundle_tables import BULK, NUMBERED, Part
from gql_service.versions.index_filling import declare_index, due_indexes, tend_indexes
from tests.builders import ON_SQLITE, Lab, samples
from tests.transfer.test_bundles import into, out_of

_LINEAGE = {"key", "root", "batch", "copied_from", "copy_of", "item", "annotation", "state"}
"""Columns that name something without being foreign keys, wherever they stand."""
_STAYING = {"version"}
"""Numbers that are the same everywhere."""


@pytest.mark.parametrize("part", [*NUMBERED, *BULK], ids=lambda part: part.name)
def test_every_column_that_names_something_is_renumbered(part: Part) -> None:
    """One that is forgotten would come in with a number of another database."""
    for column in part.table.c:
        if column.name in part.left_out or column.name in _STAYING:
            continue
        names_something = bool(column.foreign_keys) or column.name in _LINEAGE
        assert not names_something or column.name in part.refers, column.name


@ON_SQLITE
def test_metadata_indexes_come_in_as_declared_and_are_filled_again(
    lab: Lab, tmp_path: Path
) -> None:
    dataset = lab.dataset(*samples(3))
    lab.write(declare_index, dataset, ["n"])
    arrived = into(lab, out_of(lab, dataset, tmp_path / "bundle"), "copy")

    def declared(tx: Tx) -> list[tuple[str, bool]]:
        return [(one.path, one.ready) for one in indexes_of(tx, [arrived])[arrived]]

    with lab.database.read() as tx:
        assert [ready for _, ready in declared(tx)] == [False]
        assert arrived in due_indexes(tx)
    tend_indexes(lab.database, arrived)
    with lab.database.read() as tx:
        assert [ready for _, ready in declared(tx)] == [True]
        assert arrived not in due_indexes(tx)
    lab.verify()
