"""The rules of the house that no compiler knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SERVICE = ROOT / "gql_service"
MIGRATIONS = SERVICE / "database" / "migrations"
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 50
COMMITTERS = {"database/engine.py", "database/brief.py"}
BANNED_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}


def sources(*folders: Path) -> list[Path]:
    found = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    assert found
    return found


def service() -> list[Path]:
    """Our own files; migrations are written once and not looked at for their length."""
    return [path for path in sources(SERVICE) if MIGRATIONS not in path.parents]


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def imported(path: Path) -> set[str]:
    """Full names of what a file imports: modules, and what is taken out of them."""
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_imports_only_go_down() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")

    linted = subprocess.run(
        [lint_imports, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_a_file_fits_the_eye() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in service()}

    assert {p: n for p, n in lengths.items() if n > MOST_LINES_OF_A_FILE} == {}


def test_a_function_fits_a_screen() -> None:
    functions = [
        (path, node)
        for path in service()
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = {
        f"{path.name}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, node in functions
    }

    assert {name: n for name, n in lengths.items() if n > MOST_LINES_OF_A_FUNCTION} == {}


def test_transactions_are_opened_and_committed_in_one_place() -> None:
    openers = {"begin", "begin_nested", "commit", "rollback"}
    found = {
        path.relative_to(SERVICE).as_posix()
        for path in sources(SERVICE)
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in openers
    }

    assert found == COMMITTERS


def test_mutations_write_in_one_place() -> None:
    """Whatever else the edge wrote could not be retried under a key."""
    writers = {
        path.relative_to(SERVICE).as_posix()
        for path in sources(SERVICE / "api")
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr == "write"
    }

    assert writers == {"api/context.py", "api/once.py"}


def test_names_say_what_a_thing_is() -> None:
    folders = [SERVICE, ROOT / "tests"]
    parts = [path.relative_to(ROOT).with_suffix("").parts for path in sources(*folders)]
    words = {word for names in parts for name in names for word in re.split("[_-]", name)}

    assert words & BANNED_NAMES == set()


def test_nothing_is_mocked() -> None:
    mocking = {
        path
        for path in sources(SERVICE, ROOT / "tests")
        for name in imported(path)
        if name.startswith(("unittest.mock", "mock."))
    }

    assert mocking == set()


def test_every_row_class_is_compared_with_its_table() -> None:
    """The tests' metadata knows the row classes that conftest.py imports, and no others."""
    with_row_classes = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in service()
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and "table" in {word.arg for word in node.keywords}
    }
    named = imported(ROOT / "tests" / "conftest.py")

    assert with_row_classes <= named | {name.rpartition(".")[0] for name in named}


def test_migrations_do_not_follow_the_row_classes() -> None:
    ours = {
        name
        for path in sources(MIGRATIONS)
        for name in imported(path)
        if name.startswith("gql_service")
    }

    assert {name.rpartition(".")[0] for name in ours} == {"gql_service.database.columns"}
