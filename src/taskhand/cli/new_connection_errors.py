"""Errors of `taskhand connections add` in terms of its options, because the table is not written yet."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from taskhand.config.connection_settings import TABLES
from taskhand.domain.errors import OperatorError

__all__ = ["naming_options"]

_OF_THEIR_OWN = {"backend": "--backend", "description": "--description"}


@contextmanager
def naming_options(name: str, file: Path, taken: Mapping[str, str]) -> Iterator[None]:
    """Raise an OperatorError about the new table of `file` again, with option names in place of keys.

    `taken` has the names of values that did not come from an option, by key.
    """
    try:
        yield
    except OperatorError as error:
        message, step = (_in_options(text or "", name, file, taken) for text in (error.message, error.next_step))
        if message == error.message and step == (error.next_step or ""):
            raise
        raise OperatorError(
            message, code=error.code, next_step=step or None, candidates=error.candidates, details=error.details
        ) from None


def _in_options(text: str, name: str, file: Path, taken: Mapping[str, str]) -> str:
    table, in_file = re.escape(f"{TABLES}.{name}"), f"(?: in {re.escape(str(file))})?"

    def call(match: re.Match[str]) -> str:
        before, key, after = match.groups()
        if key in taken:
            return f"{before or ''}{taken[key]}{after or ''}"
        option = _OF_THEIR_OWN.get(key, f"--set {key}=…")
        return f"Use {option} with" if before and after else f"{before or ''}{option}{after or ''}"

    text = re.sub(rf"\b(\w+) in \[{table}\] of {re.escape(str(file))}", rf"{TABLES}.{name}.\1", text)
    text = re.sub(rf"(\bSet )?\b{table}\.(\w+){in_file}( to\b)?", call, text)
    return re.sub(rf"\b{table} in {re.escape(str(file))}", f"The connection {name}", text)
