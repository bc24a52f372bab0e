"""Files that a description names: found below one folder, or refused with the reason.

Descriptions come from anywhere. A name in one may be absolute, climb out of its folder or be a
link to elsewhere: nothing of the kind is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

import orjson

from gql_service.catalog.item_path import clean_path
from gql_service.catalog.media import HEAD, Window, image_size, mime_type
from gql_service.errors import Invalid, LimitExceeded
from gql_service.transfer.record import Reason, Report

DESCRIPTION_BYTES = 4 * 1024**3
PICTURES = frozenset((".avif", ".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".png", ".tif"))
PICTURES |= {".tiff", ".webp"}


class Files:
    """The files below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = folder.resolve()

    def find(self, name: object, where: str, report: Report) -> tuple[Path, str] | None:
        """The file of that name and the path of its item, or None after telling the report why."""
        found = self._found(name)
        if isinstance(found[0], Path):
            return found[0], found[1]
        report.tell("image", found[0], where, found[1])
        return None

    def _found(self, name: object) -> tuple[Path | Reason, str]:
        if not isinstance(name, str) or not name:
            return Reason.MALFORMED, "A file needs a name"
        if name.startswith("/"):
            return Reason.UNSAFE_PATH, f"{name} is not relative"
        try:
            path = clean_path("/" + name.removeprefix("./"))
        except Invalid as refusal:
            return Reason.UNSAFE_PATH, refusal.message
        file = self.folder / name
        try:
            real = file.resolve()
            if not real.is_relative_to(self._root):
                return Reason.UNSAFE_PATH, f"{name} leads elsewhere"
            if not real.is_file():
                return Reason.MISSING_FILE, f"There is no file {name}"
        except (OSError, RuntimeError) as trouble:  # a circle of links, a name too long
            return Reason.MISSING_FILE, f"{name}: {trouble}"
        return file, path

    def has(self, name: object) -> bool:
        """Whether there is such a file, without a word."""
        return isinstance(self._found(name)[0], Path)


def files_in(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """The files below a folder that are wanted, in order of their names; hidden ones are not, and
    links to folders are not followed."""
    found: list[Path] = []
    waiting = [folder]
    while waiting:
        for entry in waiting.pop().iterdir():
            if entry.name.startswith("."):
                continue
            if entry.is_dir() and not entry.is_symlink():
                waiting.append(entry)
            elif wanted(entry):
                found.append(entry)
    return sorted(found)


def is_picture(file: Path) -> bool:
    """By its name."""
    return file.suffix.lower() in PICTURES


def picture_size(file: Path) -> tuple[int, int] | None:
    """Width and height in pixels from the header, None for what is no picture."""
    with file.open("rb") as source:
        mime = mime_type(source.read(HEAD), file.name)
        size = source.seek(0, 2)

        def fetch(start: int, stop: int) -> bytes:
            source.seek(start)
            return source.read(stop - start)

        with BufferedReader(Window(fetch, size)) as window:
            return image_size(window, mime)


def read_json(file: Path) -> object:
    """The value in a JSON file. Raises Invalid when it is none."""
    try:
        return orjson.loads(read_bytes(file, DESCRIPTION_BYTES))
    except orjson.JSONDecodeError as wrong:
        raise Invalid(f"{file} is not JSON: {wrong}", path=("source",)) from wrong


def read_bytes(file: Path, most: int) -> bytes:
    """The bytes of a file. Raises Invalid when there is none, LimitExceeded when it is larger."""
    if not file.is_file():
        raise Invalid(f"{file} is not a file", path=("source",))
    if (size := file.stat().st_size) > most:
        raise LimitExceeded(f"{file} has {size:,} bytes; {most:,} are read", path=("source",))
    return file.read_bytes()
