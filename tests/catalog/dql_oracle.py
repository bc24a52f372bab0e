"""What JSON queries mean, in plain Python over the JSON that an item answers with.

Shares no code with the service: a query is read as it is written, and evaluated on one document
for each item, `{"name": …, "metadata": {"user": …, "system": …}}`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.catalog.filter_oracle import (
    EMAILS,
    PlainAnnotation,
    PlainItem,
    glob_matches,
    reached,
    same,
    spelt,
)

Json = dict[str, Any]
FILE = "file"
TYPES = {"segment": "POLYGON", "class": "CLASSIFICATION", "binary": "BINARY_MASK"}


WORDS = {"filter", "join", "intersect", "except", "sort", "resource", "page", "pageSize"}


def query_matches(query: Any, item: PlainItem) -> bool:
    """Whether an item is among those that a query, or a bare condition, means."""
    if not WORDS & set(query):
        return holds(query, item_document(item), item_path)
    verdicts = [holds(query.get("filter") or {}, item_document(item), item_path)]
    if query.get("join") is not None:
        wanted = query["join"].get("filter", {})
        marks = [annotation_document(mark, item) for mark in item.annotations]
        verdicts.append(any(holds(wanted, mark, annotation_path) for mark in marks))
    if query.get("intersect") is not None:
        verdicts.append(query_matches(query["intersect"]["query"], item))
    if query.get("except") is not None:
        verdicts.append(not query_matches(query["except"]["query"], item))
    return all(verdicts)


def annotation_query_matches(query: Any, mark: PlainAnnotation, item: PlainItem) -> bool:
    """Whether an annotation of an item is among those that a query of annotations means."""
    document = annotation_document(mark, item)
    if not WORDS & set(query):
        return holds(query, document, annotation_path)
    verdicts = [holds(query.get("filter") or {}, document, annotation_path)]
    if query.get("join") is not None:
        wanted = query["join"].get("filter", {})
        verdicts.append(holds(wanted, item_document(item), item_path))
    if query.get("intersect") is not None:
        verdicts.append(annotation_query_matches(query["intersect"]["query"], mark, item))
    if query.get("except") is not None:
        verdicts.append(not annotation_query_matches(query["except"]["query"], mark, item))
    return all(verdicts)


def item_document(item: PlainItem) -> Json:
    *folders, name = item.path.split("/")
    system = {"mimetype": item.mime_type, "size": item.size, "refs": []}
    system |= {k: v for k in ("width", "height") if (v := getattr(item, k)) is not None}
    told = {} if item.description is None else {"description": item.description}
    return told | {
        "id": f"it_{item.key}",
        "name": name,
        "filename": item.path,
        "dir": "/".join(folders) or "/",
        "type": FILE,
        "hidden": item.hidden,
        "annotated": bool(item.annotations),
        "annotationStatus": [],
        "createdAt": item.created_at,
        "updatedAt": item.updated_at,
        "creator": EMAILS[item.creator],
        "updatedBy": EMAILS[item.updated_by],
        "metadata": {"user": item.metadata, "system": system},
    }


def annotation_document(mark: PlainAnnotation, item: PlainItem) -> Json:
    status = {} if mark.status is None else {"status": mark.status}
    return status | {
        "id": f"an_{mark.key}",
        "itemId": f"it_{item.key}",
        "label": mark.label,
        "type": mark.type,
        "createdAt": mark.created_at,
        "updatedAt": mark.updated_at,
        "creator": EMAILS[mark.creator],
        "attributes": mark.attributes,
        "metadata": {"user": mark.metadata},
    }


def item_path(key: str) -> list[str]:
    """Where a dotted key leads; users' metadata may leave `user` out."""
    steps = key.split(".")
    if steps[0] == "metadata" and steps[1:] and steps[1] not in ("user", "system"):
        return ["metadata", "user", *steps[1:]]
    return steps


