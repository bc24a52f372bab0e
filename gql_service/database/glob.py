"""Glob patterns that mean the same on SQLite and PostgreSQL.

`*` is any run of characters inside one segment of a path, `**` any run across segments, `?` one
character that is not a slash. Everything else stands for itself, and case matters.

* PostgreSQL gets an anchored regular expression made of literals, `.*`, `[^/]*` and `[^/]`. Its
  engine runs those as an automaton, so no pattern is slow.
* SQLite's GLOB lets `*` cross slashes. A pattern without `**` is still exact with it, once the
  text has exactly as many slashes as the pattern: its literal slashes then use them all up. A
  pattern without `*` and `?` is exact as it is. Only one that mixes the kinds also asks
  `glob_matches`, which `register` adds to a connection. A text that is no path has `**` only.
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

RUN, TREE, ONE = "*", "**", "one"
"""The wildcards as tokens. A literal is a token too: one character, never `*`."""

_MACHINES = 64
_REMEMBERED_STEPS = 20_000


def matches(
    column: sa.ColumnElement[Any],
    pattern: str,
    *,
    postgres: bool,
    ones: bool = True,
    segments: bool = True,
) -> sa.ColumnElement[bool]:
    """True where the text in `column` matches as a whole; NULL where that is NULL.

    Without `ones`, a question mark stands for itself; without `segments`, the text is no path and
    `*` is as good as `**`.
    """
    tokens = split(pattern, ones=ones, segments=segments)
    if postgres:
        return column.op("~", is_comparison=True)(sa.cast(regex(tokens), sa.Text()))
    native = sa.func.glob(_native(tokens), column, type_=sa.Boolean())
    if TREE not in tokens:
        slashes = sa.func.length(column) - sa.func.length(sa.func.replace(column, "/", ""))
        return sa.and_(native == sa.true(), slashes == tokens.count("/"))
    if RUN not in tokens and ONE not in tokens:
        return native == sa.true()
    exact = sa.func.glob_matches(pattern, column, ones, type_=sa.Boolean())
    return sa.and_(native == sa.true(), exact == sa.true())


def literal_prefix(pattern: str, *, ones: bool = True) -> str:
    """What every match begins with: the characters before the first wildcard."""
    before = pattern.split("*", 1)[0]
    return before.split("?", 1)[0] if ones else before


def split(pattern: str, *, ones: bool = True, segments: bool = True) -> tuple[str, ...]:
    """The tokens of a pattern; two or more stars in a row are one `**`."""
    tokens: list[str] = []
    for character in pattern:
        if character == "*" and tokens and tokens[-1] in (RUN, TREE):
            tokens[-1] = TREE
        elif character == "*" and not segments:
            tokens.append(TREE)
        elif character == "?" and ones:
            tokens.append(ONE)
        else:
            tokens.append(character)
    return tuple(tokens)


def regex(tokens: tuple[str, ...]) -> str:
    """An anchored expression for PostgreSQL."""
    wildcards = {RUN: "[^/]*", TREE: ".*", ONE: "[^/]"}
    return "^" + "".join(wildcards.get(token) or _escaped(token) for token in tokens) + "$"


def _escaped(character: str) -> str:
    # A backslash makes ASCII punctuation literal, but gives letters and digits a meaning.
    return character if character.isalnum() or not character.isascii() else "\\" + character


def _native(tokens: tuple[str, ...]) -> str:
    """The nearest pattern of SQLite, which matches at least what ours matches."""
    spelt = {TREE: "*", ONE: "?", "[": "[[]", "?": "[?]"}
    return "".join(spelt.get(token, token) for token in tokens)


def register(connection: sqlite3.Connection) -> None:
    """Gives a connection of SQLite the function `glob_matches(pattern, text, ones)`."""
    connection.create_function("glob_matches", 3, _glob_matches, deterministic=True)


def _glob_matches(pattern: str, text: str | None, ones: int) -> bool | None:
    return None if text is None else accepts(pattern, text, ones=bool(ones))


def accepts(pattern: str, text: str, *, ones: bool = True) -> bool:
    """Whether a text matches as a whole."""
    return _machine(pattern, ones).accepts(text)


class _Machine:
    """A pattern as a deterministic automaton, built while it is used.

    One look-up per character, whatever the pattern: Python's own regular expressions go back over
    the text, and a hostile pattern would hold the interpreter for minutes. A state is a set of
    places between tokens, kept as the bits of a number; 0 matches nothing any more.
    """

    def __init__(self, tokens: tuple[str, ...]) -> None:
        self.tokens = tokens
        self.start = self._opened(1)
        self.steps: dict[tuple[int, str], int] = {}

    def accepts(self, text: str) -> bool:
        state = self.start
        steps = self.steps
        for character in text:
            known = steps.get((state, character))
            state = self._step(state, character) if known is None else known
            if not state:
                return False
        return bool(state >> len(self.tokens))

    def _step(self, state: int, character: str) -> int:
        after = 0
        for place, token in enumerate(self.tokens):
            if not state >> place & 1:
                continue
            if token == TREE or (token == RUN and character != "/"):
                after |= 1 << place
            elif token == character or (token == ONE and character != "/"):
                after |= 1 << place + 1
        after = self._opened(after)
        if len(self.steps) >= _REMEMBERED_STEPS:
            self.steps.clear()
        self.steps[state, character] = after
        return after

    def _opened(self, state: int) -> int:
        """The state with every place that is reached by letting a run be empty."""
        for place, token in enumerate(self.tokens):
            if token in (RUN, TREE) and state >> place & 1:
                state |= 1 << place + 1
        return state


@lru_cache(_MACHINES)
def _machine(pattern: str, ones: bool) -> _Machine:
    return _Machine(split(pattern, ones=ones))
