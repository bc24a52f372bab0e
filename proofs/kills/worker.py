"""Somebody who changes datasets of their own over HTTP, and remembers what was acknowledged.

What was asked and not answered is asked again after the crash, with the same idempotency key: then
it has been done once, whether it had been done before the crash or not. So that after it, what the
service shows must be exactly what is remembered.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import httpx2

from tests.api.client import Client

CONTENTS = [bytes([number]) * (40 + 7_000 * number) for number in range(12)]
"""Few, so that uploads meet sweeps of the same bytes all the time."""
MOST_DATASETS = 5
MOST_ITEMS = 30
HARMLESS = {"BUSY", "CONFLICT", "TIMEOUT"}
_ITEMS = (
    "query ($id: ID!) { items(datasetId: $id, first: 500)"
    " { nodes { id path downloadUrl binary { sha256 } } } }"
)

Items = dict[str, str]
"""SHA-256 by path."""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Worker:
    """One at a time: `step` until the server is gone, then `recover` with the next one."""

    name: str
    project: str
    recipe: str
    rng: random.Random
    datasets: dict[str, Items] = field(default_factory=dict)
    acknowledged: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    pending: tuple[str, Callable[[Client], None]] | None = None
    numbers: Any = field(default_factory=count)

    def step(self, client: Client) -> None:
        """One change; raises httpx2.HTTPError when there was no answer."""
        if self.pending is None:
            self.pending = self._choose()
        what, change = self.pending
        try:
            change(client)
            self.acknowledged[what] += 1
        except Refused as refusal:
            self.refused[f"{what} {refusal}"] += 1
        self.pending = None

    def recover(self, client: Client) -> list[str]:
        """Asks again what was not answered, and tells what is not as remembered."""
        if self.pending is not None:
            self.step(client)
        wrong = []
        for dataset, items in self.datasets.items():
            shown = _shown(client, dataset)
            if {node["path"]: node["binary"]["sha256"] for node in shown} != items:
                wrong.append(f"{self.name}: {dataset} does not show what was acknowledged")
            for node in self.rng.sample(shown, min(3, len(shown))):
                answer = client.get(node["downloadUrl"])
                if digest(answer.content) != node["binary"]["sha256"]:
                    wrong.append(f"{self.name}: {dataset} {node['path']}: {answer.status_code}")
        return wrong

    def leave(self, client: Client) -> None:
        """Deletes everything."""
        for dataset in list(self.datasets):
            self._delete_dataset(client, self._key(), dataset)

    def _choose(self) -> tuple[str, Callable[[Client], None]]:
        key = self._key()
        roomy = [one for one, items in self.datasets.items() if len(items) < MOST_ITEMS]
        full = [one for one, items in self.datasets.items() if items]
        if not self.datasets:
            return "create", partial(self._create, key=key)
        if len(self.datasets) >= MOST_DATASETS:
            chosen = self.rng.choice(list(self.datasets))
            return "delete", partial(self._delete_dataset, key=key, dataset=chosen)
        what = self.rng.choices(
            ["upload", "remove", "clone", "merge", "delete", "create"], [60, 16, 9, 7, 5, 3]
        )[0]
        if what == "upload" and roomy:
            files = [self._file() for _ in range(self.rng.randint(1, 4))]
            return what, partial(self._upload, key=key, dataset=self.rng.choice(roomy), files=files)
        if what == "remove" and full:
            return what, partial(self._remove, key=key, dataset=self.rng.choice(full))
        if what == "merge" and len(self.datasets) > 1:
            pair = self.rng.sample(list(self.datasets), 2)
            return what, partial(self._merge, key=key, pair=pair)
        if what == "delete":
            chosen = self.rng.choice(list(self.datasets))
            return what, partial(self._delete_dataset, key=key, dataset=chosen)
        if what == "create":
            return what, partial(self._create, key=key)
        chosen = self.rng.choice(list(self.datasets))
        return "clone", partial(self._clone, key=key, dataset=chosen)

    def _key(self) -> str:
        return f"{self.name}-{next(self.numbers)}"

    def _file(self) -> tuple[str, bytes]:
        return f"{self.name}-{next(self.numbers)}.bin", self.rng.choice(CONTENTS)

    def _create(self, client: Client, key: str) -> None:
        made = _changed(
            client,
            "createDataset",
            "dataset { id }",
            projectId=self.project,
            recipeId=self.recipe,
            name=key,
            idempotencyKey=key,
        )
        self.datasets[made["dataset"]["id"]] = {}

    def _upload(
        self, client: Client, key: str, dataset: str, files: list[tuple[str, bytes]]
    ) -> None:
        _accepted(client.upload(dataset, files, idempotencyKey=key))
        self.datasets[dataset] |= {f"/{name}": digest(content) for name, content in files}

    def _remove(self, client: Client, key: str, dataset: str) -> None:
        items = self.datasets[dataset]
        paths = sorted(items)[:: self.rng.randint(1, 3)]
        where = {"path": {"in": paths}}
        self.pending = "remove", partial(self._remove_paths, key=key, dataset=dataset, where=where)
        self._remove_paths(client, key, dataset, where)

    def _remove_paths(self, client: Client, key: str, dataset: str, where: Any) -> None:
        selection = {"where": where}
        _changed(client, "deleteItems", datasetId=dataset, selection=selection, idempotencyKey=key)
        for path in where["path"]["in"]:
            del self.datasets[dataset][path]

    def _clone(self, client: Client, key: str, dataset: str) -> None:
        made = _changed(
            client,
            "cloneDataset",
            "dataset { id }",
            datasetId=dataset,
            name=key,
            idempotencyKey=key,
        )
        self.datasets[made["dataset"]["id"]] = dict(self.datasets[dataset])

    def _merge(self, client: Client, key: str, pair: list[str]) -> None:
        """What a merge makes of them is for other proofs; here it must only stay as it was."""
        made = _changed(
            client,
            "mergeDatasets",
            "dataset { id }",
            datasetIds=pair,
            name=key,
            idempotencyKey=key,
        )
        dataset = made["dataset"]["id"]
        shown = _shown(client, dataset)
        self.datasets[dataset] = {node["path"]: node["binary"]["sha256"] for node in shown}

    def _delete_dataset(self, client: Client, key: str, dataset: str) -> None:
        _changed(client, "deleteDataset", datasetId=dataset, idempotencyKey=key)
        del self.datasets[dataset]


class Refused(Exception):
    """A refusal that load and crashes explain; it wrote nothing."""


def _shown(client: Client, dataset: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = client.run(_ITEMS, id=dataset)["items"]["nodes"]
    return nodes


def _changed(client: Client, mutation: str, fields: str = "__typename", **input: Any) -> Any:
    return _accepted(client.attempt(mutation, fields, **input))


def _accepted(result: Any) -> Any:
    if result["__typename"].endswith("Success"):
        return result
    if result["code"] in HARMLESS:
        raise Refused(f"{result['code']}: {result['message']}")
    raise AssertionError(result)


NoAnswer = httpx2.HTTPError
