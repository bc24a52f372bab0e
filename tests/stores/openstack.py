"""A real S3-compatible server of this run: OpenStack Swift, in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from gql_service.vault.s3_signing import Account

SERVER = Path(__file__).with_name("swift_server.py")
BUCKET = "vault"


def is_installed() -> bool:
    return find_spec("swift") is not None


@contextmanager
def running_swift() -> Iterator[Account]:
    """A fresh server with one empty bucket, until the end of the block or of this process."""
    folder = Path(tempfile.mkdtemp(prefix="gql-swift-"))
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(SERVER), str(folder)],
        stdin=subprocess.PIPE,  # closed when we end, however we do
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().decode().strip()
        assert address, "Swift did not start: its words are above"
        account = Account(address, BUCKET, "us-east-1", "test:tester", "testing")
        make_bucket(account)
        yield account
    finally:
        process.communicate()
        shutil.rmtree(folder)


def make_bucket(account: Account) -> None:
    url = replace(account, bucket="").signed("PUT", account.bucket, {}, seconds=60)
    with urllib.request.urlopen(urllib.request.Request(url, method="PUT")) as answer:
        assert answer.status == 200
