"""The benches run. What they measure is nothing to assert: it depends on the machine."""

from __future__ import annotations

import gc
import socket
from pathlib import Path

import pytest

from bench.__main__ import BENCHES, main
from bench.load_client import Asking
from bench.measure import Figure, table


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bench collects garbage before each figure: what earlier tests left need not be searched."""
    gc.collect()
    gc.freeze()
    return tmp_path_factory.mktemp("kept")


@pytest.mark.parametrize("bench", BENCHES)
def test_each_bench_ends_with_a_table_of_ours_beside_the_bare_database(
    bench: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [bench, "--items", "200", "--database", "sqlite", "--runs", "1"]

    main([*arguments, "--kept", str(kept), "--markdown"])

    printed = capsys.readouterr().out
    assert f"Command: python -m bench {bench} --items 200" in printed
    assert "Machine: " in printed
    title, head, _, *rows = [line for line in printed.splitlines() if line[:1] in ("#", "|")]
    assert title == f"### {bench.capitalize()} on SQLite"
    assert head.startswith("| operation | items | ours | bare database | ratio |")
    assert any(" × " in row for row in rows)


def test_a_ratio_says_how_many_times_slower_we_are_also_of_rates() -> None:
    slow = Figure("clone", 1, "ms", ours=(3.0, 6.0, 9.0), floor=(2.0, 2.0, 2.0))
    rare = Figure("import", 1, "items/s", ours=(10.0,), floor=(40.0,))

    assert slow.ratio == 3
    assert rare.ratio == 4
    assert "6.00 ms (3.00 – 9.00)" in "\n".join(table("both", [slow, rare], markdown=False))


def test_other_programs_and_goals_have_columns_of_their_own() -> None:
    beside = Figure(
        "page", 1, "ms", (2.0,), (1.0,), "one", others=(("Another", (4.0,)),), goal="≤ 3"
    )
    alone = Figure("item", 1, "ms", (2.0,))

    lines = table("both", [beside, alone], markdown=True)

    assert lines[3].endswith("| the bare database … | Another | goal |")
    assert lines[5].endswith("| one | 4.00 ms (4.00 – 4.00) | ≤ 3 |")
    assert lines[6].endswith("|  |  |  |")
    assert len({line.count("|") for line in lines[3:]}) == 1


def test_the_load_takes_an_answer_for_complete_at_its_last_byte() -> None:
    here, there = socket.socketpair()
    with here, there:
        asking = Asking(here)
        asking.ask(b"GET / HTTP/1.1\r\n\r\n")
        heard = []
        for part in (b"HTTP/1.1 200 OK\r\nContent-", b"Length: 4\r\n\r\nab", b"c", b"d"):
            there.sendall(part)
            heard.append(asking.hear())

        assert heard == [False, False, False, True]


def test_the_load_stops_at_an_answer_that_is_not_a_success() -> None:
    here, there = socket.socketpair()
    with here, there:
        asking = Asking(here)
        asking.ask(b"GET / HTTP/1.1\r\n\r\n")
        there.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

        with pytest.raises(ValueError, match="503"):
            asking.hear()
