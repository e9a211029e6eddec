"""HubSpot's own values of a task: what is kept of one, and what is written to put them back; pure.

The contract has no word for some of them: a body is HTML, a priority may be NONE or an account's own, and a stage may
be one that no status stands for. Properties: https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide;
that a task has a stage beside its status is recorded, not documented.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import MISSING

from taskhand.backends.hubspot.record import KINDS, JsonObject, Kind, Record
from taskhand.domain.edit import Edit

__all__ = [
    "RAW_PROPERTIES",
    "STAGE",
    "has_raw_status",
    "raw_links",
    "raw_properties",
    "raw_values_of",
    "stage_after",
    "status_value",
]

STAGE: Final = "hs_pipeline_stage"
_STATUS, _TYPE, _DUE = "hs_task_status", "hs_task_type", "hs_timestamp"

_PROPERTY_OF: Final[Mapping[str, str]] = {
    "title": "hs_task_subject",
    "description": "hs_task_body",
    "due": _DUE,
    "responsible_ids": "hubspot_owner_id",
    "priority": "hs_task_priority",
}
"""The property behind a field of an edit; whether a due date is a day is said by the due date itself."""

RAW_PROPERTIES: Final = (*_PROPERTY_OF.values(), "hs_task_is_all_day", _STATUS, STAGE, _TYPE)
"""The properties that are kept of a task."""

_STAGE_OF: Final[Mapping[str, str]] = {
    "NOT_STARTED": "af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591",
    "IN_PROGRESS": "60b5c368-04c4-4d32-9b4a-457e159f49b7",
    "WAITING": "dd5826e4-c976-4654-a527-b59ada542e52",
    "DEFERRED": "fc8148fb-3a2d-4b59-834e-69b7859347cb",
    "COMPLETED": "61bafb31-e7fa-46ed-aaa9-1322438d6e67",
}
"""The stage that goes with a status, the same in every account; not documented, but recorded in several."""


def raw_values_of(record: Record) -> JsonObject:
    """What HubSpot says of a task, by its own names, and the ids that it is linked to by their kind."""
    properties = {name: record.properties.get(name) for name in RAW_PROPERTIES}
    return properties | {kind: list(record.links.get(kind, ())) for kind in KINDS}


def raw_links(edit: Edit, kind: Kind) -> tuple[str, ...] | None:
    """Everything of a kind that the task was linked to; None where that is not known."""
    links = (edit.native or {}).get(kind)
    return tuple(map(str, links)) if isinstance(links, list | tuple) else None


def status_value(properties: JsonObject) -> str | None:
    """The value of a task's status; one that has only a stage goes by that."""
    status, stage = _text(properties, _STATUS), _text(properties, STAGE)
    return status or next((one for one, its in _STAGE_OF.items() if its == stage), stage) or None


def raw_properties(edit: Edit, *, new: bool) -> dict[str, str | None]:
    """HubSpot's own values for the fields that an edit sets; None leaves a property out, an empty string clears it.

    A new task also gets its type back, and its status whether the edit sets it or not. It has nothing to clear.
    """
    native = edit.native
    if native is None:
        return {}
    names = [_PROPERTY_OF[field] for field, _ in edit.given() if field in _PROPERTY_OF]
    own: dict[str, str | None] = {name: _text(native, name) for name in names if name in native}
    if not own.get(_DUE):
        own.pop(_DUE, None)
    if has_raw_status(edit, new=new):
        own |= _status(native, new=new)
    if new:
        own = {name: text or None for name, text in own.items()} | {_TYPE: _text(native, _TYPE) or None}
    return own


def has_raw_status(edit: Edit, *, new: bool = False) -> bool:
    """Whether the status is to be set, and native values say to which one."""
    native = edit.native or {}
    return (new or edit.status is not MISSING) and bool(_text(native, _STATUS) or _text(native, STAGE))


def stage_after(edit: Edit, *, new: bool = False) -> str | None:
    """The stage to put a task in once everything else is written; None where the status says it, or the first write.

    An account's own stage has no status that stands for it. Of a status and a stage written together it is not
    documented which one counts; written one after the other, neither undoes the other.
    """
    native = edit.native or {}
    status, stage = _text(native, _STATUS), _text(native, STAGE)
    if not has_raw_status(edit, new=new) or not stage or _STAGE_OF.get(status) == stage:
        return None
    return stage if new or _is_status(status, stage) else None


def _status(native: Mapping[str, object], *, new: bool) -> dict[str, str | None]:
    """The status; a stage in its place where there is no status, or only the stage's own id."""
    status, stage = _text(native, _STATUS), _text(native, STAGE)
    if _is_status(status, stage):
        return {_STATUS: status}
    return {_STATUS: None, STAGE: None if new else stage}


def _is_status(status: str, stage: str) -> bool:
    return status not in {"", stage}


def _text(native: Mapping[str, object], name: str) -> str:
    value = native.get(name)
    return "" if value is None else str(value)
