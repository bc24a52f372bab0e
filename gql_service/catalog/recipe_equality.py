"""When two recipes promise the same, and in what they differ.

Two contents are equal when they have the same labels by full name, each with the same attributes,
the same attributes by key (type, values, range, scope, optional), and the same tools. Ids, titles,
display names, colours, every order, instructions, strictness, the form of numbers (1 or 1.0) and
the Unicode normal form of names do not count.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gql_service.catalog.json_text import canonical, parse
from gql_service.catalog.recipe_content import CONTENT_BYTES, Attribute, RecipeContent, walk
from gql_service.errors import RecipeDifference

_FORM_BYTES = 16 * CONTENT_BYTES
"""A form repeats the names of all parents, so it may be larger than the content."""


def fingerprint(content: RecipeContent) -> str:
    """64 hexadecimal digits, equal for two contents exactly when `differences` is empty."""
    return hashlib.sha256(_text(content).encode()).hexdigest()


def differences(left: RecipeContent, right: RecipeContent) -> list[RecipeDifference]:
    """What the two do not share: labels, then attributes, then tools, each by name."""
    ours, theirs = parse(_text(left)), parse(_text(right))
    return [
        *_compared("LABEL", "Label", ours["labels"], theirs["labels"]),
        *_compared("ATTRIBUTE", "Attribute", ours["attributes"], theirs["attributes"]),
        *_compared("TOOL", "Tool", ours["tools"], theirs["tools"]),
    ]


def _text(content: RecipeContent) -> str:
    return canonical(_form(content), object_only=True, max_bytes=_FORM_BYTES)


def _form(content: RecipeContent) -> dict[str, Any]:
    """Only what counts, with every set sorted; what has a name stands under it."""
    labels = {
        _composed(name): {"name": _composed(name), "attributes": _sorted(label.attributes)}
        for name, label in walk(content.labels)
    }
    attributes = {
        _composed(attribute.key): _attribute_form(attribute) for attribute in content.attributes
    }
    return {
        "labels": labels,
        "attributes": attributes,
        "tools": {tool.value: tool.value for tool in content.tools},
    }


def _attribute_form(attribute: Attribute) -> dict[str, Any]:
    span = attribute.range
    return {
        "key": _composed(attribute.key),
        "type": attribute.type.value,
        "values": None if attribute.values is None else _sorted(attribute.values),
        "range": None if span is None else {"min": span.min, "max": span.max, "step": span.step},
        "scope": None if attribute.scope is None else _sorted(attribute.scope),
        "optional": attribute.optional,
    }


def _compared(
    kind: str, noun: str, left: Mapping[str, Any], right: Mapping[str, Any]
) -> Iterator[RecipeDifference]:
    for name in sorted(left.keys() | right.keys()):
        before, after = left.get(name), right.get(name)
        if before == after:
            continue
        if after is None:
            change, detail = "REMOVED", f"{noun} {name} is only in the left recipe"
        elif before is None:
            change, detail = "ADDED", f"{noun} {name} is only in the right recipe"
        else:
            members = [member for member in before if before[member] != after[member]]
            change, detail = "CHANGED", f"{noun} {name} differs in {', '.join(members)}"
        yield RecipeDifference(f"{kind}_{change}", name, before, after, detail)


def _sorted(texts: Iterable[str]) -> list[str]:
    return sorted({_composed(text) for text in texts})


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
