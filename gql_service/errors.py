"""Every way this service refuses, with the code that a client sees.

ServiceError
├── Unauthenticated      no token, or one that is unknown, expired or revoked
├── NotFound             absent, or not visible to the caller: the two look the same
├── Forbidden            visible to the caller, but not theirs to do
├── Invalid              an argument is wrong; `fields` names each one
│   ├── LabelUnknown     a label or attribute value that the dataset's recipe does not allow
│   └── LimitExceeded    well-formed, but larger than a limit of this service
├── Conflict             the present state does not allow it
│   ├── NameTaken        a project, dataset or tag of that name exists
│   ├── PathTaken        an item with that path exists in the dataset
│   ├── VersionMoved     `expectedVersion` is not the head any more
│   ├── DatasetLocked    the dataset is read-only until somebody unlocks it
│   ├── NotLocked        there is no lock to take off
│   ├── VersionExpired       the version is listed, but its contents are not kept any more
│   └── IdempotencyConflict  the idempotency key stands for something else
├── CursorExpired        the list that the cursor belongs to is not kept any more
├── PersistedQueryNotFound  a document was named that is not known here; send its text
├── RecipeMismatch       datasets with different recipes; lists the differences
├── Timeout              it took longer than a request may take; nothing was written
├── Busy                 the database stayed locked for longer than we wait
│   └── StorageUnavailable   where the bytes are failed, or does not answer
├── InsufficientStorage  no room left for the bytes or the rows
├── BinaryCorrupt        stored bytes are missing or differ from their digest
└── SchemaTooNew         the database was written by a newer release

Messages are written for the person who called; nothing internal is put into one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class ErrorCode(Enum):
    """What went wrong, for programs. The message says it for people."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    INVALID = "INVALID"
    NAME_TAKEN = "NAME_TAKEN"
    PATH_TAKEN = "PATH_TAKEN"
    CONFLICT = "CONFLICT"
    VERSION_MOVED = "VERSION_MOVED"
    RECIPE_MISMATCH = "RECIPE_MISMATCH"
    LABEL_UNKNOWN = "LABEL_UNKNOWN"
    DATASET_LOCKED = "DATASET_LOCKED"
    NOT_LOCKED = "NOT_LOCKED"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    ERASED = "ERASED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    TIMEOUT = "TIMEOUT"
    BUSY = "BUSY"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    INSUFFICIENT_STORAGE = "INSUFFICIENT_STORAGE"
    BINARY_CORRUPT = "BINARY_CORRUPT"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    INTERNAL = "INTERNAL"


Path = tuple[str, ...]
"""Where in the caller's input: names of input fields and positions in lists, outermost first."""


class ServiceError(Exception):
    """The root. `path` names the argument that is to blame, when one is."""

    code = ErrorCode.INTERNAL

    def __init__(self, message: str, *, path: Sequence[str | int] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path: Path = tuple(str(step) for step in path)


class Unauthenticated(ServiceError):
    code = ErrorCode.UNAUTHENTICATED


class NotFound(ServiceError):
    code = ErrorCode.NOT_FOUND


class PersistedQueryNotFound(ServiceError):
    """The words are those of the protocol: clients look for them."""

    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class Forbidden(ServiceError):
    code = ErrorCode.FORBIDDEN


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong argument: where it stands, what is wrong, and the code of that."""

    path: Path
    message: str
    code: ErrorCode = ErrorCode.INVALID


class Invalid(ServiceError):
    """One or more wrong arguments; without `fields`, the one that `path` names."""

    code = ErrorCode.INVALID

    def __init__(
        self,
        message: str,
        *,
        path: Sequence[str | int] = (),
        fields: Sequence[FieldProblem] = (),
    ) -> None:
        super().__init__(message, path=path)
        self.fields = tuple(fields) or (FieldProblem(self.path, message, self.code),)

    def under(self, *prefix: str | int) -> Invalid:
        """The same refusal, with every path beginning at `prefix`."""
        start = tuple(str(step) for step in prefix)
        moved = [FieldProblem(start + f.path, f.message, f.code) for f in self.fields]
        return type(self)(self.message, path=start + self.path, fields=moved)


class LabelUnknown(Invalid):
    code = ErrorCode.LABEL_UNKNOWN


class LimitExceeded(Invalid):
    code = ErrorCode.LIMIT_EXCEEDED


class Conflict(ServiceError):
    """`current_version` is the dataset's head at the time of refusal, where one is concerned."""

    code = ErrorCode.CONFLICT

    def __init__(
        self,
        message: str,
        *,
        path: Sequence[str | int] = (),
        current_version: int | None = None,
    ) -> None:
        super().__init__(message, path=path)
        self.current_version = current_version


class NameTaken(Conflict):
    code = ErrorCode.NAME_TAKEN


class PathTaken(Conflict):
    code = ErrorCode.PATH_TAKEN


class VersionMoved(Conflict):
    code = ErrorCode.VERSION_MOVED


class DatasetLocked(Conflict):
    code = ErrorCode.DATASET_LOCKED


class NotLocked(Conflict):
    code = ErrorCode.NOT_LOCKED


class VersionExpired(Conflict):
    code = ErrorCode.ERASED

    def __init__(self, version: int, head: int, *, path: Sequence[str | int] = ()) -> None:
        super().__init__(
            f"Version {version} has expired: it is listed, but what it showed is not kept",
            path=path,
            current_version=head,
        )


class CursorExpired(ServiceError):
    """A list goes on at the version that its first page was read at, and that one has expired."""

    code = ErrorCode.CURSOR_EXPIRED

    def __init__(self, version: int, *, path: Sequence[str | int] = ()) -> None:
        message = f"The list was read at version {version}, which has expired; begin it anew"
        super().__init__(message, path=path)


class IdempotencyConflict(Conflict):
    code = ErrorCode.IDEMPOTENCY_CONFLICT


@dataclass(frozen=True, slots=True)
class RecipeDifference:
    """One way in which two recipes differ.

    `kind` is LABEL_REMOVED, LABEL_ADDED, LABEL_CHANGED, ATTRIBUTE_REMOVED, ATTRIBUTE_ADDED,
    ATTRIBUTE_CHANGED, TOOL_REMOVED or TOOL_ADDED, seen from left to right; `left` and `right` are
    JSON values, None where that side has nothing.
    """

    kind: str
    name: str
    left: Any
    right: Any
    detail: str


class RecipeMismatch(ServiceError):
    code = ErrorCode.RECIPE_MISMATCH

    def __init__(
        self,
        message: str,
        differences: Sequence[RecipeDifference],
        *,
        path: Sequence[str | int] = (),
    ) -> None:
        super().__init__(message, path=path)
        self.differences = tuple(differences)


class Timeout(ServiceError):
    code = ErrorCode.TIMEOUT


class Busy(ServiceError):
    code = ErrorCode.BUSY


class StorageUnavailable(Busy):
    """Nothing was stored; what is stored is not lost, and the same may be tried again."""


class InsufficientStorage(ServiceError):
    code = ErrorCode.INSUFFICIENT_STORAGE


class BinaryCorrupt(ServiceError):
    code = ErrorCode.BINARY_CORRUPT


class SchemaTooNew(ServiceError):
    """Raised at start only, before anything is served."""
