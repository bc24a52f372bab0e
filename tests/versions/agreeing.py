"""What it means that the service and the model agree."""

from __future__ import annotations

from typing import Any


class Disagreement(AssertionError):
    """The service and the model differ."""


def agree(got: Any, expected: Any, what: str) -> None:
    if got != expected:
        raise Disagreement(f"{what}\n  service: {got}\n  model:   {expected}")
