"""OpenStack Swift with its S3 API as one process: account, container, object and proxy server.

    python swift_server.py <folder>

Keeps everything below the folder, listens on free ports of the loopback interface, prints the
address of the S3 API as its first line, and ends when its standard input does. It is the real
thing: objects are files with their checksums, signatures are checked.
"""

# ruff: noqa: E402  (Swift wants eventlet's sockets before anything else is imported)

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import eventlet

eventlet.monkey_patch()

import eventlet.wsgi
from swift.common import storage_policy, utils, wsgi
from swift.common.ring import RingBuilder
from swift.common.storage_policy import StoragePolicy, StoragePolicyCollection

ACCOUNT, SECRET, BUCKET = "test:tester", "testing", "vault"
DEVICE = "disk"
SERVERS = {"account": "account", "container": "container", "object": "object"}

_PROXY = f"""
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck listing_formats s3api tempauth bulk slo proxy-server

[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
node_timeout = 30
client_timeout = 30

[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
max_upload_part_num = 10000

[filter:tempauth]
use = egg:swift#tempauth
user_{ACCOUNT.replace(":", "_")} = {SECRET} .admin
"""

_STORAGE = """
[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
devices = {devices}
mount_check = false
fallocate_reserve = 0
"""


class _Silence:
    """Where the servers may write their lines about each request."""

    def write(self, _line: str) -> None:
        pass

    def flush(self) -> None:
        pass


def _ring(folder: Path, kind: str, port: int) -> None:
    builder = RingBuilder(1, 1, 0)
    place = {"id": 0, "region": 1, "zone": 1, "weight": 1.0, "device": DEVICE}
    network = {"ip": "127.0.0.1", "port": port}
    replication = {"replication_ip": "127.0.0.1", "replication_port": port}
    builder.add_dev(place | network | replication)
    builder.rebalance()
    builder.get_ring().save(str(folder / f"{kind}.ring.gz"))


def _serve(socket: Any, folder: Path, name: str, text: str) -> None:
    file = folder / f"{name}.conf"
    file.write_text(f"[DEFAULT]\nswift_dir = {folder}\nlog_level = CRITICAL\n{text}")
    app = wsgi.loadapp(str(file))
    eventlet.spawn(eventlet.wsgi.server, socket, app, log=_Silence(), debug=False, keepalive=True)


def main(folder: Path) -> None:
    devices = folder / "devices"
    (devices / DEVICE).mkdir(parents=True)
    utils.HASH_PATH_SUFFIX = b"tests"
    # Without a /etc/swift there is one policy; its ring is looked for in our folder.
    storage_policy._POLICIES = StoragePolicyCollection([StoragePolicy(0, "one", True)])
    for kind in SERVERS:
        socket = eventlet.listen(("127.0.0.1", 0))
        _ring(folder, kind, socket.getsockname()[1])
        _serve(socket, folder, kind, _STORAGE.format(kind=kind, devices=devices))
    proxy = eventlet.listen(("127.0.0.1", 0))
    _serve(proxy, folder, "proxy", _PROXY)
    sys.stdout.write(f"http://127.0.0.1:{proxy.getsockname()[1]}\n")
    sys.stdout.flush()
    eventlet.tpool.execute(sys.stdin.buffer.read)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
