"""Which way to a page is the shorter one: from the annotations with a label, or from the items.

A page of items with a label can begin with all annotations that have it, or go through the items in
their order and look at the annotations of each until the page is full. The first grows with how
often the label is used, the second with how seldom. Databases cannot tell, since their statistics
are of all datasets together; the counts per label, which are kept, can.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from gql_service.catalog.dataset import VERSIONS
from gql_service.catalog.filters import AnnotationFilter, ItemFilter
from gql_service.catalog.version import LABEL_COUNTS
from gql_service.catalog.visibility import View
from gql_service.database.engine import Tx
from gql_service.database.plan import Prepared
from gql_service.database.sets import among_given

MOST_ITEMS_EACH = 10
"""Items per annotation with the label, above which one does not go through the items: they may have
all of them at the end of the order."""

_BY_PATH = (None, "path")
"""Other orders read all that matches anyway."""

_VERSION, _DATASET = (sa.bindparam(name, type_=sa.BigInteger()) for name in ("version", "dataset"))
_COUNTS = Prepared(
    sa.select(
        sa.select(VERSIONS.c["items"])
        .where(VERSIONS.c.dataset == _DATASET, VERSIONS.c.number == _VERSION)
        .scalar_subquery()
        .label("items"),
        sa.select(sa.func.sum(LABEL_COUNTS.c.annotations))
        .where(
            LABEL_COUNTS.c.dataset == _DATASET,
            LABEL_COUNTS.c.since <= _VERSION,
            LABEL_COUNTS.c.until > _VERSION,
            among_given(LABEL_COUNTS.c.label, "labels", numbers=False),
        )
        .scalar_subquery()
        .label("annotations"),
    ),
    lasting=True,
)


def paced(
    tx: Tx, view: View, filter: ItemFilter | None, first: object, limit: int
) -> ItemFilter | None:
    """The same filter, which knows whether its labels are frequent in the view.

    `first` is what the page is ordered by before anything else; `limit` are its rows.
    """
    some = filter.annotations.some if filter and filter.annotations else None
    if filter is None or filter.annotations is None or some is None or first not in _BY_PATH:
        return filter
    labels = _labels(some)
    if not labels:
        return filter
    given = {"dataset": view.dataset, "version": view.version, "labels": labels}
    items, annotations = tuple(tx.rows(_COUNTS, given)[0])
    if not annotations or items > MOST_ITEMS_EACH * annotations:
        return filter
    if items * limit > int(annotations) ** 2:
        return filter
    return replace(
        filter, annotations=replace(filter.annotations, some=replace(some, frequent=True))
    )


def _labels(filter: AnnotationFilter) -> Sequence[str]:
    """Those of which an annotation has to have one."""
    if filter.label is None:
        return []
    if filter.label.eq is not None:
        return [unicodedata.normalize("NFC", filter.label.eq)]
    return [unicodedata.normalize("NFC", label) for label in filter.label.in_ or ()]
