"""Log lines on standard error: JSON where machines read, plain words on a terminal.

Every line that is written while a request is served carries its id, in worker threads too. What
could be a secret never becomes part of a line: no headers, no variables, no query strings, and
tracebacks show code but not the values that it worked on.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.contextvars import bind_contextvars, merge_contextvars
from structlog.stdlib import ProcessorFormatter
from structlog.typing import FilteringBoundLogger, Processor

_requests: FilteringBoundLogger | None = None


def configure(level: str, *, worker: bool = False, to: TextIO | None = None) -> None:
    """From now on, lines of this level and above are written, to standard error by default.
    One of several workers says its pid with each.

    Libraries speak from `warning` on, whatever the level.
    """
    global _requests
    stream = to or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    plain: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if worker:
        plain.append(_with_pid)
    last: list[Processor]
    if stream.isatty():
        last = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        logger: Any = structlog.WriteLogger(stream)
        formatted = last
    else:
        logger = structlog.BytesLogger(cast(Any, stream).buffer)
        last = [structlog.processors.JSONRenderer(orjson.dumps)]
        formatted = [structlog.processors.format_exc_info, _in_text]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[merge_contextvars, structlog.stdlib.add_logger_name, *plain],
            processors=[ProcessorFormatter.remove_processors_meta, *formatted],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    logging.getLogger("gql_service").setLevel(number)
    wrapped = structlog.make_filtering_bound_logger(number)
    if number > logging.INFO:
        _requests = None
    else:
        _requests = structlog.wrap_logger(logger, [*plain, *last], wrapped).bind()


def bind(request_id: str) -> None:
    """Lines of this task, and of the threads and tasks that it starts, are about this request."""
    bind_contextvars(request_id=request_id)


def request(**values: Any) -> None:
    """The one line of a request that has been answered."""
    if _requests is not None:
        _requests.info("request", **values)


def _with_pid(_logger: Any, _name: str, line: Any) -> Any:
    line["pid"] = os.getpid()
    return line


def _in_text(_logger: Any, _name: str, line: Any) -> str:
    return orjson.dumps(line, default=repr).decode()
