"""A document that tells a story in blocks of code, read as the steps that it asks its reader for.

A step is a block of `graphql` or of `sh`. Blocks of `json variables` and `json answer` that follow
belong to it. Comments that nobody sees on the page stand above a step and say what is expected:

    <!-- keep: ds_1 = data.createDataset.dataset.id -->  what the document calls ds_1 from now on
    <!-- refused: INVALID -->                            the answer is a refusal with this code
    <!-- as: BOBS_TOKEN -->                              sent with a token that was kept
    <!-- twice -->                                       sent again, it is answered with the same
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_COMMENT = re.compile(r"<!-- (keep|refused|as|twice)(?:: (.+?))? -->")
_FENCE = re.compile(r"```(.*)")
_KEEP = re.compile(r"(\S+) = (\S+)")

REST = "…"
"""In an answer: here, more follows that is not shown."""


@dataclass(slots=True)
class Step:
    """One request of the document, with what it says about its answer."""

    line: int
    language: str
    text: str
    variables: str = "{}"
    answer: str | None = None
    keeps: dict[str, str] = field(default_factory=dict)
    refused: str | None = None
    sender: str | None = None
    twice: bool = False


def steps_of(document: Path) -> list[Step]:
    """The steps in their order; a block or a comment of a kind that is not known is a fault."""
    steps: list[Step] = []
    said: list[tuple[str, str]] = []
    for line, kind, text in _pieces(document.read_text(encoding="utf-8")):
        where = f"{document.name}:{line}: {kind}"
        if kind in ("graphql", "sh"):
            steps.append(_with(Step(line, kind, text), said))
            said = []
        elif kind == "json variables":
            assert steps[-1].variables == "{}" and steps[-1].answer is None, where
            steps[-1].variables = text
        elif kind == "json answer":
            assert steps[-1].answer is None, where
            steps[-1].answer = text
        else:
            assert kind.startswith("comment "), where
            said.append((kind.removeprefix("comment "), text))
    assert not said, f"{document.name} ends with {said}"
    return steps


def _pieces(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, kind, text) of every block and of every comment."""
    lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        if fence := _FENCE.fullmatch(line):
            inside: list[str] = []
            for _, following in lines:
                if following == "```":
                    break
                inside.append(following)
            yield number, fence[1], "\n".join(inside)
        elif line.startswith("<!--"):
            comment = _COMMENT.fullmatch(line)
            assert comment, f"line {number} says nothing that is understood: {line}"
            yield number, f"comment {comment[1]}", comment[2] or ""


def _with(step: Step, said: list[tuple[str, str]]) -> Step:
    for kind, text in said:
        if kind == "keep":
            keep = _KEEP.fullmatch(text)
            assert keep, f"line {step.line} keeps what is not understood: {text}"
            step.keeps[keep[1]] = keep[2]
        elif kind == "refused":
            step.refused = text
        elif kind == "as":
            step.sender = text
        else:
            step.twice = True
    return step


def at(answer: Any, path: str) -> Any:
    """What stands there; a number is a position in a list."""
    for part in path.split("."):
        answer = answer[int(part) if part.isdigit() else part]
    return answer


def is_shown(shown: Any, given: Any) -> bool:
    """Whether an answer is the one that the document shows, as far as it shows it."""
    if isinstance(shown, str) and shown.endswith(REST):
        return shown == REST or str(given).startswith(shown.removesuffix(REST))
    if isinstance(shown, dict) and isinstance(given, dict):
        keys = shown.keys() - {REST}
        complete = keys == given.keys() or (REST in shown and keys <= given.keys())
        return complete and all(is_shown(shown[key], given[key]) for key in keys)
    if isinstance(shown, list) and isinstance(given, list):
        open_end = shown[-1:] == [REST]
        first = shown[:-1] if open_end else shown
        if len(given) < len(first) or (len(given) > len(first) and not open_end):
            return False
        return all(is_shown(one, other) for one, other in zip(first, given, strict=False))
    return type(shown) is type(given) and bool(shown == given)


def refusals(answer: Any) -> list[str]:
    """The codes of the errors at the top and of the mutations that were refused."""
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    data = answer.get("data") or {}
    results = [one for one in data.values() if isinstance(one, dict)]
    return codes + [one["code"] for one in results if "code" in one]


def pretty(answer: Any) -> str:
    return json.dumps(answer, indent=1, ensure_ascii=False)
