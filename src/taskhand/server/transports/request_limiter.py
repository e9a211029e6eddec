"""All limits on HTTP requests of one server application."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from taskhand.server.transports.caller_limit_middleware import LimitedCallers
from taskhand.server.transports.caller_sessions import HeldSessions
from taskhand.server.transports.caller_usage import CallerLimits
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.http_refusal_log import RefusalLines
from taskhand.server.transports.size_limit_middleware import limit_requests

__all__ = ["RequestLimiter"]


class RequestLimiter:
    """Limits requests before authentication, and the usage of each caller after it."""

    def __init__(self, limits: HttpLimits, lines: RefusalLines, clock: Callable[[], float]) -> None:
        self._limits, self._lines = limits, lines
        self._callers = CallerLimits(limits, clock)
        self._sessions = HeldSessions(limits, clock)

    @property
    def max_sessions(self) -> int:
        """The SDK's maximum number of sessions: sessions over our own limit are ended right after they were opened."""
        return self._limits.sessions + self._limits.open_requests

    def count_sessions(self) -> int:
        """How many sessions are held."""
        return self._sessions.count

    def limit_callers(self, app: Starlette) -> None:
        """Add the limits of each caller to `app`, inside its authentication, before it serves."""
        inner = Middleware(LimitedCallers, callers=self._callers, sessions=self._sessions, lines=self._lines)
        app.user_middleware.append(inner)  # the last middleware is the innermost

    def limit_requests(self, app: ASGIApp) -> ASGIApp:
        """`app` with limits on the size of requests and on wrong keys, outside its authentication."""
        return limit_requests(app, self._limits, self._callers, self._lines)
