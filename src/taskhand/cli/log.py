"""The log on standard error, without hidden characters and without credentials."""

import json
import logging
import re
import sys
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType

from taskhand.cli.terminal import print_line, to_one_line
from taskhand.domain.display_text import plain

__all__ = ["announce", "configure_log"]

_FIELDS = ("tool", "code")
"""Optional fields of a record besides its message."""

_MIN_SECRET = 4
"""Minimum length of a masked secret: shorter texts occur in others by chance."""

_CALLERS_KEY = re.compile(r"(thk_[0-9a-f]{10}_)[0-9a-f]+")
"""A caller's key, of which only a hash is stored; its id is not masked."""

_TICKET = re.compile(r"(/link/)[\w-]{43}")
"""The path of a page on which a person links a credential."""

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure_log(
    level: str = "WARNING", library_level: str = "WARNING", secrets: Iterable[str] = (), *, as_json: bool = False
) -> None:
    """Log to standard error, one line a record; only a traceback adds lines, and in JSON it is in the line.

    The levels of Taskhand and of the libraries are separate: at DEBUG, the HTTP and MCP libraries log the arguments of
    calls. `secrets` are masked wherever they occur. A logging configuration that exists already, as in a test, is kept.
    """
    root = logging.getLogger()
    if root.handlers:
        return
    handler = _StderrHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(secrets) if as_json else _Formatter(secrets))
    root.addHandler(handler)
    root.setLevel(library_level)
    logging.getLogger("taskhand").setLevel(level)


def announce(text: str) -> None:
    """Write a line to standard error at any log level, as a record if the log is JSON."""
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler.formatter, _JsonFormatter)]
    if handlers:
        handlers[0].handle(logging.LogRecord("taskhand", logging.INFO, __file__, 0, text, None, None))
    else:
        print_line(text, err=True)


class _StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic for type checkers only
    def flush(self) -> None:
        """Do nothing: a flush would wait for the reader of standard error."""


class _Formatter(logging.Formatter):
    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._masked = [form for secret in secrets if len(secret) >= _MIN_SECRET for form in _forms_of_secret(secret)]

    def format(self, record: logging.LogRecord) -> str:
        return self.mask(super().format(record))

    def mask(self, text: str) -> str:
        """The text without credentials."""
        for secret in self._masked:
            text = text.replace(secret, "***")
        text = _TICKET.sub(r"\1***", text) if "/link/" in text else text
        return _CALLERS_KEY.sub(r"\1***", text) if "thk_" in text else text

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802  the library's
        at = datetime.fromtimestamp(record.created, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        return to_one_line(super().formatMessage(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  the library's name
        return plain(super().formatException(ei))


class _JsonFormatter(_Formatter):
    """One object a line: `at`, `level`, `logger`, `message`, and optionally `tool`, `code`, `trace`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"at": self.formatTime(record), "level": record.levelname, "logger": record.name}
        line["message"] = to_one_line(record.getMessage())
        line |= {name: str(value) for name in _FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps({name: self.mask(text) for name, text in line.items()})


def _forms_of_secret(secret: str) -> tuple[str, str]:
    """A secret, and its form as the user name of Basic authentication without a password (RFC 7617)."""
    return secret, b64encode(f"{secret}:".encode()).decode()
