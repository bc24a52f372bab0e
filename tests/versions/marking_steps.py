"""Steps of what is set beside the versions: locks and golden tags."""

from __future__ import annotations

from tests.oracle.editing import OVERWRITE, ItemEdit
from tests.versions.service import RECIPES
from tests.versions.steps import Choose, Step, any_dataset, chance, new_items, one, some
from tests.versions.twin import Twin


def try_locked(twin: Twin, choose: Choose) -> None:
    """A live dataset is locked, refuses whatever is tried, and is as it was when it is unlocked."""
    dataset = one(choose, twin.alive())
    source = any_dataset(twin, choose)
    twin.mark("locked", dataset, True)
    twin.upload(dataset, new_items(choose, 2), OVERWRITE)
    keys = some(choose, sorted(twin.head(dataset).items), 2)
    if keys:
        twin.update(dataset, keys, ItemEdit(0, set={"k": choose(3)}))
        twin.delete(dataset, keys)
    twin.clone_into(source, twin.model(source).head, dataset)
    twin.switch(dataset, choose(len(RECIPES)))
    twin.revert(dataset, 1)
    twin.drop(dataset)
    twin.mark("locked", dataset, True)
    twin.mark("locked", dataset, False)
    twin.check(dataset)


def lock(twin: Twin, choose: Choose) -> None:
    """Sets a lock, or lifts it; now and then where that is refused."""
    dataset = any_dataset(twin, choose)
    locked = twin.model(dataset).locked
    twin.mark("locked", dataset, locked if chance(choose, 20) else not locked)


def gild(twin: Twin, choose: Choose) -> None:
    """Sets a golden tag, or deletes it; now and then where that is refused."""
    dataset = any_dataset(twin, choose)
    golden = twin.model(dataset).golden
    twin.mark("golden", dataset, golden if chance(choose, 20) else not golden)


MARKING: tuple[tuple[Step, int], ...] = ((try_locked, 3), (lock, 5), (gild, 5))
