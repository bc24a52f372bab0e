"""Pages and counts as one precomposed statement, handed to the driver."""

from __future__ import annotations

from collections.abc import Sequence

from gql_service.catalog.visibility import View
from gql_service.database.columns import FOREVER


def page(
    view: View, *, postgres: bool, limit: int, after: str = "", label: str | None = None
) -> str:
    """SQL for one JSON text: items in the order of paths, each with its file and annotations.

    With a label, only items that have it, of a view of one line.
    """
    marked = "" if label is None else f"AND {_has_label(view, label)} "
    items = _pile(
        view,
        "item",
        "t.key, t.path, t.metadata, t.binary",
        f"AND t.path > '{after}' {marked}ORDER BY t.path LIMIT {limit}",
    )
    annotations = _pile(
        view, "annotation", "t.key, t.label, t.type, t.coordinates", "AND t.item = i.key"
    )
    if postgres:
        pieces = (
            "SELECT '[' || string_agg(CONCAT('{\"key\":', i.key, ',\"path\":', to_json(i.path),"
            ' \',"metadata":\', i.metadata, \',"sha256":"\', b.sha256, \'","size":\', b.size,'
            ' \',"mimeType":"\', b.mime_type, \'","annotations":[\', (SELECT'
            " string_agg(CONCAT('{\"key\":', a.key, ',\"label\":', to_json(a.label),"
            " ',\"type\":\"', a.type, '\",\"coordinates\":', a.coordinates, '}'), ',')"
            f" FROM ({annotations}) a), ']}}'), ',') || ']'"
        )
    else:
        pieces = (
            "SELECT json_group_array(json_object('key', i.key, 'path', i.path,"
            " 'metadata', json(i.metadata), 'sha256', b.sha256, 'size', b.size,"
            " 'mimeType', b.mime_type, 'annotations', (SELECT json_group_array(json_object("
            "'key', a.key, 'label', a.label, 'type', a.type, 'coordinates', json(a.coordinates)))"
            f" FROM ({annotations}) a)))"
        )
    ordered = f"SELECT * FROM ({items}) found ORDER BY path LIMIT {limit}"
    return f"{pieces} FROM ({ordered}) i JOIN binaries b ON b.id = i.binary"


def item(view: View, key: int, *, postgres: bool) -> str:
    """SQL for the JSON text of one item of a view of one line."""
    values = "'key', key, 'path', path, 'metadata', "
    made = (
        f"json_build_object({values}metadata::json)::text"
        if postgres
        else f"json_object({values}json(metadata))"
    )
    live = f"line = {view.line} AND key = {key} AND until = {FOREVER}"
    return f"SELECT {made} FROM item_states WHERE {live}"


def count_items_with(view: View, label: str) -> str:
    found = _pile(view, "annotation", "t.item", f"AND t.label = '{label}'")
    return f"SELECT count(DISTINCT item) FROM ({found}) found"


def count_annotations_with(view: View, label: str) -> str:
    found = _pile(view, "annotation", "t.id", f"AND t.label = '{label}'")
    return f"SELECT count(*) FROM ({found}) found"


def count_camera(view: View, model: str, *, postgres: bool) -> str:
    value = (
        "t.metadata::jsonb #>> '{camera,model}'" if postgres else "t.metadata ->> '$.camera.model'"
    )
    return f"SELECT count(*) FROM ({_pile(view, 'item', 't.id', f'AND {value} = {model!r}')}) found"


def _pile(view: View, noun: str, columns: str, rest: str) -> str:
    """One branch per line of the view, what lines above cover left out."""
    selects = []
    for depth, sheet in enumerate(view.sheets):
        # The signs keep SQLite from taking an index on these; they mean nothing else.
        shown = f"t.line = {sheet.line} AND +t.since <= {sheet.at} AND +t.until > {sheet.at}"
        if depth == 0 and view.live:
            shown = f"t.line = {sheet.line} AND t.until = {FOREVER}"
        elif depth:
            shown += (
                f" AND NOT EXISTS (SELECT 1 FROM {noun}_whiteouts w WHERE w.state = t.id"
                f" AND ({_above([(upper.line, upper.at) for upper in view.sheets[:depth]])}))"
            )
        selects.append(
            f"SELECT * FROM (SELECT {columns} FROM {noun}_states t WHERE {shown} {rest})"
        )
    return " UNION ALL ".join(f"{select} b{at}" for at, select in enumerate(selects))


def _has_label(view: View, label: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM annotation_states m WHERE m.line = {view.line}"
        f" AND m.item = t.key AND m.until = {FOREVER} AND m.label = '{label}')"
    )


def _above(points: Sequence[tuple[int, int]]) -> str:
    return " OR ".join(f"(w.line = {line} AND w.since <= {at})" for line, at in points)
