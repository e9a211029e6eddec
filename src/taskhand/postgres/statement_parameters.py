"""Converts a statement with `?` for each parameter to the notation of the PostgreSQL driver; pure."""

import re
from functools import lru_cache
from typing import Final

__all__ = ["to_driver"]

_TOKEN: Final = re.compile(
    r"""
    '(?:[^']|'')*'          # a text
    | "(?:[^"]|"")*"        # a name
    | --[^\n]*              # a comment
    | /\*.*?\*/             # another
    | \?                    # a parameter
    | %                     # the driver's own mark
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=512)
def to_driver(sql: str) -> str:
    """The statement with `%s` for each `?` that is not in a text, a name or a comment."""
    return _TOKEN.sub(_translate, sql)


def _translate(match: re.Match[str]) -> str:
    part = match.group()
    return "%s" if part == "?" else part.replace("%", "%%")
