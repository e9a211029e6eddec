"""Finds the arguments that need no conversion: texts with one possible meaning, as in most calls; pure."""

from collections.abc import Mapping
from typing import Any

from taskhand.server.arguments.coercion import NULL_AS_TEXT
from taskhand.server.arguments.refused_values import MAX_TEXT
from taskhand.server.schemas.portable import Schema

__all__ = ["are_plain_texts"]


def are_plain_texts(sent: Mapping[str, Any], schema: Schema) -> bool:
    """Whether every required argument and no unknown one is given, and each is a plain text.

    The rules of coercion, of fillers and of refused values leave such arguments as they are.
    """
    if not {*map(type, sent.values())} <= {str}:
        return False
    properties = schema.get("properties", {})
    return all(name in sent for name in schema.get("required", ())) and all(
        name in properties and _is_plain_text(value, properties[name]) for name, value in sent.items()
    )


def _is_plain_text(value: str, schema: Schema) -> bool:
    """Whether the argument takes any text, and this one has no blanks around it and no control characters."""
    return (
        schema.get("type") == "string"
        and "enum" not in schema
        and 0 < len(value) <= MAX_TEXT
        and value.isprintable()
        and value == value.strip()
        and value not in NULL_AS_TEXT
    )
