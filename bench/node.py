"""The servers in Node, of the versions that `bench/peers/package-lock.json` names."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
_INSTALL = "npm ci --prefix bench/peers"


def refusal(package: str) -> str | None:
    """Why a server cannot run here; None when it can."""
    found = PEERS / "node_modules" / package / "package.json"
    if shutil.which("node") is None:
        return "Node is not installed"
    if not found.is_file():
        return f"not installed; run: {_INSTALL}"
    wanted = json.loads(found.read_text()).get("engines", {}).get("node", "*")
    script = "require('semver').satisfies(process.version, process.argv[1])"
    if _node("-p", script, wanted) == "true":
        return None
    return f"wants Node {wanted}, which {_node('--version')} is not"


def versions() -> list[str]:
    """Node and what was installed for it, as far as they are there."""
    if shutil.which("node") is None:
        return []
    found = [f"Node {_node('--version').removeprefix('v')}"]
    for package in ("postgraphile", "mercurius"):
        file = PEERS / "node_modules" / package / "package.json"
        if file.is_file():
            found.append(f"{package} {json.loads(file.read_text())['version']}")
    return found


def _node(*arguments: str) -> str:
    told = subprocess.run(
        ["node", *arguments], capture_output=True, text=True, check=True, cwd=PEERS
    )
    return told.stdout.strip()
