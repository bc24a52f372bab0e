"""Names and texts that people give: one spelling each, and nothing in them that cannot be shown.

Two names that look alike must be one name, so Unicode is brought into its composed form (NFC) and
the white space around a name is dropped. What no reader can see or no database can store
(control characters, line separators, halves of surrogate pairs) is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from gql_service.errors import Invalid, LimitExceeded

NAME_CHARACTERS = 200
TEXT_CHARACTERS = 10_000

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_IN_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DECOMPOSED_GROWTH = 4
"""How much longer a text may be before NFC: what is longer still is not worth composing."""


def clean_name(text: str, path: Sequence[str | int] = (), *, longest: int = NAME_CHARACTERS) -> str:
    """`text` in NFC without surrounding white space: 1 to `longest` characters on one line.

    Raises Invalid for an empty name and for control characters or lone surrogates, LimitExceeded
    for one that is too long.
    """
    if len(text) > longest * _DECOMPOSED_GROWTH:
        raise _too_long(longest, path)
    refuse_unseen(text, path)
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise Invalid("A name needs at least one character", path=path)
    if len(name) > longest:
        raise _too_long(longest, path)
    return name


def clean_text(text: str, path: Sequence[str | int] = (), *, longest: int = TEXT_CHARACTERS) -> str:
    """`text` in NFC, up to `longest` characters; line breaks and tabs may stand in it.

    Raises Invalid for other control characters or lone surrogates, LimitExceeded when too long.
    """
    if len(text) > longest * _DECOMPOSED_GROWTH:
        raise _too_long(longest, path)
    if _NOT_IN_TEXT.search(text) or _SURROGATE.search(text):
        raise Invalid("The text holds a character that cannot be stored", path=path)
    composed = unicodedata.normalize("NFC", text)
    if len(composed) > longest:
        raise _too_long(longest, path)
    return composed


def refuse_unseen(text: str, path: Sequence[str | int] = ()) -> None:
    """Raises Invalid when `text` holds a control character, line separator or lone surrogate."""
    if _UNSEEN.search(text):
        raise Invalid("Control characters and line separators are not allowed", path=path)
    if _SURROGATE.search(text):
        raise Invalid("Half of a surrogate pair is not a character", path=path)


def _too_long(longest: int, path: Sequence[str | int]) -> LimitExceeded:
    return LimitExceeded(f"At most {longest:,} characters are allowed", path=path)
