"""Pages of tasks: what they are sorted by, and the cursor that says where the next one starts; pure."""

import base64
import binascii
import json
from dataclasses import replace
from hashlib import blake2b

from taskhand.domain.due import due_of
from taskhand.domain.errors import CallerError
from taskhand.domain.task import PRIORITY_WORDS, Order, Task, TaskQuery

__all__ = ["NO_DUE", "cursor_after", "resume", "sort_key"]

NO_DUE = "~"
"""The due key of a task without a due date: it sorts after every date."""

_PRIORITIES = frozenset(int(digit) for digit in PRIORITY_WORDS.values())


def sort_key(task: Task, order: Order) -> str | int:
    """What a task is sorted by; equal keys are ordered by id, in the same direction."""
    if order == "created":
        return task.created_at
    if order == "priority":
        return task.priority
    due = due_of(task)
    return due.key if due else NO_DUE


def cursor_after(task: Task, query: TaskQuery) -> str:
    """An opaque cursor for the page that follows `task`; it belongs to the filters and order of `query`."""
    position = [sort_key(task, query.order), task.id, _fingerprint(query)]
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def resume(query: TaskQuery, cursor: str) -> TaskQuery:
    """The query, going on after a cursor; CallerError when the cursor is not one of this query's."""
    try:
        key, task_id, fingerprint = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        key = task_id = fingerprint = None
    is_key = type(key) is int and key in _PRIORITIES if query.order == "priority" else _is_text(key)
    if fingerprint != _fingerprint(query) or not is_key or not _is_text(task_id):
        raise CallerError(
            "cursor does not belong to this list.",
            code="invalid_cursor",
            next_step="Repeat the call that gave nextCursor with the same filters and order, or leave cursor out.",
        )
    return replace(query, after=(key, task_id))


def _is_text(value: object) -> bool:
    """Whether this is text that UTF-8 can say: half a surrogate pair can be written in JSON, and nowhere else."""
    return isinstance(value, str) and value.encode(errors="ignore").decode() == value


def _fingerprint(query: TaskQuery) -> str:
    """What the filters and the order are, in short; the size of a page may change between pages."""
    # A status may get its id while the first page is fetched: what stays is its name.
    names = None if query.statuses is None else [choice.name or choice.position for choice in query.statuses]
    rest = replace(query, limit=0, after=None, statuses=None)
    return blake2b(repr((rest, names)).encode(errors="replace"), digest_size=6).hexdigest()
