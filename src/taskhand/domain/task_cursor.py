"""Cursors of task lists: each starts the next page, and is valid only with the filters and order of its query; pure."""

from dataclasses import replace

from taskhand.domain.cursor import decode_cursor, encode_cursor, list_fingerprint, other_cursor_error
from taskhand.domain.task import Task
from taskhand.domain.task_query import PRIORITIES, TaskQuery, priority_key, task_sort_key

__all__ = ["Position", "cursor_after", "position_after", "resume"]

Position = tuple[str, ...]
"""The last task of a page: its sort key and its id, and the fingerprint of the query that found it."""

_PRIORITY_KEYS = frozenset(str(priority_key(priority)) for priority in PRIORITIES)


def cursor_after(task: Task, query: TaskQuery) -> str:
    """An opaque cursor for the page after `task`; it is valid only with the filters and order of `query`."""
    return encode_cursor(position_after(task, query))


def position_after(task: Task, query: TaskQuery) -> Position:
    """The position of the page after `task`; it is valid only with the filters and order of `query`."""
    return task_sort_key(task, query.order), task.id, _fingerprint(query)


def resume(query: TaskQuery, cursor: str | Position) -> TaskQuery:
    """The query that continues after a cursor or position; CallerError if that belongs to another query."""
    match decode_cursor(cursor) if isinstance(cursor, str) else cursor:
        case [str(key), str(task_id), of] if of == _fingerprint(query):
            if task_id and _is_text(task_id) and _is_key(key, query):
                return replace(query, after=(key, task_id))
    raise other_cursor_error(is_filtered=True)


def _is_key(key: str, query: TaskQuery) -> bool:
    return _is_text(key) and (query.order != "priority" or key[:1] in _PRIORITY_KEYS)


def _is_text(value: str) -> bool:
    """Whether UTF-8 can encode this; JSON can also hold half a surrogate pair."""
    return value.encode(errors="ignore").decode() == value


def _fingerprint(query: TaskQuery) -> str:
    """A short hash of the filters, order and connection; the links that a page reads may change between pages."""
    # The id of a status may become known while the first page is fetched; its name stays the same.
    names = None if query.statuses is None else [choice.name or choice.position for choice in query.statuses]
    rest = replace(query, limit=0, links=frozenset(), after=None, statuses=None)
    conditions = (rest, names) if query.connection is None else (rest, names, query.connection)
    return list_fingerprint(conditions)
