"""Paths of items: `/directory/name.ext`, in one spelling, safe to put on any disk.

A path begins with a slash and holds one or more names between slashes. It is compared by its
bytes after NFC, at most 1,024 of them in UTF-8 and 255 in a name. Names `.` and `..`, empty names,
backslashes, control characters and lone surrogates are refused, so that no path can leave the
folder it is exported into.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from gql_service.catalog.names import refuse_unseen
from gql_service.errors import Invalid, LimitExceeded

PATH_BYTES = 1024
SEGMENT_BYTES = 255
_DECOMPOSED_CHARACTERS = 4 * PATH_BYTES


def clean_path(text: str, path: Sequence[str | int] = ()) -> str:
    """The path of an item as it is stored; a missing slash at the front is added.

    Cleaning a clean path changes nothing. Raises Invalid, or LimitExceeded when it is too long;
    `path` is the place of `text` in the caller's input.
    """
    cleaned = _composed(text, path)
    if cleaned.endswith("/"):
        raise Invalid("An item's path must end with a name", path=path)
    _check_segments(cleaned, path)
    return cleaned


def clean_directory(text: str, path: Sequence[str | int] = ()) -> str:
    """A directory as it is stored: `/`, or `/a/b` without a slash at the end.

    An empty text is `/`, and one slash at the end is dropped. Raises as `clean_path` does.
    """
    cleaned = _composed(text, path)
    if cleaned == "/":
        return cleaned
    cleaned = cleaned.removesuffix("/")
    _check_segments(cleaned, path)
    return cleaned


def under(directory: str, item_path: str, path: Sequence[str | int] = ()) -> str:
    """The clean `item_path` moved below the clean `directory`, its own directories kept.

    Raises LimitExceeded when the two together are too long.
    """
    joined = directory.removesuffix("/") + item_path
    if len(joined.encode()) > PATH_BYTES:
        raise _too_long(joined, path)
    return joined


def numbered(item_path: str, n: int) -> str:
    """A clean path with ` (n)` before its extension: `/a/b.jpg`, 2 → `/a/b (2).jpg`.

    The extension begins at the last dot, unless the name begins there. A name without room for the
    number is cut before it. Raises LimitExceeded when the directory leaves no room at all.
    """
    parent, name = item_path.rsplit("/", 1)
    dot = name.rfind(".")
    stem, extension = (name[:dot], name[dot:]) if dot > 0 else (name, "")
    room = min(SEGMENT_BYTES, PATH_BYTES - len(parent.encode()) - 1) - len(f" ({n})")
    if len(extension.encode()) >= room:
        stem, extension = name, ""
    stem_bytes = room - len(extension.encode())
    kept = stem.encode()[: max(stem_bytes, 0)].decode(errors="ignore")
    if not kept:
        raise LimitExceeded(f"There is no room for a number in the path {item_path}")
    return f"{parent}/{kept} ({n}){extension}"


def name_of(item_path: str) -> str:
    """The last name of a clean path: `/a/b.jpg` → `b.jpg`."""
    return item_path.rsplit("/", 1)[1]


def directory_of(item_path: str) -> str:
    """The directory of a clean path, `/` at the top: `/a/b.jpg` → `/a`."""
    return item_path.rsplit("/", 1)[0] or "/"


def _composed(text: str, path: Sequence[str | int]) -> str:
    if len(text) > _DECOMPOSED_CHARACTERS:
        raise _too_long(text, path)
    refuse_unseen(text, path)
    if "\\" in text:
        raise Invalid("Backslashes are not allowed in a path; use /", path=path)
    composed = unicodedata.normalize("NFC", text)
    return composed if composed.startswith("/") else "/" + composed


def _check_segments(cleaned: str, path: Sequence[str | int]) -> None:
    if len(cleaned.encode()) > PATH_BYTES:
        raise _too_long(cleaned, path)
    for segment in cleaned[1:].split("/"):
        if not segment:
            raise Invalid(f"The path {cleaned} has an empty name between slashes", path=path)
        if segment in (".", ".."):
            raise Invalid(f"The path {cleaned} has the name {segment}", path=path)
        if len(segment.encode()) > SEGMENT_BYTES:
            raise LimitExceeded(
                f"A name in a path can have {SEGMENT_BYTES} bytes; {segment[:40]}… has more",
                path=path,
            )


def _too_long(text: str, path: Sequence[str | int]) -> LimitExceeded:
    return LimitExceeded(f"A path can have {PATH_BYTES:,} bytes; {text[:40]}… has more", path=path)
