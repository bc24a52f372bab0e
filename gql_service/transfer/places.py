"""Where the files of items go below a folder: each has a place of its own.

A dataset may hold `/a` and `/a/b`, which no folder can, and two pictures that differ in their
extension only, which have one label file in some formats. Whoever comes later gets a number.
"""

from __future__ import annotations

from collections.abc import Callable

from gql_service.catalog.item_path import directory_of, numbered


class Places:
    """Relative places of files; `stems` says that two may not differ in their extension only, and
    `banned` names what no directory may be called."""

    def __init__(self, *, stems: bool = False, banned: str | None = None) -> None:
        self._stems = stems
        self._banned = banned
        self._files: set[str] = set()
        self._folders: set[str] = {"/"}
        self._moved: dict[str, str] = {}

    def place(self, path: str) -> str:
        """A place for the item at a clean path, without the slash at the front."""
        folder = self._folder(directory_of(path))
        wanted = f"{folder.removesuffix('/')}/{path.rsplit('/', 1)[1]}"
        found = _first_free(wanted, self._is_taken)
        self._files |= self._names(found)
        return found[1:]

    def _is_taken(self, path: str) -> bool:
        return path in self._folders or bool(self._names(path) & self._files)

    def _names(self, path: str) -> set[str]:
        parent, name = path.rsplit("/", 1)
        dot = name.rfind(".")
        return {path, f"{parent}/{name[:dot]}"} if self._stems and dot > 0 else {path}

    def _folder(self, directory: str) -> str:
        """The folder that stands for a directory: itself, unless a file has its name."""
        if directory == "/":
            return directory
        if directory in self._moved:
            return self._moved[directory]
        parent = self._folder(directory_of(directory))
        name = directory.rsplit("/", 1)[1]
        if name == self._banned:
            name += "_"
        wanted = f"{parent.removesuffix('/')}/{name}"
        found = _first_free(wanted, lambda path: path in self._files)
        self._moved[directory] = found
        self._folders.add(found)
        return found


def _first_free(path: str, is_taken: Callable[[str], bool]) -> str:
    found, number = path, 2
    while is_taken(found):
        found = numbered(path, number)
        number += 1
    return found
