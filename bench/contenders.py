"""The servers that are measured: ours, and those that stand beside it, over the same store."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import sqlalchemy as sa

from bench import node
from bench.clone import view_of
from bench.load import Request
from bench.processes import Process, free_port, serving
from bench.questions import (
    PLAIN,
    POSTGRAPHILE,
    Right,
    in_sql,
    of_service,
    to_graphql,
)
from bench.store import Store
from gql_service.catalog.user import create_token
from gql_service.catalog.visibility import View
from gql_service.database.columns import FOREVER

OURS, BARE, STRAWBERRY = "ours", "bare handler", "plain Strawberry"
_NODE_PEERS = (
    ("PostGraphile 5", "postgraphile", POSTGRAPHILE),
    ("Mercurius", "mercurius", PLAIN),
)


@dataclass(frozen=True, slots=True)
class Contender:
    """A server, in one process or several, with the request for each question."""

    name: str
    processes: Sequence[Process]
    requests: Mapping[str, Request]

    def ports(self, processes: int) -> list[int]:
        return [process.port for process in self.processes[:processes]]


@dataclass(frozen=True, slots=True)
class Arena:
    """Where servers are started: over one store, each in so many processes."""

    store: Store
    processes: int
    stack: ExitStack

    def all(self) -> list[Contender]:
        """Every server that can run here; each has answered all questions rightly."""
        right = Right(self.store.stage.items)
        view = view_of(self.store, self.store.stage.dataset)
        key = self._key_of(view, right.paths["item"][0])
        started = [self._ours(right, key), self._bare(right, view, key)]
        started.append(self._plain(right, view, key))
        if self.store.postgres:
            started += self._node_peers(right, view, key)
        for contender in started:
            for question, request in contender.requests.items():
                for process in contender.processes:
                    right.check(question, process.port, request)
        return started

    def _ours(self, right: Right, key: int) -> Contender:
        stage = self.store.stage
        token = self.store.database.write(
            lambda tx: create_token(tx, stage.actor, "bench"), actor=stage.actor
        )
        environment = {
            "GQL_SERVICE_DATABASE_URL": self._url,
            "GQL_SERVICE_DATA_DIR": self.stack.enter_context(tempfile.TemporaryDirectory()),
        }
        processes = []
        for _ in range(self.processes):
            port = free_port()
            environment["GQL_SERVICE_PORT"] = str(port)
            command = [sys.executable, "-m", "gql_service", "serve"]
            processes.append(self.stack.enter_context(serving(command, port, environment)))
        words = of_service(stage.dataset, token)
        return Contender(OURS, processes, to_graphql(words, processes[0].port, right, key))

    def _bare(self, right: Right, view: View, key: int) -> Contender:
        statements = in_sql(view, right, key, postgres=self.store.postgres)
        by_path = {f"/{question}": sql for question, sql in statements.items()}
        processes = self._python("bare_handler", self._url, json.dumps(by_path))
        return Contender(BARE, processes, {name: Request(f"/{name}") for name in statements})

    def _plain(self, right: Right, view: View, key: int) -> Contender:
        processes = self._python("plain_strawberry", self._url, str(view.line))
        requests = to_graphql(PLAIN, processes[0].port, right, key)
        return Contender(STRAWBERRY, processes, requests)

    def _node_peers(self, right: Right, view: View, key: int) -> list[Contender]:
        tables = (node.PEERS / "tables.sql").read_text()
        tables = tables.replace(":line", str(view.line)).replace(":forever", str(FOREVER))
        self.store.bare.connection.execute(tables.encode())
        found = []
        for name, package, words in _NODE_PEERS:
            refusal = node.refusal(package)
            if refusal is not None:
                print(f"SKIPPED: {name}: {refusal}", file=sys.stderr, flush=True)
                continue
            processes = self._node(package)
            requests = to_graphql(words, processes[0].port, right, key)
            found.append(Contender(name, processes, requests))
        return found

    def _python(self, module: str, *arguments: str) -> list[Process]:
        started = []
        for _ in range(self.processes):
            port = free_port()
            command = [sys.executable, "-m", f"bench.peers.{module}", str(port), *arguments]
            started.append(self.stack.enter_context(serving(command, port)))
        return started

    def _node(self, package: str) -> list[Process]:
        address = sa.make_url(self._url)
        folder, database = str(address.query["host"]), str(address.database)
        started = []
        for _ in range(self.processes):
            port = free_port()
            command = ["node", str(node.PEERS / f"{package}.js"), str(port), folder, database]
            environment = {"NODE_ENV": "production"}
            started.append(self.stack.enter_context(serving(command, port, environment)))
        return started

    @property
    def _url(self) -> str:
        url = self.store.database.engine.url.set(
            drivername="postgresql" if self.store.postgres else "sqlite"
        )
        return url.render_as_string(hide_password=False)

    def _key_of(self, view: View, path: str) -> int:
        found = self.store.bare.value(
            f"SELECT key FROM item_states WHERE line = {view.line} AND path = ?", path
        )
        return int(found)
