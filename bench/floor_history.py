"""Diffs and reverts of one version by hand-written SQL: what it wrote is known beforehand."""

from __future__ import annotations

import time

from bench.bare import Bare
from bench.floor_clone import OF_ANNOTATIONS, OF_ITEMS, next_version
from gql_service.catalog.visibility import View
from gql_service.database.columns import FOREVER


def counts(after: View) -> str:
    """SQL for what the version of a view changed on its line: items, annotations."""
    line, number = after.line, after.version
    return (
        f"SELECT (SELECT count(*) FROM item_states n{_BEFORE}"
        f" WHERE n.line = {line} AND n.since = {number} AND o.metadata <> n.metadata),"
        f" (SELECT count(*) FROM annotation_states WHERE line = {line} AND since = {number})"
    )


def page(after: View, limit: int) -> str:
    """SQL for the first items, by key, that the version of a view changed: before and after."""
    return (
        f"SELECT n.key, o.path, o.metadata, o.binary, n.path, n.metadata, n.binary"
        f" FROM item_states n{_BEFORE}"
        f" WHERE n.line = {after.line} AND n.since = {after.version} ORDER BY n.key LIMIT {limit}"
    )


_BEFORE = " JOIN item_states o ON o.line = n.line AND o.key = n.key AND o.until = n.since"


def revert(bare: Bare, clone: View) -> None:
    """A clone's one change undone in one transaction: its rows end, what they covered is back."""
    line, number = clone.line, clone.version
    with bare.transaction():
        for table, names in (("item", OF_ITEMS), ("annotation", OF_ANNOTATIONS)):
            bare.run(
                f"UPDATE {table}_states SET until = {number + 1}"
                f" WHERE line = {line} AND since = {number} AND until = {FOREVER}"
            )
            bare.run(
                f"INSERT INTO {table}_states (line, since, until, copy_of, {names})"
                f" SELECT {line}, {number + 1}, {FOREVER}, NULL, {names}"
                f" FROM {table}_states WHERE id IN (SELECT state FROM {table}_whiteouts w"
                f" WHERE w.line = {line} AND w.since = {number})"
            )
        next_version(bare, clone.dataset, number + 1, "REVERT", time.time_ns() // 1000)
