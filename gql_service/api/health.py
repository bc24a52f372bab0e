"""What those who run the service ask it: is it alive, is it ready, what has it counted."""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import anyio
import anyio.to_thread
import sqlalchemy as sa
from prometheus_client import exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gql_service import metrics
from gql_service.api.answers import NO_STORE, json_response, refused
from gql_service.api.context import Backend
from gql_service.api.serving import serving
from gql_service.catalog.sweep_totals import sweep_totals
from gql_service.database import migrate
from gql_service.database.deadline import Deadline
from gql_service.errors import ErrorCode, ServiceError
from gql_service.settings import Settings

T = TypeVar("T")

READY_SECONDS = 2.0
"""After which a check that has not answered has failed."""
FRESH_SECONDS = 1.0
"""For how long a judgement is told again: asking often costs next to nothing."""
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def health_routes(backend: Backend) -> list[Route]:
    return [
        Route("/healthz", _alive, methods=["GET"]),
        Route("/readyz", _Readiness(backend).answer, methods=["GET"]),
        Route("/metrics", _Metrics(backend.settings).answer, methods=["GET"]),
    ]


async def _alive(_request: Request) -> Response:
    """This process answers; it asks nobody else."""
    serving().operation = "healthz"
    return json_response({"status": "ok"}, 200)


class _Readiness:
    """Whether requests should come here now."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._one = anyio.CapacityLimiter(1)
        self._known: tuple[float, dict[str, bool]] | None = None

    async def answer(self, _request: Request) -> Response:
        """200, or 503 with the name of every check that failed, and nothing of why."""
        serving().operation = "readyz"
        checks = {"serving": not self._backend.stopping.begun}
        found: dict[str, bool] = {"database": False, "schema": False, "storage": False}
        if checks["serving"]:
            with anyio.move_on_after(READY_SECONDS), Deadline(READY_SECONDS).active():
                found = await anyio.to_thread.run_sync(
                    self._looked, limiter=self._one, abandon_on_cancel=True
                )
            checks |= found
        ready = all(checks.values())
        told = {name: "ok" if well else "failed" for name, well in checks.items()}
        status = "ready" if ready else "not ready"
        return json_response({"status": status, "checks": told}, 200 if ready else 503)

    def _looked(self) -> dict[str, bool]:
        if self._known is None or time.monotonic() - self._known[0] > FRESH_SECONDS:
            revision = _or_none(lambda: migrate.current_revision(self._backend.database) or "")
            storage = _or_none(self._storage)
            found = {
                "database": revision is not None,
                "schema": revision == migrate.head_revision(),
                "storage": storage is not None,
            }
            self._known = time.monotonic(), found
        return self._known[1]

    def _storage(self) -> bool:
        self._backend.vault.check_writable()
        return True


def _or_none(look: Callable[[], T]) -> T | None:
    try:
        return look()
    except (ServiceError, sa.exc.SQLAlchemyError, OSError):
        return None


class _Metrics:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sweeps = CollectorRegistry()
        self._sweeps.register(_Sweeps(settings))

    async def answer(self, request: Request) -> Response:
        """To the holder of the metrics token; without one, to this machine alone."""
        serving().operation = "metrics"
        if not self._may_read(request):
            return refused(ErrorCode.NOT_FOUND, "Not Found")
        text = await anyio.to_thread.run_sync(self._text)
        kind = exposition.CONTENT_TYPE_PLAIN_0_0_4
        return Response(text, headers={**NO_STORE, "content-type": kind})

    def _text(self) -> bytes:
        return exposition.generate_latest(metrics.registry()) + exposition.generate_latest(
            self._sweeps
        )

    def _may_read(self, request: Request) -> bool:
        token = self._settings.metrics_token
        if token is not None:
            given = request.headers.get("authorization", "").encode()
            return hmac.compare_digest(given, b"Bearer " + token.get_secret_value().encode())
        # Behind a proxy on this machine, the whole world comes from here.
        if self._settings.public_url or any(name in request.headers for name in _FORWARDED):
            return False
        try:
            return (
                request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
            )
        except ValueError:
            return False


class _Sweeps(Collector):
    """The sums of all sweeps of the data folder, wherever they ran."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data_dir

    def collect(self) -> Iterator[Metric]:
        sums = sweep_totals(self._folder)
        for name, said in (
            ("runs", "Sweeps that ended."),
            ("alarms", "Reasons for which sweeps stopped."),
            ("condemned", "Binaries that nothing held any more."),
            ("deleted", "Binaries that were given up for good."),
            ("freed_bytes", "Bytes that were deleted."),
        ):
            yield CounterMetricFamily(f"gql_service_sweep_{name}", said, sums.get(name, 0))
        said = "When the last sweep ended; 0 before the first."
        yield GaugeMetricFamily(
            "gql_service_sweep_last_timestamp_seconds", said, sums.get("last", 0)
        )
