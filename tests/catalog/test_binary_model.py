"""A bounded part of the model check: small worlds are safe, and unsafe without a rule.

The whole of it, with its log, is in `proofs/binary_protocol`.
"""

from __future__ import annotations

import pytest

from proofs.binary_protocol.model import ABLATIONS, FULL, World, explore, without

pytestmark = pytest.mark.model

SMALL = [World("no writer, 1 sweep", writer=False, sweeps=1), FULL[1], FULL[3]]
CHEAP = {
    "fresh-key",
    "journal-first",
    "durable-first",
    "one-transaction",
    "no-inline-delete",
    "spare-dies",
    "delete-again",
    "purge-notes",
    "note-locks",
    "attach-notes",
    "corrupt-stays",
    "heal",
}


@pytest.mark.parametrize("world", SMALL, ids=lambda world: world.name)
def test_the_protocol_neither_loses_nor_leaks(world: World) -> None:
    outcome = explore(world)
    assert outcome.finished
    assert outcome.problem is None
    assert outcome.states > 4000


@pytest.mark.parametrize("rule", sorted(CHEAP))
def test_without_a_rule_it_does(rule: str) -> None:
    ((world, rules),) = [pair for pair in ABLATIONS if pair[1] == (rule,)]
    assert explore(without(world, rules)).problem is not None


def test_a_foreign_key_and_a_writer_that_asks_guard_the_same() -> None:
    ((world, rules),) = [pair for pair in ABLATIONS if pair[1] == ("foreign-key", "revive")]
    assert explore(without(world, rules)).problem is not None
    for rule in rules:
        assert explore(without(world, (rule,))).problem is None
