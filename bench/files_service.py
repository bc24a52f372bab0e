"""The service as files are sent to it and asked of it, and what stands beside it."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from bench.load import Request, load
from bench.measure import Figure
from bench.processes import free_port, serving
from bench.store import Store
from gql_service.catalog.user import create_token

MIB = 1024 * 1024
CONNECTIONS = 16
Asked = tuple[Request, int]
"""What is asked of which port."""
_BLOCK = MIB
_NOISE = random.Random(7)


@dataclass(frozen=True, slots=True)
class Service:
    """A running service over a store, and somebody who may do everything there."""

    port: int
    token: str
    store: Store
    folder: Path
    """For files of the bench, on the same disk as the files of the service."""

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=600, blocksize=_BLOCK)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def put(self, connection: HTTPConnection, name: str, body: bytes | BinaryIO, size: int) -> str:
        """Uploads a file; the id of the upload."""
        headers = {**self.headers, "content-length": str(size)}
        connection.request("PUT", f"/uploads/{name}", body, headers)
        upload: str = json.loads(_body(connection, 201))["id"]
        return upload

    def ask(self, query: str, **variables: Any) -> Any:
        connection = self.connect()
        body = json.dumps({"query": query, "variables": variables})
        headers = {**self.headers, "content-type": "application/json"}
        connection.request("POST", "/graphql", body, headers)
        answer = json.loads(_body(connection, 200))
        connection.close()
        if "errors" in answer:
            raise RuntimeError(str(answer["errors"]))
        return answer["data"]

    def with_items(self, name: str, files: Sequence[bytes]) -> list[dict[str, str]]:
        """A new dataset with an item for each file; their `downloadUrl` and `thumbnailUrl`."""
        stage = self.store.stage
        made = self.ask(
            """mutation ($input: CreateDatasetInput!) { createDataset(input: $input) {
              ... on CreateDatasetSuccess { dataset { id } } } }""",
            input={
                "projectId": f"pr_{stage.project}",
                "recipeId": f"re_{stage.recipe}",
                "name": name,
            },
        )
        dataset = made["createDataset"]["dataset"]["id"]
        connection = self.connect()
        items = []
        for number, content in enumerate(files):
            upload = self.put(connection, f"{number}", content, len(content))
            items.append({"uploadId": upload, "path": f"/{number:05}.jpg"})
        connection.close()
        added = self.ask(
            """mutation ($input: AddItemsInput!) { addItems(input: $input) {
              ... on AddItemsSuccess { added } } }""",
            input={"datasetId": dataset, "items": items},
        )
        if added["addItems"].get("added") != len(items):
            raise RuntimeError(f"Not all items were added: {added}")
        found = self.ask(
            """query ($id: ID!) { items(datasetId: $id, first: 500) {
              nodes { binary { downloadUrl } thumbnailUrl } } }""",
            id=dataset,
        )
        return [
            {"file": one["binary"]["downloadUrl"], "thumbnail": one["thumbnailUrl"]}
            for one in found["items"]["nodes"]
        ]


@contextmanager
def service_over(store: Store) -> Iterator[Service]:
    """Serves the store's database, with files in a folder of their own on the disk."""
    stage = store.stage
    token = store.database.write(
        lambda tx: create_token(tx, stage.actor, "bench"), actor=stage.actor
    )
    url = store.database.engine.url.set(
        drivername="postgresql" if store.postgres else "sqlite"
    ).render_as_string(hide_password=False)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "GQL_SERVICE_DATABASE_URL": url,
            "GQL_SERVICE_DATA_DIR": str(Path(folder) / "data"),
            "GQL_SERVICE_PORT": str(port),
            "GQL_SERVICE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        with serving([sys.executable, "-m", "gql_service", "serve"], port, environment):
            yield Service(port, token, store, Path(folder))


@contextmanager
def bare_files(folder: Path) -> Iterator[int]:
    """A server that sends the files of a folder, and knows nothing of anybody; its port."""
    port = free_port()
    command = [sys.executable, "-m", "bench.peers.bare_files", str(port), str(folder)]
    with serving(command, port):
        yield port


def noise(size: int) -> bytes:
    """Bytes that nobody has seen before."""
    return _NOISE.randbytes(16) + _NOISE.randbytes(min(size, MIB)) * (size // MIB + 1)


def noisy_file(path: Path, mebibytes: int) -> Path:
    """A file of so many mebibytes, each of which is another one."""
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(_NOISE.randbytes(MIB))
    return path


def picture(width: int, height: int) -> bytes:
    """A JPEG that compresses like a photograph: large shapes with a grain."""
    small = Image.frombytes("RGB", (32, 24), _NOISE.randbytes(32 * 24 * 3))
    drawn = small.resize((width, height), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    drawn.save(file, "JPEG", quality=90)
    return file.getvalue()


def hashed_by_the_shell(path: Path) -> None:
    """`dd | sha256sum`: what reading and hashing a file costs without a network or a disk."""
    dd, sha256sum = shutil.which("dd"), shutil.which("sha256sum")
    if dd is None or sha256sum is None:
        raise RuntimeError("dd and sha256sum are needed")
    command = [dd, f"if={path}", "bs=1M"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reading:
        subprocess.run([sha256sum], stdin=reading.stdout, stdout=subprocess.DEVNULL, check=True)


def _body(connection: HTTPConnection, status: int) -> bytes:
    response = connection.getresponse()
    body = response.read()
    if response.status != status:
        raise RuntimeError(f"{response.status}: {body[:300]!r}")
    return body


def rates(name: str, runs: int, seconds: float, ours: Asked, floor: Asked) -> Figure:
    """Requests a second over `CONNECTIONS`, of the service and of a server of files in turns."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for into, (request, port) in zip(taken, (ours, floor), strict=True):
            into.append(load(request, [port], CONNECTIONS, seconds).rate)
    own, bare = map(tuple, taken)
    return Figure(name, 1, "requests/s", own, bare, "sends a file of a folder")
