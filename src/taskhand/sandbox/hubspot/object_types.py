"""The kinds of record: their names, and what each shows unasked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectType:
    """One object type. `always` are the properties of every answer, `defaults` those when none were asked for."""

    name: str
    type_id: str
    singular: str
    created: str
    modified: str
    more: tuple[str, ...]
    searched: tuple[str, ...]

    @property
    def label(self) -> str:
        """Its name in error messages."""
        return self.singular.upper()

    @property
    def always(self) -> tuple[str, ...]:
        """Give the properties of every answer."""
        return (self.created, self.modified, "hs_object_id")

    @property
    def defaults(self) -> tuple[str, ...]:
        """Give the properties of an answer when none were asked for."""
        return self.always + self.more


TASKS = ObjectType(
    "tasks", "0-27", "task", "hs_createdate", "hs_lastmodifieddate", (), ("hs_task_body", "hs_task_subject")
)
KINDS = (
    TASKS,
    # what a search shows by default and looks in; for contacts the look-in list is MEM
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
)
BY_NAME = {name: kind for kind in KINDS for name in (kind.name, kind.type_id, kind.singular)}
