"""Reads values out of a CRM's answers; an answer that is not as documented is an error."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from taskhand.domain.errors import InvalidAnswer
from taskhand.domain.field_reader import ODD, unreadable_task
from taskhand.domain.task import Task
from taskhand.http.response_body import Reply
from taskhand.http.retry import posix_time

__all__ = [
    "JsonObject",
    "filled_text",
    "full_name",
    "id_of",
    "invalid_answer",
    "objects",
    "optional_text",
    "read_task",
    "rows_in",
    "response_date",
    "text_of",
    "utc_moment",
    "value_at",
]

JsonObject = dict[str, Any]

_log = logging.getLogger(__name__)


def read_task(task_id: str, read: Callable[[], Task]) -> Task:
    """`read()`; where that has a bug, a task of which nothing can be read, as one row must not stop what others need.

    The log has its trace.
    """
    try:
        return read()
    except ODD:
        _log.exception("a task could not be read")
        return unreadable_task(task_id)


def invalid_answer(name: str, what: str) -> InvalidAnswer:
    """The error where the CRM called `name` answered `what` to a read, such as "without an id"."""
    return InvalidAnswer(f"{name} answered {what}.", next_step="Tell whoever runs Taskhand.")


def rows_in(name: str, json: JsonObject, key: str) -> list[JsonObject]:
    """The list `key` of an answer, where a row that is no object is an empty one; InvalidAnswer without a list."""
    rows = json.get(key)
    if not isinstance(rows, list):
        raise invalid_answer(name, f"without the list `{key}`")
    return [row if isinstance(row, dict) else {} for row in rows]


def objects(value: object) -> list[JsonObject]:
    """The objects in a list; none where the value is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str | None:
    """`value` if it is a text, else None."""
    return value if isinstance(value, str) else None


def filled_text(value: object) -> str | None:
    """`value` if it is a text that is not empty, else None."""
    return text_of(value) or None


def full_name(json: Mapping[str, Any], *names: str) -> str:
    """The texts in these fields, those that are filled, with a space between."""
    return " ".join(filter(None, (filled_text(json.get(name)) for name in names)))


def utc_moment(value: object) -> datetime | None:
    """A moment in ISO 8601, in UTC, which one without an offset is; None for what is none."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at and (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def optional_text(row: Mapping[str, Any], name: str) -> str | None:
    """A field that is a text or null; None where it is empty, TypeError where it is anything else."""
    value = row.get(name)
    if not isinstance(value, str | None):
        raise TypeError(name)
    return value or None


def value_at(json: object, *names: str) -> Any:
    """The value at a path of names within an object; None where there is none."""
    for name in names:
        json = json.get(name) if isinstance(json, dict) else None
    return json


def id_of(row: JsonObject) -> str:
    """The id of a row; empty where it has none that is a text."""
    return text_of(row.get("id")) or ""


def response_date(reply: Reply) -> datetime | None:
    """The `Date` header of an answer (RFC 9110 §6.6.1) in UTC, None where there is none."""
    moment = posix_time(reply.headers.get("date"))
    return None if moment is None else datetime.fromtimestamp(moment, UTC)
