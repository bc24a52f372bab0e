"""What the command line writes to: results go to standard output, all else to standard error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Any]:
    """A bar on standard error, where that is a terminal, and the function that moves it by one."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def advance(steps: int = 1, *, of: int | None = None) -> None:
            if of is not None:
                bar.update(task, total=of)
            bar.advance(task, steps)

        yield advance


def table_of_texts(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Texts as they are, in columns."""
    table = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
