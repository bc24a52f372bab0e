"""Servers in processes of their own, asked over real sockets and ended by real signals."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 40.0


@dataclass
class Served:
    """A `gql-service serve` that has said where it is. `lines` are those that it logged."""

    process: subprocess.Popen[str]
    url: str
    token: str
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def ask(self, query: str, **variables: Any) -> Any:
        """The whole answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + "/graphql", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return json.load(refused)

    def logged(self) -> dict[str, Any]:
        """The next line of the log."""
        assert self.process.stderr is not None
        line: dict[str, Any] = json.loads(self.process.stderr.readline())
        self.lines.append(line)
        return line

    def gauge(self, name: str) -> float:
        match = re.search(rf"^gql_service_{name} (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        return float(match[1]) if match else 0.0

    def refuses(self) -> bool:
        """Whether new connections are refused."""
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:  # it went while the connection was made
            return False
        return False

    def end(self) -> int:
        """Waits for the end, whose exit code it returns."""
        _, err = self.process.communicate(timeout=PATIENCE)
        self.lines += [json.loads(line) for line in err.splitlines()]
        return self.process.returncode


@contextmanager
def serving(*words: str, **settings: str) -> Iterator[Served]:
    """The server is killed at the end of the block, if it is still there."""
    given = {f"GQL_SERVICE_{name.upper()}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "gql_service", "serve", *words],
        env={**os.environ, "GQL_SERVICE_PORT": "0", **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1].removesuffix("/graphql")
            token = Path("data/admin-token").read_text(encoding="utf-8").strip()
            yield Served(process, url, token)
        finally:
            process.kill()


def until(holds: Callable[[], bool]) -> None:
    """Asks again and again; fails when it does not hold in the end."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "this never came to hold"
