"""All output of commands to the terminal: text without hidden characters, and JSON with them escaped.

Names, titles, paths and error sentences may hold escape sequences, controls (C0 and C1) and characters that reverse the
reading direction. A terminal obeys them, so none of them is printed.
"""

import codecs
import io
import json
import sys
from collections.abc import Iterable

import click

from taskhand.domain.display_text import escape_hidden, one_line, plain
from taskhand.domain.errors import TaskhandError

__all__ = [
    "print_error",
    "print_json",
    "print_json_line",
    "print_line",
    "print_lines",
    "print_row",
    "print_usage_error",
    "to_one_line",
]

_SEPARATOR = "  "


def print_line(text: str, *, err: bool = False, colour: str | None = None) -> None:
    """Print one line; line ends in the text become spaces. `colour` is a name that click knows."""
    _print(to_one_line(text), err=err, colour=colour)


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print each text as one line."""
    for line in lines:
        print_line(line, err=err)


def print_row(*fields: object) -> None:
    """Print the non-empty fields, separated by two spaces, which no field contains."""
    print_line(_SEPARATOR.join(filter(None, (one_line(str(field)) for field in fields if field is not None))))


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value as JSON."""
    print_json_line(json.dumps(value, ensure_ascii=False, indent=indent))


def print_json_line(text: str) -> None:
    """Print JSON text; it parses to the same value as before, even if the output is not UTF-8."""
    shown = escape_hidden(text).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    encoding = sys.stdout.encoding
    _print(shown.encode(encoding, _JSON_ESCAPES).decode(encoding))


def _print(text: str, *, err: bool = False, colour: str | None = None) -> None:
    # Without a file, click would replace a stream whose encoding is ASCII.
    click.secho(text, file=sys.stderr if err else sys.stdout, fg=colour)


def _escape_for_json(error: UnicodeError) -> tuple[str, int]:
    """Escape characters that the encoding does not have; in JSON they occur only in strings."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


_JSON_ESCAPES = "taskhand.json"
codecs.register_error(_JSON_ESCAPES, _escape_for_json)


def print_error(error: TaskhandError) -> None:
    """Print an error on standard error: the problem, the accepted values, then the next step."""
    print_line(f"taskhand: {error.message}", err=True)
    sentences = f"{error.message} {error.next_step}"
    for candidate in error.candidates:
        if candidate.value not in sentences:
            print_line(f"  {candidate.value}  {candidate.name or ''}".rstrip(), err=True)
    if error.next_step:
        print_line(error.next_step, err=True)


def print_usage_error(error: click.ClickException) -> None:
    """Print click's message on a wrong command line, which it quotes."""
    text = io.StringIO()
    error.show(text)
    print_lines(text.getvalue().splitlines(), err=True)


def to_one_line(text: str) -> str:
    """The text in one line without hidden characters; its spaces stay."""
    return " ".join(plain(text).splitlines()).replace("\t", " ")
