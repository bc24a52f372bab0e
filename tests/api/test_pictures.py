"""Addresses for the `src` of a picture, and thumbnails."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from gql_service.catalog.binary import binary_by_sha256
from gql_service.catalog.sweep import sweep
from gql_service.catalog.thumbnail_making import made_thumbnail
from gql_service.database.engine import Database
from gql_service.settings import Settings
from gql_service.vault.contract import Vault
from gql_service.versions.retention import purge_deleted
from tests.api.client import Client
from tests.api.conftest import SignIn
from tests.api.hostile_files import HOSTILE
from tests.api.shelf import Shelf
from tests.builders import ON_SQLITE
from tests.conftest import SetClock

pytestmark = ON_SQLITE

FIELDS = (
    "items { id downloadUrl thumbnailUrl small: thumbnailUrl(size: 50) binary { downloadUrl } }"
)
NODES = f"nodes {{ path {FIELDS.removeprefix('items { id')}"


def picture(kind: str, size: tuple[int, int] = (160, 80), mode: str = "RGB", **how: Any) -> bytes:
    """Left half blue, right half red, where there are colours."""
    image = Image.new(mode, size)
    if mode == "RGB":
        image.paste("red", (0, 0, *size))
        image.paste("blue", (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def turned() -> bytes:
    """A picture whose metadata ask for a quarter turn clockwise."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a secret"
    return picture("JPEG", exif=exif)


@pytest.fixture
def stranger(ada: Client) -> Client:
    """Somebody without any token."""
    return Client(ada.http, None)


def uploaded(client: Client, shelf: Shelf, name: str, content: bytes) -> dict[str, Any]:
    done = client.upload(shelf.dataset, [(name, content)], FIELDS, mode="OVERWRITE")
    item: dict[str, Any] = done["items"][0]
    return item


def opened(client: Client, url: str) -> Image.Image:
    answer = client.get(url)
    assert answer.status_code == 200, answer.content
    assert answer.headers["content-type"] == "image/webp"
    return Image.open(io.BytesIO(answer.content))


def test_an_address_needs_no_header_until_its_time_is_over(
    ada: Client, stranger: Client, shelf: Shelf, clock: SetClock
) -> None:
    content = picture("PNG")
    item = uploaded(ada, shelf, "a.png", content)
    for url in (item["downloadUrl"], item["binary"]["downloadUrl"]):
        answer = stranger.get(url)
        assert (answer.status_code, answer.content) == (200, content)
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert stranger.get(url, range="bytes=1-3").content == b"PNG"
        kept = stranger.get(url, **{"if-none-match": answer.headers["etag"]})
        assert (kept.status_code, kept.content) == (304, b"")
    clock.advance(timedelta(minutes=59))
    assert stranger.get(item["downloadUrl"]).status_code == 200
    clock.advance(timedelta(minutes=61))
    late = stranger.get(item["downloadUrl"])
    assert late.status_code == 401
    assert late.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_grant_opens_nothing_but_its_dataset(
    ada: Client, stranger: Client, shelf: Shelf, sign_in: SignIn
) -> None:
    item = uploaded(ada, shelf, "a.png", picture("PNG"))
    clone = ada.change("cloneDataset", "dataset { id }", datasetId=shelf.dataset, name="clone")
    path, _, asked = item["downloadUrl"].partition("?")
    elsewhere = path.replace(shelf.dataset, clone["dataset"]["id"]).replace("/it_1_", "/it_2_")
    assert ada.get(elsewhere).status_code == 200
    assert stranger.get(f"{elsewhere}?{asked}").status_code == 401
    assert stranger.get(path).status_code == 401
    for wrong in ("1", "99999999999.", asked.partition("grant=")[2][:-1] + "x"):
        assert stranger.get(f"{path}?grant={wrong}").status_code == 401
    assert sign_in("Cleo").get(item["downloadUrl"]).status_code == 404, "a token comes first"
    ada.change("deleteDataset", datasetId=shelf.dataset)
    assert stranger.get(item["downloadUrl"]).status_code == 404


def test_other_bytes_have_another_address(ada: Client, stranger: Client, shelf: Shelf) -> None:
    first = uploaded(ada, shelf, "a.png", picture("PNG"))
    second = uploaded(ada, shelf, "a.png", picture("PNG", (10, 10)))
    assert first["id"] == second["id"] and first["downloadUrl"] != second["downloadUrl"]
    assert stranger.get(first["downloadUrl"]).status_code == 404
    assert stranger.get(first["thumbnailUrl"]).status_code == 404
    assert opened(stranger, second["thumbnailUrl"]).size == (10, 10)


def test_addresses_are_the_same_both_ways_and_share_a_grant(
    ada: Client, resolved: Client, shelf: Shelf
) -> None:
    for name, kind in (("a.png", "PNG"), ("b.jpg", "JPEG"), ("c.gif", "GIF"), ("d.tif", "TIFF")):
        uploaded(ada, shelf, name, picture(kind))
    query = f"""query ($id: ID!, $at: VersionRef) {{
        items(datasetId: $id) {{ {NODES} }} before: items(datasetId: $id, at: $at) {{ {NODES} }}
    }}"""
    given = {"id": shelf.dataset, "at": {"number": 4}}
    found = ada.run(query, **given)
    assert found == resolved.run(query, **given)
    nodes = found["items"]["nodes"] + found["before"]["nodes"]
    assert {bool(one["thumbnailUrl"]) for one in nodes} == {True, False}
    assert len({one["downloadUrl"].partition("grant=")[2] for one in nodes}) == 1
    for one in nodes:
        for url in (one["downloadUrl"], one["thumbnailUrl"], one["binary"]["downloadUrl"]):
            assert url is None or Client(ada.http, None).get(url).status_code == 200, url


