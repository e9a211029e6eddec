"""Converts between an event and JSON, without the values that have their own columns; pure.

An unknown value (MISSING) is left out; a null value stays null.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import MISSING

from taskhand.domain.due import Due
from taskhand.domain.event import TaskEvent
from taskhand.domain.receipt import FieldChange
from taskhand.sql.connection import SqlRow, stored_instant

__all__ = ["event_from", "event_json", "people_json"]

_Json = dict[str, Any]


def people_json(people: tuple[str, ...] | None) -> str | None:
    """The stored text of responsibles' ids: each is quoted, so that a search matches only whole ids."""
    return None if people is None else json.dumps(people)


def event_json(event: TaskEvent) -> str:
    """An event without its key, task, kind and people."""
    value: _Json = {
        "at": event.at and stored_instant(event.at),
        "between": event.between and [stored_instant(moment) for moment in event.between],
        "title": event.title,
        "changed": [_change_json(change) for change in event.changed],
        "by_name": event.by_name,
        "change_id": event.change_id,
    }
    return json.dumps({name: part for name, part in value.items() if part is not None and part != []})


def event_from(row: SqlRow) -> TaskEvent:
    """The event of a row."""
    value: _Json = json.loads(row["body"])
    people = row["people"]
    between = value.get("between")
    return TaskEvent(
        row["key"],
        row["task_id"],
        row["kind"],
        at=datetime.fromisoformat(value["at"]) if "at" in value else None,
        between=(datetime.fromisoformat(between[0]), datetime.fromisoformat(between[1])) if between else None,
        title=value.get("title"),
        changed=tuple(_change_from(change) for change in value.get("changed", ())),
        by=row["by_id"],
        by_name=value.get("by_name"),
        change_id=value.get("change_id"),
        responsible_ids=None if people is None else tuple(json.loads(people)),
    )


def _change_json(change: FieldChange) -> _Json:
    values = {"before": change.before, "after": change.after}
    return {"field": change.field} | {name: _value_json(part) for name, part in values.items() if part is not MISSING}


def _change_from(value: Mapping[str, Any]) -> FieldChange:
    before, after = (_value_from(value[name]) if name in value else MISSING for name in ("before", "after"))
    return FieldChange(value["field"], before, after)


def _value_json(value: object) -> object:
    if isinstance(value, Due):
        return {"day": value.day.isoformat(), "at": value.at and stored_instant(value.at), "zone": value.zone}
    return value


def _value_from(value: Any) -> object:
    match value:
        case {"day": day, "at": at, "zone": zone}:
            return Due(date.fromisoformat(day), at and datetime.fromisoformat(at), zone)
        case list():
            return tuple(value)
        case _:
            return value
