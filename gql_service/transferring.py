"""The commands that bring datasets in and take them out, and what they say at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gql_service.api.ids import RecipeId, parse_as
from gql_service.api.inputs.item_queries import query_of
from gql_service.app import open_store, user_named
from gql_service.catalog.dataset import DatasetRecord
from gql_service.catalog.filters import ItemFilter
from gql_service.catalog.tag import tag_named
from gql_service.database.engine import Tx
from gql_service.errors import Invalid, NotFound, ServiceError
from gql_service.settings import Settings
from gql_service.terminal import out, progress
from gql_service.transfer.bundling import export_bundle, import_bundle
from gql_service.transfer.exporting import Chosen, export, outline
from gql_service.transfer.folder import class_names, find_files, import_files
from gql_service.transfer.formats import WAYS, Format
from gql_service.transfer.importing import plan_import, run_import
from gql_service.transfer.record import CHANGED, EXAMPLES, Report, Source, report_to
from gql_service.transfer.target import Target, dataset_of_target, prepare_target
from gql_service.versions.given import Outcome
from gql_service.versions.items import UploadMode

Project = Annotated[str, typer.Option(help="Name of the project.")]
Dataset = Annotated[str, typer.Option(help="Name of the dataset.")]
ReportFile = Annotated[
    Path | None, typer.Option("--report", help="File for all that was left out, as lines of JSON.")
]


def import_source(
    source: Annotated[Path, typer.Argument(help="Folder or file to import.")],
    project: Annotated[str, typer.Option(help="Name of the project; made when absent.")],
    dataset: Annotated[str, typer.Option(help="Name of the dataset; made when absent.")],
    format: Annotated[
        Format, typer.Option(help="Of `folder`, sub-folders name classes.")
    ] = Format.FOLDER,
    files: Annotated[
        Path | None, typer.Option(help="Folder of the files, where the format cannot know it.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Id of the recipe of a new dataset; else one is made.")
    ] = None,
    directory: Annotated[str, typer.Option(help="Directory of the items.")] = "/",
    classes: Annotated[
        bool, typer.Option(help="Of a folder: annotate with the name of the first sub-folder.")
    ] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files at taken paths; else skip them.")
    ] = False,
    report: ReportFile = None,
    user: Annotated[str | None, typer.Option(help="E-mail of who imports; the admin.")] = None,
    message: Annotated[str | None, typer.Option(help="Message of the version.")] = None,
) -> None:
    """Add what is in a folder or file to a dataset, as one version."""
    mode = UploadMode.OVERWRITE if overwrite else UploadMode.SKIP
    number = None if recipe is None else parse_as(RecipeId, recipe, ("recipe",)).key
    target = Target(project, dataset, number)
    absent = {"--files": files, "--recipe": recipe, "--report": report}
    if format is Format.BUNDLE:
        placed = {"--directory": None if directory == "/" else directory, "--message": message}
        changed = {"--overwrite": overwrite or None, "--no-classes": None if classes else False}
        _refuse({**absent, **placed, **changed}, format)
        _import_bundle(source, target, user)
        return
    if format is Format.FOLDER:
        _refuse(absent, format)
        _import_folder(source, target, directory, classes, mode, user, message)
        return
    _import_format(Source(source, files), format, target, directory, mode, report, user, message)


def _refuse(options: Mapping[str, object], format: Format) -> None:
    """Raises Invalid when an option is given that a format does nothing with."""
    if given := [name for name, value in options.items() if value is not None]:
        raise Invalid(f"{given[0]} is not for the format {format.value}")


def _import_bundle(source: Path, target: Target, user: str | None) -> None:
    with closing(open_store(Settings())) as store, progress("importing", None) as advance:
        arrived = import_bundle(
            store.database,
            store.vault,
            source,
            target,
            actor=user_named(store, user),
            lease=timedelta(hours=store.settings.upload_lease_hours),
            progress=advance,
        )
    made = f"; {arrived.users_made} users made, without access" if arrived.users_made else ""
    out.print(f"versions 1 to {arrived.head} of {target.dataset}{made}", markup=False)


def _import_format(
    source: Source,
    format: Format,
    target: Target,
    directory: str,
    mode: UploadMode,
    report: Path | None,
    user: str | None,
    message: str | None,
) -> None:
    read = WAYS[format].read
    assert read is not None, "every format but that of folders is read like this"
    with closing(open_store(Settings())) as store, report_to(report) as told:
        actor = user_named(store, user)
        try:
            found = read(source, told)
            with store.database.read(actor) as tx:
                plan = plan_import(tx, target, found, told, directory=directory, mode=mode)
        except ServiceError:
            _tell(told)  # often the reason why there is nothing to import
            raise
        with progress("importing", len(plan.records)) as advance:
            outcome = run_import(
                store.database,
                store.vault,
                target,
                plan,
                told,
                actor=actor,
                lease=timedelta(hours=store.settings.upload_lease_hours),
                mode=mode,
                message=message,
                progress=advance,
            )
    marks = sum(len(record.marks) for record in plan.records)
    out.print(f"{_outcome(outcome)}; {marks} annotations", markup=False)
    _tell(told)


def _import_folder(
    folder: Path,
    target: Target,
    directory: str,
    classes: bool,
    mode: UploadMode,
    user: str | None,
    message: str | None,
) -> None:
    files = find_files(folder, directory=directory, with_classes=classes)
    with closing(open_store(Settings())) as store:
        actor = user_named(store, user)
        names = class_names(files)
        number = store.database.write(
            lambda tx: prepare_target(tx, target.project, target.dataset, names), actor=actor
        )
        with progress("importing", len(files)) as advance:
            outcome = import_files(
                store.database,
                store.vault,
                number,
                files,
                actor=actor,
                lease=timedelta(hours=store.settings.upload_lease_hours),
                mode=mode,
                message=message,
                progress=lambda _size: advance(),
            )
        out.print(_outcome(outcome))


def export_dataset(
    target: Annotated[Path, typer.Argument(help="Folder, or bundle, to make; there must be none.")],
    project: Project,
    dataset: Dataset,
    format: Annotated[Format, typer.Option(help="What to write.")],
    at: Annotated[str | None, typer.Option(help="Number or tag of a version; the head.")] = None,
    where: Annotated[
        str | None, typer.Option(help="Which items, in the JSON query language; all of them.")
    ] = None,
    report: ReportFile = None,
    user: Annotated[str | None, typer.Option(help="E-mail of who exports; the admin.")] = None,
) -> None:
    """Write a dataset at a version into a new folder, or all of its versions into a bundle."""
    if format is Format.BUNDLE:
        _refuse({"--at": at, "--where": where, "--report": report}, format)
        _export_bundle(target, Target(project, dataset), user)
        return
    with closing(open_store(Settings())) as store, report_to(report) as told:
        actor = user_named(store, user)
        with store.database.read(actor) as tx:
            chosen = _chosen(tx, Target(project, dataset), at, where)
            total = outline(tx, chosen).items
        with progress("exporting", total) as advance:
            written = export(
                store.database,
                store.vault,
                chosen,
                target,
                WAYS[format].write,
                told,
                actor=actor,
                progress=advance,
            )
    out.print(f"{written} items of version {chosen.version} in {target}", markup=False)
    _tell(told)


def _export_bundle(file: Path, target: Target, user: str | None) -> None:
    with closing(open_store(Settings())) as store, progress("exporting", None) as advance:
        actor = user_named(store, user)
        with store.database.read(actor) as tx:
            number = _found(tx, target).id
        head = export_bundle(
            store.database, store.vault, number, file, actor=actor, progress=advance
        )
    out.print(f"versions 1 to {head} of {target.dataset} in {file}", markup=False)


def _found(tx: Tx, target: Target) -> DatasetRecord:
    found = dataset_of_target(tx, target)
    if found is None:
        raise NotFound(f"There is no dataset {target.dataset!r} in {target.project!r}")
    return found


def _chosen(tx: Tx, target: Target, at: str | None, where: str | None) -> Chosen:
    found = _found(tx, target)
    version = found.head
    if at is not None and at.isascii() and at.isdigit():
        version = int(at[:18])
    elif at is not None:
        tag = tag_named(tx, found.id, at, ("at",))
        if tag is None:
            raise NotFound(f"There is no version or tag {at!r}", path=("at",))
        version = tag.version
    return Chosen(found.id, version, None if where is None else _filter(found, where))


def _filter(dataset: DatasetRecord, where: str) -> ItemFilter:
    try:
        query = orjson.loads(where)
    except orjson.JSONDecodeError as wrong:
        raise Invalid(f"--where is not JSON: {wrong}", path=("where",)) from wrong
    return query_of(dataset.id, query, page=None, project=dataset.project).filter


def _outcome(outcome: Outcome) -> str:
    version = "no new version" if outcome.version is None else f"version {outcome.version}"
    counts = f"{outcome.added} added, {outcome.updated} replaced, {outcome.skipped} skipped"
    return f"{version}: {counts}"


def _tell(report: Report) -> None:
    """The counts, then the first entries."""
    for line in _lines(report):
        out.print(line, markup=False)


def _lines(report: Report) -> Iterator[str]:
    for (what, reason), count in sorted(report.counts.items(), key=lambda pair: str(pair[0])):
        verb = "changed" if reason in CHANGED else "left out"
        yield f"{verb}: {count} {what} ({reason.value})"
        for entry in report.first:
            if (entry.what, entry.reason) == (what, reason):
                yield f"    {entry.where}: {entry.detail}"
        if count > EXAMPLES:
            yield f"    … and {count - EXAMPLES} more; --report FILE has all"
