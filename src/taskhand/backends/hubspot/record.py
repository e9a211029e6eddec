"""A task as HubSpot gives it: its JSON and what it is linked to; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["ID_OF", "KINDS", "JsonObject", "Kind", "Malformed", "Record", "linked_ids", "objects"]

JsonObject = dict[str, Any]

Kind = Literal["contacts", "companies"]
"""What a task can be linked to here."""

KINDS: Final[tuple[Kind, ...]] = ("contacts", "companies")

ID_OF: Final[Mapping[Kind, tuple[str, str, int]]] = {
    "contacts": ("ai_contact_id", "aiContactId", 204),
    "companies": ("ai_customer_id", "aiCustomerId", 192),
}
"""The field of an edit, the documented argument, and HubSpot's type of the association from a task.

https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide, "Association type ID values".
"""


class Malformed(ValueError):
    """An answer lacks what it cannot be without; the text is ours and continues "... answered"."""


@dataclass(frozen=True, slots=True)
class Record:
    """One task; `id` is HubSpot's own, `links` the ids of what it is linked to, in ascending order."""

    json: JsonObject
    links: Mapping[Kind, tuple[str, ...]]

    @classmethod
    def from_json(cls, json: object) -> "Record":
        """A task out of an answer, with the links that came along; Malformed."""
        if not isinstance(json, dict) or not isinstance(json.get("id"), str | int):
            raise Malformed("with a task without an id")
        if not isinstance(json.get("properties"), dict):
            raise Malformed("with a task without properties")
        return cls(json, {kind: _inline(json, kind) for kind in KINDS})

    @property
    def id(self) -> str:
        """HubSpot's id of the record."""
        return str(self.json["id"])

    def known_by(self, id_property: str | None) -> str:
        """The value of a unique property that tasks go by; the record's id without one, or where it has no value."""
        value = self.properties.get(id_property) if id_property else None
        return str(value) if value else self.id

    @property
    def properties(self) -> JsonObject:
        """Property values, strings or null, by name."""
        properties: JsonObject = self.json["properties"]
        return properties

    def with_links(self, links: Mapping[Kind, tuple[str, ...]]) -> "Record":
        """The same task, linked to these."""
        return Record(self.json, links)


def linked_ids(results: object) -> tuple[str, ...]:
    """The ids in a list of associations: `toObjectId` in the v4 form, `id` in the v3 form; text or numbers."""
    found = {str(row.get("toObjectId", row.get("id"))) for row in objects(results)}
    return tuple(sorted((one for one in found if one.isdecimal()), key=lambda one: (len(one), one)))


def objects(value: object) -> list[JsonObject]:
    """The objects in a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _inline(json: JsonObject, kind: Kind) -> tuple[str, ...]:
    links = json.get("associations")
    held = links.get(kind) if isinstance(links, dict) else None
    return linked_ids(held.get("results")) if isinstance(held, dict) else ()
