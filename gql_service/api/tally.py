"""Counts while an answer is made: the nodes for whoever asks for the cost, and introspection.

Introspection is not limited in depth, and a short document can ask for every field of every field;
so its answer is limited instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from gql_service.errors import LimitExceeded


@dataclass(slots=True)
class Tally:
    """What an answer has had so far."""

    max_introspected: int
    wanted: bool = False
    """Whether somebody asked for the cost: nodes of finished JSON are counted only then."""
    nodes: int = 0
    introspected: int = 0

    def introspect(self, values: int) -> None:
        """Raises LimitExceeded when these are too many."""
        self.introspected += values
        if self.exceeded:
            raise LimitExceeded(
                f"Introspection can answer with {self.max_introspected:,} values: this has more"
            )

    @property
    def exceeded(self) -> bool:
        """Whether introspection has answered with more than it can."""
        return self.introspected > self.max_introspected
