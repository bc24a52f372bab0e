"""Plain items on two sheets of a dataset, the lower one seen through masks."""

from __future__ import annotations

from gql_service.catalog.visibility import View
from gql_service.database.engine import Tx
from tests.catalog.filter_oracle import PlainItem
from tests.catalog.filter_shelf import shelf
from tests.catalog.filter_strategies import seen_through

Masks = tuple[bool, bool, bool]
"""Whether annotations, metadata and statuses shine through."""


def layered(tx: Tx, items: list[PlainItem], masks: Masks) -> tuple[View, list[PlainItem]]:
    """Every other item lies on the lower sheet; the items are given back as the view shows them."""
    below, own = items[::2], items[1::2]
    made = shelf(tx)
    source = made.dataset()
    made.put(source, below)
    clone = made.lay(source, annotations=masks[0], metadata=masks[1], status=masks[2])
    made.put(clone, own)
    return made.view(clone), [seen_through(item, *masks) for item in below] + own
