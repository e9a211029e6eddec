"""Serve Streamable HTTP."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
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
from taskhand.domain.errors import OperatorError
from taskhand.server.app import TaskhandServer
from taskhand.server.transports.connection import limited_connection
from taskhand.server.transports.draining import Draining
from taskhand.server.transports.host_names import Address, host_in_url
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.open_connections import ACCEPTED_AT_ONCE, OpenConnections
from taskhand.server.transports.process import LAST_WRITE_S
from taskhand.server.transports.proxies import Proxies, read_forwarded
from taskhand.server.transports.refusal_lines import RefusalLines, quiet_libraries
from taskhand.server.transports.refused_names import refuse_names
from taskhand.server.transports.request_limiter import RequestLimiter
from taskhand.server.transports.request_repair import repair_requests

if TYPE_CHECKING:
    from taskhand.domain.telemetry import HttpObserver
    from taskhand.server.linking.pages import LinkPages
    from taskhand.server.transports.bearer_auth import Authentication
    from taskhand.server.webhooks.receiver import Webhooks
    from taskhand.service.readiness import Ready

__all__ = ["bind", "serve_http"]

_Readiness = Callable[[], Awaitable["Ready"]]
_Answer = Callable[[Request], Coroutine[Any, Any, JSONResponse]]

_LAST_REQUEST_S: Final = 0.4
"""Seconds that an open HTTP connection may delay the end."""

_MOST_WAITING: Final = 2_048
"""Connections that the system keeps until they are accepted."""
_KEEP_ALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Seconds and a number; not every system has them."""
_LIMITS: Final = HttpLimits()
_NO_PROXY: Final = Proxies()


async def serve_http(
    server: Server[Any],
    address: Address,
    at_start: Callable[[], Coroutine[Any, Any, None]],
    limits: HttpLimits = _LIMITS,
    proxies: Proxies = _NO_PROXY,
    *,
    announce: Callable[[str], None],
    readiness: _Readiness | None = None,
    auth: "Authentication | None" = None,
    keeps_sessions: bool = True,
    problem: str | None = None,
    observer: "HttpObserver | None" = None,
    pages: "LinkPages | None" = None,
    webhooks: "Webhooks | None" = None,
    draining: Draining | None = None,
) -> bool:
    """Serve MCP at /mcp, and answers at /health and /ready, until a signal arrives and what was under way has ended.

    Returns whether every call has ended by itself. `draining` is how it ends; at a second signal it ends at once.
    `at_start` runs beside the first requests. `auth` asks the callers of /mcp who they are; None asks nobody. Without
    `keeps_sessions` each request of the older era stands alone, so that any other server can answer the next one.
    `problem` is what keeps the server from working: it is alive and not ready. `announce` is told where it listens.
    `readiness` returns whether calls can be carried out, and what is told of it. OperatorError for an address that is
    refused or taken. `observer` is told of every request. `pages` and `webhooks` are those beside /mcp.
    """
    address.check(asks_callers=auth is not None, has_proxy=bool(proxies.networks))
    draining = draining or Draining()
    server.middleware.insert(0, draining.watch_calls)
    limiter = RequestLimiter(limits, lines := RefusalLines(time.monotonic), time.monotonic)
    connections = OpenConnections(limits, proxies.__contains__, lines)
    with bind(address.host, address.port) as bound, quiet_libraries(time.monotonic):
        url = f"http://{host_in_url(address.host)}:{bound.getsockname()[1]}/mcp"
        announce(f"taskhand {__version__} serves {url}")
        beside = _page_routes(pages, url, address, proxies) + (webhooks.routes() if webhooks else [])
        app = server.streamable_http_app(
            transport_security=address.security(),
            max_sessions=limiter.most_sessions,
            session_idle_timeout=limits.session_idle_s,
            max_request_body_size=limits.body_bytes,
            stateless_http=not keeps_sessions,
            custom_starlette_routes=_health_routes(problem, _of_all(readiness, auth), draining) + beside,
            **(auth.options(url) if auth else {}),
        )
        _limit_and_ask(app, server, limiter, limits, auth)
        await _announce_callers(announce, auth, (pages, webhooks), is_open=not address.is_local or proxies != _NO_PROXY)
        _begin_at_signals(draining)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(at_start)
            if auth:
                tasks.start_soon(auth.run)
            served = limiter.limit_requests(draining.watch_requests(refuse_names(repair_requests(app))))
            served = _observed(read_forwarded(served, proxies), limiter, observer)
            ending = _Server(_uvicorn_config(served, limited_connection(limits, connections)), draining)
            tasks.start_soon(ending.end_after_draining, server)
            await ending.serve(sockets=[bound])
            tasks.cancel_scope.cancel()
    return not draining.has_cut


def _limit_and_ask(
    app: Starlette, server: Server[Any], limiter: RequestLimiter, limits: HttpLimits, auth: "Authentication | None"
) -> None:
    """Ask callers who they are, then limit what each uses, then ask what the limits count too."""
    if auth:
        auth.add_to(app)
    limiter.limit_callers(app)
    if auth:
        auth.add_inside(app, limits.body_bytes, server.served if isinstance(server, TaskhandServer) else None)


