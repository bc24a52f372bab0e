"""What a sweep does to items, line by line as an operator reads it."""

from __future__ import annotations

from collections.abc import Iterator

from gql_service.api.ids import DatasetId
from gql_service.database.engine import Database
from gql_service.versions.expiration import expire, plan_expiration


def sweep_lines(database: Database, *, dry_run: bool) -> Iterator[str]:
    """Lets items expire, or says what would: a line for every dataset of which some have."""
    if dry_run:
        with database.read() as tx:
            expired = plan_expiration(tx)
    else:
        expired = expire(database)
    for one in expired:
        found = (
            f"{DatasetId(one.dataset)} {one.name!r}, older than {one.days} days: "
            f"items {one.items}, annotations {one.annotations}"
        )
        if one.kept is not None:
            yield f"kept, though expired: {found}. {one.kept}"
        elif one.version is None:
            yield f"would expire: {found}, bytes freed 0 (older versions hold them)"
        else:
            yield f"expired: {found}, version {one.version}"
