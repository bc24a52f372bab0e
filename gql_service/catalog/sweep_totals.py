"""What all sweeps of a data folder have done, for whoever watches the service.

Sweeps run in processes of their own, which are gone when they are asked; so the sums are kept in a
file. It is no part of the store: losing it loses nothing but the sums.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from pathlib import Path
from time import time

from gql_service.catalog.sweep import SweepReport

_FILE = "sweeps.json"


def add_sweep(data_dir: Path, report: SweepReport) -> None:
    """Adds what one sweep did. Any number may end at once."""
    done = Counter(
        runs=1,
        alarms=len(report.alarms),
        condemned=report.condemned,
        deleted=report.reaped,
        freed_bytes=report.freed_bytes,
    )
    data_dir.mkdir(parents=True, exist_ok=True)  # the rows may be elsewhere
    path = data_dir / _FILE
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sums: dict[str, float] = {**(Counter(sweep_totals(data_dir)) + done), "last": time()}
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(sums), encoding="utf-8")
        os.replace(fresh, path)


def sweep_totals(data_dir: Path) -> dict[str, float]:
    """Sums by name; empty before the first sweep. `last` is when one ended, in Unix seconds."""
    try:
        sums: dict[str, float] = json.loads((data_dir / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return sums
