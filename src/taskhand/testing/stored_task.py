"""A task as its backend stores it, read without the server: what a test asserts on; values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FIELDS", "StoredTask"]

FIELDS = ("title", "description", "status", "due", "responsibles", "priority", "contact", "customer", "deal")
"""The fields that are compared, and that a scenario's expectation may have."""


@dataclass(frozen=True, slots=True)
class StoredTask:
    """One task, with the field names of a row of `list_tasks` and values to compare with.

    `status` is a name and `status_type` its type (`initial`, `in_progress`, `done`). `due` is a day, or local time with
    its offset, None without a due date; a row has the weekday after it. `responsibles` are names, or e-mails where two
    people share a name; a row has both there, `Maria Rodriguez <maria.one@example.com>`. `contact` is a name,
    `customer` the name of the contact's company, `deal` the name of a deal where the backend has these. `native` are
    the backend's own fields.
    """

    id: str
    title: str
    description: str | None
    status: str
    status_type: str
    due: str | None
    responsibles: tuple[str, ...]
    priority: int
    contact: str | None
    customer: str | None
    deal: str | None = None
    native: Mapping[str, Any] = field(default_factory=dict)

    def value_of(self, name: str) -> Any:
        """The value of one of FIELDS."""
        return getattr(self, name)
