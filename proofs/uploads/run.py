"""Large uploads through a real server: memory, breaks, kills, and what is left of those given up.

uv run python -m proofs.uploads.run put --gib 10
uv run python -m proofs.uploads.run tus --gib 1
uv run python -m proofs.uploads.run abort --count 1000
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tusclient.client import TusClient

from tests.cutting import cutting
from tests.processes import Served, serving, until

MIB = 1024 * 1024
GIB = 1024 * MIB
CREATE = 'mutation { createProject(input: {name: "p"}) { __typename } }'


class Pattern:
    """A file of so many bytes that is nowhere: every mebibyte of it is another one."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._block = random.Random(size).randbytes(MIB)

    def block(self, number: int) -> bytes:
        return number.to_bytes(8, "big") + self._block[8:]

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for number in range(self.size // MIB):
            digest.update(self.block(number))
        return digest.hexdigest()


def peak(pid: int) -> int:
    """The most memory that the process has had, in KiB."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def tell(**said: object) -> None:
    print(json.dumps({"at": time.strftime("%H:%M:%S"), **said}), flush=True)


@contextmanager
def server(**settings: str) -> Iterator[Served]:
    folder = Path(tempfile.mkdtemp(prefix="uploads-"))
    home = Path.cwd()
    os.chdir(folder)
    try:
        with serving(log_level="warning", **settings) as served:
            served.ask(CREATE)
            tell(started=served.url, rss_kib=_status(served.process.pid, "VmRSS"))
            yield served
    finally:
        os.chdir(home)
        shutil.rmtree(folder)


def put(gib: float) -> None:
    """One PUT; the server's memory at its highest, and the digest of what it has stored."""
    file = Pattern(int(gib * 1024) * MIB)
    with server() as served:
        beginning = head(served, "PUT", "/uploads/large.bin", file.size, "connection: close")
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall(beginning)
            for number in range(file.size // MIB):
                connection.sendall(file.block(number))
                if number % 1024 == 1023:
                    tell(sent_mib=number + 1, peak_kib=peak(served.process.pid))
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        seconds = time.monotonic() - begun
        told = json.loads(answer.partition(b"\r\n\r\n")[2])
        high = peak(served.process.pid)
        tell(seconds=round(seconds, 1), mib_per_s=round(file.size / MIB / seconds), peak_kib=high)
        same = told["sha256"] == file.sha256()
        tell(sha256=told["sha256"], same=same, peak_at_most_150_mb=high * 1024 <= 150_000_000)
        assert same and told["length"] == file.size and high * 1024 <= 150_000_000


def tus(gib: float) -> None:
    """`tuspy` through a connection that is reset three times."""
    size = int(gib * GIB)
    content = random.Random(1).randbytes(MIB) * (size // MIB)
    with server() as served, tempfile.TemporaryFile() as stream:
        stream.write(content)
        cuts = [int(size * share) for share in (0.2, 0.5, 0.8)]
        with cutting(served.port, list(cuts)) as proxy:
            base = f"http://127.0.0.1:{proxy.port}/uploads"
            client = TusClient(base, headers={"authorization": f"Bearer {served.token}"})
            uploader = client.uploader(
                file_stream=stream, chunk_size=64 * MIB, retries=30, retry_delay=0
            )
            path = urllib.parse.urlsplit(uploader.create_url()).path
            uploader.set_url(f"http://127.0.0.1:{proxy.port}{path}")
            uploader.offset = 0
            begun = time.monotonic()
            uploader.upload()
            seconds = time.monotonic() - begun
            told = fetched(served, path)
            tell(
                cuts=cuts,
                cuts_left=proxy.cuts,
                carried_mib=round(proxy.sent / MIB, 1),
                seconds=round(seconds, 1),
                mib_per_s=round(size / MIB / seconds),
                peak_kib=peak(served.process.pid),
            )
        same = told["sha256"] == hashlib.sha256(content).hexdigest()
        tell(sha256=told["sha256"], same=same)
        assert same and not proxy.cuts


def fetched(served: Served, path: str) -> dict[str, str]:

    headers = {"authorization": f"Bearer {served.token}"}
    with urllib.request.urlopen(
        urllib.request.Request(served.url + path, headers=headers), timeout=60
    ) as answer:
        told: dict[str, str] = json.load(answer)
        return told


def abort(count: int) -> None:
    """So many that break off: half by PUT, half in pieces; then their time passes, and a sweep."""
    lasting = {"upload_lease_hours": "0.01", "sweep_delete_delay_hours": "0"}
    with server(max_open_uploads_per_token=str(count), **lasting) as served:
        pid, files = served.process.pid, Path("data/files")
        before = figures(pid, files)
        tell(before=before)
        for begun in range(0, count // 2, 10):
            for number in range(begun, min(begun + 10, count // 2)):
                break_off(served, "PUT", f"/uploads/{number}")
                break_off(served, "PATCH", opened(served), "upload-offset: 0")
        tell(broken_off=count, **figures(pid, files), rows=rows())
        until(lambda: figures(pid, files)["descriptors"] <= before["descriptors"] + 4)
        tell(waiting_for=36, **figures(pid, files), rows=rows())
        time.sleep(37)
        for _ in range(2):
            swept()
        time.sleep(37)  # until no late write can bring an object back
        swept()
        tell(after=figures(pid, files), rows=rows())
        assert rows() == {"uploads": 0, "upload_parts": 0, "blob_keys": 0}
        assert figures(pid, files)["files"] == 0


def opened(served: Served) -> str:
    answer = asked(served, "POST", "/uploads", 0, f"upload-length: {2 * MIB}")
    location = next(line for line in answer.splitlines() if line.startswith("location:"))
    return urllib.parse.urlsplit(location.split()[1]).path


def break_off(served: Served, method: str, path: str, *headers: str) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head(served, method, path, 2 * MIB, *headers) + bytes(MIB + 1000))
        time.sleep(0.01)


def asked(served: Served, method: str, path: str, length: int, *headers: str) -> str:
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head(served, method, path, length, *headers, "connection: close"))
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def head(served: Served, method: str, path: str, length: int, *headers: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "host: x",
        f"authorization: Bearer {served.token}",
        "tus-resumable: 1.0.0",
        "content-type: application/offset+octet-stream",
        f"content-length: {length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def figures(pid: int, files: Path) -> dict[str, int]:
    found = [path for path in files.rglob("*") if path.is_file()]
    return {
        "rss_kib": _status(pid, "VmRSS"),
        "threads": _status(pid, "Threads"),
        "descriptors": descriptors(pid),
        "files": len(found),
        "bytes": sum(path.stat().st_size for path in found),
    }


def descriptors(pid: int) -> int:
    """Those of connections and files; the database's stay in its pool, of 30 at most."""
    folder = Path(f"/proc/{pid}/fd")
    found = [os.readlink(one) for one in folder.iterdir() if one.is_symlink()]
    return sum(".sqlite3" not in one for one in found)


def rows() -> dict[str, int]:
    with closing(sqlite3.connect("data/gql-service.sqlite3")) as database:
        return {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("uploads", "upload_parts", "blob_keys")
        }


def swept() -> None:
    subprocess.run(
        [sys.executable, "-m", "gql_service", "sweep"],
        env={
            **os.environ,
            "GQL_SERVICE_UPLOAD_LEASE_HOURS": "0.01",
            "GQL_SERVICE_SWEEP_DELETE_DELAY_HOURS": "0",
        },
        stdout=subprocess.DEVNULL,
        check=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["put", "tus", "abort"])
    parser.add_argument("--gib", type=float, default=1)
    parser.add_argument("--count", type=int, default=1000)
    given = parser.parse_args()
    match given.what:
        case "put":
            put(given.gib)
        case "tus":
            tus(given.gib)
        case "abort":
            abort(given.count)


if __name__ == "__main__":
    main()
