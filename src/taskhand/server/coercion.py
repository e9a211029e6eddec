"""Converts a value that a model sent to its unambiguous meaning, by the schema of its argument; pure."""

import json
import re
from typing import Any

from taskhand.domain.names import fold
from taskhand.server.schema import Schema, fields_of, item_fields

__all__ = [
    "NULL_AS_TEXT",
    "choices",
    "coerce",
    "expected_choice",
    "expected_type",
    "is_empty",
    "json_types",
    "refused_value",
    "squeeze",
]

NULL_AS_TEXT = frozenset({"null", "undefined", "None"})
"""How null is written by hosts that send every value as text, for an argument that takes words."""

_PAIR = frozenset({"name", "value"})
"""The fields of an object that is accepted as one entry of a map."""

_FREE_TEXT = frozenset({"description"})
"""Arguments whose leading and trailing blanks are kept."""

_LISTS_OF_NAMES = frozenset({"clear"})
"""Lists whose items never contain a comma."""

_NUMBER_BOUND = 10**15
"""No argument takes a number of this size."""
_WHOLE = re.compile(r"\d+\.0+")
_MAX_ITEMS = 2_000
"""Maximum number of items of a list in any argument."""
_MAX_TEXT = 10_000
"""Maximum length of a text in characters."""
_LIMITED_ELSEWHERE = frozenset({"title", "description", "properties", "cursor"})
"""The rules of the body limit a task's texts; a cursor that no list gave is refused as such."""
_WORDS_FOR_NULL = frozenset({"null", "undefined", "none"})
"""How hosts write null if they send every value as text (https://github.com/anthropics/claude-code/issues/95239)."""
_SURROGATES = re.compile("[\ud800-\udfff]")
"""Surrogates: a host may cut a text in the middle of a character."""


def json_types(schema: Schema) -> set[str]:
    """The JSON types that an argument takes."""
    return {branch["type"] for branch in schema.get("anyOf", [schema]) if "type" in branch}


def choices(schema: Schema) -> list[Any]:
    """The enum values of an argument, or of the items of its list; empty for any other argument."""
    for branch in schema.get("anyOf", [schema]):
        if found := branch.get("enum") or branch.get("items", {}).get("enum"):
            return list(found)
    return []


def squeeze(name: str) -> str:
    """The name of an argument, normalized: without the differences between its spellings."""
    return fold(name.replace("-", "_")).replace("_", "")


def is_empty(value: Any) -> bool:
    """Whether a value has no content: null, a blank, an empty list or object, or the number 0."""
    return value is None or (not isinstance(value, bool) and value in ("", (), [], {}, 0))


def coerce(name: str, value: Any, schema: Schema) -> Any:
    """The converted value; unchanged if its meaning is not certain."""
    types = json_types(schema)
    if fields := item_fields(schema):
        return _coerce_pairs(_coerce_objects(value)) if fields.keys() == _PAIR else _coerce_objects(value)
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


def refused_value(name: str, value: Any, schema: Schema, *, optional: bool) -> str | None:
    """The error text for a value that pydantic would accept and Taskhand refuses; None for any other value.

    Refused are null if the backend has none, true for 1 and 1 for true, a number that is too large, a lone surrogate,
    and a list or text of excessive length, which would delay the calls of others.
    """
    types = json_types(schema)
    if value is None and "null" not in types:
        return f"{name} cannot be null{'; leave it out instead' if optional else ''}."
    if isinstance(value, bool) != ("boolean" in types) and isinstance(value, int):
        return expected_type(name, schema)
    if isinstance(value, int) and "integer" not in types and abs(value) >= _NUMBER_BOUND:
        return f"{name} is too large a number."
    texts = _values_in(value) if isinstance(value, tuple) else (value,)
    if len(texts) > _MAX_ITEMS:
        return f"{name} has {len(texts)} items; send at most {_MAX_ITEMS}."
    takes_text = "string" in types or isinstance(value, tuple)
    longest = max((len(text) for text in texts if isinstance(text, str)), default=0)
    if longest > _MAX_TEXT and takes_text and name.rpartition(".")[2] not in _LIMITED_ELSEWHERE:
        return f"{name} has {longest} characters; send at most {_MAX_TEXT}."
    if any(isinstance(text, str) and _SURROGATES.search(text) for text in texts):
        return f"{name} has characters that are not Unicode text."
    return None


def _values_in(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """The items of a list; an item that is an entry of a map counts by its value."""
    is_entry = [isinstance(one, dict) and one.keys() <= _PAIR for one in items]
    return tuple(
        value for one, split in zip(items, is_entry, strict=True) for value in (one.values() if split else (one,))
    )


def expected_choice(name: str, schema: Schema) -> str:
    """The sentence that lists the values of an argument, or of the items of its list."""
    *others, last = (repr(one) for one in choices(schema))
    return f"{name} must be {' or '.join(filter(None, (', '.join(others), last)))}."


def expected_type(name: str, schema: Schema) -> str:
    """The sentence that says which type of value to send."""
    types = json_types(schema)
    if "object" in types:
        example = next(iter(fields_of(schema)), "...")
        return f'{name} must be an object, e.g. {{"{example}": ...}}.'
    if fields := item_fields(schema):
        shown = ", ".join(f'"{field}": ...' for field in (fields if fields.keys() == _PAIR else [*fields][:1]))
        return f"{name} must be a list of objects, e.g. [{{{shown}}}]."
    if "array" in types:
        return f'{name} must be a list of strings, e.g. ["..."].'
    wanted = {"integer": "a whole number", "boolean": "true or false", "string": "a string"}
    expected = " or ".join(wanted[one] for one in sorted(types) if one in wanted)
    return f"{name} must be {expected or 'as in the schema'}."


def _coerce_typed(name: str, text: str, schema: Schema) -> Any:
    """The value of an argument that takes no free text, sent as text."""
    types = json_types(schema)
    if text.casefold() in _WORDS_FOR_NULL:
        return None
    if "array" in types:
        return _coerce_list(text, of_words=bool(choices(schema)) or name in _LISTS_OF_NAMES)
    if "object" in types:
        return _coerce_object(text)
    whole = text.partition(".")[0]
    return whole if _WHOLE.fullmatch(text) and whole in choices(schema) else text


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
            return tuple(_coerce_object(one.strip()) if isinstance(one, str) else one for one in value)
        case dict():
            return (value,)
        case _:
            return value


def _coerce_pairs(value: Any) -> Any:
    """The entries of a map as objects with a name and a value; sent as one object or as a list of objects."""
    if not isinstance(value, tuple):
        return value
    entries = [_entries(one) if isinstance(one, dict) else [one] for one in value]
    return tuple(entry for some in entries for entry in some)


def _entries(one: dict[str, Any]) -> list[dict[str, Any]]:
    if all(is_empty(value) for value in one.values()) and one.keys() <= _PAIR:
        return []  # added by a host
    pairs = [one] if one.keys() <= _PAIR else [{"name": name, "value": value} for name, value in one.items()]
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
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _NUMBER_BOUND:
        return value
    return str(int(value)) if value == int(value) else value
