"""Derives the changes of one task from the histories of its properties; pure.

`propertiesWithHistory` (https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide) lists the values that a
property had, newest first, each with its moment and its author. All values set at one moment are one change. HubSpot's
calculations do not change the properties read here. A former state of a task is read like the present one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from taskhand.backends.hubspot.fields.due import millis_of, readable_moment
from taskhand.backends.hubspot.fields.statuses import STAGE, STATUS
from taskhand.backends.hubspot.mapping import CREATOR, RAW_PROPERTIES, Record
from taskhand.backends.remote.parsing import JsonObject, filled_text, objects
from taskhand.domain.event import TaskEvent, difference_event
from taskhand.domain.task import Task

__all__ = ["EventReader"]

_MAX_VALUES: Final = 20
"""HubSpot lists the latest twenty values of a property: if a history has that many, older values may be missing."""
_CREATION_WINDOW: Final = timedelta(milliseconds=50)
"""A first value set this soon after the creation of a task belongs to the creation."""
_PAIR_WINDOW: Final = timedelta(seconds=1)
"""HubSpot sets the stage after the status, or the status after the stage, within this time."""
_USER: Final = "userId:"

_History = Mapping[str, Sequence["_DatedValue"]]


@dataclass(frozen=True, slots=True)
class _DatedValue:
    """A value of a property, the moment it was set, and its author."""

    at: datetime
    text: str
    source: str
    source_id: str
    user: str | None
    label: str | None

    @classmethod
    def read(cls, row: JsonObject) -> "_DatedValue | None":
        """Read a row of a history; None if its moment cannot be read."""
        if (at := readable_moment(row.get("timestamp"))) is None:
            return None
        value, source_id = row.get("value"), str(row.get("sourceId") or "")
        user = row.get("updatedByUserId") or (source_id.removeprefix(_USER) if source_id.startswith(_USER) else None)
        text = "" if value is None else str(value)
        label = filled_text(row.get("sourceLabel"))
        return cls(at, text, str(row.get("sourceType") or ""), source_id, str(user) if user else None, label)


@dataclass(frozen=True, slots=True)
class EventReader:
    """Reads events from records. `to_task` converts a record; `owners` maps the ids of users to the ids of members."""

    to_task: Callable[[Record], Task]
    owners: Mapping[str, str]

    def read_events(self, record: Record, since: datetime) -> tuple[TaskEvent, ...] | None:
        """The events of a task since a moment, oldest first, including its creation; None without histories."""
        if (history := _read_history(record)) is None:
            return None
        created = readable_moment(record.created)
        moments = sorted({value.at for values in history.values() for value in values})
        moments = [at for at in moments if at >= since and (created is None or at > created)]
        begun = [self._created_event(record, history, created)] if created is not None and created >= since else []
        return tuple(event for event in (*begun, *self._changes(record, history, moments)) if event is not None)

    def is_shortened(self, record: Record, since: datetime) -> bool:
        """Whether changes since a moment may be missing, because HubSpot lists only the latest values."""
        values, created = (_read_history(record) or {}).values(), readable_moment(record.created)
        full = [versions[0].at for versions in values if len(versions) >= _MAX_VALUES]
        return any(at > since and at != created for at in full)

    def read_deletion(self, record: Record, at: datetime) -> tuple[TaskEvent, ...]:
        """The event of a task's deletion at a moment."""
        event = difference_event(self.to_task(record), None, f"{record.id} deleted {millis_of(at)}")
        return (replace(event, at=at),) if event else ()

    def _created_event(self, record: Record, history: _History, created: datetime) -> TaskEvent | None:
        first = self.to_task(_as_of(record, history, created))
        if (event := difference_event(None, first, f"{record.id} created")) is None:
            return None
        user = record.properties.get(CREATOR)
        begun = [versions[0] for versions in history.values() if versions[0].at == created]
        by, by_name = self._author(begun, str(user) if user else None)
        return replace(event, at=created, by=by, by_name=by_name)

    def _changes(self, record: Record, history: _History, moments: Sequence[datetime]) -> Iterator[TaskEvent | None]:
        """The event at each moment; None if no field of the task changed at that moment."""
        if not moments:
            return
        before = self.to_task(_as_of(record, history, moments[0] - timedelta(microseconds=1)))
        for at in moments:
            after = self.to_task(_as_of(record, history, at))
            event = difference_event(before, after, f"{record.id} {millis_of(at)}")
            by, by_name = self._author([value for values in history.values() for value in values if value.at == at])
            yield replace(event, at=at, by=by, by_name=by_name) if event else None
            before = after

    def _author(self, values: Sequence[_DatedValue], user: str | None = None) -> tuple[str | None, str | None]:
        """The author of these values: a member's id, or the name of an author that is not a member."""
        user = user or next((candidate.user for candidate in values if candidate.user), None)
        if user is not None:
            member = self.owners.get(user)
            return member, None if member else f"HubSpot user {user}"
        value = next((candidate for candidate in values if candidate.source), None)
        if value is None:
            return None, None
        source = f"{value.source.casefold().replace('_', ' ')} {value.source_id}".strip()
        is_named = value.label is not None and value.label != value.source
        return None, value.label if is_named else source


def _read_history(record: Record) -> _History | None:
    """The values of each property, oldest first; None if the response has no histories."""
    given = record.json.get("propertiesWithHistory")
    if not isinstance(given, dict):
        return None
    created, history = readable_moment(record.created), dict[str, list[_DatedValue]]()
    for name in RAW_PROPERTIES:
        values = [value for row in objects(given.get(name)) if (value := _DatedValue.read(row)) is not None]
        values.reverse()
        values.sort(key=lambda candidate: candidate.at)
        if values:
            history[name] = values
            if created is not None and created < values[0].at <= created + _CREATION_WINDOW:
                values[0] = replace(values[0], at=created)
    return _with_pairs(history) if history else None


def _with_pairs(history: dict[str, list[_DatedValue]]) -> _History:
    """The histories, with a stage and a status that followed each other set at the same moment."""
    moments = {name: {value.at for value in history.get(name, ())} for name in (STATUS, STAGE)}
    for name, other in ((STATUS, STAGE), (STAGE, STATUS)):
        if name in history:
            history[name] = [
                replace(value, at=_cause(value.at, moments[name], moments[other])) for value in history[name]
            ]
    return history


def _cause(at: datetime, own_moments: set[datetime], others: set[datetime]) -> datetime:
    """The moment of the other property's value that a value follows; its own moment if it follows none."""
    before = [moment for moment in others if moment < at <= moment + _PAIR_WINDOW and moment not in own_moments]
    return max(before) if before and at not in others else at


def _as_of(record: Record, history: _History, at: datetime) -> Record:
    """The record with the values that its properties had at a moment."""
    return record.with_properties({name: _value_at(values, at) for name, values in history.items()})


def _value_at(values: Sequence[_DatedValue], at: datetime) -> str | None:
    """The value of a property at a moment; the oldest listed value if earlier values may be missing."""
    text = next((value.text for value in reversed(values) if value.at <= at), None)
    if text is None and len(values) >= _MAX_VALUES:
        return values[0].text
    return text or None
