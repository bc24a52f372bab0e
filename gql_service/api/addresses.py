"""Addresses of files, as they are given out: each with a grant, and with what its bytes are.

`of` is the beginning of the SHA-256. An item may get other bytes, and its address is then another
one, so what a browser has kept for an address is always right.
"""

from __future__ import annotations

from gql_service.api.context import Backend, Info
from gql_service.api.grants import Grants
from gql_service.api.ids import BinaryId
from gql_service.api.point import Point
from gql_service.catalog.picture import SIZES, size_drawn
from gql_service.errors import Invalid

OF = 16
"""How many digits of the SHA-256 an address carries."""


def files(backend: Backend) -> str:
    return f"{backend.settings.resolved_public_url}/files"


def item_file(info: Info, point: Point, key: int, sha256: str) -> str:
    """Where the bytes of an item are."""
    return f"{_item(info, point, key)}?of={sha256[:OF]}&grant={dataset_grant(info, point)}"


def item_thumbnail(info: Info, point: Point, key: int, sha256: str, size: int) -> str:
    """Where the thumbnail of an item is."""
    asked = f"size={size}&of={sha256[:OF]}&grant={dataset_grant(info, point)}"
    return f"{_item(info, point, key)}/thumbnail?{asked}"


def binary_file(info: Info, sha256: str, point: Point | None) -> str:
    """Where the bytes of a binary are: in the dataset that it was met in, if any."""
    base, id = files(info.context.backend), BinaryId(sha256)
    if point is not None:
        return f"{base}/{point.dataset_id()}/{id}?grant={dataset_grant(info, point)}"
    return f"{base}/{id}?grant={_grant(info, binary_subject(sha256))}"


def dataset_grant(info: Info, point: Point) -> str:
    return _grant(info, dataset_subject(point.dataset))


def dataset_subject(dataset: int) -> str:
    """What a grant of the files of a dataset, at any of its versions, is made for."""
    return f"dataset {dataset}"


def binary_subject(sha256: str) -> str:
    return f"binary {sha256}"


def thumbnail_size(asked: int) -> int:
    """The size in which a thumbnail is made. Raises Invalid when it is out of bounds."""
    if not 1 <= asked <= SIZES[-1]:
        raise Invalid(f"A thumbnail has 1 to {SIZES[-1]} pixels at its longer side", path=("size",))
    return size_drawn(asked)


def _item(info: Info, point: Point, key: int) -> str:
    return f"{files(info.context.backend)}/{point.dataset_id()}/{point.item_id(key)}"


def _grant(info: Info, subject: str) -> str:
    backend = info.context.backend
    grants: Grants = backend.grants
    return grants.made(subject, backend.database.clock())
