"""What a sweep does to versions, items and piles, line by line as an operator reads it."""

from __future__ import annotations

from collections.abc import Iterator

from gql_service.api.ids import DatasetId
from gql_service.database.engine import Database
from gql_service.versions.expiration import expire, plan_expiration
from gql_service.versions.flatten import Limits, due_datasets, flatten_due
from gql_service.versions.forgetting import Forgotten, forget, plan_forgetting
from gql_service.versions.index_filling import due_indexes, tend_indexes
from gql_service.versions.keeping import by_dataset, expire_versions, plan_expiry


def sweep_lines(database: Database, *, dry_run: bool) -> Iterator[str]:
    """Lets versions expire, then items; or says what would.

    Versions first, and only then what makes new ones: so a plan is what the sweep does.
    """
    yield from _versions(database, dry_run=dry_run)
    yield from _items(database, dry_run=dry_run)


def _versions(database: Database, *, dry_run: bool) -> Iterator[str]:
    """A line for every dataset of which versions expire, or of whose old ones something goes."""
    if dry_run:
        with database.read() as tx:
            outdated = plan_expiry(tx)
            freed = plan_forgetting(tx, by_dataset(outdated))
    else:
        outdated = expire_versions(database)
        freed = forget(database)
    names = {one.dataset: f"{DatasetId(one.dataset)} {one.name!r}" for one in outdated}
    sums = {one.dataset: one for one in freed}
    for one in outdated:
        if one.kept is not None:
            many = len(one.versions)
            yield f"kept, though expired: {names[one.dataset]}: versions {many}. {one.kept}"
    going = {one.dataset: len(one.versions) for one in outdated if one.kept is None}
    for dataset in sorted(going.keys() | sums.keys()):
        sum_ = sums.get(dataset, Forgotten(dataset))
        yield (
            f"{'would free' if dry_run else 'freed'}: {names.get(dataset, DatasetId(dataset))}: "
            f"versions {going.get(dataset, 0)}, states of items {sum_.item_states}, states of "
            f"annotations {sum_.annotation_states}, binaries {sum_.binaries}, bytes {sum_.bytes}"
        )


def _items(database: Database, *, dry_run: bool) -> Iterator[str]:
    """A line for every dataset of which items have expired."""
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


def pile_lines(database: Database, limits: Limits, *, dry_run: bool) -> Iterator[str]:
    """Flattens, or says what would be: a line for every dataset that reads its head through too
    much."""
    if dry_run:
        with database.read() as tx:
            due = due_datasets(tx, limits)
        yield from (f"would be flattened: {DatasetId(dataset)}" for dataset in due)
        return
    for one in flatten_due(database, limits):
        yield f"flattened: {DatasetId(one.dataset)} at version {one.version}"


def index_lines(database: Database, *, dry_run: bool) -> Iterator[str]:
    """Fills metadata indexes that were left undone, and empties those that nobody needs; or says
    what would be: a line for every dataset with any."""
    with database.read() as tx:
        due = due_indexes(tx)
    for dataset in due:
        if not dry_run:
            tend_indexes(database, dataset)
        yield f"{'would be indexed' if dry_run else 'indexed'}: {DatasetId(dataset)}"
