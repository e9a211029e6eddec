"""A task as it is kept where tasks live, read without the server: what a test asserts on; values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FIELDS", "StoredTask"]

FIELDS = ("title", "description", "status", "due", "responsibles", "priority", "contact", "customer")
"""What is compared of a task, and what a scenario can say of one."""


@dataclass(frozen=True, slots=True)
class StoredTask:
    """One task in the words that a row of `list_tasks` has.

    `status` is a name and `status_type` what it means (`initial`, `in_progress`, `done`). `due` is a day, or local time
    with its offset, None without a due date. `responsibles` are names, of namesakes the e-mail; so is `contact` a name,
    and `customer` that of the company behind it. `native` is what the place itself says, by its own names.
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
    native: Mapping[str, Any] = field(default_factory=dict)

    def shown(self, name: str) -> Any:
        """One of FIELDS."""
        return getattr(self, name)
