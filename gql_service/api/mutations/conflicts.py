"""Resolving the conflicts that a merge reported."""

from __future__ import annotations

from typing import Annotated

import strawberry
from pydantic import TypeAdapter

from gql_service.api.context import Info
from gql_service.api.described import mutation
from gql_service.api.ids import UserId, parse_as
from gql_service.api.inputs.conflicts import (
    ConflictResolution,
    ConflictResolutionPolicy,
    ResolveConflictsInput,
)
from gql_service.api.inputs.selectors import dataset_key, message_of
from gql_service.api.mutations.answers import INPUT, DatasetChange
from gql_service.api.once import write_once
from gql_service.api.types.enums import ConflictChoice, Permission, SkipReason
from gql_service.api.types.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from gql_service.catalog.dataset import require_dataset
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, LimitExceeded
from gql_service.versions.given import GIVEN_NOTHING
from gql_service.versions.resolution import Resolution
from gql_service.versions.resolve import Resolved, ResolveRequest, resolve_conflicts
from gql_service.versions.side_authors import Rule

MOST_RESOLUTIONS = 10_000
_RESOLVED: TypeAdapter[Resolved] = TypeAdapter(Resolved)


@strawberry.type(description="A conflict that was left open.")
class SkippedConflict:
    position: int = strawberry.field(description="The `position` of the conflict.")
    reason: SkipReason = strawberry.field(description="Why.")


@strawberry.type(description="The conflicts were decided, but for those that were skipped.")
class ResolveConflictsSuccess(DatasetChange):
    resolved: int = strawberry.field(description="How many conflicts the version closed.")
    open: int = strawberry.field(description="How many conflicts of the merge are still open.")
    skipped: list[SkippedConflict] = strawberry.field(
        description="What was asked for and could not be decided in this way, by position."
    )


ResolveConflictsResult = Annotated[
    ResolveConflictsSuccess | ValidationError | NotFoundError | ForbiddenError | ConflictError,
    strawberry.union("ResolveConflictsResult", description="What was decided, or why nothing was."),
]


@strawberry.type
class ConflictMutations:
    @mutation(
        description="Decides conflicts of a merge, as one version: fields are set to the side that "
        "is chosen; of annotations that were kept beside one another the chosen one stays. What "
        "somebody has changed since the merge is skipped, and told. A later merge of the same "
        "sources reports only what is new. For developers and owners. Fails with VERSION_MOVED."
    )
    async def resolve_conflicts(
        self, info: Info, input: Annotated[ResolveConflictsInput, INPUT]
    ) -> ResolveConflictsResult:
        dataset = dataset_key(input.dataset_id)
        request = _request(dataset, input)

        def resolve(tx: Tx) -> Resolved:
            require_dataset(tx, dataset, Permission.WRITE)
            return resolve_conflicts(tx, request)

        done = await write_once(info, input, _RESOLVED, resolve)
        return ResolveConflictsSuccess(
            key=dataset,
            made=done.version,
            resolved=done.closed,
            open=done.open,
            skipped=[
                SkippedConflict(position=one.position, reason=one.reason) for one in done.skipped
            ],
        )


def _request(dataset: int, input: ResolveConflictsInput) -> ResolveRequest:
    if (input.resolutions is None) == (input.policy is None):
        raise Invalid("Give exactly one of resolutions and policy", path=("resolutions",))
    given = input.resolutions
    if given is not None and len(given) > MOST_RESOLUTIONS:
        raise LimitExceeded(
            f"At most {MOST_RESOLUTIONS:,} conflicts can be named", path=("resolutions",)
        )
    return ResolveRequest(
        dataset,
        merge=input.version,
        resolutions=None if given is None else tuple(map(_resolution, range(len(given)), given)),
        rule=None if input.policy is None else _rule(input.policy),
        message=message_of(input.message),
        expected_version=input.expected_version,
    )


def _resolution(at: int, given: ConflictResolution) -> Resolution:
    value = GIVEN_NOTHING if given.value is None else given.value
    return Resolution(given.position, given.choose, value, ("resolutions", at))


def _rule(policy: ConflictResolutionPolicy) -> Rule:
    if policy.side is not None:
        return Rule(side=ConflictChoice(policy.side.value.value))
    if policy.user_id is not None:
        return Rule(user=parse_as(UserId, policy.user_id.value, ("policy", "userId")).key)
    assert policy.newest is not None, "a oneOf input without a member"
    if not policy.newest.value:
        raise Invalid("Only true means something here", path=("policy", "newest"))
    return Rule(newest=True)
