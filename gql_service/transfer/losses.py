"""What a record has that a format cannot hold, told once for each thing."""

from __future__ import annotations

from gql_service.transfer.record import Mark, Reason, Record, Report


def tell_item_losses(record: Record, report: Report) -> None:
    """Of a format that holds files only: metadata, description and the hidden flag."""
    told = {"metadata": record.metadata, "description": record.description, "hidden": record.hidden}
    for what, value in told.items():
        if value:
            report.tell(f"item {what}", Reason.NOT_HELD, record.path, "has no place in this format")


def tell_mark_losses(
    record: Record, mark: Mark, report: Report, *, attributes: bool, known: tuple[str, ...] = ()
) -> None:
    """Of a format that holds a label and coordinates: metadata but for `known` keys, the status,
    and attributes unless it holds them."""
    rest = [key for key in mark.metadata if key not in known]
    told = {
        "annotation metadata": rest,
        "annotation status": mark.status,
        "attributes": [] if attributes else list(mark.attributes),
    }
    for what, value in told.items():
        if value:
            where = f"{record.path}, {mark.where}"
            report.tell(what, Reason.NOT_HELD, where, "has no place in this format")


def tell_type_loss(record: Record, mark: Mark, report: Report, why: str = "") -> None:
    """Of an annotation that is not written at all."""
    detail = why or "this format has no such annotations"
    report.tell(mark.type.value, Reason.NOT_HELD, f"{record.path}, {mark.where}", detail)
