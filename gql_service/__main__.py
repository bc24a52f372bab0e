"""The command line: serve, demo, import, export, schema, migrate, token, verify, sweep, settings.

Every refusal is one line on standard error and an exit code: 1 for a refusal or a finding, 2 for
wrong usage, 130 for Ctrl-C. Whatever is interrupted leaves nothing half-done.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, fields
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from gql_service import logs
from gql_service.api.schema import printed_schema
from gql_service.app import Service, build, issue_token, open_store
from gql_service.catalog.binary_audit import corrupt_count, mark_damaged
from gql_service.catalog.permission import TokenScope
from gql_service.catalog.sweep import sweep as sweep_binaries
from gql_service.catalog.sweep_totals import add_sweep
from gql_service.catalog.user import ALL_SCOPES, create_user
from gql_service.database import migrate as migrations
from gql_service.demo.session import play_demo
from gql_service.errors import ServiceError
from gql_service.serve import greeting, listen, running, serve_on, url_of
from gql_service.settings import Settings
from gql_service.settings_table import Setting, settings_table
from gql_service.sweeping import index_lines, pile_lines, sweep_lines
from gql_service.terminal import err, out, progress, table_of_texts
from gql_service.transferring import export_dataset, import_source
from gql_service.versions.flatten import Limits
from gql_service.versions.retention import purge_deleted
from gql_service.versions.verify import verify_store
from gql_service.workers import supervise

cli = typer.Typer(
    help="A GraphQL API for versioned machine-learning datasets. "
    "Settings are read from GQL_SERVICE_* environment variables.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_INTERRUPTED = 130
SCHEMA_FILE = Path("schema.graphql")


class _Stopped(SystemExit):
    """A server was stopped by Ctrl-C, which is how it is meant to end."""


@contextmanager
def _until_stopped() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise _Stopped(_INTERRUPTED) from None


def main() -> None:
    """The console script."""
    try:
        cli()
    except ServiceError as refusal:
        _fail(refusal.message)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = "_".join(map(str, first["loc"])).upper()
        named = name if name.startswith(("GQL_SERVICE_", "AWS_")) else f"GQL_SERVICE_{name}"
        _fail(f"{named}: {first['msg']}")
    except SQLAlchemyError as trouble:
        _fail(f"The database: {str(trouble).splitlines()[0]}")
    except OSError as trouble:
        _fail(
            f"{trouble.strerror}: {trouble.filename}" if trouble.filename else f"{trouble.strerror}"
        )
    except _Stopped:
        raise
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # typer has made this of a KeyboardInterrupt
            _fail("Interrupted; nothing was left half-done", code=_INTERRUPTED)
        raise


def _fail(message: str, *, code: int = 1) -> None:
    err.print(message, style="red", markup=False)
    sys.exit(code)


@cli.command()
def serve(
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that serve, on PostgreSQL.")
    ] = None,
) -> None:
    """Serve the API until Ctrl-C. An embedded database is migrated first."""
    settings = Settings() if workers is None else Settings(workers=workers)
    if settings.workers > 1 and settings.embedded:
        raise ServiceError(
            "Several workers need PostgreSQL (GQL_SERVICE_DATABASE_URL); on SQLite one serves"
        )
    logs.configure(settings.log_level)
    service = build(settings)
    try:
        listener = listen(settings)
        url = url_of(listener) if settings.port == 0 else None  # only the socket knows it then
        _announce(service, url=url)
        if settings.workers == 1:
            told = serve_on(service, listener)
        else:
            service.close()  # its connections are not for other processes
            told = supervise(settings, listener)
    finally:
        service.close()
    if told == signal.SIGINT:
        raise _Stopped(_INTERRUPTED)


@cli.command("settings")
def show_settings(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with descriptions.")] = False,
) -> None:
    """Show every setting, its value, and where that comes from. Secrets are hidden."""
    found = settings_table(Settings())
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    out.print(table_of_texts(("setting", "value", "from"), map(Setting.told, found)))


@cli.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the story.")] = False,
) -> None:
    """Import real images, play the main job once, and keep serving."""
    service = build(Settings())
    with running(service) as server:
        with progress("demo") as advance:
            story = play_demo(service, server.url, advance)
        for number, line in enumerate(story, 1):
            out.print(f"{number}. {line}", markup=False)
        _announce(service, url=server.url)
        if not once:
            with _until_stopped():
                server.wait()


cli.command("import")(import_source)
cli.command("export")(export_dataset)


@cli.command()
def schema(
    check: Annotated[
        bool, typer.Option("--check", help="Compare with schema.graphql instead of printing.")
    ] = False,
) -> None:
    """Print the GraphQL schema."""
    printed = printed_schema()
    if not check:
        typer.echo(printed, nl=False)
    elif not SCHEMA_FILE.is_file() or SCHEMA_FILE.read_text(encoding="utf-8") != printed:
        _fail("schema.graphql is not the printed schema: gql-service schema > schema.graphql")


@cli.command()
def migrate() -> None:
    """Bring the database to this release's schema. Refuses one of a newer release."""
    with closing(open_store(Settings(), migrate=True)) as store:
        out.print(f"The database is at revision {migrations.current_revision(store.database)}")


