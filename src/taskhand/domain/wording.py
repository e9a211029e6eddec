"""The text of values of tasks, as answers and questions to people show them, and their form for programs; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from taskhand.domain.due import Due, due_text, moment_text
from taskhand.domain.receipt import FieldChange

__all__ = ["Wording"]


@dataclass(frozen=True, slots=True)
class Wording:
    """Formats values: people by `names` (by id; an id without a name is shown), times in `zone` by default.

    `link_names` are the names of what tasks are linked to, by field and id.
    `for_programs` is whether a moment is shown as ISO 8601 in UTC. `clock_zone` is that of the server's clock, which
    moments are shown in if there is no `zone`; without both as they have it.
    """

    zone: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    link_names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    for_programs: bool = False
    clock_zone: tzinfo | None = None

    def due(self, due: Due | None) -> str | None:
        """The due date with its weekday, in local time; None if there is none."""
        return due_text(due, self.zone) if due else None

    def moment(self, at: datetime | None) -> str | None:
        """The moment in local time with its weekday, or as programs read it; None if it is not known."""
        if at is None or not self.for_programs:
            local = at.astimezone(self.clock_zone) if at and self.clock_zone else at
            return moment_text(local, self.zone) if local else None
        return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def people(self, ids: Iterable[str]) -> list[str]:
        """The people by name."""
        return [self.names.get(person_id, person_id) for person_id in ids]

    def value(self, value: object) -> object:
        """A value of a difference as JSON has it."""
        match value:
            case Due():
                return self.due(value)
            case tuple() | list():
                return self.people(value)
            case _:
                return value

    def links(self, field: str, *values: object) -> dict[str, str]:
        """The names of those values of a field that are ids of links, by id."""
        names = {
            linked_id: self.link_names.get((field, linked_id)) for linked_id in values if isinstance(linked_id, str)
        }
        return {linked_id: name for linked_id, name in names.items() if name}

    def difference(self, changed: Iterable[FieldChange]) -> dict[str, dict[str, object]]:
        """The fields that change, by name, each with its value before (`from`) and after (`to`).

        Due dates that differ in nothing but their zones have the names of these.
        """
        shown: dict[str, dict[str, object]] = {}
        for change in changed:
            shown[change.field] = {"from": self.value(change.before), "to": self.value(change.after)}
            if (
                isinstance(change.before, Due)
                and isinstance(change.after, Due)
                and len({*shown[change.field].values()}) == 1
            ):
                sides = (("from", change.before), ("to", change.after))
                shown[change.field] = {side: f"{self.due(due)} ({due.zone or 'no time zone'})" for side, due in sides}
        return shown
