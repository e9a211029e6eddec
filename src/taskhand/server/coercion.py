"""Make of a value that a model sent what it certainly means, by the schema of its argument; pure."""

import json
import re
from typing import Any

from taskhand.domain.names import fold
from taskhand.server.schema import Schema, fields_of, item_fields

__all__ = ["NULL_AS_TEXT", "coerce", "expected_type", "is_empty", "json_types", "refused_value", "squeeze"]

NULL_AS_TEXT = frozenset({"null", "undefined", "None"})
"""What null is where every value is sent as text, in an argument that takes words."""

_PAIR = frozenset({"name", "value"})
"""The fields of an object that stands for one entry of a map, which is taken too."""

_FREE_TEXT = frozenset({"description"})
"""Arguments that keep the blanks around them."""

_LISTS_OF_NAMES = frozenset({"clear"})
"""Lists whose items have no comma in them."""

_LARGEST = 10**15
"""No argument takes a larger number."""
_WHOLE = re.compile(r"\d+\.0+")
_MOST_ITEMS = 2_000
"""No argument takes a longer list."""
_LONGEST_TEXT = 10_000
"""Characters of the longest text."""
_LIMITED_ELSEWHERE = frozenset({"title", "description", "properties", "cursor"})
"""The rules of the body limit a task's texts; a cursor that no list gave is refused as such."""
_WORDS_FOR_NULL = frozenset({"null", "undefined", "none"})
"""What hosts make of null where they send every value as text
(https://github.com/anthropics/claude-code/issues/95239)."""
_SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of characters: a host may cut a text in the middle of one."""


def json_types(schema: Schema) -> set[str]:
    """The JSON types that an argument takes."""
    return {branch["type"] for branch in schema.get("anyOf", [schema]) if "type" in branch}


def squeeze(name: str) -> str:
    """The name of an argument without what its spellings differ in."""
    return fold(name.replace("-", "_")).replace("_", "")


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: null, a blank, an empty list or object, or the number 0."""
    return value is None or (not isinstance(value, bool) and value in ("", (), [], {}, 0))


def coerce(name: str, value: Any, schema: Schema) -> Any:
    """The value as it was meant; as it was sent where the meaning is not certain."""
    types = json_types(schema)
    if fields := item_fields(schema):
        return _pairs(_objects(value)) if fields.keys() == _PAIR else _objects(value)
    match value:
        case bool():
            return value
        case str() if "string" not in types or _choices(schema):
            return _coerce_typed(name, value.strip(), schema)
        case str():
            return value if name in _FREE_TEXT else value.strip()
        case list() if "array" in types:
            return _items(value)
        case {"responsible_id": str()} | {"id": str()} if "array" in types:
            return _items([value])
        case int() | float() if "string" in types and (value != 0 or "0" in _choices(schema)):
            return _digits(value)  # but a 0 that a host fills in is no text
        case _:
            return value


def refused_value(name: str, value: Any, schema: Schema, *, optional: bool) -> str | None:
    """The sentence for a value that pydantic would accept and Taskhand refuses; None for any other value.

    Refused are null where the backend has none, true for 1 and 1 for true, a number that is too large, half a
    character, and a list or text that is longer than any that has a meaning: what is done with it would hold up the
    calls of others.
    """
    types = json_types(schema)
    if value is None and "null" not in types:
        return f"{name} cannot be null{'; leave it out instead' if optional else ''}."
    if isinstance(value, bool) != ("boolean" in types) and isinstance(value, int):
        return expected_type(name, schema)
    if isinstance(value, int) and "integer" not in types and abs(value) >= _LARGEST:
        return f"{name} is too large a number."
    texts = _values_in(value) if isinstance(value, tuple) else (value,)
    if len(texts) > _MOST_ITEMS:
        return f"{name} has {len(texts)} items; send at most {_MOST_ITEMS}."
    takes_text = "string" in types or isinstance(value, tuple)
    longest = max((len(text) for text in texts if isinstance(text, str)), default=0)
    if longest > _LONGEST_TEXT and takes_text and name.rpartition(".")[2] not in _LIMITED_ELSEWHERE:
        return f"{name} has {longest} characters; send at most {_LONGEST_TEXT}."
    if any(isinstance(text, str) and _SURROGATES.search(text) for text in texts):
        return f"{name} has characters that are not Unicode text."
    return None


