"""The vault in an S3-compatible store keeps the contract; the server checks signatures.

Seeded bugs that turned these red: parts left behind by `delete`; an unconditional put; an object
taken back that was there before; a prefix without its slash; a range beyond the end raised; the
secret in the repr; only one page of the list.
"""

from __future__ import annotations

import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gql_service.errors import Conflict, StorageUnavailable
from gql_service.vault.contract import Vault
from gql_service.vault.s3 import S3Vault
from gql_service.vault.s3_sending import PART
from gql_service.vault.s3_signing import Account, unfinished_uploads
from tests.vault.contract import Broken, VaultContract, breaking, fresh

pytestmark = pytest.mark.exhaustive

MEBIBYTE = 1024 * 1024


@pytest.fixture
def prefix() -> str:
    """Of this test alone, in the one bucket."""
    return f"tests/{secrets.token_hex(8)}"


@pytest.fixture
def store(swift: Account, prefix: str) -> S3Vault:
    return S3Vault(swift, prefix)


class TestS3Vault(VaultContract):
    @pytest.fixture
    def vault(self, store: S3Vault) -> Vault:
        return store


def large(parts: float) -> Iterator[bytes]:
    for number in range(int(parts * PART / MEBIBYTE)):
        yield number.to_bytes(4, "big") * (MEBIBYTE // 4)


@pytest.mark.parametrize("parts", [1, 1.25, 2.5])
def test_a_large_object_goes_in_parts_and_is_whole(store: S3Vault, parts: float) -> None:
    key = fresh()
    store.put(key, large(parts))
    assert store.size(key) == parts * PART
    assert b"".join(store.read(key)) == b"".join(large(parts))
    middle = b"".join(store.read(key, PART - 3, PART + 3))
    assert middle == b"".join(large(parts))[PART - 3 : PART + 3]
    store.delete(key)
    assert list(store.keys()) == []


def test_a_large_stream_that_breaks_leaves_no_parts(
    swift: Account, store: S3Vault, prefix: str
) -> None:
    with pytest.raises(Broken):
        store.put(fresh(), breaking(*large(2.5)))
    assert list(unfinished_uploads(swift, prefix)) == []
    assert list(store.keys()) == []


def begin_upload(account: Account, path: str) -> None:
    """What a crash leaves: an upload in parts that nobody will ever end."""
    url = account.signed("POST", path, {"uploads": ""}, seconds=60)
    with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:
        assert b"UploadId" in answer.read()


def test_parts_that_a_crash_left_are_found_by_their_key_and_deleted_with_it(
    swift: Account, store: S3Vault, prefix: str
) -> None:
    key, other = fresh(), fresh()
    for name in (key, key, other):
        begin_upload(swift, f"{prefix}/{name}")
    assert sorted(store.keys()) == sorted([key, key, other])
    store.delete(key)
    assert list(store.keys()) == [other]
    assert store.size(other) is None


def test_the_list_is_complete_however_many_pages_it_has(
    store: S3Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {fresh() for _ in range(7)}
    for key in keys:
        store.put(key, [b"x"])
    monkeypatch.setattr("gql_service.vault.s3._PAGE", 2)
    assert sorted(store.keys()) == sorted(keys)


def test_what_is_stored_is_never_written_over(store: S3Vault) -> None:
    key = fresh()
    store.put(key, [b"first"])
    with pytest.raises(Conflict):
        store.put(key, [b"second one"])
    assert b"".join(store.read(key)) == b"first"


def test_a_neighbour_in_the_bucket_is_left_alone(swift: Account, prefix: str) -> None:
    ours, theirs = S3Vault(swift, prefix), S3Vault(swift, f"{prefix}-theirs")
    theirs.put(fresh(), [b"x"])
    assert list(ours.keys()) == []


def get(url: str, **headers: str) -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20)


def test_a_link_opens_the_one_object_with_the_headers_that_were_chosen(store: S3Vault) -> None:
    key = fresh()
    store.put(key, [b"<script>"])
    named = "attachment; filename=\"a b.html\"; filename*=UTF-8''a%20%C3%A9.html"
    chosen = {"content-type": "application/octet-stream", "content-disposition": named}
    link = store.link(key, chosen, seconds=60)
    with get(link, range="bytes=1-3") as answer:
        assert answer.status == 206
        assert answer.read() == b"scr"
        assert {name: answer.headers[name] for name in chosen} == chosen


@pytest.mark.parametrize(
    ("old", "new"),
    [("application%2Foctet-stream", "text%2Fhtml"), ("Expires=60", "Expires=6000")],
)
def test_a_link_that_was_changed_opens_nothing(store: S3Vault, old: str, new: str) -> None:
    key = fresh()
    store.put(key, [b"x"])
    link = store.link(key, {"content-type": "application/octet-stream"}, seconds=60)
    assert old in link
    with pytest.raises(urllib.error.HTTPError) as refusal:
        get(link.replace(old, new))
    assert refusal.value.code == 403
    refusal.value.close()


def test_a_wrong_secret_opens_nothing_and_is_told_to_nobody(
    swift: Account, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "not-the-secret-" + secrets.token_hex(8)
    vault = S3Vault(replace(swift, secret_key=secret, session_token=None))
    acts = (
        vault.check,
        lambda: vault.put(fresh(), [b"x"]),
        lambda: vault.read(fresh()),
        lambda: vault.size(fresh()),
        lambda: vault.delete(fresh()),
        lambda: list(vault.keys()),
    )
    for act in acts:
        with pytest.raises(StorageUnavailable) as refusal:
            act()
        assert secret not in str(refusal.value)
    assert secret not in repr(vault) + caplog.text


def test_a_store_that_is_not_there_is_told_in_time(swift: Account) -> None:
    for account in (
        replace(swift, endpoint="http://127.0.0.1:1"),
        replace(swift, bucket="no-such-bucket"),
    ):
        with pytest.raises(StorageUnavailable):
            S3Vault(account).check()
