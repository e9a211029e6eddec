"""Changes of one task out of the histories of its properties; pure.

`propertiesWithHistory` of https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide: every value that a
property had, the newest first, each with its moment and who set it. The values at one moment are one change. What
HubSpot calculates moves none of the properties that are asked for, and a task as it was is read as one of today is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from taskhand.backends.hubspot.due import millis_of, readable_moment
from taskhand.backends.hubspot.mapping import RAW_PROPERTIES, Record
from taskhand.backends.hubspot.stages import STAGE, STATUS
from taskhand.backends.remote.parsing import JsonObject, filled_text, objects
from taskhand.domain.event import TaskEvent, difference_event
from taskhand.domain.task import Task

__all__ = ["HISTORIES", "EventReader", "created_at"]

HISTORIES: Final = RAW_PROPERTIES
"""The properties whose histories are read: those of the fields of a task."""

_MAX_VALUES: Final = 20
"""HubSpot tells the latest twenty values of a property: where there are as many, the oldest may follow another."""
_OF_CREATION: Final = timedelta(milliseconds=50)
"""The first value of a property that is set so soon after a task was created was set with it."""
_COUPLED: Final = timedelta(seconds=1)
"""Within so long HubSpot lets the stage follow the status, or the status the stage."""
_USER: Final = "userId:"
_CREATOR: Final = "hs_created_by_user_id"

_History = Mapping[str, Sequence["_Value"]]


@dataclass(frozen=True, slots=True)
class _Value:
    """A value that a property had from a moment on, and who set it."""

    at: datetime
    text: str
    source: str
    source_id: str
    user: str | None
    label: str | None

    @classmethod
    def read(cls, row: JsonObject) -> "_Value | None":
        """A row of a history; None where its moment cannot be read."""
        if (at := readable_moment(row.get("timestamp"))) is None:
            return None
        value, source_id = row.get("value"), str(row.get("sourceId") or "")
        user = row.get("updatedByUserId") or (source_id.removeprefix(_USER) if source_id.startswith(_USER) else None)
        text = "" if value is None else str(value)
        label = filled_text(row.get("sourceLabel"))
        return cls(at, text, str(row.get("sourceType") or ""), source_id, str(user) if user else None, label)


@dataclass(frozen=True, slots=True)
class EventReader:
    """Reads what has happened to tasks. `to_task` reads a record as a task, `owners` has members by their users."""

    to_task: Callable[[Record], Task]
    owners: Mapping[str, str]

    def read_events(self, record: Record, since: datetime) -> tuple[TaskEvent, ...] | None:
        """The changes of a task since a moment, the oldest first, its creation among them; None without histories."""
        if (history := _read_history(record)) is None:
            return None
        created = created_at(record)
        moments = [at for at in _moments(history) if at >= since and (created is None or at > created)]
        begun = [self._created(record, history, created)] if created is not None and created >= since else []
        return tuple(one for one in (*begun, *self._changes(record, history, moments)) if one is not None)

    def is_shortened(self, record: Record, since: datetime) -> bool:
        """Whether changes since a moment may be missing, because HubSpot tells only the latest values."""
        values, created = (_read_history(record) or {}).values(), created_at(record)
        full = [one[0].at for one in values if len(one) >= _MAX_VALUES]
        return any(at > since and at != created for at in full)

    def read_deletion(self, record: Record, at: datetime) -> tuple[TaskEvent, ...]:
        """The deletion of a task at a moment."""
        event = difference_event(self.to_task(record), None, f"{record.id} deleted {millis_of(at)}")
        return (replace(event, at=at),) if event else ()

    def _created(self, record: Record, history: _History, created: datetime) -> TaskEvent | None:
        first = self.to_task(_as_of(record, history, created))
        if (event := difference_event(None, first, f"{record.id} created")) is None:
            return None
        user = record.properties.get(_CREATOR)
        begun = [one[0] for one in history.values() if one[0].at == created]
        by, by_name = self._author(begun, str(user) if user else None)
        return replace(event, at=created, by=by, by_name=by_name)

    def _changes(self, record: Record, history: _History, moments: Sequence[datetime]) -> Iterator[TaskEvent | None]:
        """The change at each moment; None where no field of the task has changed then."""
        if not moments:
            return
        before = self.to_task(_as_of(record, history, moments[0] - timedelta(microseconds=1)))
        for at in moments:
            after = self.to_task(_as_of(record, history, at))
            event = difference_event(before, after, f"{record.id} {millis_of(at)}")
            by, by_name = self._author([one for values in history.values() for one in values if one.at == at])
            yield replace(event, at=at, by=by, by_name=by_name) if event else None
            before = after

    def _author(self, values: Sequence[_Value], user: str | None = None) -> tuple[str | None, str | None]:
        """Who set these values: the member's id, or what somebody or something is called that is no member."""
        user = user or next((one.user for one in values if one.user), None)
        if user is not None:
            member = self.owners.get(user)
            return member, None if member else f"HubSpot user {user}"
        value = next((one for one in values if one.source), None)
        if value is None:
            return None, None
        source = f"{value.source.casefold().replace('_', ' ')} {value.source_id}".strip()
        is_named = value.label is not None and value.label != value.source
        return None, value.label if is_named else source


def created_at(record: Record) -> datetime | None:
    """When a task was created; None where that cannot be read."""
    return readable_moment(record.json.get("createdAt") or record.properties.get("hs_createdate"))


def _read_history(record: Record) -> _History | None:
    """The values of each property, the oldest first; None where the answer has no histories."""
    given = record.json.get("propertiesWithHistory")
    if not isinstance(given, dict):
        return None
    created, history = created_at(record), dict[str, list[_Value]]()
    for name in HISTORIES:
        values = [value for row in objects(given.get(name)) if (value := _Value.read(row)) is not None]
        values.reverse()
        values.sort(key=lambda one: one.at)
        if values:
            history[name] = values
            if created is not None and created < values[0].at <= created + _OF_CREATION:
                values[0] = replace(values[0], at=created)
    return _with_pairs(history) if history else None


def _with_pairs(history: dict[str, list[_Value]]) -> _History:
    """The same, where a stage that follows its status, or a status that follows its stage, is set with it."""
    moments = {name: {one.at for one in history.get(name, ())} for name in (STATUS, STAGE)}
    for name, other in ((STATUS, STAGE), (STAGE, STATUS)):
        history |= {
            name: [replace(one, at=_cause(one.at, moments[name], moments[other])) for one in history.get(name, ())]
        }
    return {name: values for name, values in history.items() if values}


def _cause(at: datetime, own: set[datetime], others: set[datetime]) -> datetime:
    """The moment of the value of the other property that a value follows; its own where it follows none."""
    before = [one for one in others if one < at <= one + _COUPLED and one not in own]
    return max(before) if before and at not in others else at


def _moments(history: _History) -> Iterator[datetime]:
    yield from sorted({one.at for values in history.values() for one in values})


def _as_of(record: Record, history: _History, at: datetime) -> Record:
    """A record with the values that its properties had at a moment."""
    return record.with_properties({name: _value_at(values, at) for name, values in history.items()})


def _value_at(values: Sequence[_Value], at: datetime) -> str | None:
    """The value of a property at a moment; the oldest that is known before it, where there may have been others."""
    found = next((one.text for one in reversed(values) if one.at <= at), None)
    if found is None and len(values) >= _MAX_VALUES:
        return values[0].text
    return found or None
