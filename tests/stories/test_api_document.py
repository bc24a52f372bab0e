"""docs/api.md is true: its requests, sent as they are written, are answered as it says."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gql_service.app import Service
from gql_service.settings import Settings
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.stories.document import Step, at, is_shown, pretty, refusals, steps_of

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "api.md"
STEPS = steps_of(DOCUMENT)
ADDRESS = "http://127.0.0.1:8000"
ID = re.compile(r"\b[a-z]{2}(?:_\d+)+\b")
NOBODYS_ID = "ds_999"


class Reader:
    """Does what the document says, from top to bottom, and keeps what it is told to keep."""

    def __init__(self, ada: Client, url: str, folder: Path) -> None:
        self.ada = ada
        self.url = url
        self.folder = folder
        self.kept: dict[str, str] = {}

    def follow(self, step: Step) -> None:
        where = f"{DOCUMENT.name}:{step.line}"
        answer = self.send(step)
        codes = [step.refused] if step.refused else []
        assert refusals(answer) == codes, f"{where} was answered with\n{pretty(answer)}"
        assert {} not in (answer.get("data") or {}).values(), f"{where} selects nothing of a result"
        for name, path in step.keeps.items():
            self.kept[name] = str(at(answer, path))
        if step.answer is not None:
            shown = json.loads(self.own(step.answer))
            assert is_shown(shown, answer), f"{where} was answered with\n{pretty(answer)}"
        if step.twice:
            assert self.send(step) == answer, f"{where} was answered with something else"

    def send(self, step: Step) -> Any:
        if step.language == "sh":
            return self.type_in(step)
        token = self.kept[step.sender] if step.sender else None
        client = Client(self.ada.http, token) if token else self.ada
        return client.answer(step.text, **json.loads(self.own(step.variables)))

    def type_in(self, step: Step) -> Any:
        """What a shell prints, in the folder where the service was started."""
        text = self.own(step.text).replace(ADDRESS, self.url)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{DOCUMENT.name}:{step.line}: {done.stderr.decode()}"
        return json.loads(done.stdout) if done.stdout else {}

    def own(self, text: str) -> str:
        """The text with what this service answered in the place of what the document names."""
        if not self.kept:
            return text
        names = "|".join(map(re.escape, self.kept))
        return re.sub(rf"(?<!\w)(?:{names})(?!\w)", lambda found: self.kept[found[0]], text)


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
def test_every_request_of_the_document_is_answered_as_it_says(
    ada: Client, url: str, service: Service, settings: Settings, used: bool
) -> None:
    if used:  # every id is another one then
        Shelf.fill(ada)
    assert settings.resolved_public_url == ADDRESS
    reader = Reader(ada, url, service.token_file.parents[1])
    for step in STEPS:
        reader.follow(step)


def test_every_id_that_the_document_sends_was_answered_before() -> None:
    kept: set[str] = set()
    for step in STEPS:
        sent = set(ID.findall(step.variables + step.text)) - {NOBODYS_ID}
        assert sent <= kept, f"{DOCUMENT.name}:{step.line} sends {sent - kept}, from nowhere"
        kept |= step.keeps.keys()


def test_every_change_of_the_document_asks_why_it_was_refused() -> None:
    for step in STEPS:
        changes = step.text.count("Success {")
        asked = step.text.count("... on Error { code message path }")
        assert (changes > 0) is ("mutation" in step.text), f"{DOCUMENT.name}:{step.line}"
        assert asked == changes, f"{DOCUMENT.name}:{step.line}"


def test_the_document_has_twelve_parts_and_the_readme_points_to_it() -> None:
    parts = re.findall(r"^## (\d+)\. ", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert parts == [str(number) for number in range(1, 13)]
    assert "(docs/api.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("shown", "given", "same"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1, "…": "…"}, {"a": 1, "b": 2}, True),
        ({"a": 1, "…": "…"}, {"b": 2}, False),
        ([1, "…"], [1, 2, 3], True),
        ([1], [1, 2], False),
        ([2, "…"], [1, 2], False),
        ("abc…", "abcdef", True),
        ("abd…", "abcdef", False),
        (1, True, False),
    ],
)
def test_an_abridged_answer_leaves_out_only_what_it_says(
    shown: Any, given: Any, same: bool
) -> None:
    assert is_shown(shown, given) is same
