"""What every change of a dataset is told and answers: values left out, and the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Nothing(Enum):
    """The value of what a caller left out, where None would mean something."""

    GIVEN_NOTHING = "nothing"


GIVEN_NOTHING: Final = Nothing.GIVEN_NOTHING
Given = Any
"""Any JSON value, or GIVEN_NOTHING."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change did: the version it made (None: it changed nothing), and to which keys."""

    version: int | None
    keys: tuple[int, ...]
    added: int = 0
    updated: int = 0
    removed: int = 0
    skipped: int = 0
