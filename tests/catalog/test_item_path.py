"""Paths of items: one spelling, limits, and nothing that leads out of a folder."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gql_service.catalog.item_path import (
    PATH_BYTES,
    SEGMENT_BYTES,
    clean_directory,
    clean_path,
    directory_of,
    name_of,
    numbered,
    under,
)
from gql_service.errors import Invalid, LimitExceeded

HOSTILE = st.text(
    st.one_of(st.sampled_from("/\\.\0\n\x7f\ud800é\u0301a "), st.characters()), max_size=40
)
CLEAN = (
    st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1))
    .map(lambda names: "/".join(name.replace("/", "_") for name in names))
    .filter(lambda text: _is_path(text))
    .map(clean_path)
)


def _is_path(text: str) -> bool:
    try:
        clean_path(text)
    except Invalid:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/a.jpg", "/a.jpg"),
        ("a.jpg", "/a.jpg"),
        ("/a/b/c.tar.gz", "/a/b/c.tar.gz"),
        ("/ä/cafe\u0301.jpg", "/ä/caf\u00e9.jpg"),
        ("/with space/ and one ahead", "/with space/ and one ahead"),
        ("/...", "/..."),
        ("/.hidden", "/.hidden"),
        ("/..a/b..", "/..a/b.."),
    ],
)
def test_a_path_is_brought_into_one_spelling(text: str, path: str) -> None:
    assert clean_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "//",
        "//a",
        "/a//b",
        "/a/",
        ".",
        "..",
        "/..",
        "/../etc/passwd",
        "a/../b",
        "a/./b",
        "/a/..",
        "..\\a",
        "/a\\b",
        "/a\0.jpg",
        "/a\nb",
        "/a\x7f",
        "/a\x9b",
        "/a\u2028b",
        "/\ud800",
        "/a\udc00.jpg",
    ],
)
def test_what_is_no_path_is_refused_and_its_place_named(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        clean_path(text, ("input", "files", 3, "path"))
    assert refusal.value.path == ("input", "files", "3", "path")


@pytest.mark.parametrize(
    ("longest", "longer"),
    [
        ("/" + "a" * SEGMENT_BYTES, "/" + "a" * (SEGMENT_BYTES + 1)),
        ("/" + "é" * 127, "/" + "é" * 128),
        ("/d" * 511 + "/a", "/d" * 511 + "/ab"),
    ],
)
def test_limits_are_counted_in_bytes(longest: str, longer: str) -> None:
    assert clean_path(longest) == longest
    with pytest.raises(LimitExceeded):
        clean_path(longer + "b")


@pytest.mark.parametrize("unit", ["a", "/a", "é", "e\u0301", "/"])
def test_five_thousand_characters_never_get_through(unit: str) -> None:
    with pytest.raises(Invalid):
        clean_path((unit * 5000)[:5000])


@given(HOSTILE)
@example("/a/../b")
@example("/\u0338")
def test_a_path_that_gets_through_is_harmless_and_cleaning_it_again_changes_nothing(
    text: str,
) -> None:
    try:
        path = clean_path(text)
    except Invalid:
        return
    assert clean_path(path) == path
    assert path.startswith("/")
    assert not {"", ".", ".."} & set(path[1:].split("/"))
    assert not any(ord(c) < 32 or c in "\\\x7f" or 0xD800 <= ord(c) <= 0xDFFF for c in path)
    assert len(path.encode()) <= PATH_BYTES
    assert path == under(directory_of(path), "/" + name_of(path))


@pytest.mark.parametrize(
    ("text", "directory"),
    [("", "/"), ("/", "/"), ("a", "/a"), ("/a/", "/a"), ("/a/b", "/a/b"), ("a/b/", "/a/b")],
)
def test_a_directory_has_no_slash_at_its_end(text: str, directory: str) -> None:
    assert clean_directory(text) == directory
    assert clean_directory(directory) == directory


@pytest.mark.parametrize("text", ["//", "/a//", "..", "/a/../b", "\\", "/a\0"])
def test_what_is_no_directory_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        clean_directory(text)


def test_a_path_moves_below_a_directory_with_its_own() -> None:
    assert under("/", "/a/b.jpg") == "/a/b.jpg"
    assert under("/new", "/a/b.jpg") == "/new/a/b.jpg"
    with pytest.raises(LimitExceeded):
        under("/d" * 500, "/" + "a" * 100)


@pytest.mark.parametrize(
    ("path", "n", "result"),
    [
        ("/a/b.jpg", 2, "/a/b (2).jpg"),
        ("/b", 10, "/b (10)"),
        ("/a.tar.gz", 2, "/a.tar (2).gz"),
        ("/a.b/c", 3, "/a.b/c (3)"),
        ("/.hidden", 2, "/.hidden (2)"),
        ("/a.", 2, "/a (2)."),
        ("/b (2).jpg", 2, "/b (2) (2).jpg"),
        ("/" + "a" * 255, 2, "/" + "a" * 251 + " (2)"),
        ("/" + "a" * 251 + ".jpg", 2, "/" + "a" * 247 + " (2).jpg"),
        ("/" + "é" * 127, 2, "/" + "é" * 125 + " (2)"),
        ("/a." + "b" * 253, 2, "/a." + "b" * 249 + " (2)"),
    ],
)
def test_a_number_goes_before_the_extension(path: str, n: int, result: str) -> None:
    assert numbered(path, n) == result


def test_a_directory_can_leave_no_room_for_a_number() -> None:
    with pytest.raises(LimitExceeded):
        numbered("/d" * 511 + "/a", 2)


@given(CLEAN, st.integers(2, 10_000))
def test_a_numbered_path_is_clean_and_in_the_same_directory(path: str, n: int) -> None:
    result = numbered(path, n)
    assert clean_path(result) == result
    assert directory_of(result) == directory_of(path)
    assert f" ({n})" in name_of(result)


def test_name_and_directory_of_a_path() -> None:
    assert (directory_of("/a/b.jpg"), name_of("/a/b.jpg")) == ("/a", "b.jpg")
    assert (directory_of("/b.jpg"), name_of("/b.jpg")) == ("/", "b.jpg")