@cli.command()
def token(
    email: Annotated[str, typer.Argument(help="Whose token; the user must exist, or --create.")],
    name: Annotated[str, typer.Option(help="What the token is for.")] = "command line",
    create: Annotated[str | None, typer.Option(help="Make the user, with this name.")] = None,
    scope: Annotated[
        list[TokenScope] | None,
        typer.Option(help="What it may be used for at most; may be repeated. All, if not given."),
    ] = None,
    project: Annotated[
        list[str] | None,
        typer.Option(help="Name of a project it is good for; may be repeated. All, if not given."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="After how many days it ends.")
    ] = None,
) -> None:
    """Make an API token and print it, once."""
    settings = Settings()
    with closing(open_store(settings)) as store:
        if create is not None:
            store.database.write(lambda tx: create_user(tx, create, email))
        end = timedelta(days=days or settings.token_days)
        typer.echo(issue_token(store, email, name, end, scopes=scope or ALL_SCOPES, names=project))


@cli.command()
def verify(
    deep: Annotated[bool, typer.Option("--deep", help="Read and hash every binary.")] = False,
) -> None:
    """Prove every invariant of the store; exit code 1 when one does not hold.

    With --deep, binaries whose bytes are bad are marked: uploading the same files heals them.
    """
    with closing(open_store(Settings())) as store:
        with progress("verifying") as advance:
            findings = verify_store(store.database, store.vault, deep=deep, progress=advance)
        if deep and findings:
            store.database.write(lambda tx: mark_damaged(tx, findings))
        with store.database.read() as tx:
            corrupt = corrupt_count(tx)
    if corrupt:
        out.print(f"{corrupt} binaries are corrupt; uploading the same files again heals them")
    for finding in findings:
        err.print(f"{finding.invariant}: {finding.detail}", style="red", markup=False)
    if findings:
        sys.exit(1)
    out.print("Every invariant holds")


@cli.command()
def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also when much would go.")] = False,
) -> None:
    """Let versions and items expire, purge datasets deleted long ago, flatten what lies on too
    much, and free the bytes that nothing holds."""
    settings = Settings()
    with closing(open_store(settings)) as store:
        for line in sweep_lines(store.database, dry_run=dry_run):
            out.print(line, markup=False)
        if not dry_run:
            kept = timedelta(days=settings.dataset_retention_days)
            purge = store.database.write(lambda tx: purge_deleted(tx, kept))
            out.print(f"datasets purged: {purge.datasets}")
        for line in pile_lines(store.database, Limits.of(settings), dry_run=dry_run):
            out.print(line, markup=False)
        for line in index_lines(store.database, dry_run=dry_run):
            out.print(line, markup=False)
        report = sweep_binaries(store.database, store.vault, settings, dry_run=dry_run, force=force)
        if not dry_run:
            add_sweep(settings.data_dir, report)
        for item in fields(report):
            out.print(f"{item.name.replace('_', ' ')}: {getattr(report, item.name)}", markup=False)


def _announce(service: Service, *, url: str | None = None) -> None:
    for line in greeting(service, url=url, to_a_person=out.is_terminal):
        out.print(line, markup=False)
    sys.stdout.flush()  # a file or a pipe would keep it until the server ends


if __name__ == "__main__":
    main()
