"""What filters mean, in plain Python: a second opinion that shares no code with the SQL."""

from __future__ import annotations

import json
import math
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gql_service.catalog.filters import (
    UNSET,
    AnnotationFilter,
    AnnotationsFilter,
    ItemFilter,
    JsonCondition,
    JsonFilter,
    StringFilter,
    ValueFilter,
)

ABSENT = object()
EMAILS = {1: "ada@example.org", 2: "zoe@a/b.example", 3: "éva@example.org"}
"""Of the users whose numbers these are."""


@dataclass
class PlainAnnotation:
    key: int
    label: str = "dog"
    type: str = "BOX"
    status: str | None = None
    creator: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class PlainItem:
    key: int
    path: str
    description: str | None = None
    hidden: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    mime_type: str = "image/png"
    size: int = 1
    width: int | None = None
    height: int | None = None
    sha256: str = ""
    creator: int = 1
    updated_by: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None
    annotations: list[PlainAnnotation] = field(default_factory=list)


def item_matches(where: ItemFilter, item: PlainItem) -> bool:
    segments = item.path.split("/")
    composed = {
        "path": item.path,
        "name": segments[-1],
        "directory": "/".join(segments[:-1]) or "/",
    }
    verdicts = [_text(v, getattr(where, k), nfc=True) for k, v in composed.items()]
    verdicts += [_text(getattr(item, k), getattr(where, k)) for k in ("sha256", "description")]
    verdicts.append(_text(item.mime_type, where.mime_type, segments=False))
    verdicts.append(_text(EMAILS[item.creator], where.creator_email))
    verdicts.append(_text(EMAILS[item.updated_by], where.updater_email))
    plain = ("size", "width", "height", "created_at", "updated_at", "creator", "updated_by")
    verdicts.append(_value(item.key, where.key))
    verdicts += [_value(getattr(item, k), getattr(where, k)) for k in plain]
    verdicts += [_json(item.metadata, asked) for asked in where.metadata or ()]
    if where.ids is not None:
        verdicts.append(item.key in list(where.ids))
    if where.hidden is not None:
        verdicts.append(item.hidden == where.hidden)
    if where.annotated is not None:
        verdicts.append((len(item.annotations) > 0) == where.annotated)
    if where.annotations is not None:
        verdicts.append(_annotations(where.annotations, item.annotations))
    if where.and_ is not None:
        verdicts += [item_matches(inner, item) for inner in where.and_]
    if where.or_ is not None:
        verdicts.append(any(item_matches(inner, item) for inner in where.or_))
    if where.not_ is not None:
        verdicts.append(not item_matches(where.not_, item))
    return False not in verdicts


def annotation_matches(where: AnnotationFilter, annotation: PlainAnnotation) -> bool:
    verdicts = [_text(annotation.label, where.label, nfc=True)]
    verdicts += [_text(getattr(annotation, k), getattr(where, k)) for k in ("type", "status")]
    verdicts.append(_text(EMAILS[annotation.creator], where.creator_email))
    plain = ("key", "creator", "created_at", "updated_at")
    verdicts += [_value(getattr(annotation, k), getattr(where, k)) for k in plain]
    verdicts += [_json(annotation.attributes, asked) for asked in where.attributes or ()]
    verdicts += [_json(annotation.metadata, asked) for asked in where.metadata or ()]
    if where.and_ is not None:
        verdicts += [annotation_matches(inner, annotation) for inner in where.and_]
    if where.or_ is not None:
        verdicts.append(any(annotation_matches(inner, annotation) for inner in where.or_))
    if where.not_ is not None:
        verdicts.append(not annotation_matches(where.not_, annotation))
    return False not in verdicts


def _annotations(where: AnnotationsFilter, annotations: list[PlainAnnotation]) -> bool:
    return (
        (where.some is None or any(annotation_matches(where.some, a) for a in annotations))
        and (where.none is None or not any(annotation_matches(where.none, a) for a in annotations))
        and (where.every is None or all(annotation_matches(where.every, a) for a in annotations))
    )


