"""Real images with labels that nobody here made: the handwritten digits of scikit-learn.

1,797 scans of 8 × 8 pixels, a copy of the test set of the UCI "Optical Recognition of Handwritten
Digits" data (E. Alpaydin, C. Kaynak), written out as PNG files into one folder per digit.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from gql_service.errors import Invalid

SIDE = 8
BRIGHTEST = 16
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def write_digits(folder: Path, *, progress: Callable[[int], None] = lambda _count: None) -> int:
    """Writes `<folder>/<name of the digit>/<number>.png` and returns how many files there are.

    Raises Invalid when scikit-learn, an optional extra, is not installed.
    """
    digits = _load()
    for number, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
        target = folder / NAMES[int(digit)] / f"{number:04d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shades = bytes(round(float(p) * 255 / BRIGHTEST) for row in pixels for p in row)
        Image.frombytes("L", (SIDE, SIDE), shades).save(target)
        progress(1)
    return len(digits.target)


def _load() -> Any:
    try:  # by name: it is an extra, and the service itself must run without it
        return importlib.import_module("sklearn.datasets").load_digits()
    except ImportError as missing:
        raise Invalid(
            "The demo needs scikit-learn for its images: uv run --extra demo gql-service demo"
        ) from missing
