"""Serve Streamable HTTP."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import anyio
import uvicorn
from mcp.server import Server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from taskhand import __version__
from taskhand.server.app import TaskhandServer
from taskhand.server.transports.draining import Draining
from taskhand.server.transports.host_names import ListenAddress, host_in_url, refuse_names
from taskhand.server.transports.http_connection import connection_class
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.http_refusal_log import RefusalLines, quiet_libraries
from taskhand.server.transports.listening_socket import MAX_QUEUED, bind
from taskhand.server.transports.open_http_connections import ACCEPTED_AT_ONCE, OpenConnections
from taskhand.server.transports.process_exit import LAST_WRITE_S
from taskhand.server.transports.proxies import Proxies, read_forwarded
from taskhand.server.transports.request_limiter import RequestLimiter
from taskhand.server.transports.request_repair import repair_requests
from taskhand.server.transports.unauthenticated_access import check_listen_address

if TYPE_CHECKING:
    from taskhand.call.observers import HttpObserver
    from taskhand.server.linking.routes import LinkPages
    from taskhand.server.transports.bearer_auth import Authentication
    from taskhand.server.webhooks.receiver import WebhookReceivers
    from taskhand.service.readiness import ReadinessReport

__all__ = ["Endpoint", "SideRoutes", "serve_http"]

_Readiness = Callable[[], Awaitable["ReadinessReport"]]
_Answer = Callable[[Request], Coroutine[Any, Any, JSONResponse]]

_LAST_REQUEST_S: Final = 0.4
"""Seconds that an open HTTP connection may delay the end of the server."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how HTTP is served: the limits of its callers, and the proxies whose headers are believed.

    `auth` authenticates the callers of /mcp; None means no authentication. Without `keeps_sessions` each request of the
    older era stands alone, and any other server can answer the next one. `draining` controls the end. `announce` is
    called with the URL, then with who may call.
    """

    address: ListenAddress
    limits: HttpLimits = field(default_factory=HttpLimits)
    proxies: Proxies = field(default_factory=Proxies)
    auth: "Authentication | None" = field(default=None, kw_only=True)
    keeps_sessions: bool = field(default=True, kw_only=True)
    draining: Draining = field(default_factory=Draining, kw_only=True)
    announce: Callable[[str], None] = field(kw_only=True)

    @property
    def is_own(self) -> bool:
        """Whether only this machine reaches it, without a proxy."""
        return self.address.is_loopback and not self.proxies.networks

    def check(self) -> None:
        """OperatorError for an address that other machines reach, unless callers are authenticated."""
        check_listen_address(self.address, asks_callers=self.auth is not None, has_proxy=bool(self.proxies.networks))


@dataclass(frozen=True, slots=True)
class SideRoutes:
    """The routes beside /mcp: the state for probes, and the pages and webhooks if there are any.

    `readiness` returns the state of each service that calls need. `problem` keeps the server from working: it is alive
    and not ready.
    """

    readiness: _Readiness | None = None
    problem: str | None = None
    pages: "LinkPages | None" = None
    webhooks: "WebhookReceivers | None" = None


_HEALTH_ONLY: Final = SideRoutes()


async def serve_http(
    server: Server[Any],
    endpoint: Endpoint,
    at_start: Callable[[], Coroutine[Any, Any, None]],
    *,
    beside: SideRoutes = _HEALTH_ONLY,
    observer: "HttpObserver | None" = None,
) -> bool:
    """Serve MCP at /mcp, with /health and /ready, until a signal arrives and the calls under way have ended.

    Returns whether every call ended by itself; a second signal ends the server at once. `at_start` runs beside the
    first requests. `observer` is called for every request. OperatorError for an address that is refused or taken.
    """
    endpoint.check()
    address, limits, proxies = endpoint.address, endpoint.limits, endpoint.proxies
    auth, draining = endpoint.auth, endpoint.draining
    server.middleware.insert(0, draining.watch_calls)
    limiter = RequestLimiter(limits, lines := RefusalLines(time.monotonic), time.monotonic)
    connections = OpenConnections(limits, proxies.__contains__, lines)
    with bind(address.host, address.port) as bound, quiet_libraries(time.monotonic):
        url = f"http://{host_in_url(address.host)}:{bound.getsockname()[1]}/mcp"
        endpoint.announce(f"taskhand {__version__} serves {url}")
        app = server.streamable_http_app(
            transport_security=address.security(),
            max_sessions=limiter.max_sessions,
            session_idle_timeout=limits.session_idle_s,
            max_request_body_size=limits.body_bytes,
            stateless_http=not endpoint.keeps_sessions,
            custom_starlette_routes=_side_routes(beside, url, endpoint),
            **(auth.options(url) if auth else {}),
        )
        _add_limits_and_auth(app, server, limiter, limits, auth)
        await _announce_callers(endpoint, beside)
        _begin_at_signals(draining)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(at_start)
            if auth:
                tasks.start_soon(auth.run)
            served = limiter.limit_requests(draining.watch_requests(refuse_names(repair_requests(app))))
            served = _add_observer(read_forwarded(served, proxies), limiter, observer)
            ending = _McpServer(_uvicorn_config(served, connection_class(limits, connections)), draining)
            tasks.start_soon(ending.end_after_draining, server)
            await ending.serve(sockets=[bound])
            tasks.cancel_scope.cancel()
    return not draining.has_cut


def _add_limits_and_auth(
    app: Starlette, server: Server[Any], limiter: RequestLimiter, limits: HttpLimits, auth: "Authentication | None"
) -> None:
    """Authenticate callers, limit the usage of each, and then check what needs an authenticated and limited caller."""
    if auth:
        auth.add_to(app)
    limiter.limit_callers(app)
    if auth:
        auth.add_inside(app, limits.body_bytes, server.served if isinstance(server, TaskhandServer) else None)


async def _announce_callers(endpoint: Endpoint, beside: SideRoutes) -> None:
    """Tell the operator who can call, unless only programs of this machine can, without authentication."""
    announce, auth = endpoint.announce, endpoint.auth
    if beside.webhooks:
        announce(beside.webhooks.describe())
    if auth:
        announce(await auth.describe() + (f" {beside.pages.describe()}" if beside.pages else ""))
    elif not endpoint.address.is_local or endpoint.proxies.networks:
        announce("Anyone who reaches this port can use it: Taskhand does not identify callers.")


def _begin_at_signals(draining: Draining) -> None:
    """Keep a signal that comes before uvicorn listens; uvicorn raises a signal again after its shutdown."""
    signal.signal(signal.SIGTERM, lambda *_: draining.begin())
    signal.signal(signal.SIGINT, lambda *_: draining.begin())


def _add_observer(app: ASGIApp, limiter: RequestLimiter, observer: "HttpObserver | None") -> ASGIApp:
    """The app with an observer of its requests and its number of sessions; the app itself without an observer."""
    if observer is None:
        return app
    from taskhand.server.transports.observer_middleware import observe_requests  # noqa: PLC0415  few servers are observed

    observer.watch_sessions(limiter.count_sessions)
    return observe_requests(app, observer)


def _uvicorn_config(app: ASGIApp, connection: type[asyncio.Protocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connection,
        ws="none",
        backlog=ACCEPTED_AT_ONCE,
        log_level="critical",
        access_log=False,  # a line that nobody reads would be formatted for each request
        proxy_headers=False,  # by default uvicorn trusts this machine and an environment variable
        timeout_graceful_shutdown=_LAST_REQUEST_S,  # type: ignore[arg-type]  # uvicorn takes fractions of a second
    )


class _McpServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, draining: Draining) -> None:
        super().__init__(config)
        self._draining = draining
        self._is_draining = False
        self._loop = asyncio.get_running_loop()

    async def end_after_draining(self, server: Server[Any]) -> None:
        """End once a signal has come and the requests under way have ended."""
        await self._draining.run(server.end_subscriptions if isinstance(server, TaskhandServer) else lambda: None)
        self._end()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Set a long queue of connections that are not accepted yet: asyncio accepts few at a time."""
        await super().startup(sockets)
        for bound in sockets or ():
            bound.listen(MAX_QUEUED)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first signal, and end at once at the second one."""
        if not self._is_draining:
            self._is_draining = True
            self._loop.call_soon_threadsafe(self._draining.begin)  # which wakes the loop
            return
        self._draining.cut()
        super().handle_exit(sig, frame)
        self._end()

    def _end(self) -> None:
        """End soon in any case: a write that waits for a lock of another process must not delay the end."""
        self.should_exit = True
        last = threading.Timer(_LAST_REQUEST_S + LAST_WRITE_S, self._draining.leave, [int(self._draining.has_cut)])
        last.daemon = True
        last.start()


def _side_routes(beside: SideRoutes, url: str, endpoint: Endpoint) -> list[Route]:
    """The routes beside /mcp, those of the pages under its host names: at `url` if only this machine reaches it."""
    pages, webhooks = beside.pages, beside.webhooks
    routes = _health_routes(beside.problem, _combine_readiness(beside.readiness, endpoint.auth), endpoint.draining)
    if pages is not None:
        routes += pages.routes(url if endpoint.is_own else None, endpoint.address.allows_host)
    return routes + (webhooks.routes() if webhooks is not None else [])


def _health_routes(problem: str | None, readiness: _Readiness | None, draining: Draining) -> list[Route]:
    """The routes for liveness and readiness.

    A restart does not fix a configuration, so the process is alive even if there is a `problem`.
    """
    ready = _answer_readiness(readiness) if readiness else _answer_state(problem or "ok", 503 if problem else 200)
    routes = {"/health": (_answer_state("ok", 200), 200), "/ready": (ready, 503)}
    return [
        Route(path, _refuse_while_draining(draining, answer, status), methods=["GET"])
        for path, (answer, status) in routes.items()
    ]


def _refuse_while_draining(draining: Draining, answer: _Answer, status: int) -> _Answer:
    """The endpoint `answer`, refused while the server drains."""
    leaving = _answer_state("draining", status)

    async def answer_now(request: Request) -> JSONResponse:
        return await (leaving if draining.is_leaving else answer)(request)

    return answer_now


def _combine_readiness(readiness: _Readiness | None, auth: "Authentication | None") -> _Readiness | None:
    """The states of the services that calls need, and of those that authentication needs."""
    if readiness is None or auth is None:
        return readiness

    async def check() -> "ReadinessReport":
        return (await readiness()).with_checks(await auth.check_readiness())

    return check


def _answer_state(state: str, status: int) -> _Answer:
    """An endpoint that always answers with this state."""
    body = {"status": state, "version": __version__}

    async def answer(_: Request) -> JSONResponse:
        return JSONResponse(body, status_code=status)

    return answer


def _answer_readiness(readiness: _Readiness) -> _Answer:
    """The endpoint that answers whether calls can be carried out, and if not, why."""

    async def answer(_: Request) -> JSONResponse:
        state = await readiness()
        status = "ready" if state.is_ready else "not_ready"
        body = {"status": status, "version": __version__, **state.facts}
        return JSONResponse(body, status_code=200 if state.is_ready else 503)

    return answer
