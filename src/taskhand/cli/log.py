"""The log on standard error: when, how bad, who, what; without hidden characters, and without a credential."""

import logging
import sys
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType

from taskhand.cli.terminal import to_line
from taskhand.domain.text import plain

__all__ = ["configure_log"]

_SHORTEST_SECRET = 4
"""Shorter texts occur in others by chance."""

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure_log(level: str = "WARNING", library_level: str = "WARNING", secrets: Iterable[str] = ()) -> None:
    """Log to standard error, one line for a record and further ones only for a trace.

    The levels of Taskhand and of the libraries are separate: what the HTTP and MCP libraries say at DEBUG has the
    arguments of calls in it. `secrets` are masked wherever they occur. Where a program has configured logging before,
    as a test does, that stays.
    """
    root = logging.getLogger()
    if root.handlers:
        return
    handler = _Handler(sys.stderr)
    handler.setFormatter(_Formatter(secrets))
    root.addHandler(handler)
    root.setLevel(library_level)
    logging.getLogger("taskhand").setLevel(level)


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]  # generic for type checkers only
    def flush(self) -> None:
        """Do nothing: a flush waits for the reader of standard error, and no record may."""


class _Formatter(logging.Formatter):
    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._masked = [form for one in secrets if len(one) >= _SHORTEST_SECRET for form in _forms(one)]

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._masked:
            text = text.replace(secret, "***")
        return text

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802  the library's
        at = datetime.fromtimestamp(record.created, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        return to_line(super().formatMessage(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  the library's name
        return plain(super().formatException(ei))


def _forms(secret: str) -> tuple[str, str]:
    """A secret as it is, and as the user name of Basic authentication without a password (RFC 7617)."""
    return secret, b64encode(f"{secret}:".encode()).decode()
