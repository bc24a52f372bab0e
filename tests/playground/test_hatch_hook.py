"""What the build does for the playground, on machines that can make it and that cannot."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gql_service.playground.frontend.hatch_hook import MADE_FROM, NODE_WHEEL, PlaygroundHook
from gql_service.playground.pages import BUNDLE


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlaygroundHook:
    """Of a copy of the sources, on a machine without Node.js."""
    monkeypatch.setenv("PATH", str(tmp_path))
    copy = tmp_path / "gql_service" / "playground" / "frontend"
    shutil.copytree(BUNDLE.with_name("frontend"), copy)
    nothing: Any = None
    return PlaygroundHook(str(tmp_path), {}, nothing, nothing, str(tmp_path), "wheel")


def test_a_machine_without_node_is_given_one_and_a_failure_is_only_a_warning(
    hook: PlaygroundHook, capsys: pytest.CaptureFixture[str]
) -> None:
    data: dict[str, list[str]] = {"artifacts": []}
    hook.initialize("editable", data)

    assert hook.dependencies() == [NODE_WHEEL]
    assert "The playground was not made: there is no npm" in capsys.readouterr().err
    assert data == {"artifacts": ["/gql_service/playground/bundle"]}
    assert not hook.bundle.exists()


def test_a_bundle_of_the_same_sources_is_left_alone_and_another_is_not(
    hook: PlaygroundHook, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.bundle.mkdir()
    (hook.bundle / MADE_FROM).write_text(hook.fingerprint())
    hook.initialize("editable", {"artifacts": []})
    assert (hook.dependencies(), capsys.readouterr().err) == ([], "")

    changed = hook.frontend / "operations" / "Merge.graphql"
    changed.write_text(changed.read_text() + "# changed\n")
    hook.initialize("editable", {"artifacts": []})
    assert hook.dependencies() == [NODE_WHEEL]
    assert "not made" in capsys.readouterr().err
