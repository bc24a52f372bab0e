"""Masks: run-length codes as COCO writes them, and the PNG files of our annotations.

The codec is that of pycocotools, which is written in C and believes what it is given; so every code
is looked at first: its size is that of the image, its text ends where a number ends, and its runs
fill the image exactly.
"""

from __future__ import annotations

import base64
import re
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from gql_service.errors import Invalid, LimitExceeded
from gql_service.transfer.extras import needed

MOST_PIXELS = 64 * 1024 * 1024
_CODE = re.compile("(?:[P-o]{0,6}[0-O])*")
"""Numbers of 5 bits to a character, the last of each without the mark of more to come."""


def png_of_code(code: Any, width: int, height: int) -> str:
    """The mask of a run-length code, compressed or not, as the base64 of a PNG file.

    Raises Invalid for a code that is none or is of another size, LimitExceeded for more than 64
    million pixels.
    """
    rows = needed("pycocotools.mask", "A mask of COCO").decode(_checked(code, width, height))
    buffer = BytesIO()
    Image.fromarray(rows * 255).convert("1").save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def code_of_png(text: str, width: int | None, height: int | None) -> dict[str, Any]:
    """The compressed run-length code of a mask. Marked is what is neither black nor transparent.

    Raises Invalid when its pixels cannot be read, or it has not the size given.
    """
    numpy = needed("numpy", "A mask of COCO")
    codec = needed("pycocotools.mask", "A mask of COCO")
    pixels = numpy.asarray(_opened(text, width, height), order="F")
    code = codec.encode(numpy.asfortranarray(pixels > 0, dtype=numpy.uint8))
    rows, columns = code["size"]
    return {"size": [int(rows), int(columns)], "counts": code["counts"].decode()}


def area_of_code(code: dict[str, Any]) -> tuple[float, list[float]]:
    """How many pixels are marked, and the box around them: left, top, width, height."""
    codec = needed("pycocotools.mask", "A mask of COCO")
    return float(codec.area(code)), [float(side) for side in codec.toBbox(code)]


def _checked(code: Any, width: int, height: int) -> dict[str, Any]:
    if not isinstance(code, dict) or code.get("size") != [height, width]:
        raise Invalid("The mask has not the size of its image")
    if width * height > MOST_PIXELS:
        raise LimitExceeded(f"A mask can have {MOST_PIXELS:,} pixels")
    counts = code.get("counts")
    if isinstance(counts, str) and _CODE.fullmatch(counts):
        runs = _runs(counts)
        packed = {"size": [height, width], "counts": counts.encode()}
    elif isinstance(counts, list) and all(type(run) is int and run >= 0 for run in counts):
        runs = counts
        packed = None
    else:
        raise Invalid("The mask is no run-length code")
    if sum(runs) != width * height or min(runs, default=0) < 0:
        raise Invalid("The runs of the mask do not fill its image")
    if packed is not None:
        return packed
    codec = needed("pycocotools.mask", "A mask of COCO")
    made: dict[str, Any] = codec.frPyObjects({"size": [height, width], "counts": runs}, 0, 0)
    return made


def _runs(counts: str) -> list[int]:
    """The runs of a compressed code: from the third on, each is written less the one before its
    neighbour."""
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs


def _opened(text: str, width: int | None, height: int | None) -> Image.Image:
    """One channel of the mask, in which what is not 0 is marked."""
    try:
        with PngImageFile(BytesIO(base64.b64decode(text))) as image:
            if width is not None and image.size != (width, height):
                raise Invalid("The mask has not the size of its image")
            if image.size[0] * image.size[1] > MOST_PIXELS:
                raise LimitExceeded(f"A mask can have {MOST_PIXELS:,} pixels")
            if "A" in image.getbands():
                return image.getchannel("A")
            return image.convert("RGB").convert("L") if image.mode == "P" else image.convert("L")
    except (OSError, SyntaxError, ValueError) as trouble:
        raise Invalid("The pixels of the mask cannot be read") from trouble
