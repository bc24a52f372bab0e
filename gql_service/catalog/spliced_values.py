"""What each value of an item, an annotation, a binary or a user is, as a piece of JSON in SQL.

The beginnings and ends of ids and addresses are parameters, told as text by whoever reads:

    item_id, annotation_id      `"it_12_` up to the key, with the quote that opens the string
    id_end                      what comes behind the key, with the quote that closes it
    item_file, binary_file      as item_id, of the addresses of files
    file_version, grant_end     what comes behind the key of an item there, and how they end
    version, digest             the first and the last part of cursors
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from gql_service.catalog.binary import Binary
from gql_service.catalog.filter_sql import directory_of_path, name_of_path
from gql_service.catalog.json_pieces import (
    Column,
    Piece,
    joined,
    moment,
    numbered,
    quoted,
    truth,
)
from gql_service.catalog.picture import DRAWN, MOST_BYTES, MOST_PIXELS
from gql_service.catalog.user import User
from gql_service.database.columns import table_of

Row = sa.FromClause
"""One row of what is read, by the names of its columns."""
Pieces = list[Piece]
Values = dict[str, tuple[str, Callable[[Row], Pieces]]]
"""What each value is, beside the column that it is made of."""


def told(name: str) -> Column:
    return sa.bindparam(name, type_=sa.Text())


def _beginning(row: Row) -> Column:
    """Of the SHA-256 of the row's binary, as much as an address carries."""
    binaries = table_of(Binary).alias()
    found = sa.select(sa.func.substr(binaries.c.sha256, 1, 16))
    return found.where(binaries.c.id == row.c["binary"]).correlate(row).scalar_subquery()


def thumbnail_address(row: Row, size: int) -> Column:
    """Of the thumbnail of an item, as `picture.can_be_drawn` has it; null where there is none."""
    c = table_of(Binary).alias().c
    pixels = sa.cast(c.width, sa.BigInteger()) * c.height
    drawn = sa.and_(
        c.mime_type.in_([sa.literal_column(f"'{kind}'") for kind in sorted(DRAWN)]),
        c.size <= sa.literal_column(str(MOST_BYTES)),
        pixels <= sa.literal_column(str(MOST_PIXELS)),
    )
    address = joined(
        [
            *(told("item_file"), row.c["key"], told("file_version")),
            *(f"/thumbnail?size={size}&of=", sa.func.substr(c.sha256, 1, 16), "&"),
            told("grant_end"),
        ]
    )
    found = sa.select(sa.case((drawn, address), else_="null"))
    return found.where(c.id == row.c["binary"]).correlate(row).scalar_subquery()


_MOMENTS: Values = {
    "createdAt": ("created_at", lambda row: [moment(row.c["created_at"])]),
    "updatedAt": ("updated_at", lambda row: [moment(row.c["updated_at"])]),
}
ITEM: Values = {
    "id": ("key", lambda row: [told("item_id"), row.c["key"], told("id_end")]),
    "key": ("key", lambda row: ['"', row.c["key"], '"']),
    "path": ("path", lambda row: [quoted(row.c["path"])]),
    "name": ("path", lambda row: [quoted(name_of_path(row.c["path"]))]),
    "directory": ("path", lambda row: [quoted(directory_of_path(row.c["path"]))]),
    "description": ("description", lambda row: [quoted(row.c["description"])]),
    "hidden": ("hidden", lambda row: [truth(row.c["hidden"])]),
    "metadata": ("metadata", lambda row: [row.c["metadata"]]),
    "downloadUrl": (
        "binary",
        lambda row: [
            *(told("item_file"), row.c["key"], told("file_version")),
            *("?of=", _beginning(row), "&", told("grant_end")),
        ],
    ),
    **_MOMENTS,
}
ANNOTATION: Values = {
    "id": ("key", lambda row: [told("annotation_id"), row.c["key"], told("id_end")]),
    "key": ("key", lambda row: ['"', row.c["key"], '"']),
    "type": ("type", lambda row: [quoted(row.c["type"])]),
    "label": ("label", lambda row: [quoted(row.c["label"])]),
    "attributes": ("attributes", lambda row: [row.c["attributes"]]),
    "coordinates": ("coordinates", lambda row: [row.c["coordinates"]]),
    "metadata": ("metadata", lambda row: [row.c["metadata"]]),
    "status": ("status", lambda row: [quoted(row.c["status"])]),
    **_MOMENTS,
}
_BINARY: dict[str, Callable[[Row], Pieces]] = {
    "id": lambda row: ['"bi_', row.c["sha256"], '"'],
    "sha256": lambda row: ['"', row.c["sha256"], '"'],
    "size": lambda row: ['"', row.c["size"], '"'],
    "mimeType": lambda row: [quoted(row.c["mime_type"])],
    "width": lambda row: [numbered(row.c["width"])],
    "height": lambda row: [numbered(row.c["height"])],
    "downloadUrl": lambda row: [told("binary_file"), row.c["sha256"], "?", told("grant_end")],
}
_USER: dict[str, Callable[[Row], Pieces]] = {
    "id": lambda row: ['"us_', row.c["id"], '"'],
    "name": lambda row: [quoted(row.c["name"])],
    "email": lambda row: [quoted(row.c["email"])],
}
LINKS: dict[str, tuple[str, sa.Table, dict[str, Callable[[Row], Pieces]]]] = {
    "binary": ("binary", table_of(Binary), _BINARY),
    "creator": ("created_by", table_of(User), _USER),
    "updatedBy": ("updated_by", table_of(User), _USER),
}
_COUNTS = {"annotated", "annotationsCount"}
VALUES = {
    "Item": frozenset(ITEM) | _COUNTS,
    "Annotation": frozenset(ANNOTATION),
    "Binary": frozenset(_BINARY),
    "User": frozenset(_USER),
}
"""What can be made here of each type of the interface."""
