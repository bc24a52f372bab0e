"""Answers of an S3-compatible store that are lost, late or no: told in time, and nothing stays.

Seeded bugs that turned these red: no look whether an unanswered object is there; no room taken for
any other trouble. Left green: nothing taken back after a failure, since obstore ends its parts too.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gql_service.errors import InsufficientStorage, StorageUnavailable
from gql_service.vault.s3 import S3Vault
from gql_service.vault.s3_signing import Account
from tests.stores.proxy import Proxy, proxy_to
from tests.vault.contract import fresh

pytestmark = pytest.mark.exhaustive

SMALL, LARGE = [b"small"], [bytes([number]) * 1024 * 1024 for number in range(20)]
PART, END = rb"PUT .*partNumber=", rb"POST .*uploadId="


@pytest.fixture
def proxy(swift: Account) -> Iterator[Proxy]:
    with proxy_to(swift.endpoint) as proxy:
        yield proxy


@pytest.fixture
def store(swift: Account, proxy: Proxy) -> S3Vault:
    account = replace(swift, endpoint=proxy.address)
    return S3Vault(account, f"faults/{secrets.token_hex(8)}")


@pytest.mark.parametrize(
    ("content", "lost"), [(SMALL, rb"PUT "), (LARGE, END)], ids=["small", "large"]
)
def test_an_object_whose_answer_was_lost_is_stored_all_the_same(
    store: S3Vault, proxy: Proxy, content: list[bytes], lost: bytes
) -> None:
    key = fresh()
    proxy.lost = lost
    store.put(key, content)
    assert proxy.count > 0
    proxy.lost = None
    assert b"".join(store.read(key)) == b"".join(content)
    assert list(store.keys()) == [key]


def test_parts_whose_answers_are_lost_are_taken_back(store: S3Vault, proxy: Proxy) -> None:
    proxy.lost = PART
    with pytest.raises(StorageUnavailable):
        store.put(fresh(), LARGE)
    assert proxy.count > 0
    assert list(store.keys()) == []


@pytest.mark.parametrize(
    ("content", "refused"),
    [(SMALL, rb"PUT "), (LARGE, PART), (LARGE, END)],
    ids=["small", "part", "end"],
)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("507 Insufficient Storage", InsufficientStorage),
        ("503 Slow Down", StorageUnavailable),
        ("403 Forbidden", StorageUnavailable),
    ],
)
def test_a_store_that_refuses_is_told_in_time_and_nothing_stays(
    store: S3Vault,
    proxy: Proxy,
    content: list[bytes],
    refused: bytes,
    status: str,
    error: type[Exception],
) -> None:
    proxy.refused, proxy.status = refused, status
    begun = time.monotonic()
    with pytest.raises(error):
        store.put(fresh(), content)
    assert time.monotonic() - begun < 60
    proxy.refused = None
    assert list(store.keys()) == []
    key = fresh()
    store.put(key, content)
    assert b"".join(store.read(key)) == b"".join(content)


def test_a_store_that_does_not_answer_at_all_is_no_sign_of_corruption(
    store: S3Vault, proxy: Proxy
) -> None:
    key = fresh()
    store.put(key, SMALL)
    proxy.lost = rb"(GET|HEAD|DELETE) "
    for act in (lambda: store.size(key), lambda: store.read(key), lambda: store.delete(key)):
        with pytest.raises(StorageUnavailable):
            act()
    proxy.lost = None
    store.delete(key)
    assert store.size(key) is None
