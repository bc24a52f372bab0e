"""Several processes that serve from one socket, and the one that watches them.

The parent serves nobody. It replaces a worker that died, forwards the signal that ends them all,
and kills those that do not end. A worker ends by itself when its parent is gone.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

from gql_service import logs, metrics
from gql_service.app import build
from gql_service.serve import serve_on
from gql_service.settings import Settings

_log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
LIVED_SECONDS = 10.0
"""A worker that died younger than this is replaced after a pause, which doubles each time."""
LAST_SECONDS = 10.0
"""How much longer than they should take workers have for ending, before they are killed."""


def supervise(settings: Settings, listener: socket.socket) -> int:
    """Keeps `settings.workers` processes serving until SIGINT or SIGTERM, and returns which it was.

    Open requests are then finished as in one process; a second signal ends them at once. The
    database must be at this release's schema and have an admin.
    """
    with tempfile.TemporaryDirectory(prefix="gql-service-metrics-") as folder:
        os.environ[metrics.SHARED_FOLDER] = folder  # read by workers when they begin
        with _signals() as heard:
            return _Supervisor(settings, listener, heard).run()


def work(settings: Settings, listener: socket.socket) -> None:
    """One worker, from its start to its end."""
    logs.configure(settings.log_level, worker=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    service = build(settings, first=False)
    _log.info("worker started")
    serve_on(service, listener, supervised=True)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "started by the supervisor"
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


class _Supervisor:
    def __init__(self, settings: Settings, listener: socket.socket, heard: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        self._heard = heard
        self._workers: dict[SpawnProcess, float] = {}
        self._pause = FIRST_PAUSE

    def run(self) -> int:
        start_at = 0.0
        while True:
            if time.monotonic() >= start_at:
                while len(self._workers) < self._settings.workers:
                    self._start()
            missing = len(self._workers) < self._settings.workers
            timeout = max(0.0, start_at - time.monotonic()) if missing else None
            told = self._next_signal(timeout)
            if told is not None:
                self._end()
                return told
            for dead in self._reaped():
                start_at = time.monotonic() + self._pause_after(self._workers.pop(dead))

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        worker = context.Process(target=work, args=(self._settings, self._listener))
        worker.start()
        self._workers[worker] = time.monotonic()

    def _next_signal(self, timeout: float | None) -> int | None:
        """Waits for a signal, a death, or so many seconds."""
        ready = wait([self._heard, *(worker.sentinel for worker in self._workers)], timeout)
        return self._heard.recv(1)[0] if self._heard in ready else None

    def _reaped(self) -> list[SpawnProcess]:
        dead = [worker for worker in self._workers if worker.exitcode is not None]
        for worker in dead:
            _log.error("worker %s died with exit code %s", worker.pid, worker.exitcode)
            if worker.pid is not None:
                metrics.forget_process(worker.pid)
        return dead

    def _pause_after(self, started: float) -> float:
        if time.monotonic() - started > LIVED_SECONDS:
            self._pause = FIRST_PAUSE
            return 0.0
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return pause

    def _end(self) -> None:
        self._listener.close()
        _tell(self._workers, SpawnProcess.terminate)
        settings = self._settings
        end = time.monotonic() + settings.drain_seconds + settings.shutdown_seconds + LAST_SECONDS
        while self._workers and (left := end - time.monotonic()) > 0:
            if self._next_signal(left) is not None:
                break
            for worker in [one for one in self._workers if one.exitcode is not None]:
                del self._workers[worker]
        _tell(self._workers, SpawnProcess.kill)
        for worker in self._workers:
            worker.join()


def _tell(workers: dict[SpawnProcess, float], how: Callable[[SpawnProcess], None]) -> None:
    for worker in workers:
        how(worker)


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket from which each SIGINT and SIGTERM is read as a byte, with its number."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    with heard, told:
        kinds = (signal.SIGINT, signal.SIGTERM)
        before = {kind: signal.signal(kind, lambda *_: None) for kind in kinds}
        wakeup = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        try:
            yield heard
        finally:
            signal.set_wakeup_fd(wakeup)
            for kind, handler in before.items():
                signal.signal(kind, handler)
