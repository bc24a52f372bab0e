"""The same steps as a Hypothesis state machine, which shrinks a history that fails."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from gql_service.database.engine import Database
from tests.versions import marking_steps, resolving_steps, reverting_steps, sharing_steps, steps
from tests.versions.ending import compare_everything
from tests.versions.reviewing import compare_reviews
from tests.versions.service import Stage
from tests.versions.steps import Choose, Step
from tests.versions.twin import Twin


def chooser(data: st.DataObject) -> Choose:
    return lambda limit: data.draw(st.integers(0, limit - 1))


def machine_for(database: Database, stage: Stage) -> type[RuleBasedStateMachine]:
    """A machine over one database: each of its runs is a history of its own datasets."""

    class Histories(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.twin = Twin(database, stage)

        @initialize(data=st.data())
        def begin(self, data: st.DataObject) -> None:
            steps.begin(self.twin, chooser(data))

        def teardown(self) -> None:
            compare_everything(self.twin)
            compare_reviews(self.twin)

    sharing = (
        *(*sharing_steps.SHARING, *sharing_steps.INTO, *sharing_steps.DROPPING),
        *(*reverting_steps.REVERTING, *resolving_steps.RESOLVING),
    )
    for step, _ in (*steps.EDITS, *sharing, *marking_steps.MARKING):
        setattr(Histories, f"do_{step.__name__}", _rule_of(step))
    return Histories


def _rule_of(step: Step) -> object:
    def do(self: RuleBasedStateMachine, data: st.DataObject) -> None:
        step(self.twin, chooser(data))  # type: ignore[attr-defined]

    do.__name__ = f"do_{step.__name__}"
    return rule(data=st.data())(do)
