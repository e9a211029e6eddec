"""The definitions of an account's task properties: their names, types and permitted values; pure.

https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from taskhand.backends.remote.parsing import JsonObject, filled_text, objects, rows_in, value_at
from taskhand.domain.field_names import argument_name

__all__ = ["ARGUMENTS", "PROPERTY_OF", "PropertyDefinition", "definitions_in"]

PROPERTY_OF: Final[Mapping[str, str]] = {
    "title": "hs_task_subject",
    "description": "hs_task_body",
    "due": "hs_timestamp",
    "responsible_ids": "hubspot_owner_id",
    "priority": "hs_task_priority",
    "task_type": "hs_task_type",
}
"""The property behind each field of an edit. The all-day flag is not listed, because it follows from the due date."""
ARGUMENTS: Final[Mapping[str, str]] = {
    **{name: argument_name(field) for field, name in PROPERTY_OF.items()},
    "hs_task_is_all_day": "dueDate",
    **dict.fromkeys(("hs_task_status", "hs_pipeline", "hs_pipeline_stage"), "newStatusName"),
}
"""The arguments that write a property, by the property's name."""


@dataclass(frozen=True, slots=True)
class PropertyDefinition:
    """A property as the account defines it.

    `options` maps the permitted values to their labels; it is empty if any value is permitted. `is_many` means that it
    holds several options at once, `is_own` that HubSpot did not define it.
    """

    name: str
    label: str
    type: str
    options: Mapping[str, str]
    is_writable: bool
    is_many: bool = False
    is_unique: bool = False
    is_own: bool = False


def definitions_in(json: JsonObject) -> Mapping[str, PropertyDefinition]:
    """The definitions in a response to `GET /crm/v3/properties/tasks`, by name."""
    rows = [row for row in rows_in("HubSpot", json, "results") if filled_text(row.get("name"))]
    return {row["name"]: _definition(row) for row in rows}


def _definition(row: JsonObject) -> PropertyDefinition:
    name, is_read_only = row["name"], value_at(row, "modificationMetadata", "readOnlyValue") is True
    options = [] if row.get("externalOptions") is True else objects(row.get("options"))
    values = [(option["value"], option) for option in options if isinstance(option.get("value"), str)]
    return PropertyDefinition(
        name=name,
        label=_label(row, name),
        type=str(row.get("type")),
        options={value: _label(option, value) for value, option in values},
        is_writable=not (is_read_only or row.get("calculated") is True or row.get("archived") is True),
        is_many=row.get("fieldType") == "checkbox",
        is_unique=row.get("hasUniqueValue") is True,
        is_own=row.get("hubspotDefined") is not True,
    )


def _label(row: JsonObject, value: str) -> str:
    return filled_text(row.get("label")) or value
