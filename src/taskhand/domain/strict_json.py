"""JSON by RFC 8259 alone: Python's own parser also accepts NaN and Infinity."""

from collections.abc import Callable
from json import loads
from typing import Any, NoReturn

__all__ = ["parse_strictly"]


def parse_strictly(text: str | bytes, to_object: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The value of a JSON text, whose objects `to_object` makes, dict by default; ValueError, RecursionError."""
    return loads(text, object_pairs_hook=to_object, parse_constant=_refuse)


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON (RFC 8259 §6)")
