"""Datasets with a past of every kind, and all that a database tells of a dataset."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from gql_service.catalog.binary import BINARIES
from gql_service.catalog.lineage import items_at
from gql_service.catalog.tag import tags_of
from gql_service.catalog.user import USERS
from gql_service.catalog.version import label_counts
from gql_service.catalog.visibility import open_view, visible_items
from gql_service.database.engine import Database, Tx
from gql_service.versions.annotations import AnnotationPatch
from gql_service.versions.blame import blame_annotations, blame_items
from gql_service.versions.comparison import compare
from gql_service.versions.content import annotations_of_items
from gql_service.versions.datasets import set_lock
from gql_service.versions.draft import VERSIONS
from gql_service.versions.flatten import flatten
from gql_service.versions.forgetting import forget_states
from gql_service.versions.history import PlacedAnnotation, annotation_histories, item_histories
from gql_service.versions.items import ItemPatch
from gql_service.versions.keeping import expire_versions_of, set_retention
from gql_service.versions.report_read import conflicts_of
from gql_service.versions.resolve import ResolveRequest, resolve_conflicts
from gql_service.versions.revert import RevertRequest, revert_dataset
from gql_service.versions.side_authors import Rule
from gql_service.versions.tags import tag_version
from tests.builders import Lab, by_keys, mark, new_item, samples
from tests.conftest import SetClock

Told = dict[str, Any]


class _Elsewhere:
    """What other datasets wrote is blamed on the oldest write that came along: on whatever."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


ELSEWHERE = _Elsewhere()


def live_stories(lab: Lab, clock: SetClock) -> dict[str, int]:
    """A dataset per story, by its name. All of them come from the first."""

    def later() -> None:
        clock.advance(timedelta(seconds=1))

    source = lab.dataset(*samples(5), name="source")
    keys = lab.keys(source)
    later()
    lab.update(source, by_keys(*keys[:2]), ItemPatch(metadata={"edited": 1}), message="edit")
    lab.delete(source, keys[4])
    first = lab.clone(source, name="first", with_status=False)
    second = lab.clone(source, name="second")
    later()
    for place, value in ((first, "left"), (second, "right")):
        lab.update(place, by_keys(keys[0]), ItemPatch(metadata={"edited": value}))
        lab.annotate(place, keys[1], mark("dog", metadata={"of": value}))
        lab.change(place, AnnotationPatch(_mark_on(lab, place, keys[2]), metadata={"by": value}))
    lab.delete(second, keys[3])
    later()
    merged = lab.merge(first, second, name="merged")
    lab.write(resolve_conflicts, ResolveRequest(merged, rule=Rule(newest=True)))
    later()
    lab.add(merged, new_item("/late.jpg", 2, "cat", "dog"))
    above = lab.clone(merged, name="above", with_metadata=False)
    lab.delete(above, lab.keys(above)[1])
    bare = lab.clone(above, name="bare", with_annotations=False)
    chosen = lab.clone(source, name="chosen", selection=by_keys(*keys[:2]))
    lab.update(chosen, by_keys(keys[0]), ItemPatch(description="chosen"))
    _age(lab, source, later)
    assert flatten(lab.database, above) is not None
    lab.update(above, by_keys(lab.keys(above)[0]), ItemPatch(metadata={"after": "flatten"}))
    lab.write(tag_version, above, "gold", 2, golden=True, message="kept")
    lab.write(set_lock, above, "done")
    return {"source": source, "merged": merged, "above": above, "bare": bare, "chosen": chosen}


def _age(lab: Lab, dataset: int, later: Any) -> None:
    """Reverts, names versions, and lets old ones expire."""
    lab.write(revert_dataset, RevertRequest(dataset, 2))
    later()
    lab.write(tag_version, dataset, "first", 3)
    for number in range(3):
        lab.update(dataset, by_keys(lab.keys(dataset)[0]), ItemPatch(metadata={"n": number}))
        later()
    lab.delete(dataset, lab.keys(dataset)[1])
    lab.add(dataset, new_item("/new.jpg", 3))
    lab.write(set_retention, dataset, 4, None)
    assert lab.write(expire_versions_of, dataset)
    forget_states(lab.database, dataset)


def _mark_on(lab: Lab, dataset: int, item: int) -> int:
    (key,) = [row.key for row in lab.annotations(dataset) if row.item == item]
    return int(key)