async def _announce_callers(
    announce: Callable[[str], None],
    auth: "Authentication | None",
    more: "tuple[LinkPages | None, Webhooks | None]",
    *,
    is_open: bool,
) -> None:
    """Tell the operator who can call, unless only programs of this machine can, and nobody is asked.

    `more` is what else the server has for others than callers.
    """
    pages, webhooks = more
    if webhooks:
        announce(webhooks.describe())
    if auth:
        announce(await auth.describe() + (f" {pages.describe()}" if pages else ""))
    elif is_open:
        announce("Anyone who reaches this port can use it: Taskhand does not ask callers who they are.")


def _begin_at_signals(draining: Draining) -> None:
    """Lose no signal that comes before uvicorn listens; it raises one again when its work is done."""
    signal.signal(signal.SIGTERM, lambda *_: draining.begin())
    signal.signal(signal.SIGINT, lambda *_: draining.begin())


def _observed(app: ASGIApp, limiter: RequestLimiter, observer: "HttpObserver | None") -> ASGIApp:
    """The app with an observer, who is told of its requests and sees how many sessions it has; None changes nothing."""
    if observer is None:
        return app
    from taskhand.server.transports.observed_requests import observe_requests  # noqa: PLC0415  few servers are observed

    observer.watch_sessions(limiter.count_sessions)
    return observe_requests(app, observer)


def _uvicorn_config(app: ASGIApp, connection: type[asyncio.Protocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connection,
        ws="none",
        backlog=ACCEPTED_AT_ONCE,
        log_level="critical",
        proxy_headers=False,  # uvicorn believes every program on this machine, and a variable that it reads
        timeout_graceful_shutdown=_LAST_REQUEST_S,  # type: ignore[arg-type]  # uvicorn takes fractions of a second
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, draining: Draining) -> None:
        super().__init__(config)
        self._draining = draining
        self._is_told = False
        self._loop = asyncio.get_running_loop()

    async def end_after_draining(self, server: Server[Any]) -> None:
        """End once a signal has come and what was under way has ended."""
        await self._draining.run(server.end_subscriptions if isinstance(server, TaskhandServer) else lambda: None)
        self._end()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Let many connections wait to be accepted, of which few are at a time."""
        await super().startup(sockets)
        for bound in sockets or ():
            bound.listen(_MOST_WAITING)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end at the first signal, and end at once at the next one."""
        if not self._is_told:
            self._is_told = True
            self._loop.call_soon_threadsafe(self._draining.begin)  # which wakes the loop
            return
        self._draining.cut()
        super().handle_exit(sig, frame)
        self._end()

    def _end(self) -> None:
        """End soon in any case: a write that waits for another process must not delay the end."""
        self.should_exit = True
        last = threading.Timer(_LAST_REQUEST_S + LAST_WRITE_S, self._draining.leave, [int(self._draining.has_cut)])
        last.daemon = True
        last.start()


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is any free one. OperatorError for an address that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    number = "127.0.0.1" if host == "localhost" else host  # whatever a file of hosts says
    try:
        bound = socket.create_server((number, port), family=family)
    except OSError as error:
        raise OperatorError(
            f"{host_in_url(host)}:{port} cannot be served: {error.strerror}.",
            code="address_refused",
            next_step="Choose another --port, or 0 for any free one.",
        ) from None
    # asyncio sets this only on sockets of protocol TCP, and create_server makes one of protocol 0: without it every
    # small answer waits some 40 ms for an acknowledgement.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A connection inherits these too. An idle one whose client has vanished ends after two minutes.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE.items():
        if hasattr(socket, option):
            bound.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return bound


def _page_routes(pages: "LinkPages | None", url: str, address: Address, proxies: Proxies) -> list[Route]:
    """The pages, under the names that /mcp has; `url` is told where persons reach the server by no other."""
    is_own = address.is_loopback and not proxies.networks
    return pages.routes(url if is_own else None, address.allows_host) if pages else []


def _health_routes(problem: str | None, readiness: _Readiness | None, draining: Draining) -> list[Route]:
    """Whether the process lives, and whether calls can be carried out.

    A restart mends no configuration, so the process lives whatever the `problem` is.
    """
    ready = _ready(readiness) if readiness else _always(problem or "ok", 503 if problem else 200)
    routes = {"/health": (_always("ok", 200), 200), "/ready": (ready, 503)}
    return [
        Route(path, _unless_leaving(draining, answer, status), methods=["GET"])
        for path, (answer, status) in routes.items()
    ]


def _unless_leaving(draining: Draining, answer: _Answer, status: int) -> _Answer:
    """Answers as `answer` does, until the server leaves."""
    leaving = _always("draining", status)

    async def answer_now(request: Request) -> JSONResponse:
        return await (leaving if draining.is_leaving else answer)(request)

    return answer_now


def _of_all(readiness: _Readiness | None, auth: "Authentication | None") -> _Readiness | None:
    """The states of what calls need, and of what their callers are asked by."""
    if readiness is None or auth is None:
        return readiness

    async def check() -> "Ready":
        return (await readiness()).with_checks(await auth.check_readiness())

    return check


def _always(state: str, status: int) -> _Answer:
    """Answers the same state each time."""
    body = {"status": state, "version": __version__}

    async def answer(_: Request) -> JSONResponse:
        return JSONResponse(body, status_code=status)

    return answer


def _ready(readiness: _Readiness) -> _Answer:
    """Answers whether calls can be carried out, and why not."""

    async def answer(_: Request) -> JSONResponse:
        found = await readiness()
        status = "ready" if found.is_ready else "not_ready"
        body = {"status": status, "version": __version__, **found.facts}
        return JSONResponse(body, status_code=200 if found.is_ready else 503)

    return answer
