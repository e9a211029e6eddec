"""The `extra_filter` of a webhook: a tree of conditions on the event (§6.1 [D])."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Tree = Mapping[str, Any]
    Test = Callable[[Tree, Any], bool]


def passes(tree: Tree | None, value: Any) -> bool:
    """Whether a value passes the tree; no tree lets everything through."""
    return tree is None or TESTS[tree["type"]](tree, value)


def is_tree(tree: Any) -> bool:
    """Whether this is a filter that can be read."""
    kind = tree.get("type") if isinstance(tree, dict) else None
    if not isinstance(kind, str) or kind not in PARTS or any(part not in tree for part in PARTS[kind]):
        return False
    if "filters" in PARTS[kind]:
        return isinstance(tree["filters"], list) and all(map(is_tree, tree["filters"]))
    return "filter" not in PARTS[kind] or (is_tree(tree["filter"]) and isinstance(tree.get("field", ""), str))


def _contains(tree: Tree, value: Any) -> bool:
    if isinstance(value, str):
        return isinstance(tree["value"], str) and tree["value"] in value
    return isinstance(value, list) and tree["value"] in value


def _field(tree: Tree, value: Any) -> bool:
    return passes(tree["filter"], value.get(tree["field"]) if isinstance(value, dict) else None)


def _any_value(tree: Tree, value: Any) -> bool:
    return isinstance(value, list) and any(passes(tree["filter"], item) for item in value)


TESTS: dict[str, Test] = {
    "equals": lambda tree, value: bool(value == tree["value"]),
    "not_equals": lambda tree, value: bool(value != tree["value"]),
    "is_null": lambda _, value: value is None,
    "non_null": lambda _, value: value is not None,
    "contains": _contains,
    "and": lambda tree, value: all(passes(part, value) for part in tree["filters"]),
    "or": lambda tree, value: any(passes(part, value) for part in tree["filters"]),
    "not": lambda tree, value: not passes(tree["filter"], value),
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
