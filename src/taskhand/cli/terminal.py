"""The only way from a command to the terminal: text for people without hidden characters, and JSON with them escaped.

Names, titles, paths and error sentences may hold escape sequences, controls (C0 and C1) and characters that reverse the
reading direction. A terminal obeys them, so none of them is printed.
"""

import io
import json
import logging
import sys
from collections.abc import Iterable
from types import TracebackType

import click

from taskhand.domain.errors import TaskhandError
from taskhand.domain.text import escape_hidden, one_line, plain

__all__ = [
    "configure_log",
    "print_error",
    "print_json",
    "print_json_line",
    "print_line",
    "print_lines",
    "print_row",
    "print_usage_error",
]

_SEPARATOR = "  "


def print_line(text: str, *, err: bool = False, colour: str | None = None) -> None:
    """Print one line; line ends in the text become spaces. `colour` is a name that click knows."""
    click.secho(_to_line(text), err=err, fg=colour)


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print each text as one line."""
    for line in lines:
        print_line(line, err=err)


def print_row(*fields: object) -> None:
    """Print the fields that are not empty, with two spaces between them, which no field has in itself."""
    print_line(_SEPARATOR.join(filter(None, (one_line(str(field)) for field in fields if field is not None))))


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value as JSON."""
    print_json_line(json.dumps(value, ensure_ascii=False, indent=indent))


def print_json_line(text: str) -> None:
    """Print JSON text; it parses to the same value as before."""
    click.echo(escape_hidden(text).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def print_error(error: TaskhandError) -> None:
    """Print an error on standard error: what is wrong, then what to do."""
    print_line(f"taskhand: {error.message}", err=True)
    if error.next_step:
        print_line(error.next_step, err=True)


def print_usage_error(error: click.ClickException) -> None:
    """Print what click says of a wrong command line, which it quotes."""
    text = io.StringIO()
    error.show(text)
    print_lines(text.getvalue().splitlines(), err=True)


def configure_log(level: str) -> None:
    """Log to standard error, one line for a record and further ones only for a trace."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _Formatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        return _to_line(super().formatMessage(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  the library's name
        return plain(super().formatException(ei))


def _to_line(text: str) -> str:
    """The text in one line without hidden characters; its spaces stay."""
    return " ".join(plain(text).splitlines()).replace("\t", " ")
