"""What a write asks for, resolved: ids for names, a due value for three fields. Every backend is given this."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from pydantic import MISSING

from taskhand.due import Due, due_of
from taskhand.names import fold
from taskhand.task import Status, Task

__all__ = ["Edit", "StatusChoice"]


@dataclass(frozen=True, slots=True)
class StatusChoice:
    """A status to move to: by `id` where it is known, else by `name` or `position` as the caller gave it.

    The last two happen where a backend's list of statuses is incomplete: they are sent as given and checked afterwards.
    """

    name: str | None = None
    position: int | None = None
    id: str | None = None

    @classmethod
    def of(cls, status: Status) -> "StatusChoice":
        """The choice of a known status."""
        return cls(status.name, status.order, status.id)

    def met_by(self, status: Status | None) -> bool:
        """Whether `status` is the one chosen."""
        if status is None:
            return False
        if self.id is not None:
            return status.id == self.id
        if self.name is not None:
            return fold(status.name) == fold(self.name)
        return status.order == self.position


@dataclass(frozen=True, slots=True)
class Edit:
    """The fields of a task that a write sets; `MISSING` leaves one alone."""

    title: str | MISSING = MISSING
    description: str | None | MISSING = MISSING
    due: Due | None | MISSING = MISSING
    responsible_ids: tuple[str, ...] | MISSING = MISSING
    ai_contact_id: str | None | MISSING = MISSING
    ai_customer_id: str | None | MISSING = MISSING
    priority: int | MISSING = MISSING
    status: StatusChoice | MISSING = MISSING

    def given(self) -> Iterator[tuple[str, object]]:
        """The fields that are set, with their values."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not MISSING:
                yield field.name, value

    def unmet_by(self, task: Task) -> "Edit":
        """The part of this edit that `task` does not show."""
        return replace(self, **{name: MISSING for name, value in self.given() if _shows(task, name, value)})


def _shows(task: Task, name: str, value: object) -> bool:
    """Whether `task` already has `value` in that field; the order of people does not count."""
    match name, value:
        case "due", _:
            return due_of(task) == value
        case "responsible_ids", tuple():
            return set(task.responsible_ids) == set(value)
        case "status", StatusChoice():
            return value.met_by(task.status_config)
        case _:
            return bool(getattr(task, name) == value)
