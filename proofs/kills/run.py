"""Kills a real server at random moments, again and again, and looks whether anything is lost.

    uv run python -m proofs.kills.run --trials 1000 --seed 1

The server is `gql-service serve` over an SQLite file and a folder (or, with `--swift`, over Swift's
S3 API), and beside it `gql-service sweep` runs all the time with no grace at all. The exit code is
1 when anything that was acknowledged was lost or anything stayed for good.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import sqlalchemy as sa

from gql_service.app import Store, open_store
from gql_service.catalog.binary import BINARIES, BLOB_KEYS
from gql_service.catalog.sweep import sweep
from gql_service.settings import Settings
from gql_service.versions.retention import purge_deleted
from gql_service.versions.verify import verify_store
from proofs.kills.worker import NoAnswer, Worker
from tests.api.client import Client
from tests.stores.openstack import running_swift

WORKERS = 3
TRIALS_PER_STORE = 25
"""Then everything is deleted and swept, and nothing may be left."""
LONGEST_SECONDS = 1.2
LEASE_SECONDS = 20
HURRIED = {
    "GQL_SERVICE_SWEEP_GRACE_HOURS": "0",
    "GQL_SERVICE_SWEEP_DELETE_DELAY_HOURS": "0",
    "GQL_SERVICE_UPLOAD_LEASE_HOURS": str(LEASE_SECONDS / 3600),
    "GQL_SERVICE_DATASET_RETENTION_DAYS": "0",
}


class Nursery:
    """Where servers and sweeps come from."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "proofs.kills.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def bear(self, *arguments: str, **environment: str) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        wanted = {"arguments": arguments, "environment": environment}
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


class Site:
    """One store, its workers, and the servers that come and go over it."""

    def __init__(self, nursery: Nursery, environment: dict[str, str], rng: random.Random) -> None:
        self.nursery = nursery
        self.environment = environment
        self.rng = rng
        self.workers: list[Worker] = []
        self.faults: list[str] = []
        os.environ.update(environment)
        self.settings = Settings()

    @contextmanager
    def serving(self) -> Iterator[tuple[int, str]]:
        """A server's process id and address; killed in the end, if it is not dead yet."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        pid = self.nursery.bear("serve", **self.environment, GQL_SERVICE_PORT=str(port))
        try:
            url = f"http://127.0.0.1:{port}"
            give_up = time.monotonic() + 60
            while not _answers(url):
                assert time.monotonic() < give_up and _lives(pid), "the server did not start"
                time.sleep(0.01)
            yield pid, url
        finally:
            _kill(pid)

    def client(self, http: httpx2.Client) -> Client:
        return Client(http, (self.settings.data_dir / "admin-token").read_text().strip())

    def hire(self, url: str) -> None:
        with httpx2.Client(base_url=url, timeout=60) as http:
            client = self.client(http)
            made = client.change("createProject", "project { id }", name="p")
            project = made["project"]["id"]
            labels = [{"name": "dog"}]
            recipe = client.change(
                "createRecipe", "recipe { id }", projectId=project, title="r", labels=labels
            )["recipe"]["id"]
        self.workers = [
            Worker(f"w{number}", project, recipe, random.Random(self.rng.random()))
            for number in range(WORKERS)
        ]

    def trial(self) -> tuple[list[str], float, float]:
        """What is wrong after one crash and one recovery; seconds of load; seconds to recover."""
        begun = time.monotonic()
        with self.serving() as (pid, url):
            with httpx2.Client(base_url=url, timeout=60) as http:
                wrong = [one for w in self.workers for one in w.recover(self.client(http))]
            recovered = time.monotonic() - begun
            load = self.rng.uniform(0, LONGEST_SECONDS)
            self._load(pid, url, load)
        with closing(open_store(self.settings)) as store:
            wrong += [str(one) for one in verify_store(store.database, store.vault, deep=True)]
        wrong, self.faults = wrong + self.faults, []
        return wrong, load, recovered

    def _load(self, pid: int, url: str, seconds: float) -> None:
        """Mixed load, until the server is killed `seconds` after its beginning."""
        threads = [threading.Thread(target=self._work, args=(w, url)) for w in self.workers]
        sweeper = self.nursery.bear("sweep", "--force", **self.environment)
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(0.01, max(0.0, end - time.monotonic())))
            if not _lives(sweeper):
                sweeper = self.nursery.bear("sweep", "--force", **self.environment)
        first, second = self.rng.sample([pid, sweeper], 2)
        _kill(first)
        _kill(second)
        for thread in threads:
            thread.join()

    def _work(self, worker: Worker, url: str) -> None:
        with httpx2.Client(base_url=url, timeout=60) as http:
            client = self.client(http)
            try:
                while True:
                    worker.step(client)
            except NoAnswer:
                return
            except AssertionError as fault:  # an answer that neither load nor crashes explain
                self.faults.append(f"{worker.name}: {fault}")

    def close(self) -> list[str]:
        """Recovers, deletes everything, sweeps past every lease; tells what is left."""
        with self.serving() as (_, url), httpx2.Client(base_url=url, timeout=60) as http:
            client = self.client(http)
            wrong = [one for worker in self.workers for one in worker.recover(client)]
            for worker in self.workers:
                worker.leave(client)
        with closing(open_store(self.settings)) as store:
            return wrong + _emptied(store, self.settings)


def _emptied(store: Store, settings: Settings) -> list[str]:
    start = store.database.clock()
    for hour in range(1, 9):
        store.database.clock = lambda hour=hour: start + timedelta(hours=hour)
        store.database.write(lambda tx: purge_deleted(tx, timedelta(0)))
        sweep(store.database, store.vault, settings, force=True)
    with store.database.read() as tx:
        rows = {
            table.name: tx.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (BINARIES, BLOB_KEYS)
        }
    left = [f"{count} rows of {name} are left" for name, count in rows.items() if count]
    return left + [f"object {key} is left" for key in store.vault.keys()]  # noqa: SIM118


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/healthz", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _kill(pid: int) -> None:
    """Returns when the process is gone, so that nothing of it can still happen."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    while _lives(pid):
        time.sleep(0.001)


