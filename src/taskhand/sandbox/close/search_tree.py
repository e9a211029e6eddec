"""The `query` of the search: a tree of conditions on leads and contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.errors import ApiError, validation_error
from taskhand.sandbox.close.text_match import has_beginnings, has_phrase, has_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Tree = Mapping[str, Any]
    Row = dict[str, Any]

OBJECT_TYPES = frozenset({"lead", "contact"})
SEARCHED = (
    "name",
    "title",
    "description",
    "url",
    "emails",
    "phones",
)  # the fields of a free-text search (assumed)
BEGINNINGS = "beginning_of_words"  # recorded, not documented
MODES = {
    "full_words": has_words,
    "phrase": has_phrase,
    BEGINNINGS: has_beginnings,
    "None": has_words,
}
RELATED = {"contact": "contacts", "contact_email": "emails", "contact_phone": "phones", "task": "tasks"}


def object_types_in(tree: Tree) -> frozenset[str]:
    """Return the object types of a query; leads if it names none."""
    named = {name for name in _object_types(tree) if name in OBJECT_TYPES}
    return frozenset(named or {"lead"})


def matches_tree(tree: Tree, row: Row) -> bool:
    """Whether an object matches; `negate` inverts any condition."""
    test = TESTS.get(str(tree.get("type"))) if isinstance(tree, dict) else None
    if test is None:
        raise _invalid_query("type")
    try:
        return test(tree, row) != bool(tree.get("negate"))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _invalid_query(str(error)) from error


def _object_types(tree: Any) -> Iterator[str]:
    if not isinstance(tree, dict):
        return
    if tree.get("type") == "object_type":
        yield str(tree.get("object_type"))
    queries = tree.get("queries")
    for query in queries if isinstance(queries, list) else []:
        yield from _object_types(query)


def _invalid_query(what: str) -> ApiError:
    return validation_error(query=f"Invalid query: {what}")  # the wording is assumed


def _text(tree: Tree, value: Any) -> bool:
    test = MODES.get(str(tree.get("mode")))
    if test is None:
        raise _invalid_query(f"mode {tree.get('mode')}")
    return any(test(text, tree["value"]) for text in _strings(value))


def _full_text(tree: Tree, row: Row) -> bool:
    return _text(tree, [part.get(name) for part in (row, *row.get("contacts", [])) for name in SEARCHED])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from _strings(part)


def _range(tree: Tree, value: Any) -> bool:
    low, high = tree.get("gte"), tree.get("lte")
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


CONDITIONS: dict[str, Callable[[Tree, Any], bool]] = {
    "text": _text,
    "term": lambda tree, value: value in tree["values"],
    "reference": lambda tree, value: value in tree["object_ids"],
    "boolean": lambda tree, value: value is tree["value"],
    "exists": lambda _, value: value not in (None, "", []),
    "number_range": _range,
}


def _field(tree: Tree, row: Row) -> bool:
    condition = tree["condition"]
    if condition["type"] not in CONDITIONS:
        raise _invalid_query(f"condition {condition['type']}")
    return CONDITIONS[condition["type"]](condition, row.get(tree["field"]["field_name"]))


def _related(tree: Tree, row: Row) -> bool:
    name = RELATED.get(tree["related_object_type"])
    if name is None:
        raise _invalid_query(f"related_object_type {tree['related_object_type']}")
    return any(matches_tree(tree["related_query"], part) for part in row.get(name, []))


TESTS: dict[str, Callable[[Tree, Row], bool]] = {
    "and": lambda tree, row: all(matches_tree(query, row) for query in tree["queries"]),
    "or": lambda tree, row: any(matches_tree(query, row) for query in tree["queries"]),
    "match_all": lambda _, __: True,
    "object_type": lambda tree, row: row.get("__object_type", tree["object_type"]) == tree["object_type"],
    "id": lambda tree, row: row["id"] == tree["value"],
    "text": _full_text,
    "field_condition": _field,
    "has_related": _related,
}