def _text(
    value: str | None, where: StringFilter | None, *, nfc: bool = False, segments: bool = True
) -> bool:
    if where is None:
        return True

    def form(text: str) -> str:
        return unicodedata.normalize("NFC", text) if nfc else text

    def globbed(pattern: str, ones: bool) -> bool:
        if value is None:
            return False
        return glob_matches(form(pattern), value, ones=ones, segments=segments)

    def ordered(operand: str | None, accepts: Any) -> bool:
        return operand is None or (value is not None and bool(accepts(value, form(operand))))

    return (
        (where.eq is None or value == form(where.eq))
        and (where.ne is None or value != form(where.ne))
        and (where.in_ is None or value in [form(text) for text in where.in_])
        and (where.not_in is None or value not in [form(text) for text in where.not_in])
        and ordered(where.contains, lambda text, part: part in text)
        and ordered(where.starts_with, lambda text, start: text.startswith(start))
        and ordered(where.gt, lambda text, other: list(text) > list(other))
        and ordered(where.gte, lambda text, other: list(text) >= list(other))
        and ordered(where.lt, lambda text, other: list(text) < list(other))
        and ordered(where.lte, lambda text, other: list(text) <= list(other))
        and (where.glob is None or globbed(where.glob, True))
        and (where.stars is None or globbed(where.stars, False))
        and (where.exists is None or where.exists == (value is not None))
    )


def _value(value: Any, where: ValueFilter[Any] | None) -> bool:
    if where is None:
        return True
    there = value is not None
    return (
        (where.eq is None or value == where.eq)
        and (where.ne is None or value != where.ne)
        and (where.in_ is None or value in where.in_)
        and (where.not_in is None or value not in where.not_in)
        and (where.gt is None or (there and value > where.gt))
        and (where.gte is None or (there and value >= where.gte))
        and (where.lt is None or (there and value < where.lt))
        and (where.lte is None or (there and value <= where.lte))
        and (where.exists is None or where.exists == there)
    )


def _json(document: Any, where: JsonFilter) -> bool:
    if where.through:
        return through_matches(document, where)
    value = _at(document, list(where.path))
    return (
        (where.eq is UNSET or same(value, where.eq))
        and (where.ne is UNSET or not same(value, where.ne))
        and (where.in_ is None or any(same(value, v) for v in where.in_))
        and (where.not_in is None or not any(same(value, v) for v in where.not_in))
        and (where.gt is UNSET or _compared(value, where.gt, lambda sign: sign > 0))
        and (where.gte is UNSET or _compared(value, where.gte, lambda sign: sign >= 0))
        and (where.lt is UNSET or _compared(value, where.lt, lambda sign: sign < 0))
        and (where.lte is UNSET or _compared(value, where.lte, lambda sign: sign <= 0))
        and (where.contains is UNSET or _contains(value, where.contains))
        and (where.glob is None or (isinstance(value, str) and glob_matches(where.glob, value)))
        and (where.stars is None or _starred(value, where.stars))
        and (where.match is None or _some_object(value, where.match))
        and (where.exists is None or (value is not ABSENT) == where.exists)
    )