@contextmanager
def sites(nursery: Nursery, rng: random.Random, swift: bool) -> Iterator[Iterator[Site]]:
    with running_swift() if swift else nullcontext() as account:

        def fresh() -> Iterator[Site]:
            while True:
                with TemporaryDirectory(prefix="kills-") as folder:
                    environment = HURRIED | {"GQL_SERVICE_DATA_DIR": folder}
                    if account is not None:
                        environment |= {
                            "GQL_SERVICE_STORAGE_URL": f"s3://{account.bucket}/{Path(folder).name}",
                            "GQL_SERVICE_STORAGE_ENDPOINT": account.endpoint,
                            "GQL_SERVICE_STORAGE_ACCESS_KEY": account.access_key,
                            "GQL_SERVICE_STORAGE_SECRET_KEY": account.secret_key,
                        }
                    yield Site(nursery, environment, rng)

        yield fresh()


def run(trials: int, seed: int, swift: bool, minutes: float) -> int:
    rng = random.Random(seed)
    acknowledged: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    wrong: list[str] = []
    recoveries: list[float] = []
    stop = time.monotonic() + 60 * minutes
    nursery = Nursery()
    done = 0
    with sites(nursery, rng, swift) as fresh:
        while done < trials and time.monotonic() < stop:
            site = next(fresh)
            with site.serving() as (_, url):
                site.hire(url)
            for _ in range(min(TRIALS_PER_STORE, trials - done)):
                found, load, recovery = site.trial()
                done += 1
                recoveries.append(recovery)
                wrong += found
                total = sum(sum(w.acknowledged.values()) for w in site.workers)
                verdict = "; ".join(found) or "ok"
                print(f"{done:5} killed after {load:.3f} s, {total:5} acknowledged: {verdict}")
                sys.stdout.flush()
            left = site.close()
            wrong += left
            print(f"      all deleted and swept: {'; '.join(left) or 'nothing is left'}")
            for worker in site.workers:
                acknowledged += worker.acknowledged
                refused += worker.refused
    nursery.close()
    _summary(done, acknowledged, refused, recoveries, wrong)
    return 1 if wrong else 0


def _summary(
    done: int,
    acknowledged: Counter[str],
    refused: Counter[str],
    recoveries: list[float],
    wrong: list[Any],
) -> None:
    ordered = sorted(recoveries)
    kinds = ", ".join(f"{count} {what}" for what, count in acknowledged.most_common())
    print(f"{done} trials; acknowledged {sum(acknowledged.values())}: {kinds}")
    print(f"refused: {', '.join(f'{n} {what}' for what, n in refused.most_common()) or 'none'}")
    print(
        "from start to everything looked over: median "
        f"{ordered[len(ordered) // 2]:.2f} s, p99 {ordered[int(len(ordered) * 0.99)]:.2f} s"
    )
    print(f"lost or left: {len(wrong)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--swift", action="store_true", help="keep the files in Swift")
    parser.add_argument("--minutes", type=float, default=600, help="begin no new store after")
    given = parser.parse_args()
    print(f"# {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.platform()}")
    print(f"# Python {platform.python_version()}, {os.cpu_count()} cores, {vars(given)}")
    print(f"# load {os.getloadavg()}")
    return run(given.trials, given.seed, given.swift, given.minutes)


if __name__ == "__main__":
    raise SystemExit(main())
