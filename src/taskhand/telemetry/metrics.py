"""The Prometheus metrics: calls, refusals, requests to the CRMs, their latencies and rate budgets.

Every label value is from a closed set, whatever clients send: known tools and connections, outcomes, codes, methods and
classes of HTTP statuses. This keeps tasks, persons and clients out of the series, and bounds their number.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from taskhand import __version__
from taskhand.call.observers import Budget

__all__ = ["Metrics"]

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_CODE: Final = re.compile(r"[a-z][a-z_]{0,39}|-\d{1,6}")
_MAX_CODES: Final = 100
"""Maximum distinct codes in labels; about seventy exist."""
_OTHER: Final = "other"
_NONE: Final = "none"


class Metrics:
    """Counts the calls of these tools and the requests to these connections; the series are in `registry`."""

    def __init__(self, tools: Collection[str], connections: Collection[str]) -> None:
        # When a series began is of no use here, and doubles their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's
        self.registry = CollectorRegistry()
        self._tools = frozenset(tools)
        self._connections = frozenset({*connections, "all"})
        self._only = next(iter(connections)) if len(connections) == 1 else _NONE
        self._codes: set[str] = set()
        series = _Series(self.registry)
        self._series = series
        ProcessCollector(registry=self.registry)
        Info("taskhand", "The version of Taskhand.", registry=self.registry).info({"version": __version__})

    def call_ended(self, tool: str, connection: str | None, outcome: str, code: str | None, took_s: float) -> None:
        """Count a call of a tool."""
        known = tool if tool in self._tools else _OTHER
        used = connection or self._only
        self._series.calls.labels(known, used if used in self._connections else _OTHER, outcome).inc()
        self._series.call_seconds.labels(known).observe(took_s)
        if code is not None:
            self._series.refusals.labels(self._known_code(code)).inc()

    def of_connection(self, name: str) -> "RequestMetrics":
        """The counter of requests to one connection."""
        return RequestMetrics(self._series, name)

    def of_http(self) -> "HttpMetrics":
        """The counter of the server's HTTP requests."""
        return HttpMetrics(self.registry)

    def _known_code(self, code: str) -> str:
        if code not in self._codes and (len(self._codes) >= _MAX_CODES or not _CODE.fullmatch(code)):
            return _OTHER
        self._codes.add(code)
        return code


class _Series:
    """The series, by what they count."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls = Counter(
            "taskhand_tool_calls",
            "Calls of tools, by how they ended.",
            ("tool", "connection", "outcome"),
            registry=registry,
        )
        self.refusals = Counter("taskhand_refusals", "Calls that an error answered.", ("code",), registry=registry)
        self.call_seconds = Histogram(
            "taskhand_tool_call_seconds", "Seconds that a call took.", ("tool",), buckets=_SECONDS, registry=registry
        )
        self.requests = Counter(
            "taskhand_upstream_requests",
            "Requests to a CRM, retries included; the status is none if no response came.",
            ("connection", "method", "status"),
            registry=registry,
        )
        self.request_seconds = Histogram(
            "taskhand_upstream_request_seconds",
            "Seconds that a request to a CRM took.",
            ("connection",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.wait_seconds = Histogram(
            "taskhand_upstream_wait_seconds",
            "Seconds that a request waited until the rate limit let it leave.",
            ("connection",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.budget = Gauge(
            "taskhand_upstream_budget_requests",
            "Requests to a CRM that may leave at once.",
            ("connection",),
            registry=registry,
        )
        self.paused = Gauge(
            "taskhand_upstream_paused_seconds",
            "Seconds for which all requests to a CRM are held back, because it asked to wait.",
            ("connection",),
            registry=registry,
        )


@dataclass(frozen=True, slots=True)
class RequestMetrics:
    """Counts the requests to one connection."""

    series: _Series = field(repr=False)
    connection: str

    def request_ended(self, method: str, status: int | None, took_s: float) -> None:
        """Count an attempt."""
        known = method if method in _METHODS else _OTHER
        group = _NONE if status is None else f"{status // 100}xx"
        self.series.requests.labels(self.connection, known, group).inc()
        self.series.request_seconds.labels(self.connection).observe(took_s)

    def turn_came(self, waited_s: float) -> None:
        """Count a wait for the rate limit."""
        self.series.wait_seconds.labels(self.connection).observe(waited_s)

    def watch_budget(self, read: Callable[[], Budget]) -> None:
        """Report the current budget at each scrape."""
        self.series.budget.labels(self.connection).set_function(lambda: read().ready)
        self.series.paused.labels(self.connection).set_function(lambda: read().paused_s)


class HttpMetrics:
    """Counts the HTTP requests to a server, from any client."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "taskhand_http_requests",
            "Requests over HTTP by response status; none if the client disconnected before.",
            ("status",),
            registry=registry,
        )
        self._webhooks = Counter(
            "taskhand_webhooks",
            "Deliveries of webhooks: accepted, repeated, refused, or unavailable if they could not be stored.",
            ("connection", "outcome"),
            registry=registry,
        )
        self._open = Gauge("taskhand_http_open_requests", "Requests under way, streams too.", registry=registry)
        self._streams = Gauge("taskhand_http_open_streams", "Answers that are streams and open.", registry=registry)
        self._sessions = Gauge("taskhand_http_sessions", "Sessions of 2025-11-25 and older.", registry=registry)

    def request_began(self) -> None:
        """Count a request in progress."""
        self._open.inc()

    def stream_began(self) -> None:
        """Count an open stream."""
        self._streams.inc()

    def request_ended(self, status: int | None, *, was_stream: bool) -> None:
        """Count an answer."""
        self._open.dec()
        if was_stream:
            self._streams.dec()
        self._requests.labels(_NONE if status is None else str(status)).inc()

    def webhook_came(self, connection: str | None, outcome: str) -> None:
        """Count a delivery."""
        self._webhooks.labels(connection or _OTHER, outcome).inc()

    def watch_sessions(self, read: Callable[[], int]) -> None:
        """Report the current number of sessions at each scrape."""
        self._sessions.set_function(read)
