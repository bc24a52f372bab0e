"""Records become items of a dataset, as one version; what cannot be taken is told.

Everything is looked at before a byte is stored: labels and attributes against the recipe,
coordinates against their type and their image, paths against one another. Then the bytes go into
the vault, where nobody sees them, and one transaction makes what is absent and adds all items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from gql_service.catalog.annotation_content import check_against_recipe
from gql_service.catalog.binary import StoredBlob, attach
from gql_service.catalog.blob import abandon, store_files
from gql_service.catalog.bounds import bounds
from gql_service.catalog.coordinates import check_coordinates
from gql_service.catalog.dataset import Operation
from gql_service.catalog.item_path import clean_directory, clean_path, under
from gql_service.catalog.json_text import canonical
from gql_service.catalog.recipe_check import checked, clean_label
from gql_service.catalog.recipe_content import RecipeContent
from gql_service.catalog.visibility import open_view
from gql_service.database.engine import Database, Tx
from gql_service.errors import Invalid, LabelUnknown, LimitExceeded
from gql_service.transfer.labels import recipe_of
from gql_service.transfer.record import Mark, Reason, Record, Report
from gql_service.transfer.target import Target, dataset_of_target, make_target, recipe_of_target
from gql_service.vault.contract import Vault
from gql_service.versions.annotations import NewAnnotation
from gql_service.versions.content import items_by_path
from gql_service.versions.given import Outcome
from gql_service.versions.items import NewItem, UploadMode, add_items, checked_description


@dataclass(frozen=True, slots=True)
class Read:
    """What a format read: the records, and the names of all labels it knows, used or not."""

    records: list[Record]
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be written, and the content of the recipe that it keeps to."""

    records: list[Record]
    recipe: RecipeContent


def plan_import(
    tx: Tx,
    target: Target,
    read: Read,
    report: Report,
    *,
    directory: str = "/",
    mode: UploadMode = UploadMode.SKIP,
) -> Plan:
    """What of `read` can be written to the target; the report is told of the rest.

    Raises Invalid when nothing was read, for a directory or names that are none, and for a recipe
    that cannot be made of the source; NotFound and Invalid as `recipe_of_target`.
    """
    if not read.records:
        raise Invalid("There is nothing to import", path=("source",))
    named = [_with_names(record, report) for record in read.records]
    held = recipe_of_target(tx, target)
    if held is None:
        recipe = checked(recipe_of(_names(read.labels, report), named), ("recipe",))
    else:
        recipe = held.content
    placed = _placed(named, clean_directory(directory, ("directory",)), report)
    if mode is UploadMode.SKIP:
        placed = _absent(tx, target, placed, report)
    kept = [replace(one, marks=tuple(_fitting(recipe, one, report))) for one in placed]
    return Plan(kept, recipe)


