"""HubSpot's own values of a task, which an undo writes back as they were; pure.

The contract cannot express some of them: a body is HTML, and a priority may be NONE or an account's own.
Properties: https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from taskhand.backends.hubspot.stages import STAGE_PROPERTIES
from taskhand.backends.remote.parsing import JsonObject, objects
from taskhand.domain.edit import Edit

__all__ = [
    "ASSOCIATIONS",
    "BODY",
    "FURTHER",
    "RAW_PROPERTIES",
    "further_associations",
    "further_properties",
    "has_further",
    "raw_links",
    "raw_properties",
    "raw_status",
    "without_further",
]

BODY: Final = "hs_task_body"
FURTHER: Final = "properties"
"""Where raw values have the properties besides those of the fields, of a task that was to be deleted."""
ASSOCIATIONS: Final = "associations"
"""Where they have all links with their types, by kind."""
_TYPE, _DUE = "hs_task_type", "hs_timestamp"

_PROPERTY_OF: Final[Mapping[str, str]] = {
    "title": "hs_task_subject",
    "description": BODY,
    "due": _DUE,
    "responsible_ids": "hubspot_owner_id",
    "priority": "hs_task_priority",
    "task_type": _TYPE,
}
"""The property behind a field of an edit. `hs_task_is_all_day` is not among them: the due date itself decides it."""

RAW_PROPERTIES: Final = (*_PROPERTY_OF.values(), "hs_task_is_all_day", *STAGE_PROPERTIES)
"""The properties of a task that an undo may need."""


def raw_links(edit: Edit, kind: str) -> tuple[str, ...] | None:
    """The ids of every contact or company that the task was linked to; None where they are not known."""
    links = (edit.native or {}).get(kind)
    return tuple(map(str, links)) if isinstance(links, list | tuple) else None


def further_properties(native: Mapping[str, Any] | None) -> dict[str, str]:
    """The properties besides those of the contract's fields that a deleted task had."""
    given = (native or {}).get(FURTHER)
    return {str(name): str(text) for name, text in given.items()} if isinstance(given, dict) else {}


def further_associations(native: Mapping[str, Any] | None) -> dict[str, list[JsonObject]]:
    """All links of a deleted task with their types, by kind."""
    given = (native or {}).get(ASSOCIATIONS)
    return {str(kind): objects(links) for kind, links in given.items()} if isinstance(given, dict) else {}


def has_further(edit: Edit) -> bool:
    """Whether raw values have more than the fields: a deleted task is to be made again."""
    return bool(further_properties(edit.native) or further_associations(edit.native))


def without_further(edit: Edit) -> Edit:
    """The edit with the raw values of its fields alone."""
    native = {name: value for name, value in (edit.native or {}).items() if name not in {FURTHER, ASSOCIATIONS}}
    return replace(edit, native=native)


def raw_status(edit: Edit) -> Mapping[str, str]:
    """The properties that say which status the task had; none where they are not known."""
    return {name: text for name in STAGE_PROPERTIES if (text := _text(edit.native or {}, name))}


def raw_properties(edit: Edit, *, new: bool) -> dict[str, str | None]:
    """The raw values of the fields that an edit sets; None leaves a property out, an empty string clears it.

    A new task also gets its type and all further properties back. It has nothing to clear.
    """
    raw = edit.native
    if raw is None:
        return {}
    names = [_PROPERTY_OF[field] for field, _ in edit.given() if field in _PROPERTY_OF]
    values: dict[str, str | None] = {name: _text(raw, name) for name in names if name in raw}
    if not values.get(_DUE):
        values.pop(_DUE, None)
    if new:
        values = {name: text or None for name, text in values.items()} | {_TYPE: _text(raw, _TYPE) or None}
        values = {**further_properties(raw), **values}
    return values


def _text(raw: Mapping[str, object], name: str) -> str:
    value = raw.get(name)
    return "" if value is None else str(value)
