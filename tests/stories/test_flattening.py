"""A service that is served flattens by itself what its writes have made too high."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from queue import Queue

import pytest

from gql_service import app
from gql_service.app import build
from gql_service.catalog.visibility import open_view
from gql_service.serve import running
from gql_service.settings import Settings
from gql_service.versions.flatten import Flattened, flatten
from tests.builders import Lab, make_lab, samples

PATIENCE = 20


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Queue[Flattened]:
    """What the service has flattened by itself."""
    found: Queue[Flattened] = Queue()

    def observed(*args: object, **how: Callable[[], None]) -> Flattened | None:
        one = flatten(*args, **how)  # type: ignore[arg-type]
        if one is not None:
            found.put(one)
        return one

    monkeypatch.setattr(app, "flatten", observed)
    return found


def test_a_clone_of_a_clone_is_flattened_after_its_commit_and_one_left_over_at_the_start(
    tmp_path: Path, done: Queue[Flattened]
) -> None:
    service = build(Settings(data_dir=tmp_path, port=0, flatten_layers=1))
    lab = make_lab(service.database, service.vault, 1)
    source = lab.dataset(*samples(3))
    left_over = lab.clone(lab.clone(source))
    with running(service):
        assert done.get(timeout=PATIENCE) == Flattened(left_over, 1)
        clone = lab.clone(lab.clone(source))
        assert done.get(timeout=PATIENCE) == Flattened(clone, 1)

        assert [layers(lab, dataset) for dataset in (left_over, clone)] == [0, 0]
        assert lab.shown(clone) == lab.shown(source)
    assert done.empty()


def layers(lab: Lab, dataset: int) -> int:
    return lab.read(lambda tx: len(open_view(tx, dataset).sheets) - 1)
