"""Tagging: a version is given a name that it keeps, and no version is made."""

from __future__ import annotations

import sqlalchemy as sa

from gql_service.catalog.names import clean_name
from gql_service.catalog.tag import TAGS, tag_named
from gql_service.catalog.version import refuse_expired
from gql_service.database.engine import Tx
from gql_service.errors import LimitExceeded, NameTaken, NotFound
from gql_service.versions.locking import hold_dataset

MOST_TAGS = 1_000
"""Of one dataset: they are listed without pages."""


def tag_version(
    tx: Tx,
    dataset: int,
    name: str,
    version: int | None = None,
    *,
    golden: bool = False,
    message: str | None = None,
) -> int:
    """Names a version, by default the head, also of a read-only dataset; the number of the tag.

    Raises NotFound (dataset, version), VersionExpired, Invalid, LimitExceeded, and NameTaken when
    the dataset has a tag of that name, whatever version it is for.
    """
    held = hold_dataset(tx, dataset)
    head: int = held.head
    version = head if version is None else version
    if not 1 <= version <= head:
        raise NotFound("The dataset has no such version", path=("at",))
    refuse_expired(tx, dataset, version, head=head, kept_from=held.kept_from, path=("at",))
    if tag_named(tx, dataset, name) is not None:
        raise NameTaken(
            "The dataset has a tag of this name, and a tag never moves; delete it first",
            path=("name",),
        )
    tags = sa.select(sa.func.count()).select_from(TAGS).where(TAGS.c.dataset == dataset)
    if tx.scalar(tags) >= MOST_TAGS:
        raise LimitExceeded(f"A dataset has at most {MOST_TAGS:,} tags", path=("name",))
    row = {
        "dataset": dataset,
        "name": clean_name(name, ("name",)),
        "version": version,
        "golden": golden,
        "message": message,
        "creator": tx.actor,
        "created_at": tx.now,
    }
    number: int = tx.scalar(sa.insert(TAGS).values(row).returning(TAGS.c.id))
    return number


def delete_tag(tx: Tx, dataset: int, name: str) -> int:
    """Takes a name off its version, also of a deleted dataset, and returns the tag's number.

    Raises NotFound when there is no such tag, Invalid and LimitExceeded when it is no name.
    """
    tag = tag_named(tx, dataset, name)
    if tag is not None:
        deleted = tx.execute(sa.delete(TAGS).where(TAGS.c.id == tag.id)).rowcount
        if deleted:  # nobody else was faster
            return tag.id
    raise NotFound("The dataset has no such tag", path=("name",))
