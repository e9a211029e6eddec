"""A task as its backend stores it, read without the server, for the assertions of tests; values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FIELDS", "StoredTask"]

FIELDS = ("title", "description", "status", "due", "responsibles", "priority", "contact", "customer", "deal")
"""The fields that are compared, and that an expectation of a scenario may have."""


@dataclass(frozen=True, slots=True)
class StoredTask:
    """One task, with the field names of a row of `list_tasks` and comparable values."""

    id: str
    """The id in the backend."""
    title: str
    """The title."""
    description: str | None
    """The description; None without one."""
    status: str
    """The name of the status."""
    status_type: str
    """Its type: `initial`, `in_progress`, `done` or `master_done`."""
    due: str | None
    """A day, or local time with its offset; None without a due date. A row of `list_tasks` has the weekday after it."""
    responsibles: tuple[str, ...]
    """Names, or e-mails if two people share a name; a row of `list_tasks` has both there."""
    priority: int
    """0, 1 or 2."""
    contact: str | None
    """The name of the contact."""
    customer: str | None
    """The name of the contact's company."""
    deal: str | None = None
    """The name of the deal, if the backend has deals."""
    native: Mapping[str, Any] = field(default_factory=dict)
    """The backend's own fields."""

    def value_of(self, name: str) -> Any:
        """The value of one of FIELDS."""
        return getattr(self, name)
