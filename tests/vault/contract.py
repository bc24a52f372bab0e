"""What every vault promises, as one suite: a test module names a vault and takes these tests over.

Seeded bugs that turned it red on disk: no removal of the temporary file after a failure; `read`
that fails at the first piece only; `stop` taken as a length.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gql_service.errors import BinaryCorrupt
from gql_service.vault.contract import CHUNK, Vault

LONG = bytes(range(256)) * (2 * CHUNK // 256 + 1)


def fresh() -> str:
    return secrets.token_hex(16)


class Broken(Exception):
    """The client went away."""


def breaking(*chunks: bytes) -> Iterator[bytes]:
    yield from chunks
    raise Broken


class VaultContract:
    """Subclasses give a fixture `vault`, an empty one."""

    def test_what_was_put_is_read(self, vault: Vault) -> None:
        key = fresh()
        vault.put(key, [b"one ", b"", b"two"])
        assert b"".join(vault.read(key)) == b"one two"
        assert vault.size(key) == 7
        assert list(vault.keys()) == [key]

    def test_an_object_may_be_empty(self, vault: Vault) -> None:
        key = fresh()
        vault.put(key, [])
        assert list(vault.read(key)) == []
        assert vault.size(key) == 0

    @pytest.mark.parametrize(
        ("start", "stop"), [(0, None), (0, 1), (5, 5), (7, 300_000), (len(LONG) - 1, None)]
    )
    def test_a_range_is_read_in_small_pieces(
        self, vault: Vault, start: int, stop: int | None
    ) -> None:
        key = fresh()
        vault.put(key, [LONG])
        pieces = list(vault.read(key, start, stop))
        assert b"".join(pieces) == LONG[start:stop]
        assert all(0 < len(piece) <= CHUNK for piece in pieces)

    def test_bytes_may_come_out_of_other_objects_of_the_same_vault(self, vault: Vault) -> None:
        """As those of an upload that came in parts do; together they are sent in parts again."""
        keys, part = [fresh() for _ in range(3)], LONG * 6
        for key in keys:
            vault.put(key, [part])
        whole = fresh()
        vault.put(whole, (piece for key in keys for piece in vault.read(key)))
        assert b"".join(vault.read(whole)) == part * 3

    def test_what_lies_beyond_the_end_is_left_out(self, vault: Vault) -> None:
        key = fresh()
        vault.put(key, [b"short"])
        assert b"".join(vault.read(key, 3, 99)) == b"rt"
        assert b"".join(vault.read(key, 99, 100)) == b""

    def test_an_absent_object_is_told_before_the_first_piece(self, vault: Vault) -> None:
        with pytest.raises(BinaryCorrupt):
            vault.read(fresh())
        assert vault.size(fresh()) is None

    def test_deleting_is_final_and_may_be_repeated(self, vault: Vault) -> None:
        key = fresh()
        vault.put(key, [b"bytes"])
        vault.delete(key)
        vault.delete(key)
        assert vault.size(key) is None
        assert list(vault.keys()) == []

    def test_an_unfinished_object_is_seen_by_nobody(self, vault: Vault) -> None:
        key = fresh()

        def looking() -> Iterator[bytes]:
            yield b"first"
            assert vault.size(key) is None
            yield b"second"

        vault.put(key, looking())
        assert vault.size(key) == 11

    def test_a_broken_stream_leaves_nothing_and_passes_its_error_on(self, vault: Vault) -> None:
        with pytest.raises(Broken):
            vault.put(fresh(), breaking(LONG, b"more"))
        assert list(vault.keys()) == []

    def test_a_stream_may_fail_with_an_error_of_its_own_medium(self, vault: Vault) -> None:
        def unplugged() -> Iterator[bytes]:
            yield b"some"
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            vault.put(fresh(), unplugged())
        assert list(vault.keys()) == []

    @pytest.mark.parametrize("name", ["", "a", "../" + "a" * 29, "A" * 32, "0" * 33, "g" * 32])
    def test_what_does_not_look_like_a_key_is_refused(self, vault: Vault, name: str) -> None:
        for act in (vault.read, vault.size, vault.delete, lambda key: vault.put(key, [b"x"])):
            with pytest.raises(ValueError, match="key"):
                act(name)

    def test_many_may_write_at_once(self, vault: Vault) -> None:
        contents = {fresh(): secrets.token_bytes(1000) for _ in range(64)}
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: vault.put(key, [contents[key]]), contents))
        assert set(vault.keys()) == set(contents)
        assert all(b"".join(vault.read(key)) == contents[key] for key in contents)

    def test_a_reading_that_was_not_finished_is_no_trouble(self, vault: Vault) -> None:
        key = fresh()
        vault.put(key, [LONG])
        pieces = vault.read(key)
        next(pieces)
        del pieces
        vault.read(key)
        vault.delete(key)