def telling(database: Database, actor: int, dataset: int, *, whole: bool) -> Told:
    """What a database tells of every version of a dataset, in words that hold in any other.

    Items and annotations are told by the order of their keys, users by their addresses. What other
    datasets did is left out unless the past is the `whole` one of this dataset alone.
    """
    with database.read(actor) as tx:
        rows = tx.rows(
            sa.select(VERSIONS).where(VERSIONS.c.dataset == dataset).order_by(VERSIONS.c.number)
        )
        readable = [row.number for row in rows if row.expired_at is None]
        teller = _Teller(tx, dataset, readable, whole=whole)
        return {
            "versions": [_without(row, "dataset", "recipe", "author") for row in rows],
            "authors": [teller.users[row.author] for row in rows],
            "tags": [
                (tag.name, tag.version, tag.golden, tag.message, teller.users[tag.creator])
                for tag in tags_of(tx, [dataset])[dataset]
            ],
            "labels": [label_counts(tx, [(dataset, n)])[dataset, n] for n in readable],
            "contents": [teller.content(number) for number in readable],
            "pasts": [teller.pasts(number) for number in readable],
            "differences": [teller.difference(one, readable[-1]) for one in readable[-4:-1]],
            "conflicts": [teller.conflicts(row.number) for row in rows],
        }


def _without(row: sa.Row[Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name not in names}


class _Teller:
    def __init__(self, tx: Tx, dataset: int, readable: list[int], *, whole: bool) -> None:
        self.tx, self.dataset, self.whole = tx, dataset, whole
        self.users = {row.id: row.email for row in tx.rows(sa.select(USERS))}
        self.files = {row.id: row.sha256 for row in tx.rows(sa.select(BINARIES))}
        self.items = {n: self._items(n) for n in readable}
        self.marks = {n: self._marks(n) for n in readable}
        shown = [*self.items.values(), *self.marks.values()]
        keys = sorted({one.row.key for some in shown for one in some})
        self.rank = {key: at for at, key in enumerate(keys)}

    def _items(self, number: int) -> list[Any]:
        view = open_view(self.tx, self.dataset, number)
        place = (self.dataset, number)
        keys = [key for (key,) in _keys(self.tx, view)]
        return sorted(items_at(self.tx, {place: keys}).values(), key=lambda one: one.row.key)

    def _marks(self, number: int) -> list[Any]:
        view = open_view(self.tx, self.dataset, number)
        keys = [one.row.key for one in self.items[number]]
        rows = sorted(annotations_of_items(self.tx, view, keys), key=lambda row: int(row.key))
        return [PlacedAnnotation(self.dataset, number, row) for row in rows]

    def content(self, number: int) -> Any:
        return [self._row(one.row) for one in (*self.items[number], *self.marks[number])]

    def _row(self, row: Any) -> dict[str, Any]:
        left = ("id", "line", "write", "root", "origin_dataset", "copied_from")
        told = {name: value for name, value in row._mapping.items() if name not in left}
        for name in {"key", "item"} & told.keys():
            told[name] = self.rank[told[name]]
        for name in ("created_by", "updated_by"):
            told[name] = self.users[told[name]]
        if "binary" in told:
            told["binary"] = self.files[told["binary"]]
        return told

    def pasts(self, number: int) -> Any:
        items, marks = self.items[number], self.marks[number]
        histories: list[tuple[Any, Any, Any]] = [
            (item_histories(self.tx, items), blame_items(self.tx, items), items),
            (annotation_histories(self.tx, marks), blame_annotations(self.tx, marks), marks),
        ]
        return [
            (self._events(past[one]), self._blamed(blame[one]))
            for past, blame, things in histories
            for one in things
        ]

    def _events(self, history: Any) -> Any:
        own = [at[1] for at, _ in history.events if at[0] == self.dataset]
        return (own, history.complete) if self.whole else own

    def _blamed(self, blames: Any) -> Any:
        return [
            (one.path, self.users[one.user], one.at, one.version, self.whole and one.or_earlier)
            if one.dataset == self.dataset
            else ELSEWHERE
            for one in blames
        ]

    def difference(self, before: int, after: int) -> Any:
        found = compare(self.tx, (self.dataset, before), (self.dataset, after))
        pages = found.page(self.tx, None, None, 99)
        return found.counts(self.tx, None), [one.kind for one in pages]

    def conflicts(self, number: int) -> Any:
        return [
            (one.position, one.field, one.base, one.left, one.right, one.chosen, one.resolved)
            for one in conflicts_of(self.tx, (self.dataset, number), limit=99)
        ]


def _keys(tx: Tx, view: Any) -> Any:
    return tx.rows(visible_items(view, lambda columns: sa.select(columns.key.label("key"))))
