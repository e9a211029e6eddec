"""A task as it was read, with the CRM's own values beside the contract's; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from taskhand.domain.edit import unreadable_fields
from taskhand.domain.task import Task

__all__ = ["Snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A task as it was read, and the CRM's own values of it.

    `native` are the CRM's own values (JSON, by its own names). They suffice to write the task's fields back exactly;
    `Edit.native` takes them. `unknown` are fields of an Edit whose value the CRM does not show, not with certainty, or
    in no form that can be read: what `task` shows there must not be written back. `assumed` is whether `task` is the
    answer to a write of ours, while the CRM still shows the task as it was before, because reads lag or because another
    client reverted it.
    """

    task: Task
    native: Mapping[str, Any] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    assumed: bool = False

    def __post_init__(self) -> None:
        """Count the fields that cannot be read as unknown."""
        object.__setattr__(self, "unknown", self.unknown | unreadable_fields(self.task))
