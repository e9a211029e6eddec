"""Converts a value that a model sent to its unambiguous meaning, by the schema of its argument; pure."""

import json
import re
from typing import Any

from taskhand.server.arguments.accepted_types import PAIR, choices, json_types
from taskhand.server.arguments.refused_values import NUMBER_BOUND
from taskhand.server.schemas.portable import Schema, item_fields

__all__ = ["NULL_AS_TEXT", "coerce", "is_empty"]

NULL_AS_TEXT = frozenset({"null", "undefined", "None"})
"""How null is written by hosts that send every value as text, for an argument that takes words."""

_FREE_TEXT = frozenset({"description"})
"""Arguments whose leading and trailing blanks are kept."""

_LISTS_OF_NAMES = frozenset({"clear"})
"""Lists whose items never contain a comma."""

_WHOLE = re.compile(r"\d+\.0+")
_WORDS_FOR_NULL = frozenset({"null", "undefined", "none"})
"""How hosts write null if they send every value as text (https://github.com/anthropics/claude-code/issues/95239)."""


def is_empty(value: Any) -> bool:
    """Whether a value has no content: null, a blank, an empty list or object, or the number 0."""
    return value is None or (not isinstance(value, bool) and value in ("", (), [], {}, 0))


def coerce(name: str, value: Any, schema: Schema) -> Any:
    """The converted value; unchanged if its meaning is not certain."""
    types = json_types(schema)
    if "array" in types and (fields := item_fields(schema)):
        return _coerce_pairs(_coerce_objects(value)) if fields.keys() == PAIR else _coerce_objects(value)
    match value:
        case bool():
            return value
        case str() if "string" not in types or choices(schema):
            return _coerce_typed(name, value.strip(), schema)
        case str():
            return value if name in _FREE_TEXT else value.strip()
        case list() if "array" in types:
            return _parse_items(value)
        case {"responsible_id": str()} | {"id": str()} if "array" in types:
            return _parse_items([value])
        case int() | float() if "string" in types and (value != 0 or "0" in choices(schema)):
            return _to_digits(value)  # but a 0 that a host fills in is no text
        case _:
            return value


def _coerce_typed(name: str, text: str, schema: Schema) -> Any:
    """The value of an argument that takes no free text, sent as text."""
    types = json_types(schema)
    if text.casefold() in _WORDS_FOR_NULL:
        return None
    if "array" in types:
        return _coerce_list(text, of_words=bool(choices(schema)) or name in _LISTS_OF_NAMES)
    if "object" in types:
        return _coerce_object(text)
    allowed, whole = choices(schema), text.partition(".")[0]
    if text in allowed:
        return text
    if _WHOLE.fullmatch(text) and whole in allowed:
        return whole
    alike = [choice for choice in allowed if isinstance(choice, str) and choice.casefold() == text.casefold()]
    return alike[0] if len(alike) == 1 else text


def _coerce_list(text: str, *, of_words: bool) -> Any:
    """A list sent as text: as JSON, or as its only item; words may be separated by commas.

    Any other text with a comma stays a text and is refused later, because a name may contain a comma.
    """
    if text[:1] in ("[", '"', "{") and (parsed := _parse_json(text)) is not None:
        return _parse_items(parsed if isinstance(parsed, list) else [parsed])
    if text.startswith(("[", "{")):
        return text
    if of_words:
        return tuple(filter(None, (word.strip() for word in text.split(","))))
    return (text,) if text and "," not in text else text


def _coerce_object(text: str) -> Any:
    """An object sent as text, as JSON."""
    parsed = _parse_json(text) if text.startswith("{") else None
    return text if parsed is None else parsed


def _coerce_objects(value: Any) -> Any:
    """A list of objects; the list and each object may be JSON text. A single object becomes a list of one."""
    if isinstance(value, str):
        text = value.strip()
        value = None if text.casefold() in _WORDS_FOR_NULL else _parse_json(text) if text[:1] in ("[", "{") else value
    match value:
        case list():
            return tuple(_coerce_object(item.strip()) if isinstance(item, str) else item for item in value)
        case dict():
            return (value,)
        case _:
            return value


def _coerce_pairs(value: Any) -> Any:
    """The entries of a map as objects with a name and a value; sent as one object or as a list of objects."""
    if not isinstance(value, tuple):
        return value
    entries = [_entries(item) if isinstance(item, dict) else [item] for item in value]
    return tuple(entry for some in entries for entry in some)


def _entries(entry: dict[str, Any]) -> list[dict[str, Any]]:
    if all(is_empty(value) for value in entry.values()) and entry.keys() <= PAIR:
        return []  # added by a host
    pairs = [entry] if entry.keys() <= PAIR else [{"name": name, "value": value} for name, value in entry.items()]
    return [
        {key: _to_property_text(given) if key == "value" else _to_text(given) for key, given in pair.items()}
        for pair in pairs
    ]


def _to_property_text(value: Any) -> Any:
    """A value as text, with several values in HubSpot's notation; None for a blank."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(_to_digits(value))
        case list():
            return ";".join(str(_to_property_text(item)) for item in value) or None
        case str():
            return value.strip() or None
        case _:
            return value


def _parse_json(text: str) -> Any:
    """The value of a JSON text, None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _parse_items(values: list[Any]) -> tuple[Any, ...] | None:
    """The items of a list of texts; None for a list with null as its only word."""
    if len(values) == 1 and isinstance(values[0], str) and values[0].casefold() in ("null", "undefined"):
        return None
    return tuple(map(_to_text, values))


def _to_text(value: Any) -> Any:
    """A number as its digits, a person, status or task in the form of an answer as its id; any other item unchanged."""
    match value:
        case str():
            return value.strip()
        case {"responsible_id": str(of)} | {"id": str(of)} | {"id": None, "name": str(of)}:
            return of.strip()
        case _:
            return _to_digits(value)


def _to_digits(value: Any) -> Any:
    """A whole number as its digits; any other value unchanged."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < NUMBER_BOUND:
        return value
    return str(int(value)) if value == int(value) else value
