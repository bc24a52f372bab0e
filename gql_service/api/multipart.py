"""Multipart requests with files, as graphql-multipart-request-spec has them, within limits.

Parts with files are spooled to temporary files as they arrive, and counted: a file that is too
large ends the request before the rest of it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from gql_service.api.json_body import arriving, decode
from gql_service.errors import Invalid, LimitExceeded
from gql_service.settings import Settings

PREFLIGHT = ("graphql-require-preflight", "apollo-require-preflight")
_FIELDS = 2  # operations and map
_DEEPEST_PATH = 64


def require_preflight(request: Request) -> None:
    """A form of another site can send multipart, but no header of its own. Raises Invalid."""
    if not any(request.headers.get(name) for name in PREFLIGHT):
        raise Invalid(
            "A multipart request needs the header GraphQL-Require-Preflight: 1, which browsers do "
            "not let other sites send"
        )


async def read_multipart(request: Request, settings: Settings) -> tuple[Any, FormData]:
    """The operations with their files in place, and the form, which is to be closed afterwards.

    Raises Invalid, naming the argument whose file is missing, LimitExceeded, and TimeoutError
    when nothing comes any more.
    """
    parser = _CountingParser(request, settings)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        parser.close_files()
        raise Invalid(f"The multipart body cannot be read: {error.message}") from None
    except (ValueError, KeyError):  # headers of parts that make no sense
        parser.close_files()
        raise Invalid("The multipart body cannot be read") from None
    except BaseException:
        parser.close_files()
        raise
    parser.close_files(but=form)
    try:
        operations = decode(_text(form, "operations"), "The part `operations`")
        files = {name: part for name, part in form.multi_items() if isinstance(part, UploadFile)}
        _put_files(operations, decode(_text(form, "map"), "The part `map`"), files)
    except BaseException:
        await form.close()
        raise
    return operations, form


def argument_path(path: str) -> list[str]:
    """`variables.input.files.0.file` as refusals spell it."""
    steps = path.split(".")
    if steps[:2] == ["variables", "input"]:
        return steps[2:]
    return steps[1:] if steps[:1] == ["variables"] else steps


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str):
        raise Invalid(f"A multipart request needs the part `{name}`, a JSON text")
    return value


def _put_files(operations: Any, mapping: Any, files: Mapping[str, UploadFile]) -> None:
    """Puts every file where `map` says, in the place of a null, and nowhere else."""
    if not isinstance(operations, dict):
        raise Invalid("The part `operations` is not a JSON object")
    if not isinstance(mapping, dict):
        raise Invalid("The part `map` is not a JSON object")
    for name, paths in mapping.items():
        if not (isinstance(paths, list) and len(paths) == 1 and isinstance(paths[0], str)):
            raise Invalid(f"The part `map` must name one path for the file {name!r}")
        if name not in files:
            raise Invalid(f"The part {name!r} is missing", path=argument_path(paths[0]))
        _put(operations, paths[0], files[name])
    if unnamed := files.keys() - mapping.keys():
        raise Invalid(f"The part `map` does not name the file {min(unnamed)!r}")


def _put(operations: Any, path: str, file: UploadFile) -> None:
    nowhere = Invalid(f"There is no null at {path[:200]!r} in `operations`")
    *steps, last = path.split(".", _DEEPEST_PATH)
    if not steps or steps[0] != "variables":
        raise nowhere
    target = operations
    for step in steps:
        target = _member(target, step)
    if isinstance(target, dict) and last in target and target[last] is None:
        target[last] = file
    elif isinstance(target, list) and _is_index(last, target) and target[int(last)] is None:
        target[int(last)] = file
    else:
        raise nowhere


def _member(target: Any, step: str) -> Any:
    if isinstance(target, dict):
        return target.get(step)
    if isinstance(target, list) and _is_index(step, target):
        return target[int(step)]
    return None


def _is_index(step: str, target: list[Any]) -> bool:
    return step.isascii() and step.isdigit() and len(step) < 10 and int(step) < len(target)


class _CountingParser(MultiPartParser):
    def __init__(self, request: Request, settings: Settings) -> None:
        super().__init__(
            request.headers,
            arriving(request, settings.request_seconds),
            max_files=settings.max_files_per_upload,
            max_fields=_FIELDS,
            max_part_size=settings.max_json_bytes,
        )
        self._largest = settings.max_upload_bytes
        self._file_bytes = 0

    def close_files(self, *, but: FormData | None = None) -> None:
        """Those of parts that never ended are in no form, and nobody else knows of them."""
        parts = but.multi_items() if but is not None else ()
        kept = {id(part.file) for _, part in parts if isinstance(part, UploadFile)}
        for file in self._files_to_close_on_error:
            if id(file) not in kept:
                file.close()

    def on_headers_finished(self) -> None:
        disposition = self._current_part.content_disposition or b""
        if disposition.partition(b";")[0].strip().lower() != b"form-data":
            raise MultiPartException("A part is not form-data")
        super().on_headers_finished()

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self._file_bytes = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current_part.file is not None:
            self._file_bytes += end - start
            if self._file_bytes > self._largest:
                raise LimitExceeded(
                    f"The file is larger than {self._largest} bytes", path=self._argument()
                )
        super().on_part_data(data, start, end)

    def _argument(self) -> list[str]:
        """Where the file of the current part belongs; `map` comes before all files."""
        text = dict(self.items).get("map")
        mapping = decode(text, "The part `map`") if isinstance(text, str) else None
        paths = mapping.get(self._current_part.field_name) if isinstance(mapping, dict) else None
        if isinstance(paths, list) and paths and isinstance(paths[0], str):
            return argument_path(paths[0])
        return []
