"""A process that has the service loaded and bears it on request: a child starts in milliseconds.

Each line of standard input is a JSON object {"arguments": […], "environment": {…}}; the answer is
the child's process id. A child runs the command line from its beginning, as a fresh process would,
save for having its modules in memory already. The children end when we do, or when they are killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from gql_service.__main__ import main
from gql_service.vault import s3  # noqa: F401  (loaded before it is needed)


def nurse() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _live(wanted["arguments"], wanted["environment"])
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


def _live(arguments: list[str], environment: dict[str, str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nothing, stream)
    os.environ.update(environment)
    sys.argv = ["gql-service", *arguments]
    try:
        main()
    finally:
        os._exit(1)


if __name__ == "__main__":
    nurse()
