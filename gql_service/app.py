"""Wires one service from its settings; the only file that knows every room."""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import anyio
from starlette.applications import Starlette

from gql_service.api.application import application
from gql_service.api.context import Backend
from gql_service.api.grants import SECRET_BYTES, Grants
from gql_service.api.stopping import Stopping
from gql_service.catalog.permission import TokenScope
from gql_service.catalog.project import project_by_name
from gql_service.catalog.user import create_token, create_user, first_admin, user_by_email
from gql_service.database import migrate as migrations
from gql_service.database.engine import Clock, Database, Tx, utc_now
from gql_service.errors import Conflict, Invalid, NotFound, ServiceError
from gql_service.jobs.background import Background
from gql_service.settings import Settings
from gql_service.vault.contract import Vault
from gql_service.vault.disk import DiskVault
from gql_service.vault.s3_signing import Account
from gql_service.versions.flatten import Limits, due_datasets, flatten
from gql_service.versions.index_filling import due_indexes, tend_indexes

THREADS = 8
"""Transactions at once in one process: enough that slow ones leave room for others, and few enough
that they do not fight for the interpreter, which made 24 of them slower than four."""

ADMIN_NAME, ADMIN_EMAIL, ADMIN_TOKEN = "Admin", "admin@localhost", "first start"


@dataclass(frozen=True, slots=True)
class Store:
    """Rows and bytes, ready to be used."""

    settings: Settings
    database: Database
    vault: Vault

    def close(self) -> None:
        self.database.close()


@dataclass(frozen=True, slots=True)
class Service:
    """A store with its ASGI application. `token_file` holds the admin's token, if we made one."""

    settings: Settings
    database: Database
    vault: Vault
    asgi: Starlette
    stopping: Stopping
    token_file: Path
    flattener: Background
    """Runs while the service is served; `serve` starts it."""

    def close(self) -> None:
        self.flattener.close()
        self.database.close()


def open_store(settings: Settings, *, clock: Clock = utc_now, migrate: bool = False) -> Store:
    """The rows and bytes that the settings name.

    An embedded database is ours alone and is migrated; another one only with `migrate`. Raises
    SchemaTooNew when a newer release wrote it, ServiceError when it has to be migrated first.
    """
    database = Database(settings.resolved_database_url, clock=clock)
    try:
        if settings.embedded or migrate:
            migrations.upgrade(database)
        elif migrations.pending(database):
            raise ServiceError(
                "The database is not at the schema of this release; run: gql-service migrate"
            )
        return Store(settings, database, open_vault(settings))
    except BaseException:
        database.close()
        raise


def open_vault(settings: Settings) -> Vault:
    """Where the settings say that the bytes are: a folder, or an S3-compatible store.

    Raises Invalid when a store is named that cannot be opened, StorageUnavailable when it does not
    answer.
    """
    if settings.storage_url is None:
        return DiskVault(settings.data_dir / "files")
    try:
        # Only who keeps files in a store has the library for it, and waits for it to load.
        s3 = importlib.import_module("gql_service.vault.s3")
    except ModuleNotFoundError as missing:
        raise Invalid("Storage in S3 needs: pip install 'gql-service[s3]'") from missing
    if settings.storage_access_key is None or settings.storage_secret_key is None:
        raise Invalid("Storage in S3 needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    bucket, _, prefix = settings.storage_url.removeprefix("s3://").partition("/")
    token = settings.storage_session_token
    account = Account(
        endpoint=settings.resolved_storage_endpoint,
        bucket=bucket,
        region=settings.storage_region,
        access_key=settings.storage_access_key,
        secret_key=settings.storage_secret_key.get_secret_value(),
        session_token=None if token is None else token.get_secret_value(),
    )
    vault = s3.S3Vault(account, prefix)
    vault.check()
    return cast("Vault", vault)


def build(settings: Settings, *, clock: Clock = utc_now, first: bool = True) -> Service:
    """A service that can be served. Raises as `open_store`.

    Where there is no user yet it makes an admin, and writes a token of theirs to
    `<data_dir>/admin-token`, which nobody else on the machine may read; not the workers, before
    which somebody was `first`.
    """
    store = open_store(settings, clock=clock)
    try:
        token_file = settings.data_dir / "admin-token"
        if first:
            _make_admin(store.database, token_file)
        threads, grants = anyio.CapacityLimiter(THREADS), Grants(_grant_secret(settings))
        backend = Backend(settings, store.database, store.vault, threads, grants=grants)
        asgi, flattener = application(backend), _flattener(store)
        stopping = backend.stopping
        return Service(settings, store.database, store.vault, asgi, stopping, token_file, flattener)
    except BaseException:
        store.close()
        raise


def _flattener(store: Store) -> Background:
    """Flattens what a commit of this process, or of one that has died, has left too high, and
    fills the metadata indexes that it has left undone."""
    database, limits = store.database, Limits.of(store.settings)

    def left_over() -> list[int]:
        with database.read() as tx:
            return sorted({*due_datasets(tx, limits), *due_indexes(tx)})

    def work(dataset: int) -> None:
        flatten(database, dataset, limits, rest=background.rest)
        tend_indexes(database, dataset, rest=background.rest)

    background = Background("flatten", work, left_over)
    database.published = background.add
    return background


def _make_admin(database: Database, token_file: Path) -> None:
    def make(tx: Tx) -> None:
        if first_admin(tx) is not None:
            return
        try:
            admin = create_user(tx, ADMIN_NAME, ADMIN_EMAIL, admin=True)
        except Conflict:  # another process started at the same moment
            return
        # Before the commit: a token that nobody has would be lost, one that does not work yet
        # is written again at the next start.
        _write_secret(token_file, create_token(tx, admin, ADMIN_TOKEN))

    database.write(make)


def _grant_secret(settings: Settings) -> bytes:
    """What grants are signed with: the same for every process over this data folder."""
    if settings.grant_secret is not None:
        return settings.grant_secret.get_secret_value().encode()
    path = settings.data_dir / "grant-secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        if not path.exists():
            _write_secret(fresh, secrets.token_hex(SECRET_BYTES))
            with suppress(FileExistsError):  # another process was first
                os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    return path.read_text("utf-8").strip().encode()


def _write_secret(path: Path, text: str) -> None:
    """Writes a file that only we can read, from the moment it exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def user_named(store: Store, email: str | None) -> int:
    """The user with this e-mail address, or the first admin. Raises NotFound."""
    with store.database.read() as tx:
        found = first_admin(tx) if email is None else user_by_email(tx, email)
    if found is None:
        raise NotFound(f"There is no user {email}" if email else "There is no user yet")
    return found.id


def issue_token(
    store: Store,
    email: str,
    name: str,
    lasting: timedelta,
    *,
    scopes: Collection[TokenScope],
    names: Collection[str] | None,
) -> str:
    """The text of a new token of this user, for these of their projects or for all. Raises
    NotFound, also for a project of others, and as `create_token`."""
    owner = user_named(store, email)

    def make(tx: Tx) -> str:
        reach = [_project_named(tx, one) for one in names] if names else None
        return create_token(tx, owner, name, tx.now + lasting, scopes=scopes, projects=reach)

    return store.database.write(make, actor=owner)


def _project_named(tx: Tx, name: str) -> int:
    found = project_by_name(tx, name)
    if found is None:
        raise NotFound(f"The user is a member of no project {name!r}")
    return found.id
