"""Reads values from a CRM's responses."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from taskhand.domain.errors import InvalidAnswer
from taskhand.domain.task import Task
from taskhand.domain.unreadable_fields import ODD, unreadable_task
from taskhand.http.client import Client
from taskhand.http.rate_headers import posix_time
from taskhand.http.response_body import Reply

__all__ = [
    "JsonObject",
    "broken_list",
    "filled_text",
    "full_name",
    "id_of",
    "invalid_answer",
    "objects",
    "optional_text",
    "read_task",
    "response_date",
    "rows_in",
    "text_or_none",
    "utc_moment",
    "value_at",
    "written_row",
]

JsonObject = dict[str, Any]

_log = logging.getLogger(__name__)


def read_task(task_id: str, read: Callable[[], Task]) -> Task:
    """The result of `read()`, or a task with no readable field if `read` fails on an unexpected row.

    One bad row must not fail a whole list. The log has the traceback.
    """
    try:
        return read()
    except ODD:
        _log.exception("a task could not be read")
        return unreadable_task(task_id)


def invalid_answer(name: str, what: str) -> InvalidAnswer:
    """The error for a read that the CRM called `name` answered with `what`, such as "without an id"."""
    return InvalidAnswer(f"{name} answered {what}.", next_step="Tell the operator of Taskhand.")


def broken_list(name: str) -> InvalidAnswer:
    """The error for a list of which a page has no rows or only known ones, although more rows were to follow."""
    return InvalidAnswer(
        f"{name} answered with a page that does not continue its list, so the list is incomplete.",
        next_step="Send the same call again; if it fails again, tell the operator of Taskhand.",
        retryable=True,
    )


def written_row(http: Client, reply: Reply, task_id: str | None, key: Callable[[str], str] = str) -> JsonObject:
    """The row in the response to a write; OutcomeUnknown if it is not a task, or not the task `task_id` (None: any).

    `key` normalizes an id, so that different spellings are equal.
    """
    if not (found := id_of(reply.object)):
        raise http.invalid(reply, "with something that is not a task")
    if task_id is not None and key(found) != key(task_id):
        raise http.invalid(reply, "with another task")
    return reply.object


def rows_in(name: str, json: JsonObject, key: str) -> list[JsonObject]:
    """The list `key` of a response, with {} for a row that is not an object; InvalidAnswer without a list."""
    rows = json.get(key)
    if not isinstance(rows, list):
        raise invalid_answer(name, f"without the list `{key}`")
    return [row if isinstance(row, dict) else {} for row in rows]


def objects(value: object) -> list[JsonObject]:
    """The objects in a list; an empty list if the value is not a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_or_none(value: object) -> str | None:
    """`value` if it is a text, else None."""
    return value if isinstance(value, str) else None


def filled_text(value: object) -> str | None:
    """`value` if it is a non-empty text, else None."""
    return text_or_none(value) or None


def full_name(json: Mapping[str, Any], *names: str) -> str:
    """The non-empty texts of these fields, joined by spaces."""
    return " ".join(filter(None, (filled_text(json.get(name)) for name in names)))


def utc_moment(value: object) -> datetime | None:
    """A moment in ISO 8601, converted to UTC; one without an offset is taken as UTC. None for any other value."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at and (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def optional_text(row: Mapping[str, Any], name: str) -> str | None:
    """A field that is a text or null; None if it is empty, TypeError if it is anything else."""
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise TypeError(name)


def value_at(json: object, *names: str) -> Any:
    """The value at a path of names within an object; None if the path does not exist."""
    for name in names:
        json = json.get(name) if isinstance(json, dict) else None
    return json


def id_of(row: JsonObject) -> str:
    """The id of a row; empty if the id is missing or not a text."""
    return text_or_none(row.get("id")) or ""


def response_date(reply: Reply) -> datetime | None:
    """The `Date` header of a response (RFC 9110 §6.6.1) in UTC; None without one."""
    moment = posix_time(reply.headers.get("date"))
    return None if moment is None else datetime.fromtimestamp(moment, UTC)
