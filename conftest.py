"""Loaded before anything else of the tests, by the process that starts them and by each worker."""

from __future__ import annotations

import os
import sys

# Every worker, and every process that a test starts, imports the same thousand modules. Compiling
# them takes twice as long as all the rest of an import, so what one has compiled is kept for the
# others, also where Python is told to keep nothing.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Thousands of small databases and vaults, each of which is synced again and again. A kill is not a
# loss of power: what was written to memory stays as well. Only what failed is left there.
if os.path.isdir("/dev/shm"):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")