def test_a_thumbnail_is_made_once_and_shows_what_the_picture_shows(
    ada: Client, stranger: Client, shelf: Shelf, vault: Vault
) -> None:
    item = uploaded(ada, shelf, "a.jpg", turned())
    objects = len(list(vault.keys()))
    shown = opened(stranger, item["small"])
    assert shown.size == (32, 64) and not shown.getexif()
    red, green, blue = shown.convert("RGB").getpixel((16, 4))  # type: ignore[misc]
    assert blue > 200 > 60 > red and green < 60, "what was left is now on top"
    assert opened(stranger, item["small"]).size == (32, 64)
    assert opened(stranger, item["thumbnailUrl"]).size == (80, 160)
    assert len(list(vault.keys())) == objects + 2
    head = ada.http.request("HEAD", item["small"].removeprefix("http://127.0.0.1:8000"))
    assert (head.status_code, head.content) == (200, b"")


def test_two_who_draw_the_same_thumbnail_keep_one(
    ada: Client, shelf: Shelf, database: Database, vault: Vault
) -> None:
    uploaded(ada, shelf, "a.png", picture("PNG"))
    with database.read() as tx:
        binary = binary_by_sha256(tx, hashlib.sha256(picture("PNG")).hexdigest())
    assert binary is not None
    before = set(vault.keys())
    assert len({made_thumbnail(database, vault, binary, 64) for _ in range(2)}) == 1
    assert len(set(vault.keys()) - before) == 1


@pytest.mark.exhaustive
def test_there_are_thumbnails_of_many_kinds_of_pictures_and_of_nothing_else(
    ada: Client, stranger: Client, shelf: Shelf, subtests: pytest.Subtests
) -> None:
    for kind, mode in (
        *(("PNG", "RGBA"), ("PNG", "I;16"), ("PNG", "P"), ("PNG", "1"), ("GIF", "P")),
        *(("TIFF", "CMYK"), ("BMP", "RGB"), ("WEBP", "RGBA"), ("AVIF", "RGB"), ("JPEG", "L")),
    ):
        with subtests.test(f"{kind} {mode}"):
            item = uploaded(ada, shelf, "a", picture(kind, mode=mode))
            assert opened(stranger, item["small"]).size == (64, 32)
    assert uploaded(ada, shelf, "a.txt", b"words")["thumbnailUrl"] is None
    wide = picture("PNG", (9000, 8000), mode="1")
    assert uploaded(ada, shelf, "wide.png", wide)["thumbnailUrl"] is None
    query = "query ($by: ItemBy!) { item(by: $by) { thumbnailUrl(size: 1025) } }"
    assert ada.refusal(query, by={"id": shelf.items[0]}) == ("INVALID", ["size"])


def test_a_damaged_picture_has_no_thumbnail_and_a_damaged_thumbnail_is_made_again(
    ada: Client, stranger: Client, shelf: Shelf, vault: Vault
) -> None:
    cut = uploaded(ada, shelf, "cut.png", picture("PNG", (300, 300))[:-60])
    refused = stranger.get(cut["thumbnailUrl"])
    assert refused.status_code == 502
    assert refused.json()["errors"][0]["extensions"]["code"] == "BINARY_CORRUPT"
    assert stranger.get(cut["downloadUrl"]).status_code == 200
    item = uploaded(ada, shelf, "a.png", picture("PNG"))
    before = set(vault.keys())
    opened(stranger, item["small"])
    (made,) = set(vault.keys()) - before
    vault.delete(made)
    assert opened(stranger, item["small"]).size == (64, 32)
    (again,) = set(vault.keys()) - before
    assert again != made


def test_thumbnails_are_swept_with_their_pictures(
    ada: Client,
    stranger: Client,
    shelf: Shelf,
    database: Database,
    vault: Vault,
    settings: Settings,
    clock: SetClock,
) -> None:
    item = uploaded(ada, shelf, "a.png", picture("PNG"))
    opened(stranger, item["small"])
    opened(stranger, item["thumbnailUrl"])
    ada.change("deleteDataset", datasetId=shelf.dataset)

    clock.advance(timedelta(days=31))
    database.write(lambda tx: purge_deleted(tx, timedelta(days=30)))
    for _ in range(5):
        report = sweep(database, vault, settings, force=True)
        assert report.alarms == ()
        clock.advance(timedelta(days=8))
    assert list(vault.keys()) == []


@pytest.mark.exhaustive
def test_nothing_hostile_is_ever_sent_as_what_a_browser_would_run(
    ada: Client, stranger: Client, shelf: Shelf, subtests: pytest.Subtests
) -> None:
    assert len(HOSTILE) >= 60
    for start in range(0, len(HOSTILE), 5):
        part = HOSTILE[start : start + 5]
        done = ada.upload(shelf.dataset, list(part), FIELDS, mode="OVERWRITE")
        for (name, content), item in zip(part, done["items"], strict=True):
            with subtests.test(name):
                for url in (item["downloadUrl"], item["binary"]["downloadUrl"]):
                    answer = stranger.get(url)
                    assert answer.content == content
                    assert_harmless(answer)
                if item["thumbnailUrl"]:
                    assert_harmless(stranger.get(item["thumbnailUrl"]), thumbnail=True)


def assert_harmless(answer: Any, *, thumbnail: bool = False) -> None:
    headers = answer.headers
    kind = headers["content-type"].partition(";")[0]
    assert kind.startswith(("image/", "audio/", "video/")) or kind in (
        *("text/plain", "application/octet-stream"),
        *(("application/json",) if thumbnail and answer.status_code == 502 else ()),
    )
    assert kind not in ("image/svg+xml",)
    if answer.status_code == 200:
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert thumbnail or headers["content-disposition"].startswith("attachment")
