"""The canonical form of a request: two requests that mean the same have equal values; pure.

The values are JSON. Names and words for days are resolved before, so the value of "tomorrow" depends on the day of the
call.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime, time
from typing import Any, Final

from pydantic import MISSING

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.date_window import Period
from taskhand.domain.display_text import strip_hidden
from taskhand.domain.due import Due, instant_text
from taskhand.domain.due_request import DueRequest
from taskhand.domain.edit import Edit
from taskhand.domain.name_matching import fold
from taskhand.domain.task import StatusChoice
from taskhand.domain.task_query import TaskQuery, text_words

__all__ = ["canonical_due", "canonical_field", "canonical_new", "canonical_query"]

_TEXTS: Final = frozenset({"title", "description", "add_note"})
_PAGING: Final = frozenset({"order", "limit", "links", "after", "matched"})
"""Fields of a query that do not affect which tasks match."""


def canonical_new(edit: Edit, capabilities: Capabilities) -> dict[str, Any]:
    """The fields of a new task, without null and empty ones, and without the usual type."""
    values = _without_empty({name: canonical_field(name, value) for name, value in edit.given_fields()})
    return {name: value for name, value in values.items() if (name, value) != ("task_type", capabilities.usual_type)}


def canonical_query(query: TaskQuery) -> dict[str, Any]:
    """The fields of a query that affect which tasks match."""
    given = {field.name: getattr(query, field.name) for field in fields(query) if field.name not in _PAGING}
    if query.text is not None:
        given["text"] = tuple(text_words(query.text))
    return {name: canonical_field(name, value) for name, value in given.items() if value is not None}


def canonical_due(request: DueRequest, default_zone: str | None, *, midnight_is_day: bool) -> Any:
    """The due date that the due fields request, or the given parts if the others come from the current due date.

    CallerError if the due date cannot be made.
    """
    if not request.needs_current_due:
        due = request.on(None, default_zone, midnight_is_day=midnight_is_day)
        return None if due is None else canonical_field("due", due)
    parts = {"date": request.due_date, "time": request.due_time, "zone": request.timezone}
    return {name: canonical_field(name, value) for name, value in parts.items() if value is not MISSING}


def canonical_field(name: str, value: object) -> Any:
    """The canonical value of a field: lists are sorted, and instants are in UTC."""
    match value:
        case str() if name in _TEXTS:
            text = unicodedata.normalize("NFC", strip_hidden(value)).strip()
            return (" ".join(text.split()) if name == "title" else text) or None
        case tuple():
            return sorted({str(canonical_field(name, item)) for item in value})
        case Due():
            return instant_text(value.at) if value.at else value.day.isoformat()
        case StatusChoice():
            # The id of a status may become known after the first request; its name stays the same.
            return fold(value.name) if value.name else value.id or value.position
        case Period():
            return [value.moment, *(at and instant_text(at) for at in (value.start, value.end))]
        case datetime():
            return instant_text(value)
        case date() | time():
            return value.isoformat()
        case Mapping():
            return {key: value[key] or None for key in sorted(value)}
        case _:
            return value


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are neither null nor empty."""
    given = {name: _without_empty(value) if isinstance(value, Mapping) else value for name, value in values.items()}
    return {name: value for name, value in given.items() if value not in (None, "", [], {})}
