"""What kind of file some bytes are, and how large a picture is: from its beginning and its name.

The bytes have the first word: a name can claim anything, and a wrong kind is how an upload becomes
a web page. Pictures are measured by reading their headers; no pixel is ever decoded, so that a
small file that stands for a gigantic picture costs nothing.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from mimetypes import MimeTypes
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

HEAD = 4096
"""How many bytes of the beginning say what a file is."""

UNKNOWN = "application/octet-stream"

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
_IN_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
    b"M4A ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
_CONTAINERS = {"application/zip", "application/gzip", "video/webm", "audio/ogg", "video/mp4"}
"""Kinds that hold others: there the name may say it more exactly."""

_RECOGNISED = {mime for _, mime in _SIGNATURES} | {*_IN_RIFF.values(), *_BRANDS.values()}
_RECOGNISED |= {"image/bmp", "video/mp4"}
_RECOGNISED -= {"audio/mpeg"}  # may begin with any frame

_BY_NAME = MimeTypes()  # Python's own table: the same on every machine
for _mime, _suffix in (
    ("application/dicom", ".dcm"),
    ("application/vnd.apache.parquet", ".parquet"),
    ("application/x-ndjson", ".jsonl"),
    ("application/x-ndjson", ".ndjson"),
    ("application/yaml", ".yaml"),
    ("application/yaml", ".yml"),
    ("image/avif", ".avif"),
    ("image/webp", ".webp"),
    ("text/markdown", ".md"),
    ("video/x-matroska", ".mkv"),
    ("video/x-msvideo", ".avi"),
):
    _BY_NAME.add_type(_mime, _suffix)

_SAME = {"audio/x-wav": "audio/wav", "image/jpg": "image/jpeg", "image/x-ms-bmp": "image/bmp"}


def mime_type(head: bytes, name: str) -> str:
    """The kind of a file that begins with `head` (HEAD bytes, or all) and is called `name`.

    A kind that is known by its bytes is never believed to a name alone.
    """
    found = _by_content(head)
    guessed = _by_name(name)
    if found is None:
        return UNKNOWN if guessed in _RECOGNISED else guessed
    return guessed if found in _CONTAINERS and _may_hold(found, guessed) else found


def image_size(file: BinaryIO, mime: str) -> tuple[int, int] | None:
    """Width and height in pixels as stored, before any rotation that the file asks for.

    None when it is no picture, is of a kind that we cannot measure, or is damaged.
    """
    measure = _MEASURES.get(mime)
    if measure is None:
        return None
    try:
        width, height = measure(file)
    except Exception:  # whatever a hostile file makes a parser raise, it is still a file
        return None
    return (width, height) if 0 < width < 2**31 and 0 < height < 2**31 else None


def _by_content(head: bytes) -> str | None:
    for signature, mime in _SIGNATURES:
        if head.startswith(signature):
            return mime
    if head.startswith(b"RIFF"):
        return _IN_RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    return None


def _by_name(name: str) -> str:
    mime, encoding = _BY_NAME.guess_type(f"file{PurePosixPath(name).suffix.lower()}")
    if encoding is not None:
        return UNKNOWN
    return _SAME.get(mime or UNKNOWN, mime or UNKNOWN)


def _may_hold(container: str, guessed: str) -> bool:
    """Whether a file of the kind `guessed` can begin as `container` does."""
    if container in ("application/zip", "application/gzip"):
        return guessed.startswith("application/") and guessed not in _RECOGNISED | {UNKNOWN}
    return guessed.startswith(("video/", "audio/"))


def _by_pillow(plugin: Callable[[BinaryIO], ImageFile]) -> Callable[[BinaryIO], tuple[int, int]]:
    """Its own class per kind: `Image.open` would try every parser, and refuse large pictures."""

    def measure(file: BinaryIO) -> tuple[int, int]:
        with plugin(file) as image:
            return image.size

    return measure


def _webp_size(file: BinaryIO) -> tuple[int, int]:
    head = file.read(64)
    kind, data = head[12:16], head[20:]
    if kind == b"VP8X":
        wide, high = data[4:7] + b"\0", data[7:10] + b"\0"
        return 1 + struct.unpack("<I", wide)[0], 1 + struct.unpack("<I", high)[0]
    if kind == b"VP8L":
        bits = struct.unpack("<I", data[1:5])[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", data[6:10])
    return width & 0x3FFF, height & 0x3FFF


def _isobmff_size(file: BinaryIO) -> tuple[int, int]:
    """AVIF and HEIC: the largest of the sizes named, the others are tiles and thumbnails."""
    head = file.read(HEAD)
    sizes: list[tuple[int, int]] = []
    at = head.find(b"ispe")
    while at != -1:
        sizes.append(cast(tuple[int, int], struct.unpack(">II", head[at + 8 : at + 16])))
        at = head.find(b"ispe", at + 16)
    return max(sizes, key=lambda size: size[0] * size[1])


_MEASURES: dict[str, Callable[[BinaryIO], tuple[int, int]]] = {
    "image/png": _by_pillow(PngImageFile),
    "image/jpeg": _by_pillow(JpegImageFile),
    "image/gif": _by_pillow(GifImageFile),
    "image/bmp": _by_pillow(BmpImageFile),
    "image/tiff": _by_pillow(TiffImageFile),
    "image/webp": _webp_size,
    "image/avif": _isobmff_size,
    "image/heic": _isobmff_size,
}


class Window(io.RawIOBase):
    """A file seen through ranges of its bytes, up to `allowance` bytes in all.

    `fetch(start, stop)` gives a range. Beyond the allowance it raises OSError: a header that asks
    for more than that is not a header.
    """

    def __init__(
        self, fetch: Callable[[int, int], bytes], size: int, *, allowance: int = 8 * 1024 * 1024
    ) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._left = allowance
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        stop = min(self._at + len(buffer), self._size)
        if stop <= self._at:
            return 0
        piece = self._fetch(self._at, stop)
        self._left -= len(piece)
        if self._left < 0:
            raise OSError("the header asks for too much of the file")
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
