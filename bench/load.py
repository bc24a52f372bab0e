"""Load on HTTP servers: by `wrk` where it is installed, by a client of our own where it is not.

Either runs in a process of its own, over connections that stay open.
"""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
_WRK = shutil.which("wrk")

_SCRIPT = """
local ports = {{ {ports} }}
local started = 0
function setup(thread)
  started = started + 1
  thread.addr = wrk.lookup("{host}", ports[started])[1]
end
wrk.method = "{method}"
wrk.path = "{path}"
wrk.body = {body}
{headers}
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format('\\n{{"rate": %f, "p50": %f, "p99": %f, "failed": %d}}',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, failed))
end
"""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; with a body it is a POST."""

    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"

    def text(self, host: str) -> str:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append(f"content-length: {len(self.body.encode())}")
        return "\r\n".join([*lines, "", self.body])


@dataclass(frozen=True, slots=True)
class Loaded:
    """Requests per second, and milliseconds that an answer took."""

    rate: float
    p50: float
    p99: float


def load(request: Request, ports: list[int], connections: int, seconds: float) -> Loaded:
    """Asks the servers on these ports of this machine, all connections at once.

    Raises RuntimeError when anything but 200 is answered. Says on standard error when the load
    itself kept a core busy, and so may have been what was measured.
    """
    before = _used()
    by_wrk = _WRK is not None and seconds >= 1  # it counts in whole seconds
    found = (_by_wrk if by_wrk else _by_our_own)(request, ports, connections, seconds)
    share = (_used() - before) / seconds
    if seconds >= 1 and share > 0.8:
        print(f"The load alone took {share:.0%} of a core", file=sys.stderr)
    if found.pop("failed", 0):
        raise RuntimeError(f"{request.path} failed under load")
    return Loaded(**found)


def tool() -> str:
    """What makes the load, with its version."""
    if _WRK is None:
        return "load by bench/load_client.py"
    told = subprocess.run([_WRK, "-v"], capture_output=True, text=True, check=False).stdout
    return f"load by {' '.join(told.split()[:2])}"


def _used() -> float:
    """Seconds of a core that ended children took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _by_our_own(
    request: Request, ports: list[int], connections: int, seconds: float
) -> dict[str, float]:
    asked = {
        "targets": [("127.0.0.1", port) for port in ports],
        "connections": connections,
        "seconds": seconds,
        "request": request.text("127.0.0.1"),
    }
    ran = subprocess.run(
        [sys.executable, "-m", "bench.load_client"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    if ran.returncode:
        raise RuntimeError(f"{request.path} failed under load: {ran.stderr}")
    return dict(json.loads(ran.stdout))


def _by_wrk(
    request: Request, ports: list[int], connections: int, seconds: float
) -> dict[str, float]:
    """One thread for each server; wrk counts in whole seconds.

    It hangs up in the middle of answers: they are waited for by asking once more.
    """
    script = _SCRIPT.format(
        host="127.0.0.1",
        ports=", ".join(f'"{port}"' for port in ports),
        method=request.method,
        path=request.path,
        body=f"[==[{request.body}]==]" if request.body else "nil",
        headers="\n".join(f"wrk.headers[{name!r}] = {value!r}" for name, value in request.headers),
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = [str(_WRK), f"-t{len(ports)}", f"-c{connections}", "-s", file.name]
        command += ["--timeout", "60s"]  # an answer that comes late is slow, and no failure
        command += [f"-d{max(1, round(seconds))}s", f"http://127.0.0.1:{ports[0]}{request.path}"]
        ran = subprocess.run(command, capture_output=True, text=True)
    result = re.search(r"^\{.*\}$", ran.stdout, re.MULTILINE)
    if ran.returncode or result is None:
        raise RuntimeError(f"{request.path} failed under load: {ran.stderr or ran.stdout}")
    for port in ports:
        _by_our_own(request, [port], 1, 0)
    return dict(json.loads(result[0]))
