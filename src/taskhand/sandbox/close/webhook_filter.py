"""The `extra_filter` of a webhook: https://developer.close.com/api/resources/webhooks/webhook-filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Tree = Mapping[str, Any]
    Test = Callable[[Tree, Any], bool]


def matches_filter(tree: Tree | None, value: Any) -> bool:
    """Whether a value matches the filter; None matches everything."""
    return tree is None or TESTS[tree["type"]](tree, value)


def is_valid_filter(tree: Any) -> bool:
    """Whether this is a valid filter."""
    kind = tree.get("type") if isinstance(tree, dict) else None
    if not isinstance(kind, str) or kind not in PARTS or any(part not in tree for part in PARTS[kind]):
        return False
    if "filters" in PARTS[kind]:
        return isinstance(tree["filters"], list) and all(map(is_valid_filter, tree["filters"]))
    return "filter" not in PARTS[kind] or (is_valid_filter(tree["filter"]) and isinstance(tree.get("field", ""), str))


def _contains(tree: Tree, value: Any) -> bool:
    if isinstance(value, str):
        return isinstance(tree["value"], str) and tree["value"] in value
    return isinstance(value, list) and tree["value"] in value


def _field(tree: Tree, value: Any) -> bool:
    return matches_filter(tree["filter"], value.get(tree["field"]) if isinstance(value, dict) else None)


def _any_value(tree: Tree, value: Any) -> bool:
    return isinstance(value, list) and any(matches_filter(tree["filter"], item) for item in value)


TESTS: dict[str, Test] = {
    "equals": lambda tree, value: bool(value == tree["value"]),
    "not_equals": lambda tree, value: bool(value != tree["value"]),
    "is_null": lambda _, value: value is None,
    "non_null": lambda _, value: value is not None,
    "contains": _contains,
    "and": lambda tree, value: all(matches_filter(part, value) for part in tree["filters"]),
    "or": lambda tree, value: any(matches_filter(part, value) for part in tree["filters"]),
    "not": lambda tree, value: not matches_filter(tree["filter"], value),
    "field_accessor": _field,
    "any_array_value": _any_value,
}
PARTS: dict[str, tuple[str, ...]] = {
    "equals": ("value",),
    "not_equals": ("value",),
    "is_null": (),
    "non_null": (),
    "contains": ("value",),
    "and": ("filters",),
    "or": ("filters",),
    "not": ("filter",),
    "field_accessor": ("field", "filter"),
    "any_array_value": ("filter",),
}
