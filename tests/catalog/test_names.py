"""Names and free texts: what is cleaned, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql_service.catalog.names import clean_name, clean_text
from gql_service.errors import Invalid, LimitExceeded

ANY_TEXT = st.text(st.characters(), max_size=300)


def test_a_name_is_composed_and_trimmed() -> None:
    assert clean_name(" cafe\u0301 \u00a0") == "caf\u00e9"


@pytest.mark.parametrize("text", ["", "   ", "\u3000"])
def test_a_name_needs_a_character(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        clean_name(text, ("input", "name"))
    assert refusal.value.path == ("input", "name")


@pytest.mark.parametrize("bad", ["\0", "\n", "\t", "\x7f", "\x85", "\u2028", "\ud800", "\udfff"])
def test_what_no_reader_can_see_is_refused_in_a_name(bad: str) -> None:
    for text in (bad + "a", f"a{bad}b", "a" + bad):
        with pytest.raises(Invalid):
            clean_name(text)


def test_a_name_has_200_characters_at_most() -> None:
    assert len(clean_name("x" * 200)) == 200
    assert len(clean_name("e\u0301" * 200)) == 200
    for text in ("x" * 201, "x" * 5_000_000):
        with pytest.raises(LimitExceeded):
            clean_name(text)


@given(ANY_TEXT)
def test_cleaning_a_name_twice_is_cleaning_it_once(text: str) -> None:
    try:
        name = clean_name(text)
    except Invalid:
        return
    assert clean_name(name) == name
    assert name.encode().decode() == name


def test_a_text_keeps_its_lines_and_its_spaces() -> None:
    assert clean_text(" first\n\tsecond\r\n") == " first\n\tsecond\r\n"
    assert clean_text("") == ""


@pytest.mark.parametrize("bad", ["\0", "\x1b", "\x7f", "\ud83d"])
def test_a_text_holds_no_other_control_characters(bad: str) -> None:
    with pytest.raises(Invalid) as refusal:
        clean_text(f"a{bad}", ("message",))
    assert refusal.value.path == ("message",)


def test_a_text_has_its_limit() -> None:
    assert clean_text("x" * 10, longest=10) == "x" * 10
    for text in ("x" * 11, "x" * 100):
        with pytest.raises(LimitExceeded):
            clean_text(text, longest=10)
