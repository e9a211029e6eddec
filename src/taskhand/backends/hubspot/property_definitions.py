"""The definitions of an account's task properties: which there are, and what can be written to them; pure.

https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from taskhand.backends.remote.parsing import JsonObject, filled_text, objects, rows_in

__all__ = ["ARGUMENTS", "Definition", "definitions_in"]

ARGUMENTS: Final[Mapping[str, str]] = {
    "hs_task_subject": "title",
    "hs_task_body": "description",
    "hs_timestamp": "dueDate",
    "hs_task_is_all_day": "dueDate",
    "hs_task_status": "newStatusName",
    "hs_pipeline": "newStatusName",
    "hs_pipeline_stage": "newStatusName",
    "hubspot_owner_id": "responsibleIds",
    "hs_task_priority": "priority",
    "hs_task_type": "taskType",
}
"""The properties that are written through an argument of their own."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A property as the account defines it; `options` are the values that it may have, empty where any may be."""

    name: str
    type: str
    options: tuple[str, ...]
    is_writable: bool
    is_unique: bool = False


def definitions_in(json: JsonObject) -> Mapping[str, Definition]:
    """The definitions in an answer to `GET /crm/v3/properties/tasks`, by name."""
    rows = [row for row in rows_in("HubSpot", json, "results") if filled_text(row.get("name"))]
    return {row["name"]: _definition(row) for row in rows}


def _definition(row: Mapping[str, Any]) -> Definition:
    rights = row.get("modificationMetadata")
    is_read_only = isinstance(rights, dict) and rights.get("readOnlyValue") is True
    can_be_written = not (is_read_only or row.get("calculated") is True or row.get("archived") is True)
    options = tuple(one["value"] for one in objects(row.get("options")) if isinstance(one.get("value"), str))
    is_open = row.get("externalOptions") is True
    return Definition(
        row["name"], str(row.get("type")), () if is_open else options, can_be_written, row.get("hasUniqueValue") is True
    )
