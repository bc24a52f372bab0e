"""Servers in processes of their own, which end with the bench however that ends."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import REPOSITORY

_STARTS_WITHIN_SECONDS = 60

# Lives as long as its standard input is open.
_KEEPER = '"$@" </dev/null >&2 & echo $!; read -r _; kill -TERM $! 2>&-; wait $!'


@dataclass(frozen=True, slots=True)
class Process:
    """A server that answers on a port of this machine."""

    port: int
    number: int

    def memory(self) -> float | None:
        """Resident memory in MB, where the system tells it."""
        status = Path(f"/proc/{self.number}/status")
        if not status.is_file():
            return None
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmRSS"].split()[0]) * 1024 / 1e6


@contextmanager
def serving(
    command: Sequence[str], port: int, environment: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """Runs a server until the end of the block; begins once it accepts connections.

    Raises RuntimeError, with what the server said, when it does not.
    """
    with tempfile.TemporaryFile("w+") as log:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "keeper", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        assert keeper.stdout is not None, "a pipe was asked for"
        process = Process(port, int(keeper.stdout.readline()))
        try:
            if not _accepts(process):
                log.seek(0)
                raise RuntimeError(f"{' '.join(command[:3])} does not answer:\n{log.read()}")
            yield process
        finally:
            keeper.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _accepts(process: Process) -> bool:
    give_up = time.monotonic() + _STARTS_WITHIN_SECONDS
    while time.monotonic() < give_up and _lives(process.number):
        try:
            socket.create_connection(("127.0.0.1", process.port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def _lives(number: int) -> bool:
    """Whether the process runs; one that ended is a zombie until its keeper looks at it."""
    stat = Path(f"/proc/{number}/stat")
    if not Path("/proc/self").exists():
        return True
    return stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
