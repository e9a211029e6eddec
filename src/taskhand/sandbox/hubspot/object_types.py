"""The object types: their names and default properties."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectType:
    """One object type. `created` and `modified` name its date properties; `searched` are those of a text search.

    `is_custom` is whether the account defined it.
    """

    name: str
    type_id: str
    singular: str
    created: str
    modified: str
    more: tuple[str, ...]
    searched: tuple[str, ...]
    is_custom: bool = False

    @property
    def label(self) -> str:
        """The name in error messages."""
        return self.singular.upper()

    @property
    def always(self) -> tuple[str, ...]:
        """The properties in every response."""
        return (self.created, self.modified, "hs_object_id")

    @property
    def defaults(self) -> tuple[str, ...]:
        """The properties in a response if the request names none."""
        return self.always + self.more


TASKS = ObjectType(
    "tasks", "0-27", "task", "hs_createdate", "hs_lastmodifieddate", (), ("hs_task_body", "hs_task_subject")
)
OBJECT_TYPES = (
    TASKS,
    ObjectType(
        "contacts",
        "0-1",
        "contact",
        "createdate",
        "lastmodifieddate",
        ("email", "firstname", "lastname"),
        ("firstname", "lastname", "email", "phone", "company"),
    ),
    ObjectType(
        "companies",
        "0-2",
        "company",
        "createdate",
        "hs_lastmodifieddate",
        ("name", "domain"),
        ("website", "phone", "name", "domain"),
    ),
    ObjectType("deals", "0-3", "deal", "createdate", "hs_lastmodifieddate", ("dealname",), ("dealname",)),
    ObjectType("tickets", "0-5", "ticket", "createdate", "hs_lastmodifieddate", ("subject",), ("subject",)),
    # the one custom object of these accounts
    ObjectType("vehicles", "2-7654321", "vehicle", "hs_createdate", "hs_lastmodifieddate", (), ("name",), True),  # noqa: FBT003
)
BY_NAME = {
    name: object_type
    for object_type in OBJECT_TYPES
    for name in (object_type.name, object_type.type_id, object_type.singular)
}
