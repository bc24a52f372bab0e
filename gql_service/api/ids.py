"""Ids as clients see them: opaque text with a prefix, which SQL can put together as well.

    pr_1 project    us_1 user    to_1 token    jo_5 job    bi_<sha256> binary
    re_1 recipe, re_1_r2 at a revision            ds_12 dataset, ds_12_v3 at a version
    it_12_345 item of dataset 12, it_12_345_v3 at a version        an_12_678 annotation, likewise
    ve_12_3 version 3 of dataset 12               ta_7 tag

An id with a version or revision names something that never changes. Parsing is strict: one thing
has one spelling, and numbers fit into 64 bits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gql_service.errors import Invalid

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ProjectId:
    key: int

    def __str__(self) -> str:
        return f"pr_{self.key}"


@dataclass(frozen=True, slots=True)
class UserId:
    key: int

    def __str__(self) -> str:
        return f"us_{self.key}"


@dataclass(frozen=True, slots=True)
class TokenId:
    key: int

    def __str__(self) -> str:
        return f"to_{self.key}"


@dataclass(frozen=True, slots=True)
class JobId:
    key: int

    def __str__(self) -> str:
        return f"jo_{self.key}"


@dataclass(frozen=True, slots=True)
class BinaryId:
    sha256: str

    def __str__(self) -> str:
        return f"bi_{self.sha256}"


@dataclass(frozen=True, slots=True)
class RecipeId:
    key: int
    revision: int | None = None

    def __str__(self) -> str:
        return f"re_{self.key}" + ("" if self.revision is None else f"_r{self.revision}")


@dataclass(frozen=True, slots=True)
class DatasetId:
    key: int
    version: int | None = None

    def __str__(self) -> str:
        return f"ds_{self.key}" + _suffix(self.version)


@dataclass(frozen=True, slots=True)
class ItemId:
    dataset: int
    key: int
    version: int | None = None

    def __str__(self) -> str:
        return f"it_{self.dataset}_{self.key}" + _suffix(self.version)


@dataclass(frozen=True, slots=True)
class AnnotationId:
    dataset: int
    key: int
    version: int | None = None

    def __str__(self) -> str:
        return f"an_{self.dataset}_{self.key}" + _suffix(self.version)


@dataclass(frozen=True, slots=True)
class VersionId:
    dataset: int
    number: int

    def __str__(self) -> str:
        return f"ve_{self.dataset}_{self.number}"


@dataclass(frozen=True, slots=True)
class TagId:
    key: int

    def __str__(self) -> str:
        return f"ta_{self.key}"


NodeId = (
    ProjectId
    | UserId
    | TokenId
    | JobId
    | BinaryId
    | RecipeId
    | DatasetId
    | ItemId
    | AnnotationId
    | VersionId
    | TagId
)
T = TypeVar("T", bound=NodeId)

_N = "([1-9][0-9]{0,18})"
_NUMBERED: dict[str, tuple[re.Pattern[str], Callable[..., NodeId]]] = {
    "pr": (re.compile(f"pr_{_N}"), ProjectId),
    "us": (re.compile(f"us_{_N}"), UserId),
    "to": (re.compile(f"to_{_N}"), TokenId),
    "jo": (re.compile(f"jo_{_N}"), JobId),
    "re": (re.compile(f"re_{_N}(?:_r{_N})?"), RecipeId),
    "ds": (re.compile(f"ds_{_N}(?:_v{_N})?"), DatasetId),
    "it": (re.compile(f"it_{_N}_{_N}(?:_v{_N})?"), ItemId),
    "an": (re.compile(f"an_{_N}_{_N}(?:_v{_N})?"), AnnotationId),
    "ve": (re.compile(f"ve_{_N}_{_N}"), VersionId),
    "ta": (re.compile(f"ta_{_N}"), TagId),
}
_BINARY = re.compile("bi_([0-9a-f]{64})")
_NOUNS = {
    ProjectId: "a project",
    UserId: "a user",
    TokenId: "a token",
    JobId: "a job",
    BinaryId: "a binary",
    RecipeId: "a recipe",
    DatasetId: "a dataset",
    ItemId: "an item",
    AnnotationId: "an annotation",
    VersionId: "a version",
    TagId: "a tag",
}


def parse(text: str, path: Sequence[str | int]) -> NodeId:
    """The id that `text` spells. Raises Invalid, naming `path`, when it spells none."""
    if binary := _BINARY.fullmatch(text):
        return BinaryId(binary[1])
    pattern, make = _NUMBERED.get(text[:2], (None, None))
    match = pattern.fullmatch(text) if pattern else None
    if match and make:
        numbers = [None if digits is None else int(digits) for digits in match.groups()]
        if all(number is None or number <= _LARGEST for number in numbers):
            return make(*numbers)
    raise Invalid("This is not an id of this service", path=path)


def parse_as(kind: type[T], text: str, path: Sequence[str | int]) -> T:
    """The id that `text` spells. Raises Invalid, naming `path`, when it is not of this kind."""
    id = parse(text, path)
    if not isinstance(id, kind):
        raise Invalid(
            f"The id of {_NOUNS[kind]} is needed here, not of {_NOUNS[type(id)]}", path=path
        )
    return id


def item_of(dataset: int, text: str, path: Sequence[str | int]) -> int:
    """The key of an item of this dataset, at whatever version the id was read.

    Raises Invalid for anything else, an item of another dataset included.
    """
    id = parse_as(ItemId, text, path)
    if id.dataset != dataset:
        raise Invalid("The item is not one of this dataset", path=path)
    return id.key


def annotation_of(dataset: int, text: str, path: Sequence[str | int]) -> int:
    """The key of an annotation of this dataset; as `item_of`."""
    id = parse_as(AnnotationId, text, path)
    if id.dataset != dataset:
        raise Invalid("The annotation is not one of this dataset", path=path)
    return id.key


def _suffix(version: int | None) -> str:
    return "" if version is None else f"_v{version}"
