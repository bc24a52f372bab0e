"""Kinds of files and sizes of pictures, from bytes that may be anything.

Seeded bugs that turned these red: the name believed over the bytes; the extended WebP header not
known; no allowance.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gql_service.catalog.media import HEAD, UNKNOWN, Window, image_size, mime_type

PICTURES = {"PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"}


def picture(kind: str, size: tuple[int, int] = (30, 20), **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA" if options.pop("alpha", False) else "RGB", size).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", sorted(PICTURES))
def test_a_picture_is_recognised_and_measured_whatever_its_name(kind: str) -> None:
    content = picture(kind)
    mime = mime_type(content[:HEAD], "page.html")
    assert mime == f"image/{kind.lower()}"
    assert image_size(io.BytesIO(content), mime) == (30, 20)


@pytest.mark.parametrize("options", [{"lossless": True}, {"alpha": True}, {"exif": b"x" * 40}])
def test_every_form_of_webp_is_measured(options: dict[str, Any]) -> None:
    content = picture("WEBP", (1000, 3), **options)
    assert image_size(io.BytesIO(content), "image/webp") == (1000, 3)


def test_a_small_file_that_stands_for_a_gigantic_picture_is_only_measured() -> None:
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    content += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 10) + b"IDAT" + bytes(14)
    assert image_size(io.BytesIO(content), "image/png") == (100_000, 100_000)


@pytest.mark.parametrize(
    ("head", "name", "mime"),
    [
        (b"plain", "notes.txt", "text/plain"),
        (b"{}", "a.json", "application/json"),
        (b"{}\n{}", "a.jsonl", "application/x-ndjson"),
        (b"", "empty.CSV", "text/csv"),
        (b"anything", "no suffix", UNKNOWN),
        (b"anything", "../../a.unheard-of", UNKNOWN),
        (b"<html>", "picture.png", UNKNOWN),
        (b"<html>", "film.webm", UNKNOWN),
        (b"%PDF-1.7", "picture.png", "application/pdf"),
        (b"PK\x03\x04", "a.zip", "application/zip"),
        (b"PK\x03\x04", "page.html", "application/zip"),
        (b"PK\x03\x04", "unknown", "application/zip"),
        (b"\x1f\x8b", "volume.nii.gz", "application/gzip"),
        (b"\x1aE\xdf\xa3", "film.mkv", "video/x-matroska"),
        (b"RIFF\0\0\0\0WAVE", "a.wav", "audio/wav"),
        (b"\0\0\0\x20ftypisom", "a.mp4", "video/mp4"),
        (b"\0\0\0\x20ftypqt  ", "a.mov", "video/quicktime"),
        (b"plain", "archive.tar.gz", UNKNOWN),
    ],
)
def test_bytes_have_the_first_word_and_names_the_second(head: bytes, name: str, mime: str) -> None:
    assert mime_type(head, name) == mime


@settings(deadline=None)  # the first picture of a kind loads its decoder
@given(st.binary(max_size=300), st.sampled_from(sorted(PICTURES)), st.integers(0, 200))
def test_no_damage_makes_a_file_unacceptable(noise: bytes, kind: str, at: int) -> None:
    content = picture(kind, (3, 2))
    damaged = content[:at] + noise + content[at + len(noise) :]
    mime = mime_type(damaged[:HEAD], "a.tif")
    size = image_size(io.BytesIO(damaged), mime)
    assert size is None or min(size) > 0


def test_what_is_no_picture_has_no_size() -> None:
    assert image_size(io.BytesIO(b"text"), "text/plain") is None


def window(content: bytes, **options: int) -> io.BufferedReader:
    return io.BufferedReader(Window(lambda a, b: content[a:b], len(content), **options))


def test_a_header_at_the_end_of_a_file_is_found_through_a_window() -> None:
    tags = {256: 400, 257: 300, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 300, 279: 120_000}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    content = b"II*\0" + struct.pack("<I", 8 + 120_000) + bytes(120_000)
    content += struct.pack("<H", len(tags)) + entries + bytes(4)
    assert image_size(window(content), "image/tiff") == (400, 300)


def test_a_window_gives_the_bytes_of_the_file_and_no_more_than_its_allowance() -> None:
    content = bytes(range(256)) * 100
    with window(content) as file:
        file.seek(-5, io.SEEK_END)
        assert (file.tell(), file.read()) == (25_595, content[-5:])
        file.seek(10)
        file.seek(5, io.SEEK_CUR)
        assert file.read(3) == content[15:18]
    with window(content, allowance=10_000) as file, pytest.raises(OSError, match="too much"):
        file.read()
