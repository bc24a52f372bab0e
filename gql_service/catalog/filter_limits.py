"""How large a filter may be, and which operands no database could be asked about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from gql_service.catalog.filters import (
    AnnotationFilter,
    AnnotationsFilter,
    DatasetFilter,
    ItemFilter,
    JsonCondition,
    JsonFilter,
    StringFilter,
    ValueFilter,
    VersionFilter,
)
from gql_service.catalog.json_text import JSON_DEPTH, canonical
from gql_service.database.columns import to_microseconds
from gql_service.errors import Invalid, LimitExceeded

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class FilterLimits:
    """How deep a filter may nest, how many conditions it may have in all, how many values a list,
    and how many characters a pattern and another text."""

    depth: int = 8
    conditions: int = 100
    values: int = 1_000
    pattern: int = 256
    text: int = 4_096


_DEFAULTS = FilterLimits()
filter_limits: ContextVar[FilterLimits] = ContextVar("filter_limits", default=_DEFAULTS)
"""The settings, for the request that is being answered."""


Tree = ItemFilter | AnnotationFilter | DatasetFilter | VersionFilter | JsonCondition


def check(filter: Tree, path: Sequence[str | int] = ()) -> None:
    """Refuses what is too large or cannot be compared; `path` is where the filter stands.

    An operator is a condition, and so is a filter without any. Raises LimitExceeded past a limit of
    `filter_limits`, and Invalid for NUL and lone surrogates in texts, numbers
    beyond 64 bits, moments without a time zone, and operands that are not JSON.
    """
    conditions = _check_tree(filter, tuple(path), 1)
    most = filter_limits.get().conditions
    if conditions > most:
        raise LimitExceeded(
            f"A filter can have {most:,} conditions; this one has {conditions:,}", path=path
        )


def _check_tree(tree: Tree, path: Path, depth: int) -> int:
    """The number of conditions in it, at least one."""
    most = filter_limits.get().depth
    if depth > most:
        raise LimitExceeded(f"Filters can be nested {most} deep", path=path)
    conditions = 0
    for name, value in _given(tree):
        here = (*path, spelling(name))
        match value:
            case (
                ItemFilter()
                | AnnotationFilter()
                | DatasetFilter()
                | VersionFilter()
                | JsonCondition()
            ):
                conditions += _check_tree(value, here, depth + 1)
            case AnnotationsFilter():
                for quantifier, inner in _given(value):
                    conditions += _check_tree(inner, (*here, quantifier), depth + 1)
            case StringFilter() | ValueFilter():
                conditions += _check_leaf(value, here)
            case bool():
                conditions += 1
            case _ if name == "ids":
                _check_list(value, here)
                conditions += 1
            case _:
                _check_length(value, here)
                for position, inner in enumerate(value):
                    conditions += _check_member(inner, (*here, position), depth)
    return max(conditions, 1)


def _check_member(member: Any, path: Path, depth: int) -> int:
    if isinstance(member, JsonFilter):
        return _check_json(member, path, depth)
    return _check_tree(member, path, depth + 1)


def _check_leaf(leaf: StringFilter | ValueFilter[Any], path: Path) -> int:
    given = _given(leaf)
    for name, value in given:
        here = (*path, spelling(name))
        if name in ("in_", "not_in"):
            _check_list(value, here)
        else:
            _check_operand(value, here)
        if name in ("glob", "stars"):
            _check_pattern(value, here)
    return max(len(given), 1)


def _check_json(leaf: JsonFilter, path: Path, depth: int) -> int:
    check_json_path(leaf.path, (*path, "path"))
    given = leaf.asked()
    conditions = len(given)
    for name, value in given:
        here = (*path, spelling(name))
        if name in ("in_", "not_in"):
            _check_length(value, here)
            for position, operand in enumerate(value):
                canonical(operand, (*here, position), object_only=False)
        elif name in ("glob", "stars"):
            _check_operand(value, here)
            _check_pattern(value, here)
        elif name == "match":
            conditions += _check_tree(value, here, depth + 1)
        elif name != "exists":
            canonical(value, here, object_only=False)
    return max(conditions, 1)


def check_json_path(steps: Sequence[str], path: Sequence[str | int]) -> None:
    """Refuses a path in a JSON document that is too long or could not be stored."""
    if len(steps) > JSON_DEPTH:
        raise LimitExceeded(f"A path can have {JSON_DEPTH} steps", path=path)
    for step in steps:
        _check_operand(step, tuple(path))


def _check_list(values: Sequence[Any], path: Path) -> None:
    _check_length(values, path)
    for position, value in enumerate(values):
        _check_operand(value, (*path, position))


def _check_length(values: Sequence[Any], path: Path) -> None:
    most = filter_limits.get().values
    if len(values) > most:
        raise LimitExceeded(
            f"A list can have {most:,} values; this one has {len(values):,}", path=path
        )


def _check_pattern(pattern: str, path: Path) -> None:
    most = filter_limits.get().pattern
    if len(pattern) > most:
        raise LimitExceeded(f"A pattern can have {most:,} characters", path=path)


def _check_operand(value: str | int | datetime, path: Path) -> None:
    match value:
        case str():
            most = filter_limits.get().text
            if len(value) > most:
                raise LimitExceeded(f"A text can have {most:,} characters here", path=path)
            if _UNSTORABLE.search(value):
                raise Invalid("NUL and halves of surrogate pairs are not text", path=path)
        case int():
            if not -(2**63) <= value < 2**63:
                raise Invalid("An integer must fit into 64 bits", path=path)
        case datetime():
            _check_moment(value, path)


def _check_moment(moment: datetime, path: Path) -> None:
    if moment.tzinfo is None:
        raise Invalid("A time needs its offset from UTC", path=path)
    try:
        to_microseconds(moment)
    except OverflowError:
        raise Invalid("The time lies outside the years 1 to 9999 of UTC", path=path) from None


def _given(value: Any) -> list[tuple[str, Any]]:
    """The fields that ask something, in the order of their class."""
    named = ((field.name, getattr(value, field.name)) for field in fields(value))
    return [(name, operand) for name, operand in named if operand is not None]


def spelling(name: str) -> str:
    """A field's name as callers write it: `mime_type` → `mimeType`, `in_` → `in`."""
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.title() for word in rest)
