"""The base of spec variants: one switch for each point that a CRM's documentation leaves open."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Switches:
    """A frozen set of switches; each field of a subclass is one, typed as `Literal`, `int` or `str`."""

    @classmethod
    def parse(cls, items: Iterable[str]) -> Self:
        """Read `name=value` items; other switches have their default. ValueError names the allowed names or values."""
        return cls(**dict(cls._pair(item) for item in items))

    @classmethod
    def allowed(cls) -> dict[str, tuple[str, ...]]:
        """Return the values of every switch, the default first."""
        hints = cls._hints()
        return {field.name: _allowed(hints[field.name], field.default) for field in fields(cls)}

    @classmethod
    def _pair(cls, item: str) -> tuple[str, Any]:
        name, equals, text = item.partition("=")
        names = cls.allowed()
        if name not in names or not equals:
            raise ValueError(f"{item!r} must be name=value with one of the names {', '.join(names)}")
        return name, _value(name, text, cls._hints()[name])

    @classmethod
    @cache
    def _hints(cls) -> dict[str, Any]:
        return get_type_hints(cls)


def _allowed(hint: object, default: object) -> tuple[str, ...]:
    if get_origin(hint) is Literal:
        return tuple(str(value) for value in sorted(get_args(hint), key=lambda value: value != default))
    return ("a whole number from 0",) if hint is int else ("any text",)


def _value(name: str, text: str, hint: object) -> Any:
    if get_origin(hint) is Literal:
        values = {str(value): value for value in get_args(hint)}
        if text not in values:
            raise ValueError(f"{name} must be one of {', '.join(values)}, not {text!r}")
        return values[text]
    if hint is int and not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} must be a whole number from 0, not {text!r}")
    return int(text) if hint is int else text
