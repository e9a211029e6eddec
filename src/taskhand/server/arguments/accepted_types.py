"""The JSON types and values that an argument accepts by its schema, and the sentences that list them; pure."""

from typing import Any, Final

from taskhand.domain.truncation import truncate
from taskhand.server.schemas.portable import Schema, fields_of, item_fields

__all__ = ["PAIR", "choices", "expected_choice", "expected_type", "json_types"]

PAIR = frozenset({"name", "value"})
"""The fields of an object that is accepted as one entry of a map."""
_GIVEN: Final = 40


def json_types(schema: Schema) -> set[str]:
    """The JSON types that an argument takes."""
    return {branch["type"] for branch in schema.get("anyOf", [schema]) if "type" in branch}


def choices(schema: Schema) -> list[Any]:
    """The enum values of an argument, or of the items of its list; empty for any other argument."""
    for branch in schema.get("anyOf", [schema]):
        if values := branch.get("enum") or branch.get("items", {}).get("enum"):
            return list(values)
    return []


def expected_choice(name: str, schema: Schema, value: object) -> str:
    """The sentence that lists the values of an argument, or of the items of its list, which names the item `value`."""
    *others, last = (repr(choice) for choice in choices(schema))
    expected = " or ".join(filter(None, (", ".join(others), last)))
    if isinstance(value, str) and "array" in json_types(schema):
        return f"{name} has {truncate(value, _GIVEN)!r}; each item must be {expected}."
    return f"{name} must be {expected}."


def expected_type(name: str, schema: Schema) -> str:
    """The sentence that says which type of value to send."""
    types = json_types(schema)
    if "object" in types:
        example = next(iter(fields_of(schema)), "...")
        return f'{name} must be an object, e.g. {{"{example}": ...}}.'
    if fields := item_fields(schema):
        shown = ", ".join(f'"{field}": ...' for field in (fields if fields.keys() == PAIR else [*fields][:1]))
        return f"{name} must be a list of objects, e.g. [{{{shown}}}]."
    if "array" in types:
        return f'{name} must be a list of strings, e.g. ["..."].'
    wanted = {"integer": "a whole number", "boolean": "true or false", "string": "a string"}
    expected = " or ".join(wanted[type_name] for type_name in sorted(types) if type_name in wanted)
    return f"{name} must be {expected or 'as in the schema'}."
