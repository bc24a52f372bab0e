"""Binary masks: small PNG files that travel as text inside the coordinates of an annotation.

Only the header is read. Decoding the pixels of what anyone may send would cost memory by the
numbers that stand in the header, not by the bytes that came.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from gql_service.errors import Invalid, LimitExceeded

MASK_BYTES = 1024 * 1024
_PREFIX = "data:image/png;base64,"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_CHUNK = b"\x00\x00\x00\rIHDR"
_HEADER_BYTES = 25
_LONGEST_SIDE = 2**31 - 1


def clean_mask(value: Any, path: Sequence[str | int] = ()) -> str:
    """The PNG file of `value` in base64, without the prefix that browsers put before it.

    Raises Invalid when it is not base64, not PNG, or its header is damaged or gives no width or
    height; LimitExceeded for a file of more than 1 MiB.
    """
    if not isinstance(value, str):
        raise Invalid("A mask is the text of a PNG file in base64", path=path)
    text = value.removeprefix(_PREFIX)
    if len(text) > (MASK_BYTES + 2) // 3 * 4:
        raise _too_large(path)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("The mask is not base64", path=path) from None
    if len(data) > MASK_BYTES:
        raise _too_large(path)
    _check_header(data, path)
    return base64.b64encode(data).decode()


def _check_header(data: bytes, path: Sequence[str | int]) -> None:
    """The signature, then the first chunk: length 13, IHDR, width, height, 5 bytes, checksum."""
    if not data.startswith(_SIGNATURE):
        raise Invalid("The mask is not a PNG file", path=path)
    header = data[len(_SIGNATURE) :][:_HEADER_BYTES]
    if len(header) < _HEADER_BYTES or not header.startswith(_HEADER_CHUNK):
        raise Invalid("The mask's PNG file has no header", path=path)
    width, height = struct.unpack(">II", header[8:16])
    (checksum,) = struct.unpack(">I", header[21:])
    if checksum != zlib.crc32(header[4:21]):
        raise Invalid("The header of the mask's PNG file is damaged", path=path)
    if not (0 < width <= _LONGEST_SIDE and 0 < height <= _LONGEST_SIDE):
        raise Invalid("The mask's PNG file has no width or no height", path=path)


def _too_large(path: Sequence[str | int]) -> LimitExceeded:
    return LimitExceeded(f"A mask can have {MASK_BYTES:,} bytes", path=path)
