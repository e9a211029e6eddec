"""Cursors of task lists: each starts the next page, and is valid only with the filters and order of its query; pure."""

import base64
import binascii
import json
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from taskhand.domain.errors import CallerError
from taskhand.domain.task import Task
from taskhand.domain.task_query import PRIORITIES, TaskQuery, priority_key, sort_key

__all__ = ["Position", "cursor_after", "position_after", "resume"]

Position = tuple[str, ...]
"""The last task of a page: its sort key and its id, and the fingerprint of the query that found it."""

_PRIORITY_KEYS = frozenset(str(priority_key(one)) for one in PRIORITIES)


def cursor_after(task: Task, query: TaskQuery) -> str:
    """An opaque cursor for the page after `task`; it is valid only with the filters and order of `query`."""
    position = json.dumps(position_after(task, query), separators=(",", ":"))
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def position_after(task: Task, query: TaskQuery) -> Position:
    """The position of the page after `task`; it is valid only with the filters and order of `query`."""
    return sort_key(task, query.order), task.id, _fingerprint(query)


def resume(query: TaskQuery, cursor: str | Position) -> TaskQuery:
    """The query that continues after a cursor or position; CallerError if that belongs to another query."""
    key, task_id, fingerprint = _read(cursor)
    is_key = _is_text(key) and (query.order != "priority" or key[:1] in _PRIORITY_KEYS)
    if fingerprint != _fingerprint(query) or not is_key or not (task_id and _is_text(task_id)):
        raise CallerError(
            "cursor does not belong to this list.",
            code="invalid_cursor",
            next_step="Repeat the call that gave nextCursor with the same filters and order, or leave cursor out.",
        )
    return replace(query, after=(key, task_id))


def _read(cursor: str | Position) -> Any:
    """The three parts of a position, or of a cursor as it was sent: JSON values; None for each if it is none."""
    try:
        position = _decode(cursor) if isinstance(cursor, str) else cursor
        key, task_id, fingerprint = position
    except (binascii.Error, ValueError, TypeError, RecursionError):
        return None, None, None
    return key, task_id, fingerprint


def _decode(cursor: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))


def _is_text(value: object) -> bool:
    """Whether this is text that UTF-8 can encode; JSON can also hold half a surrogate pair."""
    return isinstance(value, str) and value.encode(errors="ignore").decode() == value


def _fingerprint(query: TaskQuery) -> str:
    """A short hash of the filters, order and connection; the links that a page reads may change between pages."""
    # The id of a status may become known while the first page is fetched; its name stays the same.
    names = None if query.statuses is None else [choice.name or choice.position for choice in query.statuses]
    rest = replace(query, limit=0, links=frozenset(), after=None, statuses=None)
    of = (rest, names) if query.connection is None else (rest, names, query.connection)
    return blake2b(repr(of).encode(errors="replace"), digest_size=3).hexdigest()