def annotation_path(key: str) -> list[str]:
    steps = key.split(".")
    if steps[0] == "metadata" and steps[1:] and steps[1] != "user":
        return ["metadata", "user", *steps[1:]]
    return steps


def plain_path(key: str) -> list[str]:
    return key.split(".")


def holds(condition: Json, document: Json, path: Callable[[str], list[str]]) -> bool:
    verdicts = []
    for key, value in condition.items():
        if key == "$and":
            verdicts += [holds(inner, document, path) for inner in value]
        elif key == "$or":
            verdicts.append(any(holds(inner, document, path) for inner in value))
        else:
            verdicts.append(value_holds(key, value, reached(document, path(key))))
    return all(verdicts)


def value_holds(key: str, value: Any, found: list[Any]) -> bool:
    """Whether a value form (a plain value, operators, a nested object) holds of what is there."""
    if isinstance(value, str) and "*" in value:
        return starred(key, value, found)
    if not isinstance(value, dict):
        return equals(key, value, found)
    if not any(name.startswith("$") for name in value):
        return matched(value, found)
    return all(operator_holds(key, name, operand, found) for name, operand in value.items())


def operator_holds(key: str, name: str, operand: Any, found: list[Any]) -> bool:
    match name:
        case "$and":
            return all(value_holds(key, one, found) for one in operand)
        case "$or":
            return any(value_holds(key, one, found) for one in operand)
        case "$eq":
            return equals(key, operand, found)
        case "$ne":
            return not equals(key, operand, found)
        case "$in":
            return any(equals(key, one, found) for one in operand)
        case "$nin":
            return not any(equals(key, one, found) for one in operand)
        case "$exists":
            return bool(found) == operand
        case "$match":
            return matched(operand, found)
    signs = {"$gt": (1,), "$gte": (0, 1), "$lt": (-1,), "$lte": (-1, 0)}[name]
    return any(
        compared(one, other) in signs
        for one in opened(found)
        for other in meant(key, operand, found)
    )


def opened(found: list[Any]) -> list[Any]:
    """What was found, and the elements of what is an array."""
    return found + [one for value in found if isinstance(value, list) for one in value]


def equals(key: str, operand: Any, found: list[Any]) -> bool:
    if isinstance(operand, list):
        return any(same(value, operand) for value in found)
    if operand is None and not found:
        return True
    return any(same(one, other) for one in opened(found) for other in meant(key, operand, found))


def meant(key: str, operand: Any, found: list[Any]) -> list[Any]:
    """What an operand may stand for under a key."""
    if key in ("createdAt", "updatedAt") and isinstance(operand, str):
        moment = datetime.fromisoformat(operand)
        return [moment if moment.tzinfo else moment.replace(tzinfo=UTC)]
    if key in ("type", "status") and isinstance(operand, str) and FILE not in found:
        return [TYPES.get(operand.lower(), operand.upper())]
    if key in ("creator", "updatedBy") and isinstance(operand, str):
        return [operand.lower()]
    return spelt(operand)


def compared(one: Any, other: Any) -> int | None:
    """-1, 0 or 1; None where there is no order."""
    numbers = [isinstance(v, int | float) and not isinstance(v, bool) for v in (one, other)]
    texts = [isinstance(v, str) for v in (one, other)]
    moments = [isinstance(v, datetime) for v in (one, other)]
    if not (all(numbers) or all(texts) or all(moments)):
        return None
    return int(one > other) - int(one < other)


def starred(key: str, pattern: str, found: list[Any]) -> bool:
    if key in ("type", "status") and FILE not in found:
        pattern = pattern.upper()
    if key in ("creator", "updatedBy"):
        pattern = pattern.lower()
    return any(
        glob_matches(pattern, one, ones=False, segments=not key.endswith(".mimetype"))
        for one in opened(found)
        if isinstance(one, str)
    )


def matched(condition: Json, found: list[Any]) -> bool:
    """One object, or one element that is an object, satisfies the whole condition."""
    return any(holds(condition, one, plain_path) for one in opened(found) if isinstance(one, dict))
