"""The playground in a headless browser: `python -m tests.browser.run [folder for screenshots]`.

The servers are those that users start: the demo, and a service whose bundle is missing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.run import ROOT, free_port, install, run_command, wait_for

HERE = Path(__file__).parent
CHROMIUM = HERE / "node_modules" / ".chromium"
DEMO_SECONDS = 100
BROWSER_SECONDS = 240


def main(screenshots: Path) -> int:
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        print(f"THE PLAYGROUND WAS NOT TRIED: there is no {' and no '.join(missing)} here")
        return 1
    install(HERE)
    screenshots.mkdir(parents=True, exist_ok=True)
    CHROMIUM.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with demo(folder / "demo") as playground, unbuilt(folder / "unbuilt") as url:
            environment = {
                **os.environ,
                "PLAYGROUND": playground,
                "NEWCOMER": newcomer(folder / "demo"),
                "UNBUILT": url,
                "SCREENSHOTS": str(screenshots),
                "TMPDIR": str(CHROMIUM),  # where the browser is unpacked to, once
            }
            command = ("node", "--test", "--test-concurrency=1", "playground.test.mjs")
            verdict = run_command("playground", command, environment, HERE, BROWSER_SECONDS)
    print(f"Screenshots are in {screenshots}")
    return 0 if verdict.ok else 1


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """The address that the demo prints, once it can be opened, with the token behind it, which it
    shows on a terminal only."""
    with serving(("gql-service", "demo"), folder, cwd=ROOT) as (log, server):
        deadline = time.monotonic() + DEMO_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            if printed := re.search(r"^Playground at (\S+)$", log.read_text(), re.MULTILINE):
                break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"The demo printed no address:\n{log.read_text()}")
        token = (folder / "data" / "admin-token").read_text().strip()
        yield f"{printed[1]}#token={token}"


def newcomer(folder: Path) -> str:
    """The token of a user who is a member of nothing."""
    command = ("gql-service", "token", "newcomer@example.org", "--create", "Newcomer")
    made = subprocess.run(command, env=settings(folder), capture_output=True, text=True, check=True)
    return made.stdout.strip()


@contextmanager
def unbuilt(folder: Path) -> Iterator[str]:
    """The address of a service of the same package without its bundle."""
    package = folder / "gql_service"
    without = shutil.ignore_patterns("bundle", "__pycache__")
    shutil.copytree(ROOT / "gql_service", package, ignore=without)
    command = (sys.executable, "-m", "gql_service", "serve")  # the folder goes before the installed
    port = free_port()
    with serving(command, folder, cwd=folder, port=port) as (log, server):
        url = f"http://127.0.0.1:{port}"
        wait_for(url, server, log)
        yield url


@contextmanager
def serving(
    command: tuple[str, ...], folder: Path, *, cwd: Path, port: int = 0
) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A server over a folder of its own, and its log; it is stopped at the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=cwd, env=settings(folder, port), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield log, server
    finally:
        server.terminate()
        server.wait(timeout=60)


def settings(folder: Path, port: int = 0) -> dict[str, str]:
    """The environment of a service over that folder, and nothing else of ours."""
    return {
        **{name: value for name, value in os.environ.items() if "GQL_SERVICE_" not in name},
        "GQL_SERVICE_DATA_DIR": str(folder / "data"),
        "GQL_SERVICE_PORT": str(port),
    }


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="screenshots-")
    sys.exit(main(Path(chosen)))
