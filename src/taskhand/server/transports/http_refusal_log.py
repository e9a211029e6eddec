"""The log of refusals over HTTP and of clients that leave: at most one line a second for each kind."""

import logging
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import ClientDisconnect

__all__ = ["RefusalLines", "quiet_libraries"]

logger = logging.getLogger(__name__)

_EVERY_S: Final = 1.0
_SESSION_ID: Final = re.compile(r"\b[0-9a-f]{32}\b")
_NOISY: Final = (
    "mcp.server.transport_security",
    "mcp.server.streamable_http",
    "mcp.server.streamable_http_manager",
    "mcp.server.auth.middleware.bearer_auth",
)
"""The SDK's loggers that warn of each refused request, or log a traceback for each client that leaves."""


class RefusalLines:
    """Logs that a limit was exceeded, with the number of times since the last line about it."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._unlogged: dict[str, int] = {}
        self._logged_at: dict[str, float] = {}

    def note(self, limit: str, caller: str) -> None:
        """Count a request, connection or session that was refused or ended for a limit."""
        self._unlogged[limit] = self._unlogged.get(limit, 0) + 1
        now = self._monotonic()
        if now - self._logged_at.get(limit, -math.inf) >= _EVERY_S:
            self._logged_at[limit] = now
            logger.warning("Over the limit %s: %d times, last by %s.", limit, self._unlogged.pop(limit), caller)


@contextmanager
def quiet_libraries(monotonic: Callable[[], float]) -> Iterator[None]:
    """Limit the SDK's warnings of refused requests to one a second for each kind, and remove session ids from them.

    A client that leaves is not logged as an error of the server.
    """
    once = _OncePerSecond(monotonic)
    loggers = [logging.getLogger(name) for name in _NOISY]
    for logger_ in loggers:
        logger_.addFilter(once)
    try:
        yield
    finally:
        for logger_ in loggers:
            logger_.removeFilter(once)


class _OncePerSecond(logging.Filter):
    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._logged_at: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind, now = (record.name, record.lineno), self._monotonic()
        if record.exc_info and isinstance(record.exc_info[1], ClientDisconnect):
            record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
            record.msg, record.args = "A client left before its request had arrived.", None
        if record.levelno != logging.WARNING:
            return True
        if now - self._logged_at.get(kind, -math.inf) < _EVERY_S:
            return False
        self._logged_at[kind] = now
        record.msg, record.args = _SESSION_ID.sub("...", record.getMessage()), None
        return True
