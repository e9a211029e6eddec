"""The filters of a search, each a condition on one property."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.dates import parse_instant, to_millis
from taskhand.sandbox.hubspot.errors import read_list, validation_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from taskhand.sandbox.hubspot.property_definitions import Definition
    from taskhand.sandbox.hubspot.spec_variant import SpecVariant

ASSOCIATED = "associations."  # the prefix of the documented pseudo-properties
UNFILTERABLE = "hs_body_preview_html"
NEGATIVE = frozenset({"NEQ", "NOT_IN", "NOT_CONTAINS_TOKEN"})
OPERATORS = frozenset(
    {"EQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN"} | NEGATIVE
)
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Filter:
    """One condition on one property."""

    name: str
    operator: str
    value: str = ""
    high: str = ""
    values: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, row: Any, definitions: Mapping[str, Definition]) -> Filter:
        """Read one filter; an invalid one is a 400 with an assumed text."""
        if not isinstance(row, dict) or str(row.get("operator")) not in OPERATORS:
            raise validation_error("Invalid filter: operator must be one of the allowed operators")
        name, values = str(row.get("propertyName", "")), read_list(row, "values")
        if name == UNFILTERABLE or (name not in definitions and not name.startswith(ASSOCIATED)):
            raise validation_error(f"There was a problem with the request: property {name} cannot be filtered")
        _check_operands(row, values)
        texts = tuple(str(value) for value in values)
        return cls(name, row["operator"], str(row.get("value", "")), str(row.get("highValue", "")), texts)


def _check_operands(row: Mapping[str, Any], values: list[Any]) -> None:
    operator = row["operator"]
    is_listed = operator in {"IN", "NOT_IN"}
    if is_listed and not values:
        raise validation_error(f"Invalid filter: {operator} requires values")
    if not is_listed and "HAS_PROPERTY" not in operator and row.get("value") is None:
        raise validation_error(f"Invalid filter: {operator} requires a value")
    if operator == "BETWEEN" and row.get("highValue") is None:
        raise validation_error("Invalid filter: BETWEEN requires a highValue")


def matches_condition(condition: Filter, text: str | None, definition: Definition, spec_variant: SpecVariant) -> bool:
    """Whether a property's value matches; None is a record without the property."""
    if condition.operator == "HAS_PROPERTY":
        return text is not None
    if condition.operator == "NOT_HAS_PROPERTY":
        return text is None
    if text is None:
        return condition.operator in NEGATIVE and spec_variant.unset_differs == "yes"
    return _TESTS[condition.operator](condition, text, definition)


def comparable(text: str, definition: Definition) -> float | str:
    """Return a key for comparisons: numbers and dates by size, enumerations exactly, other text in lower case."""
    if definition.type == "datetime" and (moment := parse_instant(text)):
        return float(to_millis(moment))
    if definition.type == "number" or definition.name == "hs_object_id":
        try:
            return float(text)
        except ValueError:
            return float("nan")
    return text if definition.type == "enumeration" else text.casefold()


def tokens_match(pattern: str, text: str) -> bool:
    """Whether a word of the text, or the whole text, matches a pattern with `*`."""
    words = [text.casefold(), *WORD.findall(text.casefold())]
    return any(fnmatchcase(word, pattern.casefold()) for word in words)


def _compared(text: str, other: str, definition: Definition) -> int | None:
    left, right = comparable(text, definition), comparable(other, definition)
    if isinstance(left, str) or isinstance(right, str):
        left, right = str(left), str(right)
        return (left > right) - (left < right)
    return None if left != left or right != right else (left > right) - (left < right)  # noqa: PLR0124  # not a number


def _comparison(*allowed: int) -> Callable[[Filter, str, Definition], bool]:
    return lambda condition, text, definition: _compared(text, condition.value, definition) in allowed


def _between(condition: Filter, text: str, definition: Definition) -> bool:
    is_above = _compared(text, condition.value, definition) in {0, 1}
    return is_above and _compared(text, condition.high, definition) in {0, -1}


def _in(condition: Filter, text: str, definition: Definition) -> bool:
    if definition.type == "string":  # documented: the values must be in lower case
        return text.casefold() in condition.values
    return any(_compared(text, value, definition) == 0 for value in condition.values)


_TESTS: dict[str, Callable[[Filter, str, Definition], bool]] = {
    "EQ": _comparison(0),
    "NEQ": lambda condition, text, definition: _compared(text, condition.value, definition) != 0,
    "LT": _comparison(-1),
    "LTE": _comparison(-1, 0),
    "GT": _comparison(1),
    "GTE": _comparison(0, 1),
    "BETWEEN": _between,
    "IN": _in,
    "NOT_IN": lambda condition, text, definition: not _in(condition, text, definition),
    "CONTAINS_TOKEN": lambda condition, text, _: tokens_match(condition.value, text),
    "NOT_CONTAINS_TOKEN": lambda condition, text, _: not tokens_match(condition.value, text),
}
