"""How callers name things: by id or name, at a version or at the head, one by one or by filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import strawberry

from gql_service.api.context import Context
from gql_service.api.ids import DatasetId, item_of, parse_as
from gql_service.api.inputs.filters import ItemWhere, item_filter
from gql_service.api.inputs.item_queries import DQL, query_of
from gql_service.api.inputs.operators import StringFilter, operator
from gql_service.api.point import Point
from gql_service.api.scalars import JSON
from gql_service.catalog.dataset import DatasetRecord
from gql_service.catalog.names import clean_text
from gql_service.catalog.tag import tag_named
from gql_service.catalog.version import refuse_expired, version_at
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, LimitExceeded, NotFound, ServiceError
from gql_service.versions.selection import Selection

MESSAGE_CHARACTERS = 1_000
MOST_SELECTED = 10_000
EXPECTED_VERSION = (
    "Refuse (VERSION_MOVED) unless the dataset's head is this version; left out, any will do."
)
IDEMPOTENCY_KEY = (
    "Makes a retry safe: 1 to 200 characters of the caller's choice, such as a UUID. For 24 hours, "
    "the same user's same mutation with this key is done once; with the same input it answers "
    "with the first result, with another it is refused (IDEMPOTENCY_CONFLICT). A refused attempt "
    "leaves the key free."
)
SECRET_IDEMPOTENCY_KEY = (
    "Makes a retry safe: 1 to 200 characters of the caller's choice, such as a UUID. For 24 hours, "
    "the same user's same mutation with this key is done once, and then refused "
    "(IDEMPOTENCY_CONFLICT), because the text of a token is shown only once. A refused attempt "
    "leaves the key free."
)
MESSAGE = "Why, for the list of versions: up to 1,000 characters."


@strawberry.input(one_of=True, description="A project, by id or by name.")
class ProjectBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="Its id.")
    name: strawberry.Maybe[str] = strawberry.field(description="Its name; case matters.")


@strawberry.input(description="The name of a dataset in a project.")
class DatasetName:
    project_id: strawberry.ID = strawberry.field(description="The project it is in.")
    name: str = strawberry.field(description="Its name; case matters.")


@strawberry.input(one_of=True, description="A dataset, by id or by name.")
class DatasetBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="Its id, also one that contains a version."
    )
    name: strawberry.Maybe[DatasetName] = strawberry.field(description="Its name in a project.")


@strawberry.input(description="The path of an item in a dataset.")
class ItemPath:
    dataset_id: strawberry.ID = strawberry.field(description="The dataset it is in.")
    path: str = strawberry.field(description="Its path, such as /dir/name.ext.")


@strawberry.input(one_of=True, description="An item, by id or by path.")
class ItemBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="Its id, also one that contains a version."
    )
    path: strawberry.Maybe[ItemPath] = strawberry.field(description="Its path in a dataset.")


@strawberry.input(one_of=True, description="A version of a dataset.")
class VersionRef:
    number: strawberry.Maybe[int] = strawberry.field(description="By its number, from 1.")
    tag: strawberry.Maybe[str] = strawberry.field(
        description="The version that has this tag; case matters."
    )
    time: strawberry.Maybe[datetime] = strawberry.field(
        description="The version that was the head at this moment."
    )


@strawberry.input(description="A dataset at a version.")
class DatasetRef:
    dataset_id: strawberry.ID = strawberry.field(
        description="Its id; one that contains a version means that version."
    )
    at: VersionRef | None = operator("At this version; by default the head.")


@strawberry.input(one_of=True, description="Items of a dataset: some, or all that match.")
class ItemSelection:
    ids: strawberry.Maybe[list[strawberry.ID]] = strawberry.field(
        description="These items, at most 10,000; NOT_FOUND when one is not there."
    )
    where: strawberry.Maybe[ItemWhere] = strawberry.field(description="All that match.")
    dql: strawberry.Maybe[JSON] = strawberry.field(
        description=f"All that match {DQL} Its `sort` means nothing here."
    )


@strawberry.input(description="Of one project. Every field that is given must hold.")
class ProjectWhere:
    name: StringFilter | None = operator("Its name.")


def point_of(
    context: Context,
    tx: Tx,
    dataset: DatasetRecord,
    at: VersionRef | None,
    *,
    of_id: int | None = None,
) -> Point | None:
    """The dataset where it is to be read; None when it has no such version.

    `of_id` is the version in the id that named it. Raises Invalid when the two disagree, and
    VersionExpired.
    """
    try:
        version = asked_version(tx, dataset, at, of_id=of_id)
    except NotFound:
        return None
    if version is None:
        return Point(dataset.id, context.head(dataset), fixed=False)
    return Point(dataset.id, version, fixed=True)


def asked_version(
    tx: Tx,
    dataset: DatasetRecord,
    at: VersionRef | None,
    *,
    of_id: int | None = None,
    path: Sequence[str | int] = ("at",),
) -> int | None:
    """The version that is meant; None when none is named, which means the head.

    `of_id` is the version in the id that named the dataset. Raises NotFound when there is no such
    version, VersionExpired, Invalid when the two disagree or the name of a tag is none.
    """
    wanted = of_id
    if at is not None:
        wanted = _number(tx, dataset, at, path)
        if of_id is not None and wanted != of_id:
            raise Invalid("The id contains another version", path=path)
    elif of_id is None:
        return None
    if wanted is None or not 1 <= wanted <= dataset.head:
        raise NotFound("The dataset has no such version", path=path)
    refuse_expired(
        tx, dataset.id, wanted, head=dataset.head, kept_from=dataset.kept_from, path=path
    )
    return wanted


def _number(
    tx: Tx, dataset: DatasetRecord, at: VersionRef, path: Sequence[str | int]
) -> int | None:
    if at.number is not None:
        return at.number.value
    if at.tag is not None:
        of_at = path if path[-1:] == ("at",) else (*path, "at")  # that of a reference ends above
        tag = tag_named(tx, dataset.id, at.tag.value, (*of_at, "tag"))
        return None if tag is None else tag.version
    assert at.time is not None, "a oneOf input without a member"
    return version_at(tx, dataset.id, at.time.value)


@contextmanager
def spelt(inside: str, *outside: str) -> Iterator[None]:
    """Refusals that name `inside` name the argument as this caller knows it instead."""
    try:
        yield
    except ServiceError as refusal:
        refusal.path = _moved(refusal.path, inside, outside)
        if isinstance(refusal, Invalid):
            refusal.fields = tuple(
                replace(field, path=_moved(field.path, inside, outside)) for field in refusal.fields
            )
        raise


def _moved(path: tuple[str, ...], inside: str, outside: tuple[str, ...]) -> tuple[str, ...]:
    return outside + path[1:] if path[:1] == (inside,) else path


def dataset_key(text: str, path: Sequence[str | int] = ("datasetId",)) -> int:
    """The dataset that is meant, at whatever version its id was read. Raises Invalid."""
    return parse_as(DatasetId, text, path).key


def selection_of(
    dataset: int, asked: ItemSelection | None, path: Sequence[str | int]
) -> Selection | None:
    """The items that are meant. Raises Invalid, naming the wrong id or condition."""
    if asked is None:
        return None
    if asked.where is not None:
        return Selection(where=item_filter(asked.where.value, (*path, "where")))
    if asked.dql is not None:
        query = query_of(dataset, asked.dql.value, (*path, "dql"))
        return Selection(where=query.filter, checked=True)
    assert asked.ids is not None, "a oneOf input without a member"
    ids = asked.ids.value
    if len(ids) > MOST_SELECTED:
        raise LimitExceeded(f"At most {MOST_SELECTED:,} items can be named", path=(*path, "ids"))
    keys = [item_of(dataset, id, (*path, "ids", position)) for position, id in enumerate(ids)]
    return Selection(keys=tuple(dict.fromkeys(keys)))


def message_of(text: str | None) -> str | None:
    """The message of a version; an empty one is none. Raises Invalid and LimitExceeded."""
    if text is None:
        return None
    return clean_text(text, ("message",), longest=MESSAGE_CHARACTERS).strip() or None
