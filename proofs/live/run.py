"""Opens and kills 5,000 subscriptions, and prints what the process holds on the way:
`uv run python -m proofs.live.run`, with another number to open that many."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from gql_service.app import build
from gql_service.serve import running
from gql_service.settings import Settings
from tests.api.client import Client
from tests.api.shelf import Shelf
from tests.live.conftest import Running
from tests.live.killing import Held, at_rest, open_and_kill

STEP = 500


def main(count: int) -> int:
    folder = Path(tempfile.mkdtemp())
    service = build(Settings(data_dir=folder, port=0))
    token = service.token_file.read_text().strip()
    with running(service) as at, httpx2.Client(base_url=at.url, timeout=30) as http:
        live = Running(service, at.url, Client(http, token), token)
        shelf = Shelf.fill(live.ada)
        open_and_kill(live, shelf.dataset, STEP)
        before = at_rest()
        say(0, 0.0, before)
        started = time.monotonic()
        for done in range(STEP, count + 1, STEP):
            open_and_kill(live, shelf.dataset, STEP)
            after = at_rest()
            say(done, time.monotonic() - started, after)
    shutil.rmtree(folder)
    left = after.tasks - before.tasks, after.threads - before.threads, after.files - before.files
    grown = after.memory - before.memory
    print(f"left behind: {left} tasks, threads and files; memory {grown:+,} KiB")
    return 0 if max(left) <= 0 and grown <= 8_192 else 1


def say(done: int, seconds: float, held: Held) -> None:
    print(
        f"{done:>6,} killed  {seconds:6.1f} s  {held.tasks} tasks  {held.threads} threads"
        f"  {held.files} files  {held.memory:,} KiB",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000))
