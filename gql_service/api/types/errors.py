"""Refusals as data: what mutations return instead of their success."""

from __future__ import annotations

from typing import Any

import strawberry

from gql_service import errors
from gql_service.api.scalars import JSON
from gql_service.api.serving import serving
from gql_service.api.types.enums import RecipeDifferenceKind
from gql_service.errors import ErrorCode

_MESSAGE = "What went wrong, for the person who called."
_CODE = "What went wrong, for programs."
_PATH = "Which part of `input` is to blame: names of fields and positions in lists."


@strawberry.interface(description="A refusal. Clients that select `... on Error` meet every kind.")
class Error:
    message: str = strawberry.field(description=_MESSAGE)
    code: ErrorCode = strawberry.field(description=_CODE)
    path: list[str] | None = strawberry.field(description=_PATH)


@strawberry.type(description="One wrong argument.")
class FieldError:
    path: list[str] = strawberry.field(description=_PATH)
    message: str = strawberry.field(description=_MESSAGE)
    code: ErrorCode = strawberry.field(description=_CODE)


@strawberry.type(
    description="Arguments are wrong: INVALID, LABEL_UNKNOWN or LIMIT_EXCEEDED. Nothing was "
    "written."
)
class ValidationError(Error):
    fields: list[FieldError] = strawberry.field(description="Each wrong argument, at least one.")


@strawberry.type(description="Something named is absent, or not visible to the caller.")
class NotFoundError(Error):
    pass


@strawberry.type(description="The caller's role does not allow this.")
class ForbiddenError(Error):
    pass


@strawberry.type(
    description="The present state does not allow it: NAME_TAKEN, PATH_TAKEN, VERSION_MOVED, "
    "DATASET_LOCKED, NOT_LOCKED, ERASED, IDEMPOTENCY_CONFLICT or CONFLICT. Nothing was written."
)
class ConflictError(Error):
    current_version: int | None = strawberry.field(
        description="The dataset's head at the time of refusal, where one is concerned."
    )


@strawberry.type(description="One way in which two recipes differ.")
class RecipeDifference:
    kind: RecipeDifferenceKind = strawberry.field(description="What is different.")
    name: str = strawberry.field(
        description="Of the label (dotted full name), attribute (key) or tool."
    )
    left: JSON | None = strawberry.field(description="What the left recipe has, null for nothing.")
    right: JSON | None = strawberry.field(
        description="What the right recipe has, null for nothing."
    )
    detail: str = strawberry.field(description="The difference in words.")


@strawberry.type(description="The datasets have different recipes. Nothing was written.")
class RecipeMismatchError(Error):
    differences: list[RecipeDifference] = strawberry.field(
        description="Every difference; `switchRecipe` and `cloneRecipe` can remove them."
    )


def difference(one: errors.RecipeDifference) -> RecipeDifference:
    return RecipeDifference(
        kind=RecipeDifferenceKind(one.kind),
        name=one.name,
        left=JSON(one.left),
        right=JSON(one.right),
        detail=one.detail,
    )


def _shared(refusal: errors.ServiceError) -> dict[str, Any]:
    serving().refused(refusal.code.value)
    return {
        "message": refusal.message,
        "code": refusal.code,
        "path": list(refusal.path) or None,
    }


class _InvalidHandler(strawberry.ExceptionHandler[errors.Invalid, ValidationError]):
    def handle(self, exception: errors.Invalid, **_: Any) -> ValidationError:
        fields = [
            FieldError(path=list(f.path), message=f.message, code=f.code) for f in exception.fields
        ]
        return ValidationError(**_shared(exception), fields=fields)


class _NotFoundHandler(strawberry.ExceptionHandler[errors.NotFound, NotFoundError]):
    def handle(self, exception: errors.NotFound, **_: Any) -> NotFoundError:
        return NotFoundError(**_shared(exception))


class _ForbiddenHandler(strawberry.ExceptionHandler[errors.Forbidden, ForbiddenError]):
    def handle(self, exception: errors.Forbidden, **_: Any) -> ForbiddenError:
        return ForbiddenError(**_shared(exception))


class _ConflictHandler(strawberry.ExceptionHandler[errors.Conflict, ConflictError]):
    def handle(self, exception: errors.Conflict, **_: Any) -> ConflictError:
        return ConflictError(**_shared(exception), current_version=exception.current_version)


class _MismatchHandler(strawberry.ExceptionHandler[errors.RecipeMismatch, RecipeMismatchError]):
    def handle(self, exception: errors.RecipeMismatch, **_: Any) -> RecipeMismatchError:
        differences = [difference(one) for one in exception.differences]
        return RecipeMismatchError(**_shared(exception), differences=differences)


HANDLERS = (
    _InvalidHandler(),
    _NotFoundHandler(),
    _ForbiddenHandler(),
    _ConflictHandler(),
    _MismatchHandler(),
)
"""Turn a refusal into a member of the union of the mutation that met it."""
