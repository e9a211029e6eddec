"""What a value that a model sent certainly means, by the schema of the argument it was sent for; pure."""

import json
from typing import Any

from taskhand.server.schema import Schema, fields_of

__all__ = ["coerce", "expected_type", "json_types", "refused_value"]

_FREE_TEXT = frozenset({"description"})
"""Arguments whose blanks are the caller's own."""

_LARGEST = 10**15
"""Beyond this no argument means a number."""


def json_types(schema: Schema) -> set[str]:
    """The JSON types that an argument takes."""
    return {branch["type"] for branch in schema.get("anyOf", [schema]) if "type" in branch}


def coerce(name: str, value: Any, schema: Schema) -> Any:
    """The value as it was meant; as it was sent where that is not certain."""
    taken = json_types(schema)
    match value:
        case str() if "string" in taken:
            return value if name in _FREE_TEXT else value.strip()
        case str() if "array" in taken:
            return _coerce_list(value.strip())
        case str() if "object" in taken:
            return _coerce_object(value.strip())
        case str():
            return value.strip()
        case bool():
            return value
        case int() if "string" in taken and abs(value) < _LARGEST:
            return str(value)
        case list() if "array" in taken:
            return _items(value)
        case _:
            return value


def refused_value(name: str, value: Any, schema: Schema, *, optional: bool) -> str | None:
    """What the types would let through: null where a backend has none, true for 1, half a character."""
    taken = json_types(schema)
    if value is None and "null" not in taken:
        return f"{name} cannot be null{'; leave it out instead' if optional else ''}."
    if isinstance(value, bool) and "boolean" not in taken:
        return expected_type(name, schema)
    if isinstance(value, int) and "integer" not in taken and abs(value) >= _LARGEST:
        return f"{name} is too large a number."
    texts = [text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)]
    if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
        return f"{name} has characters that are not Unicode text."
    return None


def expected_type(name: str, schema: Schema) -> str:
    """The sentence that says which kind of value to send."""
    taken = json_types(schema)
    if "object" in taken:
        example = next(iter(fields_of(schema)), "...")
        return f'{name} must be an object, e.g. {{"{example}": ...}}.'
    if "array" in taken:
        return f'{name} must be a list of strings, e.g. ["..."].'
    wanted = {"integer": "a whole number", "boolean": "true or false", "string": "a string"}
    said = " or ".join(wanted[kind] for kind in sorted(taken) if kind in wanted)
    return f"{name} must be {said or 'as in the schema'}."


def _coerce_list(text: str) -> Any:
    """A list sent as text: as JSON, or as its only item; several items in one text are not told apart here."""
    if text[:1] in ("[", '"'):
        parsed = _parse_json(text)
        return text if parsed is None else _items(parsed if isinstance(parsed, list) else [parsed])
    return (text,) if text and "," not in text else text


def _coerce_object(text: str) -> Any:
    """An object sent as text, as JSON."""
    parsed = _parse_json(text) if text.startswith("{") else None
    return text if parsed is None else parsed


def _parse_json(text: str) -> Any:
    """The JSON that a text holds, None where it holds none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _items(values: list[Any]) -> tuple[Any, ...]:
    return tuple(item.strip() if isinstance(item, str) else item for item in values)
