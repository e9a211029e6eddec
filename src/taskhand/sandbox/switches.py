"""Switches: the points on which a CRM's documentation is silent, each with the values it could have."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Switches:
    """A frozen set of switches. A subclass has one field for each: a `Literal`, an `int` or a `str`."""

    @classmethod
    def parse(cls, items: Iterable[str]) -> Self:
        """Read `name=value` items, the rest at their defaults; ValueError names what is allowed."""
        return cls(**dict(cls._pair(item) for item in items))

    @classmethod
    def allowed(cls) -> dict[str, tuple[str, ...]]:
        """Name every switch and the values it takes, the default first."""
        hints = cls._hints()
        return {field.name: _allowed(hints[field.name], field.default) for field in fields(cls)}

    @classmethod
    def _pair(cls, item: str) -> tuple[str, Any]:
        name, equals, text = item.partition("=")
        names = cls.allowed()
        if name not in names or not equals:
            raise ValueError(f"{item!r} is no name=value with a name of: {', '.join(names)}")
        return name, _value(name, text, cls._hints()[name])

    @classmethod
    @cache
    def _hints(cls) -> dict[str, Any]:
        return get_type_hints(cls)


def _allowed(hint: object, default: object) -> tuple[str, ...]:
    if get_origin(hint) is Literal:
        return tuple(str(value) for value in sorted(get_args(hint), key=lambda value: value != default))
    return ("a whole number from 0",) if hint is int else ("any text",)


def _value(name: str, text: str, hint: object) -> Any:  # a switch is of any of three types
    if get_origin(hint) is Literal:
        values = {str(value): value for value in get_args(hint)}
        if text not in values:
            raise ValueError(f"{name} is one of {', '.join(values)}; not {text!r}")
        return values[text]
    if hint is int and not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} is a whole number from 0; not {text!r}")
    return int(text) if hint is int else text