def through_matches(document: Any, where: JsonFilter) -> bool:
    """The same for a filter that looks through arrays."""
    found = reached(document, list(where.path))
    members = [m for v in found for m in (v if isinstance(v, list) else [])]

    def equal(operand: Any) -> bool:
        if isinstance(operand, list):
            return any(same(v, operand) for v in found)
        if operand is None and not found:
            return True
        return any(same(v, one) for v in found + members for one in spelt(operand))

    def some(name: str) -> bool:
        operand = getattr(where, name)
        signs = {"gt": (1,), "gte": (0, 1), "lt": (-1,), "lte": (-1, 0)}[name]
        return operand is UNSET or any(
            _compared(v, one, lambda sign: sign in signs)
            for v in found + members
            for one in spelt(operand)
        )

    return (
        (where.eq is UNSET or equal(where.eq))
        and (where.ne is UNSET or not equal(where.ne))
        and (where.in_ is None or any(map(equal, where.in_)))
        and (where.not_in is None or not any(map(equal, where.not_in)))
        and all(map(some, ("gt", "gte", "lt", "lte")))
        and (where.contains is UNSET or any(_contains(v, where.contains) for v in found + members))
        and (
            where.glob is None
            or any(isinstance(v, str) and glob_matches(where.glob, v) for v in found + members)
        )
        and (where.stars is None or any(_starred(v, where.stars) for v in found + members))
        and (where.exists is None or where.exists == bool(found))
        and (where.match is None or any(_some_object(v, where.match) for v in found))
    )


def reached(value: Any, keys: list[str]) -> list[Any]:
    """All that the keys lead to; an array on the way is opened once."""
    if not keys:
        return [value]
    objects = value if isinstance(value, list) else [value]
    return [
        found
        for one in objects
        if isinstance(one, dict) and keys[0] in one
        for found in reached(one[keys[0]], keys[1:])
    ]


def spelt(operand: Any) -> list[Any]:
    """The operand, and the number that a text spells in JSON's way."""
    if isinstance(operand, str) and operand == operand.strip():
        try:
            number = json.loads(operand)
        except ValueError:
            return [operand]
        if _kind(number) == "number" and abs(number) < math.inf:
            whole = isinstance(number, int) and -(2**63) <= number < 2**63
            return [operand, number if whole else float(number)]
    return [operand]


def _starred(value: Any, pattern: str) -> bool:
    return isinstance(value, str) and glob_matches(pattern, value, ones=False)


def _some_object(value: Any, where: JsonCondition) -> bool:
    objects = value if isinstance(value, list) else [value]
    return any(isinstance(one, dict) and condition_matches(where, one) for one in objects)


def condition_matches(where: JsonCondition, value: Any) -> bool:
    verdicts = [through_matches(value, asked) for asked in where.at or ()]
    verdicts += [condition_matches(inner, value) for inner in where.and_ or ()]
    if where.or_ is not None:
        verdicts.append(any(condition_matches(inner, value) for inner in where.or_))
    if where.not_ is not None:
        verdicts.append(not condition_matches(where.not_, value))
    return False not in verdicts


def _at(value: Any, path: list[str]) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step, ABSENT)
        elif isinstance(value, list):
            value = {str(n): member for n, member in enumerate(value)}.get(step, ABSENT)
        else:
            return ABSENT
    return value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values with their types."""
    if _kind(left) != _kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def _compared(value: Any, operand: Any, accepts: Any) -> bool:
    if _kind(value) != _kind(operand) or _kind(value) not in ("number", "str"):
        return False
    return bool(accepts((value > operand) - (value < operand)))


def _contains(value: Any, operand: Any) -> bool:
    if isinstance(value, list):
        return any(same(member, operand) for member in value)
    return isinstance(value, str) and isinstance(operand, str) and operand in value


def glob_matches(pattern: str, text: str, *, ones: bool = True, segments: bool = True) -> bool:
    """By trying every split, remembering none: short patterns and texts only."""
    if not pattern:
        return not text

    def rest(pattern: str, text: str) -> bool:
        return glob_matches(pattern, text, ones=ones, segments=segments)

    if pattern.startswith("**") or (pattern[0] == "*" and not segments):
        return any(rest(pattern.lstrip("*"), text[n:]) for n in range(len(text) + 1))
    if pattern[0] == "*":
        segment = text.split("/")[0]
        return any(rest(pattern[1:], text[n:]) for n in range(len(segment) + 1))
    if not text:
        return False
    fits = text[0] != "/" if pattern[0] == "?" and ones else text[0] == pattern[0]
    return fits and rest(pattern[1:], text[1:])
