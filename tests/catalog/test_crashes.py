"""A process that is killed at any step of an upload or a sweep loses and leaks nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")
"""A kill is not a loss of power: what was written stays, wherever it was written to."""

STEPS = {
    f"{when} {what}"
    for when in ("before", "after")
    for what in ("open", "write", "fsync", "rename", "unlink", "transaction")
}


@pytest.mark.exhaustive
def test_killed_at_every_step_nothing_is_lost_and_nothing_stays(sqlite_template: Path) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.catalog.crashing", folder, sqlite_template],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
    crashes = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [one for one in crashes if one["problems"]] == []
    assert {one["step"] for one in crashes} == {*STEPS, "ended"}
    assert len(crashes) > 100
