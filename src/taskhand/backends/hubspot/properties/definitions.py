"""The definitions of an account's task properties: which there are, and what can be written to them; pure.

https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from taskhand.backends.remote.parsing import JsonObject, filled_text, objects, rows_in

__all__ = ["ARGUMENTS", "Definition", "Option", "definitions_in"]

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
class Option:
    """One option of a property: its value, and its label for people."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A property as the account defines it; `options` are those that its value may be, empty where any may be.

    `is_many` is whether it holds several options at once, `is_own` whether the account has made it itself.
    """

    name: str
    label: str
    type: str
    options: tuple[Option, ...]
    is_writable: bool
    is_many: bool = False
    is_unique: bool = False
    is_own: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The values of the options."""
        return tuple(one.value for one in self.options)


def definitions_in(json: JsonObject) -> Mapping[str, Definition]:
    """The definitions in an answer to `GET /crm/v3/properties/tasks`, by name."""
    rows = [row for row in rows_in("HubSpot", json, "results") if filled_text(row.get("name"))]
    return {row["name"]: _definition(row) for row in rows}


def _definition(row: Mapping[str, Any]) -> Definition:
    name, rights = row["name"], row.get("modificationMetadata")
    is_read_only = isinstance(rights, dict) and rights.get("readOnlyValue") is True
    is_open = row.get("externalOptions") is True
    return Definition(
        name=name,
        label=filled_text(row.get("label")) or name,
        type=str(row.get("type")),
        options=() if is_open else tuple(_options(row)),
        is_writable=not (is_read_only or row.get("calculated") is True or row.get("archived") is True),
        is_many=row.get("fieldType") == "checkbox",
        is_unique=row.get("hasUniqueValue") is True,
        is_own=row.get("hubspotDefined") is not True,
    )


def _options(row: Mapping[str, Any]) -> Iterator[Option]:
    for one in objects(row.get("options")):
        if isinstance(value := one.get("value"), str):
            yield Option(value, filled_text(one.get("label")) or value)