def run_import(
    database: Database,
    vault: Vault,
    target: Target,
    plan: Plan,
    report: Report,
    *,
    actor: int,
    lease: timedelta,
    mode: UploadMode = UploadMode.SKIP,
    message: str | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Outcome:
    """Writes a plan. `progress` is called for each file that was stored.

    Raises what `make_target` and `add_items` raise, OSError for a file that cannot be read and
    InsufficientStorage; then nothing is written and the bytes are given up.
    """
    blobs: list[StoredBlob] = []
    try:
        files = [record.file for record in plan.records]
        for record, blob in zip(
            plan.records, store_files(database, vault, files, lease=lease), strict=True
        ):
            blobs.append(blob)
            _compare_sizes(record, blob, report)
            progress()

        def add(tx: Tx) -> Outcome:
            dataset = make_target(tx, target, plan.recipe)
            binaries = attach(tx, blobs)
            items = [_item(one, binary) for one, binary in zip(plan.records, binaries, strict=True)]
            operation = Operation.IMPORT
            return add_items(tx, dataset, items, mode=mode, operation=operation, message=message)

        return database.write(add, actor=actor)
    except BaseException:
        abandon(database, vault, blobs)
        raise


def _names(labels: Sequence[str], report: Report) -> list[str]:
    cleaned: dict[str, None] = {}
    for label in labels:
        try:
            cleaned[clean_label(label)] = None
        except Invalid as refusal:
            report.tell("label", Reason.MALFORMED, label, refusal.message)
    return list(cleaned)


def _with_names(record: Record, report: Report) -> Record:
    """The record with its labels in the spelling of recipes; marks whose label is none go."""
    marks = []
    for mark in record.marks:
        try:
            marks.append(replace(mark, label=clean_label(mark.label)))
        except Invalid as refusal:
            report.tell("annotation", Reason.MALFORMED, mark.where, refusal.message)
    return replace(record, marks=tuple(marks))


def _placed(records: Sequence[Record], parent: str, report: Report) -> list[Record]:
    """The records below `parent`, each path once."""
    taken: dict[str, Record] = {}
    for record in records:
        try:
            path = under(parent, clean_path(record.path))
            canonical(record.metadata, object_only=True)
            checked_description(record.description, ())
        except Invalid as refusal:
            report.tell("image", Reason.MALFORMED, record.where or record.path, refusal.message)
            continue
        if path in taken:
            report.tell("image", Reason.DUPLICATE, record.where or path, f"{path} is there twice")
            continue
        taken[path] = replace(record, path=path)
    return list(taken.values())


def _absent(tx: Tx, target: Target, records: list[Record], report: Report) -> list[Record]:
    """Those at whose path the dataset has nothing."""
    existing = dataset_of_target(tx, target)
    if existing is None:
        return records
    held = items_by_path(tx, open_view(tx, existing.id), [record.path for record in records])
    for record in records:
        if record.path in held:
            detail = f"{record.path} is in the dataset; --overwrite replaces it"
            report.tell("image", Reason.ALREADY_THERE, record.where or record.path, detail)
    return [record for record in records if record.path not in held]


def _fitting(recipe: RecipeContent, record: Record, report: Report) -> list[Mark]:
    """The marks that the recipe, their type and the image let in."""
    kept = []
    for mark in record.marks:
        try:
            check_against_recipe(recipe, mark.type, mark.label, mark.attributes)
            text = check_coordinates(mark.type, mark.coordinates)
            canonical(mark.metadata, object_only=True)
        except Invalid as refusal:
            report.tell("annotation", _reason(refusal), mark.where, refusal.message)
            continue
        if _outside(mark, text, record):
            size = f"{record.width} × {record.height}"
            detail = f"It lies outside of the image of {size} pixels"
            report.tell("annotation", Reason.OUTSIDE_IMAGE, mark.where, detail)
            continue
        kept.append(mark)
    return kept


def _reason(refusal: Invalid) -> Reason:
    if isinstance(refusal, LabelUnknown) or refusal.message.startswith("The recipe has no"):
        return Reason.NOT_IN_RECIPE
    return Reason.TOO_LARGE if isinstance(refusal, LimitExceeded) else Reason.MALFORMED


def _outside(mark: Mark, text: str, record: Record) -> bool:
    """Whether no part of it is on the image. What reaches over an edge stays as it is."""
    if record.width is None or record.height is None:
        return False
    around = bounds(mark.type, text)
    if around is None:
        return False
    left, top, width, height = around
    beyond = left > record.width or top > record.height
    return beyond or left + width < 0 or top + height < 0


def _compare_sizes(record: Record, blob: StoredBlob, report: Report) -> None:
    told, real = (record.width, record.height), (blob.width, blob.height)
    if None not in told and None not in real and told != real:
        detail = f"said to be {told[0]} × {told[1]} pixels, is {real[0]} × {real[1]}"
        report.tell("image", Reason.SIZE_DIFFERS, record.where or record.path, detail)


def _item(record: Record, binary: int) -> NewItem:
    annotations = tuple(
        NewAnnotation(m.type, m.label, m.coordinates, m.attributes, m.metadata, m.status)
        for m in record.marks
    )
    return NewItem(
        record.path,
        binary,
        metadata=record.metadata or None,
        description=record.description,
        hidden=record.hidden,
        annotations=annotations,
    )
