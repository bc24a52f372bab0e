"""What is known of the past of a thing, and how far back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from gql_service.catalog.version import VersionRecord
from gql_service.versions.past_rows import Change

E = TypeVar("E")
Place = tuple[int, int]
"""A dataset at a version."""


@dataclass(frozen=True, slots=True)
class History(Generic[E]):
    """Events, newest first; `complete` unless something may have been done in versions that have
    expired."""

    events: list[tuple[Place, E]]
    complete: bool


@dataclass(frozen=True, slots=True)
class Past:
    """What has been done to a thing, newest first, and the versions that did it, with those before.

    A version is missing when its dataset is purged. Without `complete`, states may be missing too.
    """

    changes: list[Change]
    versions: Mapping[Place, VersionRecord]
    complete: bool

    def began_earlier(self, change: Change) -> bool:
        """Whether something that is not known any more may have been there before a change."""
        if change.before is not None or change.version == 1:
            return False
        previous = self.versions.get((change.dataset, change.version - 1))
        return previous is not None and previous.expired_at is not None
