"""Values of arguments that pydantic would accept and Taskhand refuses, such as true for 1 or a lone surrogate; pure."""

import re
from collections.abc import Sequence
from typing import Any, Final

from taskhand.server.arguments.accepted_types import PAIR, expected_type, json_types
from taskhand.server.schemas.portable import Schema

__all__ = ["MAX_TEXT", "NUMBER_BOUND", "refused_value"]

NUMBER_BOUND: Final = 10**15
"""No argument takes a number of this size."""
_MAX_ITEMS: Final = 2_000
"""Maximum number of items of a list in any argument."""
MAX_TEXT: Final = 10_000
"""Maximum length of a text in characters."""
_LIMITED_ELSEWHERE: Final = frozenset({"title", "description", "properties", "cursor"})
"""The rules of the body limit a task's texts; a cursor that no list gave is refused as such."""

_SURROGATES: Final = re.compile("[\ud800-\udfff]")
"""Surrogates: a host may cut a text in the middle of a character."""


def refused_value(name: str, value: Any, schema: Schema, *, optional: bool, nullable: bool = False) -> str | None:
    """The error text for a value that pydantic would accept and Taskhand refuses; None for any other value.

    Refused are null if the backend has none, true for 1 and 1 for true, a number that is too large, a lone surrogate,
    and a list or text of excessive length, which would delay the calls of others. `nullable` is whether any backend
    takes null; a backend that does not requires the field in every task.
    """
    types = json_types(schema)
    if value is None and "null" not in types:
        reason = ": a task of this CRM must have one" if nullable else ""
        return f"{name} cannot be null{reason}{'; leave it out to keep it' if optional else ''}."
    if isinstance(value, bool) != ("boolean" in types) and isinstance(value, int):
        return expected_type(name, schema)
    if isinstance(value, int) and "integer" not in types and abs(value) >= NUMBER_BOUND:
        return f"{name} is too large a number."
    values = _values_in(value) if isinstance(value, tuple) else (value,)
    takes_text = "string" in types or isinstance(value, tuple)
    texts = [item for item in values if isinstance(item, str)]
    if (excess := _describe_excess(name, len(values), texts if takes_text else ())) is not None:
        return excess
    if any(map(_SURROGATES.search, texts)):
        return f"{name} has characters that are not Unicode text."
    return None


def _values_in(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """The items of a list; an item that is an entry of a map counts by its value."""
    is_entry = [isinstance(item, dict) and item.keys() <= PAIR for item in items]
    return tuple(
        value for item, split in zip(items, is_entry, strict=True) for value in (item.values() if split else (item,))
    )


def _describe_excess(name: str, count: int, texts: Sequence[str]) -> str | None:
    """The error text for too many values (`count`), or for a text that is too long; None if all are within the limits.

    `texts` is empty if the argument takes none: a text for such an argument is refused by its type.
    """
    if count > _MAX_ITEMS:
        return f"{name} has {count} items; send at most {_MAX_ITEMS}."
    longest = max(map(len, texts), default=0)
    if longest > MAX_TEXT and name.rpartition(".")[2] not in _LIMITED_ELSEWHERE:
        return f"{name} has {longest} characters; send at most {MAX_TEXT}."
    return None
