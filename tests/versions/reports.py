"""Whether the service reports of a clone or a merge what the model reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from gql_service.versions.clone import CloneOutcome
from gql_service.versions.merge import MergeOutcome
from tests.oracle.cloning import Outcome
from tests.oracle.groups import Conflict
from tests.oracle.merging import REMOVED, Report
from tests.oracle.model import Annotation
from tests.oracle.resolving import Told
from tests.versions.agreeing import agree
from tests.versions.pairing import Pairing


def compare_clone(pairing: Pairing, expected: Outcome, got: CloneOutcome) -> None:
    agree(got.dataset, pairing.datasets[expected.dataset.number], "clone: dataset")
    agree(got.version, expected.dataset.head, "clone: version")
    agree((got.items, got.annotations), (expected.items, expected.annotations), "clone: taken")
    agree(
        Counter((one.item, one.wanted, one.given) for one in got.renamed),
        Counter((pairing.items.number[i], w, g) for i, w, g in expected.renamed),
        "clone: renamed",
    )


def compare_merge(
    pairing: Pairing, expected: Report, got: MergeOutcome, *, made: bool = True
) -> None:
    """`made` says whether the model has made a version."""
    result = expected.dataset.at(expected.dataset.head)
    agree(got.version, expected.dataset.head if made else None, "merge: version")
    agree(
        (got.outcome, got.items, got.annotations, got.unified, got.summed),
        (
            expected.outcome,
            len(result.items),
            len(result.annotations),
            expected.unified,
            expected.summed,
        ),
        "merge: outcome, items, annotations, unified, summed",
    )
    agree(
        Counter((one.item, one.wanted, one.given) for one in got.renamed),
        Counter((pairing.items.number[i], w, g) for i, w, g in expected.renamed),
        "merge: renamed",
    )
    # A removal that lost to a change is told only to those who have not heard of it yet, which the
    # model does not know; whether the item stays is compared all the same.
    kept = {pairing.items.number[one.item] for one in expected.conflicts if one.field == REMOVED}
    conflicts = [one for one in got.conflicts if one.field != REMOVED or one.item in kept]
    agree(
        Counter(_told(conflict) for conflict in conflicts),
        Counter(_told(_translated(pairing, conflict)) for conflict in expected.conflicts),
        "merge: conflicts",
    )


def told_conflicts(
    pairing: Pairing, expected: Report, got: MergeOutcome, sources: Sequence[tuple[int, int]]
) -> list[Told]:
    """The conflicts of both reports, which agree, in the order in which the service tells them; a
    removal that the model knows nothing of is told to it."""
    known = [(_told(_translated(pairing, one)), one) for one in expected.conflicts]
    found = []
    for conflict in got.conflicts:
        text = _told(conflict)
        place = next((at for at, (told, _) in enumerate(known) if told == text), None)
        if place is None:
            one = Conflict(**{name: getattr(conflict, name) for name in _FIELDS})
            one = replace(one, item=pairing.items.handle[conflict.item])
        else:
            _, one = known.pop(place)
        found.append(Told(one, sources[one.left_source], sources[one.right_source]))
    return found


_FIELDS = [one.name for one in fields(Conflict)]


def _told(conflict: Any) -> str:
    """Everything about a conflict as text, for comparing in any order."""
    return repr(
        {
            "item": conflict.item,
            "annotation": conflict.annotation,
            "field": conflict.field,
            "values": [conflict.base, conflict.left, conflict.right, conflict.chosen],
            "sources": [conflict.left_source, conflict.right_source],
        }
    )


def _translated(pairing: Pairing, conflict: Conflict) -> Conflict:
    """A conflict of the model in the service's numbers and JSON values."""

    def value(given: Any) -> Any:
        if isinstance(given, Annotation):
            return {
                "type": given.type,
                "label": given.label,
                "coordinates": given.coordinates,
                "attributes": dict(given.attributes),
                "metadata": dict(given.metadata),
                "status": given.status,
            }
        if conflict.field == "binary" and given is not None:
            return pairing.stage.binaries[given]
        return given

    key = conflict.annotation
    return replace(
        conflict,
        item=pairing.items.number[conflict.item],
        annotation=None if key is None else pairing.annotations.number[key],
        base=value(conflict.base),
        left=value(conflict.left),
        right=value(conflict.right),
        chosen=value(conflict.chosen),
    )
