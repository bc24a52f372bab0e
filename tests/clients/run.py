"""Clients off the shelf against a live server: `python -m tests.clients.run`, with names of clients
to run only those.

The server is the one that users start, over a folder of its own, with the token of its first start
and a little data in it. Each client is a program that fails when something is not as it should be.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.api.client import Client
from tests.api.shelf import Shelf

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CLIENTS: dict[str, tuple[str, ...]] = {
    "audit": ("node", "audit.mjs"),
    "graphql-codegen": ("npm", "run", "--silent", "codegen"),
    "relay-compiler": ("npm", "run", "--silent", "relay"),
    "graphql-eslint": ("npm", "run", "--silent", "lint"),
    "graphql-inspector": ("npm", "run", "--silent", "inspect"),
    "urql": ("node", "urql.mjs"),
    "live": ("node", "live.mjs"),
    "apollo": ("node", "apollo.mjs"),
    "apollo-versions": ("node", "apollo-versions.mjs"),
    "apollo-persisted": ("node", "apollo-persisted.mjs"),
    "gql": (sys.executable, "python_gql.py"),
    "ariadne-codegen": ("uv", "run", "--quiet", "--locked", "--script", "python_typed.py"),
}
"""What each one runs, in this folder."""

STARTING_SECONDS = 60
CLIENT_SECONDS = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one client fared."""

    name: str
    seconds: float
    ok: bool

    def __str__(self) -> str:
        return f"{self.name:<18} {self.seconds:5.1f} s  {'ok' if self.ok else 'FAILED'}"


def main(chosen: list[str]) -> int:
    if unknown := set(chosen) - set(CLIENTS):
        print(f"No such clients: {', '.join(sorted(unknown))}; there are {', '.join(CLIENTS)}")
        return 2
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        print(f"CLIENTS WERE NOT TRIED: there is no {' and no '.join(missing)} on this machine")
        return 1
    install(HERE)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as environment:
        verdicts = [run(name, environment) for name in chosen or CLIENTS]
        verdicts.append(run_command("verify", ("gql-service", "verify"), environment))
    print(f"{sum(verdict.ok for verdict in verdicts)} of {len(verdicts)} hold")
    return 0 if all(verdict.ok for verdict in verdicts) else 1


def install(folder: Path) -> None:
    """Brings what its package-lock.json names, unless exactly that is there."""
    lock, done = folder / "package-lock.json", folder / "node_modules" / ".of-lock"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    started = time.monotonic()
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(command, cwd=folder, check=True, timeout=300)
    done.write_bytes(lock.read_bytes())
    print(Verdict("npm ci", time.monotonic() - started, ok=True), flush=True)


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of clients of a filled service, which runs while the block does."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{name: value for name, value in os.environ.items() if "GQL_SERVICE_" not in name},
        "GQL_SERVICE_DATA_DIR": str(folder),
        "GQL_SERVICE_PORT": str(port),
        "GRAPHQL_URL": f"{url}/graphql",
        "NO_PROXY": "127.0.0.1",
    }
    log = folder / "serve.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["gql-service", "serve"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_for(url, server, log)
        token = (folder / "admin-token").read_text().strip()
        with httpx2.Client(base_url=url, timeout=30) as http:
            shelf = Shelf.fill(Client(http, token), count=12)
        yield {**environment, "TOKEN": token, "PROJECT": shelf.project, "DATASET": shelf.dataset}
    finally:
        server.terminate()
        server.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers. Raises RuntimeError, with its log, when it does not."""
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx2.get(f"{url}/healthz").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"The server did not start:\n{log.read_text()}")


def run(name: str, environment: dict[str, str]) -> Verdict:
    return run_command(name, CLIENTS[name], environment)


def run_command(
    name: str,
    command: tuple[str, ...],
    environment: dict[str, str],
    folder: Path = HERE,
    seconds: int = CLIENT_SECONDS,
) -> Verdict:
    """Prints a line, and what the program said when it failed."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        output += f"\nStopped after {seconds} s".encode()
    ok = process.returncode == 0
    verdict = Verdict(name, time.monotonic() - started, ok)
    said = output.decode(errors="replace").strip()
    last = said.rpartition("\n")[2] if ok else f"\n{said}"
    print(f"{verdict}  {last}", flush=True)
    return verdict


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
