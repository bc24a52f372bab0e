"""Who acts in a transaction, and what narrows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a token narrows its user to, whatever roles they have; None where it does not.

    `scopes` and `projects` are for the rooms above to understand: a transaction only carries them.
    """

    token: int | None = None
    scopes: frozenset[str] | None = None
    projects: frozenset[int] | None = None


UNBOUNDED = Bounds()


@dataclass(frozen=True, slots=True)
class Actor:
    """A user who is known by a token."""

    user: int
    bounds: Bounds


def parted(actor: int | Actor | None) -> tuple[int | None, Bounds]:
    """The user, and their bounds; the command line and the sweeps act without any."""
    return (actor.user, actor.bounds) if isinstance(actor, Actor) else (actor, UNBOUNDED)