def _values_in(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """The items of a list, those that are entries of a map by what is in them."""
    is_entry = [isinstance(one, dict) and one.keys() <= _PAIR for one in items]
    return tuple(
        value for one, split in zip(items, is_entry, strict=True) for value in (one.values() if split else (one,))
    )


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


def _choices(schema: Schema) -> list[Any]:
    """The values that an argument, or an item of its list, is chosen from; empty for any other argument."""
    for branch in schema.get("anyOf", [schema]):
        if found := branch.get("enum") or branch.get("items", {}).get("enum"):
            return list(found)
    return []


def _coerce_typed(name: str, text: str, schema: Schema) -> Any:
    """The value of an argument that takes no free text, sent as text."""
    types = json_types(schema)
    if text.casefold() in _WORDS_FOR_NULL:
        return None
    if "array" in types:
        return _coerce_list(text, of_words=bool(_choices(schema)) or name in _LISTS_OF_NAMES)
    if "object" in types:
        return _coerce_object(text)
    whole = text.partition(".")[0]
    return whole if _WHOLE.fullmatch(text) and whole in _choices(schema) else text


def _coerce_list(text: str, *, of_words: bool) -> Any:
    """A list sent as text: as JSON, or as its only item; words may be separated by commas.

    Any other text with a comma stays a text and is refused later: a name may have a comma.
    """
    if text[:1] in ("[", '"', "{") and (parsed := _parse_json(text)) is not None:
        return _items(parsed if isinstance(parsed, list) else [parsed])
    if text.startswith(("[", "{")):
        return text
    if of_words:
        return tuple(filter(None, (word.strip() for word in text.split(","))))
    return (text,) if text and "," not in text else text


def _coerce_object(text: str) -> Any:
    """An object sent as text, as JSON."""
    parsed = _parse_json(text) if text.startswith("{") else None
    return text if parsed is None else parsed


def _objects(value: Any) -> Any:
    """A list of objects, each perhaps sent as JSON text, as the whole list may be; one object is a list of one."""
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


def _pairs(value: Any) -> Any:
    """The entries of a map, sent as one object or as a list of objects, as objects with a name and a value."""
    if not isinstance(value, tuple):
        return value
    entries = [_entries(one) if isinstance(one, dict) else [one] for one in value]
    return tuple(entry for some in entries for entry in some)


def _entries(one: dict[str, Any]) -> list[dict[str, Any]]:
    if all(is_empty(value) for value in one.values()) and one.keys() <= _PAIR:
        return []  # filled in by a host
    pairs = [one] if one.keys() <= _PAIR else [{"name": name, "value": value} for name, value in one.items()]
    return [
        {key: _property_text(given) if key == "value" else _item(given) for key, given in pair.items()}
        for pair in pairs
    ]


def _property_text(value: Any) -> Any:
    """A value as text, a list of several as HubSpot writes it; None for a blank."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(_digits(value))
        case list():
            return ";".join(str(_property_text(item)) for item in value) or None
        case str():
            return value.strip() or None
        case _:
            return value


def _parse_json(text: str) -> Any:
    """The JSON that a text holds, None where it holds none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _items(values: list[Any]) -> tuple[Any, ...] | None:
    """The items of a list of texts; None for a list of one word for null."""
    if len(values) == 1 and isinstance(values[0], str) and values[0].casefold() in ("null", "undefined"):
        return None
    return tuple(map(_item, values))


def _item(value: Any) -> Any:
    """A number as its digits, a person, status or task as an answer shows it by its id; any other item as it is."""
    match value:
        case str():
            return value.strip()
        case {"responsible_id": str(of)} | {"id": str(of)} | {"id": None, "name": str(of)}:
            return of.strip()
        case _:
            return _digits(value)


def _digits(value: Any) -> Any:
    """A whole number as its digits; any other value as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
        return value
    return str(int(value)) if value == int(value) else value
