"""Properties that a CRM's account has of its tasks, besides the fields of the contract; pure.

Each is a field of its own in an edit and in a difference, named `properties.` and its name.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import MISSING, AfterValidator, BaseModel, ConfigDict, WithJsonSchema

__all__ = [
    "FEW_PROPERTIES",
    "PREFIX",
    "PropertyValue",
    "PropertyValues",
    "SetProperties",
    "names_of",
    "property_field",
    "property_name",
    "property_names",
]

PREFIX: Final = "properties."
FEW_PROPERTIES: Final = 50
"""The maximum number of properties in one body, or to be shown of one task."""

PropertyValues = tuple[tuple[str, str | None], ...]
"""Names with their values, sorted by name; None is no value."""


class PropertyValue(BaseModel):
    """A property to set, as text; None clears it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    value: str | None


def _in_order(values: tuple[PropertyValue, ...]) -> tuple[PropertyValue, ...]:
    return tuple(sorted(values, key=lambda value: value.name))


_TEXT: Final[dict[str, Any]] = {"type": "string"}
_PAIR: Final[dict[str, Any]] = {"type": "object", "properties": {"name": _TEXT, "value": _TEXT}}

SetProperties = Annotated[
    tuple[PropertyValue, ...],
    AfterValidator(_in_order),
    WithJsonSchema({"description": 'Own CRM fields; "" clears', "type": "array", "items": _PAIR}),
]
"""Properties to set. A list of objects with known names, because strict modes and Gemini take no free-form object."""


def names_of(values: tuple[PropertyValue, ...] | MISSING) -> tuple[str, ...]:
    """The names of the properties that a body sets."""
    return () if values is MISSING else tuple(value.name for value in values)


def property_field(name: str) -> str:
    """The field of an edit that sets this property."""
    return PREFIX + name


def property_name(field: str) -> str | None:
    """The property that a field of an edit sets; None for any other field."""
    return field.removeprefix(PREFIX) if field.startswith(PREFIX) else None


def property_names(fields: Iterable[str]) -> frozenset[str]:
    """The properties among fields of an edit."""
    return frozenset(name for field in fields if (name := property_name(field)) is not None)
