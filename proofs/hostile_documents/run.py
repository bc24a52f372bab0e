"""Sends hostile documents to a real server, one by one, while a neighbour asks small questions.

    uv run python -m proofs.hostile_documents.run --documents 2000 --seed 1

The server is a process of its own over an SQLite file. For every document the log has the family,
what was answered, how long that took by the clock, and how much of a processor the server used.
The exit code is 1 when an answer was a fault of ours or used more than its time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from gql_service.errors import ErrorCode
from proofs.hostile_documents.bombs import FAMILIES, Bomb

MOST_MS = 250.0
WHO = "{ viewer { user { name } } }"
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    pid: int
    token: str

    def cpu_ms(self) -> float:
        """What all its threads have used so far, to the nanosecond."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(one.read_text().split()[0]) for one in tasks) / 1e6

    def memory_mib(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@dataclass(frozen=True, slots=True)
class Answered:
    family: str
    transport: str
    status: int
    code: str
    wall_ms: float
    cpu_ms: float


@contextmanager
def started() -> Iterator[Server]:
    with TemporaryDirectory(prefix="hostile-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        names = {"GQL_SERVICE_DATA_DIR": folder, "GQL_SERVICE_PORT": str(port)}
        process = subprocess.Popen(
            [sys.executable, "-m", "gql_service", "serve"],
            env={**os.environ, **names},
            stdout=subprocess.DEVNULL,
        )
        try:
            while not _answers(port):
                assert process.poll() is None, "the server did not start"
                time.sleep(0.1)
            token = (Path(folder) / "admin-token").read_text().strip()
            yield Server(port, process.pid, token)
        finally:
            process.terminate()
            process.wait()


def _answers(port: int) -> bool:
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def sent(server: Server, bomb: Bomb, transport: str) -> tuple[int, Any]:
    """The status and the answer to a document, by one of four ways."""
    query, variables = bomb
    operation: dict[str, Any] = {"query": query, "variables": variables}
    headers = {} if transport == "anonymous" else {"authorization": f"Bearer {server.token}"}
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    if transport == "get":
        target = "/graphql?" + urlencode({"query": query, "variables": json.dumps(variables)})
        connection.request("GET", target, headers=headers)
    elif transport == "multipart":
        operation["variables"] = {**variables, "file": None}
        parts = [
            ("operations", "", json.dumps(operation)),
            ("map", "", '{"0": ["variables.file"]}'),
            ("0", '; filename="x"', "x"),
        ]
        body = "".join(
            f'--b\r\ncontent-disposition: form-data; name="{name}"{more}\r\n\r\n{text}\r\n'
            for name, more, text in parts
        )
        kind = {"content-type": "multipart/form-data; boundary=b", "graphql-require-preflight": "1"}
        connection.request("POST", "/graphql", (body + "--b--\r\n").encode(), {**headers, **kind})
    else:
        connection.request("POST", "/graphql", json.dumps(operation), {**headers, **JSON})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def documents(seed: int, count: int) -> Iterator[tuple[str, str, Bomb]]:
    rng = random.Random(seed)
    for number in range(count):
        family = FAMILIES[number % len(FAMILIES)]
        bomb = family(rng)
        ways = ["post", "post", "multipart", "anonymous", "get"]
        if len(urlencode({"q": bomb[0], "v": json.dumps(bomb[1])})) > 30_000:
            ways.pop()  # no server takes an address of that length
        yield family.__name__, rng.choice(ways), bomb


def attack(server: Server, seed: int, count: int) -> list[Answered]:
    done = []
    for family, transport, bomb in documents(seed, count):
        cpu, began = server.cpu_ms(), time.perf_counter()
        status, answer = sent(server, bomb, transport)
        wall = 1000 * (time.perf_counter() - began)
        errors = answer.get("errors") or [{"extensions": {"code": "-"}}]
        codes = {error["extensions"]["code"] for error in errors}
        code = "INTERNAL" if "INTERNAL" in codes else min(codes)
        assert code == "-" or code in ErrorCode.__members__, code
        done.append(Answered(family, transport, status, code, wall, server.cpu_ms() - cpu))
    return done


class Neighbour:
    """Asks who it is, again and again, over a connection of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.latencies: list[float] = []
        self.failures = 0
        self.stop = threading.Event()

    def run(self) -> None:
        headers = {**JSON, "authorization": f"Bearer {self.server.token}"}
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        while not self.stop.wait(0.01):
            began = time.perf_counter()
            connection.request("POST", "/graphql", json.dumps({"query": WHO}), headers)
            response = connection.getresponse()
            good = response.status == 200 and b"Admin" in response.read()
            self.latencies.append(1000 * (time.perf_counter() - began))
            self.failures += not good
        connection.close()

    @contextmanager
    def asking(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self.stop.set()
            thread.join()

    def summary(self) -> str:
        ordered = sorted(self.latencies)
        at = [ordered[int(part * (len(ordered) - 1))] for part in (0.5, 0.99, 1)]
        return (
            f"{len(ordered):,} answers, {self.failures} failed; "
            f"p50 {at[0]:.1f} ms, p99 {at[1]:.1f} ms, longest {at[2]:.1f} ms"
        )


def table(done: list[Answered]) -> Iterator[str]:
    families: dict[str, list[Answered]] = defaultdict(list)
    for one in done:
        families[one.family].append(one)
    yield f"{'most of each':20} {'sent':>5} {'ok':>5} {'refused':>8} {'CPU ms':>12} {'wall ms':>13}"
    for family, those in sorted(families.items()):
        fine = sum(one.code == "-" for one in those)
        cpu, wall = max(one.cpu_ms for one in those), max(one.wall_ms for one in those)
        yield f"{family:20} {len(those):5} {fine:5} {len(those) - fine:8} {cpu:12.1f} {wall:13.1f}"


def report(server: Server, seed: int, count: int) -> bool:
    attack(server, seed + 1, 100)  # what is made at the first request
    memory = server.memory_mib()
    alone = Neighbour(server)
    with alone.asking():
        time.sleep(10)
    done = attack(server, seed, count)
    beside = Neighbour(server)
    with beside.asking():
        again = attack(server, seed + 2, count)
    for line in table(done):
        print(line)
    faults = [one for one in done + again if one.status >= 500 or one.code == "INTERNAL"]
    slow = [one for one in done if one.cpu_ms > MOST_MS]
    late = [one for one in done if one.wall_ms > MOST_MS]
    print(f"documents: {len(done):,} alone, {len(again):,} beside a neighbour")
    print(f"faults of ours: {len(faults)}")
    print(f"above {MOST_MS:g} ms of a processor: {len(slow)}; by the clock: {len(late)}")
    for one in sorted(done, key=lambda one: -one.cpu_ms)[:5]:
        print(f"  {one.cpu_ms:6.1f} ms CPU {one.wall_ms:6.1f} ms wall {one.family} {one.transport}")
    print(f"neighbour alone:  {alone.summary()}")
    print(f"neighbour beside: {beside.summary()}")
    print(f"memory of the server: {memory:.0f} MiB before, {server.memory_mib():.0f} MiB after")
    return not faults and not slow and not beside.failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.platform()}, {os.cpu_count()} cores")
    print(f"Python {platform.python_version()}, seed {given.seed}, load {os.getloadavg()[0]:.1f}")
    with started() as server:
        return 0 if report(server, given.seed, given.documents) else 1


if __name__ == "__main__":
    sys.exit(main())
