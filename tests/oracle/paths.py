"""Paths of the naive model: names, directories, and the number that settles a collision."""

from __future__ import annotations

from collections.abc import Collection


def name_of(path: str) -> str:
    return path.rsplit("/", 1)[1]


def flat(path: str) -> str:
    return "/" + name_of(path)


def under(directory: str, path: str) -> str:
    """`path` (absolute) moved under `directory` (absolute, "/" for the top)."""
    return directory.rstrip("/") + path


def numbered(path: str, number: int) -> str:
    """`/dir/a.jpg` with 2 is `/dir/a (2).jpg`."""
    directory, name = path.rsplit("/", 1)
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    return f"{directory}/{stem} ({number}){dot}{extension}"


def first_free(path: str, *, wanted: Collection[str], taken: Collection[str]) -> str:
    """The first numbered form of `path` that nobody has and nobody else asks for."""
    number = 2
    while (given := numbered(path, number)) in wanted or given in taken:
        number += 1
    return given
