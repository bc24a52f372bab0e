"""Small pictures of large ones, drawn by Pillow within limits.

Nothing of the original but its pixels gets into a small picture: no metadata, no second frame. How
the file asks to be turned is done, as browsers do it.
"""

from __future__ import annotations

import io
from typing import BinaryIO

from PIL import Image, ImageOps

from gql_service.errors import BinaryCorrupt

DRAWN: dict[str, str] = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
}
"""Kinds of pictures, and the one reader that each of them is given to."""

MOST_PIXELS = 64_000_000
"""As stored. A larger one could take more than a quarter of a gigabyte of memory to draw."""
MOST_BYTES = 256 * 1024 * 1024
SIZES = (64, 128, 256, 512, 1024)
MIME_TYPE = "image/webp"
_QUALITY = 80
_DEEP = {"I;16": 256.0, "I;16B": 256.0, "I;16L": 256.0, "I": 256.0}
"""Modes of 16 bits, of which Pillow would keep the lowest eight, and what they are divided by."""


def size_drawn(asked: int) -> int:
    """The smallest of SIZES that is large enough, else the largest."""
    return next((size for size in SIZES if size >= asked), SIZES[-1])


def can_be_drawn(mime_type: str, size: int, width: int | None, height: int | None) -> bool:
    """Whether there is a small picture of such a file."""
    return (
        mime_type in DRAWN
        and size <= MOST_BYTES
        and width is not None
        and height is not None
        and width * height <= MOST_PIXELS
    )


def drawn(file: BinaryIO, mime_type: str, longest: int) -> bytes:
    """The picture as WebP, with sides of at most `longest` pixels; never enlarged.

    Raises BinaryCorrupt for what is damaged, or not the picture that its header says.
    """
    try:
        with Image.open(file, formats=[DRAWN[mime_type]]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise BinaryCorrupt("The picture is larger than its header said")
            turned = ImageOps.exif_transpose(_shrunk(image, longest))
            # Once more, of the pixels alone: what else a file carries stays behind.
            plain = Image.new(turned.mode, turned.size)
            plain.paste(turned)
            made = io.BytesIO()
            plain.save(made, "WEBP", quality=_QUALITY, method=4)
            return made.getvalue()
    except BinaryCorrupt:
        raise
    except Exception as trouble:  # whatever a hostile file makes a reader raise
        raise BinaryCorrupt("The picture cannot be read") from trouble


def _shrunk(image: Image.Image, longest: int) -> Image.Image:
    exif = image.getexif()
    image.draft("RGB", (2 * longest, 2 * longest))  # a large JPEG is read at a fraction of its size
    image.load()
    shown = _shown(image)
    shown.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
    shown.info["exif"] = exif.tobytes() if exif else b""
    return shown


def _shown(image: Image.Image) -> Image.Image:
    """In colours that WebP knows, transparency kept."""
    if image.mode in _DEEP:
        grey = image.convert("F")
        return grey.point(lambda value: value / _DEEP[image.mode]).convert("L").convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")
