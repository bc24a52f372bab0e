"""Binary masks: PNG files as text, known by their header."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import pytest
from PIL import Image

from gql_service.catalog.mask import MASK_BYTES, clean_mask
from gql_service.errors import Invalid, LimitExceeded


def png(width: int = 4, height: int = 3) -> bytes:
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


def with_sides(width: int, height: int) -> bytes:
    """A PNG file whose header gives other sides, its checksum in order."""
    data = png()
    chunk = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


def as_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_png_file_is_kept_as_it_is() -> None:
    assert clean_mask(as_text(png())) == as_text(png())


def test_the_prefix_of_browsers_is_dropped() -> None:
    assert clean_mask("data:image/png;base64," + as_text(png())) == as_text(png())


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        {},
        "",
        "not base64!",
        "é",
        "\ud800",
        as_text(png())[:-1],
        as_text(png()) + "\n",
        as_text(b"GIF89a" + bytes(40)),
        as_text(png()[:32]),
        as_text(png()[:8]),
        as_text(png()[:8] + b"\0\0\0\x0dIDAT" + png()[16:]),
        as_text(png()[:16] + b"\xff" + png()[17:]),
        as_text(with_sides(0, 3)),
        as_text(with_sides(4, 0)),
        as_text(with_sides(2**31, 3)),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_is_no_mask_is_refused(value: object) -> None:
    with pytest.raises(Invalid) as refusal:
        clean_mask(value, ("coordinates",))
    assert refusal.value.path == ("coordinates",)


def test_huge_sides_in_the_header_cost_nothing() -> None:
    text = as_text(with_sides(2**31 - 1, 2**31 - 1))
    assert clean_mask(text) == text


def test_a_mask_has_one_mebibyte_at_most() -> None:
    data = png()
    largest = data + bytes(MASK_BYTES - len(data))
    assert clean_mask(as_text(largest)) == as_text(largest)
    for longer in (largest + b"\0", largest * 2):
        with pytest.raises(LimitExceeded):
            clean_mask(as_text(longer))
