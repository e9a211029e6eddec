"""A task as it was read, with the CRM's own values beside the contract's; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import MISSING

from taskhand.domain.edit import unreadable_fields
from taskhand.domain.task import Task

__all__ = ["Snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A task as it was read, and the CRM's own values of it.

    `native` are the CRM's own values (JSON, by its own names). They suffice to write the task's fields back exactly;
    `Edit.native` takes them. `unknown` are fields of an Edit whose value the CRM does not show, or not with certainty,
    or not in a readable form; their values in `task` must not be written back. `assumed` is whether `task` is the
    answer to our own write, while the CRM still shows the task as it was before, because reads lag or because another
    client reverted it. `lost` names the values that a recreated task would lack. `cannot_recreate` is the reason why
    the task cannot be recreated, as a sentence; None if it can.
    """

    task: Task
    native: Mapping[str, Any] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    assumed: bool = False
    lost: tuple[str, ...] = ()
    cannot_recreate: str | None = None

    def __post_init__(self) -> None:
        """Count the fields that cannot be read as unknown."""
        object.__setattr__(self, "unknown", self.unknown | unreadable_fields(self.task))

    def with_note(self, note: str | None | MISSING = MISSING, note_id: str | None | MISSING = MISSING) -> "Snapshot":
        """The snapshot of the task with this note beside it, as `Task.with_note`."""
        return replace(self, task=self.task.with_note(note, note_id))

    def with_note_of(self, other: Task) -> "Snapshot":
        """The snapshot with the note of the same task as it was read at another time: notes are not read with tasks."""
        return self if other.note is MISSING else self.with_note(other.note, other.note_id)
