"""A dataset at a version, and how the ids of what is read there are spelt."""

from __future__ import annotations

from dataclasses import dataclass

from gql_service.api.ids import AnnotationId, DatasetId, ItemId


@dataclass(frozen=True, slots=True)
class Point:
    """`fixed` says that it was asked for by version: ids then carry it and mean it for ever."""

    dataset: int
    version: int
    fixed: bool

    @property
    def pair(self) -> tuple[int, int]:
        return self.dataset, self.version

    @property
    def id_version(self) -> int | None:
        return self.version if self.fixed else None

    def dataset_id(self) -> str:
        return str(DatasetId(self.dataset, self.id_version))

    def item_id(self, key: int) -> str:
        return str(ItemId(self.dataset, key, self.id_version))

    def annotation_id(self, key: int) -> str:
        return str(AnnotationId(self.dataset, key, self.id_version))

    def at(self, version: int) -> Point:
        """The same dataset at another version: fixed, unless it is the one that is being read."""
        return self if version == self.version else Point(self.dataset, version, fixed=True)
