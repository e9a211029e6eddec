"""The words for values of tasks, as answers and questions to people show them; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from taskhand.domain.due import Due, due_text, moment_text
from taskhand.domain.receipt import FieldChange

__all__ = ["Wording"]


@dataclass(frozen=True, slots=True)
class Wording:
    """What values are called: people by `names` (by id; an id without one is shown), times in `zone` by default."""

    zone: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def due(self, due: Due | None) -> str | None:
        """The due date with its weekday, in local time; None where there is none."""
        return due_text(due, self.zone) if due else None

    def moment(self, at: datetime | None) -> str | None:
        """The moment in local time with its weekday; None where it is not known."""
        return moment_text(at, self.zone) if at else None

    def people(self, ids: Iterable[str]) -> list[str]:
        """The people by name."""
        return [self.names.get(one, one) for one in ids]

    def value(self, value: object) -> object:
        """A value of a difference as JSON has it."""
        match value:
            case Due():
                return self.due(value)
            case tuple() | list():
                return self.people(value)
            case _:
                return value

    def difference(self, changed: Iterable[FieldChange]) -> dict[str, dict[str, object]]:
        """The fields that change, by name, each with its value before (`from`) and after (`to`)."""
        return {one.field: {"from": self.value(one.before), "to": self.value(one.after)} for one in changed}
