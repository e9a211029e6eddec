"""HubSpot's own values of a task, which an undo writes back as they were; pure.

The contract cannot express some of them: a body is HTML, a priority may be NONE or an account's own, and a stage may
be one that no status stands for. Properties: https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide;
that a task has a stage beside its status is recorded, not documented.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import MISSING

from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.edit import Edit

__all__ = [
    "BODY",
    "RAW_PROPERTIES",
    "STAGE",
    "STATUS_PROPERTIES",
    "has_raw_status",
    "raw_links",
    "raw_properties",
    "stage_after",
    "status_value",
]

BODY: Final = "hs_task_body"
STAGE: Final = "hs_pipeline_stage"
_STATUS, _TYPE, _DUE = "hs_task_status", "hs_task_type", "hs_timestamp"
STATUS_PROPERTIES: Final = (_STATUS, STAGE)
"""The properties that say the status of a task."""

_PROPERTY_OF: Final[Mapping[str, str]] = {
    "title": "hs_task_subject",
    "description": BODY,
    "due": _DUE,
    "responsible_ids": "hubspot_owner_id",
    "priority": "hs_task_priority",
}
"""The property behind a field of an edit. `hs_task_is_all_day` is not among them: the due date itself decides it."""

RAW_PROPERTIES: Final = (*_PROPERTY_OF.values(), "hs_task_is_all_day", _STATUS, STAGE, _TYPE)
"""The properties of a task that an undo may need."""

_STAGE_OF: Final[Mapping[str, str]] = {
    "NOT_STARTED": "af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591",
    "IN_PROGRESS": "60b5c368-04c4-4d32-9b4a-457e159f49b7",
    "WAITING": "dd5826e4-c976-4654-a527-b59ada542e52",
    "DEFERRED": "fc8148fb-3a2d-4b59-834e-69b7859347cb",
    "COMPLETED": "61bafb31-e7fa-46ed-aaa9-1322438d6e67",
}
"""The stage that goes with a status, the same in every account; not documented, but recorded in several."""


def raw_links(edit: Edit, kind: str) -> tuple[str, ...] | None:
    """The ids of every contact or company that the task was linked to; None where they are not known."""
    links = (edit.native or {}).get(kind)
    return tuple(map(str, links)) if isinstance(links, list | tuple) else None


def status_value(properties: JsonObject) -> str | None:
    """The value of a task's status; the stage's, or its id, for a task that has only a stage."""
    status, stage = _text(properties, _STATUS), _text(properties, STAGE)
    return status or next((one for one, its in _STAGE_OF.items() if its == stage), stage) or None


def raw_properties(edit: Edit, *, new: bool) -> dict[str, str | None]:
    """The raw values of the fields that an edit sets; None leaves a property out, an empty string clears it.

    A new task also gets its type back, and its status whether the edit sets it or not. It has nothing to clear.
    """
    raw = edit.native
    if raw is None:
        return {}
    names = [_PROPERTY_OF[field] for field, _ in edit.given() if field in _PROPERTY_OF]
    values: dict[str, str | None] = {name: _text(raw, name) for name in names if name in raw}
    if not values.get(_DUE):
        values.pop(_DUE, None)
    if has_raw_status(edit, new=new):
        status, stage = _text(raw, _STATUS), _text(raw, STAGE)
        # The stage is written in the status's place where there is no status, or one that only repeats the stage.
        in_its_place = {_STATUS: None, STAGE: None if new else stage}
        values |= {_STATUS: status} if status not in {"", stage} else in_its_place
    if new:
        values = {name: text or None for name, text in values.items()} | {_TYPE: _text(raw, _TYPE) or None}
    return values


def has_raw_status(edit: Edit, *, new: bool = False) -> bool:
    """Whether an edit sets the status, and its raw values contain one."""
    raw = edit.native or {}
    return (new or edit.status is not MISSING) and bool(_text(raw, _STATUS) or _text(raw, STAGE))


def stage_after(edit: Edit, *, new: bool = False) -> str | None:
    """The stage to write once everything else is written; None where the status, or the first write, sets it."""
    # Which of a status and a stage counts that are written together is not documented.
    raw = edit.native or {}
    status, stage = _text(raw, _STATUS), _text(raw, STAGE)
    if not has_raw_status(edit, new=new) or not stage or _STAGE_OF.get(status) == stage:
        return None
    return stage if new or status not in {"", stage} else None


def _text(raw: Mapping[str, object], name: str) -> str:
    value = raw.get(name)
    return "" if value is None else str(value)
