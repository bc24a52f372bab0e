"""Reviews of merges, lived twice: what is decided, what is skipped and why, and what stays open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gql_service.versions.given import GIVEN_NOTHING
from gql_service.versions.report_read import conflicts_of, open_conflicts
from gql_service.versions.resolution import ConflictChoice, Resolution
from gql_service.versions.resolve import Resolved, ResolveRequest, resolve_conflicts
from gql_service.versions.side_authors import Rule, chosen_sides
from tests.oracle import resolving, side_stamps
from tests.oracle.resolving import Asked, Review, Told
from tests.versions.agreeing import agree
from tests.versions.service import digest_of
from tests.versions.twin import Twin


def review(twin: Twin, dataset: int, merge: int | None, asked: Sequence[Asked]) -> None:
    """Decides conflicts one by one; `merge` is the version that it made, None the newest."""
    told = told_of(twin, dataset, merge)
    given = tuple(
        Resolution(
            one.position,
            None if one.choose is None else ConflictChoice(one.choose),
            GIVEN_NOTHING if one.choose else _value(twin, told, one),
        )
        for one in asked
    )
    request = ResolveRequest(twin.id(dataset), merge=merge, resolutions=given)
    _review(twin, "resolve", dataset, request, asked, {})


def review_by(twin: Twin, dataset: int, merge: int | None, rule: side_stamps.Rule) -> None:
    """Decides all that are open, by one rule."""
    kind, whose = rule
    if kind == "side":
        given = Rule(side=ConflictChoice(whose))
    elif kind == "user":
        assert isinstance(whose, int), "the number of a user"
        given = Rule(user=twin.stage.users[whose])
    else:
        given = Rule(newest=True)
    sides = _sides(twin, dataset, merge, rule, given)
    asked = [Asked(position, side) for position, side in sides.items() if side is not None]
    skipped = {at: resolving.NO_SIDE for at, side in sides.items() if side is None}
    request = ResolveRequest(twin.id(dataset), merge=merge, rule=given)
    _review(twin, f"resolve by {kind}", dataset, request, asked, skipped)


def told_of(twin: Twin, dataset: int, merge: int | None) -> list[Told]:
    """The conflicts of a merge, in the order of their positions."""
    made = twin.model(dataset).reports
    told: list[Told] = made.get(max(made, default=0) if merge is None else merge, [])
    return told


def compare_reviews(twin: Twin) -> None:
    """Which version closed which conflict."""
    for dataset in twin.world.datasets:
        for version, told in dataset.reports.items():
            if dataset.number not in twin.purged:
                point = (twin.id(dataset.number), version)
                with twin.database.read() as tx:
                    found = conflicts_of(tx, point, limit=10_000)
                where = f"dataset {dataset.number} at version {version}: resolved conflicts"
                agree([one.resolved for one in found], [one.resolved for one in told], where)


def _review(
    twin: Twin,
    name: str,
    dataset: int,
    request: ResolveRequest,
    asked: Sequence[Asked],
    skipped: dict[int, str],
) -> None:
    done: tuple[Review, Resolved] | None = twin.both(
        name,
        lambda: resolving.resolve(twin.world, twin.model(dataset), request.merge, asked, skipped),
        lambda: twin.service.write(lambda tx: resolve_conflicts(tx, request)),
    )
    if done is not None:
        expected, got = done
        reasons = {one.position: one.reason.value for one in got.skipped}
        agree(
            (got.version, got.closed, got.open, reasons),
            (expected.version, len(expected.closed), expected.open, expected.skipped),
            f"{name}: version, closed, open, skipped",
        )
        twin.done.update(f"{name}: {reason}" for reason in reasons.values())
        twin.done[f"{name}: closed"] += got.closed
    if not twin.model(dataset).deleted:
        twin.check(dataset)


def _sides(
    twin: Twin, dataset: int, merge: int | None, rule: side_stamps.Rule, given: Rule
) -> dict[int, str | None]:
    """The side that the service takes of each open conflict, if it is one that may be taken."""
    model = twin.model(dataset)
    version = max(model.reports, default=0) if merge is None else merge
    if version not in model.readable():
        return {}
    point = (twin.id(dataset), version)
    with twin.database.read() as tx:
        chosen = chosen_sides(tx, given, point, open_conflicts(tx, point))
    told = told_of(twin, dataset, merge)
    agree(set(chosen), {at for at, one in enumerate(told) if one.resolved is None}, "open ones")
    for position, side in chosen.items():
        possible = side_stamps.possible_sides(
            twin.world, told[position], model.at(version), rule, twin.purged.__contains__
        )
        agree(side and side.value, _one_of(possible, side), f"{rule}: side of {told[position]}")
    return {position: side and side.value for position, side in chosen.items()}


def _one_of(possible: set[str | None], side: ConflictChoice | None) -> str | None:
    taken = None if side is None else side.value
    return taken if taken in possible else next(iter(possible))


def _value(twin: Twin, told: Sequence[Told], one: Asked) -> Any:
    """A value in the service's words: binaries are known by their SHA-256."""
    about_binary = one.position < len(told) and told[one.position].conflict.field == "binary"
    return digest_of(one.value) if about_binary and isinstance(one.value, int) else one.value
