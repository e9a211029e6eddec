"""Reading and writing of tasks, within a transaction of a connection."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pydantic import MISSING

from taskhand.backends.base import ItemResult, Misread, Written
from taskhand.backends.local.mapping import COMPLETION, TASK_COLUMNS, searchable, to_columns, to_task, to_times
from taskhand.domain.edit import Edit, current_value
from taskhand.domain.errors import CallerError, NotFound
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import FINISHED, Task
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import TaskQuery, ascends
from taskhand.sql.connection import SqlConnection, placeholders

if TYPE_CHECKING:
    from taskhand.backends.local.dialect import ChangeLog
    from taskhand.backends.local.storage import TaskStorage

__all__ = [
    "ID_PATTERN",
    "USUAL_ID_PATTERN",
    "Stamp",
    "change_task",
    "create_item",
    "delete",
    "delete_item",
    "insert_task",
    "page",
    "set_people",
    "short_id",
    "snapshots",
    "task",
    "update_item",
    "write_as",
]

_T = TypeVar("_T")

ID_PATTERN: Final = r"[0-9a-fA-F]{8}((-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?"
"""Ids of eight hexadecimal digits, and the UUIDs of stores made by earlier versions."""
USUAL_ID_PATTERN: Final = rf"(?=[a-fA-F]|.{{9}}){ID_PATTERN}"
"""The ids that this version makes (a letter first), and UUIDs."""

_VALUES: Final = {
    **{name: f"t.{name}" for name in TASK_COLUMNS},
    "status_name": "s.name",
    "status_color": "s.color",
    "status_type": "s.type",
    "status_position": "s.position",
}
"""The values that are read of a task, the id first, and their columns."""
_WHOLE: Final = f"""
SELECT {", ".join(_VALUES.values())}, r.responsible_id
FROM task t JOIN status s ON s.id = t.status_id LEFT JOIN task_responsible r ON r.task_id = t.id
WHERE t.id IN ({{}}) ORDER BY r.rank
"""  # noqa: S608  names of ours
"""One row for each responsible person of a task; one row without a person if it has none."""
_MAX_CONVERTED: Final = 100
"""Maximum number of rows whose tasks are kept, so that the same row is not converted again."""


class Stamp(NamedTuple):
    """The moment of a write, as the contract writes it, and the id of the writing member; None if there is none."""

    at: str
    by: str | None


def write_as(connection: SqlConnection, log: "ChangeLog", stamp: Stamp, work: Callable[[], _T]) -> _T:
    """Run work that writes tasks, and stamp the log rows of its triggers with the moment and the member."""
    if log.before is not None:
        connection.execute(log.before, stamp)
    if log.after is None:
        return work()
    last = connection.execute("SELECT coalesce(max(number), 0) FROM change").fetchone()[0]
    result = work()
    connection.execute(log.after, (*stamp, last, last))
    return result


def task(connection: SqlConnection, task_id: str) -> Task:
    """One task by id; NotFound."""
    for task, _ in _read(connection, [task_id.lower()]).values():
        return task
    raise NotFound.of_task(task_id)


def snapshots(connection: SqlConnection, ids: Sequence[str]) -> dict[str, Snapshot]:
    """The tasks that exist, by the given id, each with the store's native values."""
    snapshots = {
        task_id: Snapshot(task, {name: row[name] for name in COMPLETION})
        for task_id, (task, row) in _read(connection, [task_id.lower() for task_id in ids]).items()
    }
    return {task_id: snapshots[task_id.lower()] for task_id in ids if task_id.lower() in snapshots}


def page(connection: SqlConnection, query: TaskQuery, now: datetime, storage: "TaskStorage") -> TaskPage:
    """One page of the tasks that match the query at the time `now`."""
    from taskhand.backends.local.query import NEVER, StoreState  # noqa: PLC0415
    from taskhand.backends.local.query_plan import find_rows  # noqa: PLC0415  no start waits for these

    statuses = connection.execute("SELECT id, type FROM status")
    unfinished = tuple(row["id"] for row in statuses if row["type"] not in FINISHED)
    late = storage.find_late(connection, now) if query.overdue is not None else NEVER
    state = StoreState(unfinished, now, late, storage.dialect)
    rows = sorted(find_rows(connection, query, state), reverse=not ascends(query.order))
    ids = [task_id for _, task_id in rows[: query.limit]]
    full = _read(connection, ids)
    tasks = {task_id: task for task_id, (task, _) in full.items()}
    listed = tuple(tasks[task_id] for task_id in ids if not tasks[task_id].unreadable_fields)
    unreadable = tuple(task_id for task_id in ids if tasks[task_id].unreadable_fields)
    times = {task_id: to_times(row) for task_id, (_, row) in full.items()}
    return TaskPage(listed, len(rows) > query.limit, unreadable, times)


def short_id(connection: SqlConnection) -> str:
    """A new id of eight hexadecimal digits; it is short because models copy ids from results into calls.

    The first digit is a letter, so no host reads an id as a number.
    """
    while True:
        task_id = os.urandom(4).hex()
        is_taken = connection.execute("SELECT 1 FROM task WHERE id = ?", (task_id,)).fetchone() is not None
        if task_id[0].isalpha() and not is_taken:
            return task_id


def insert_task(connection: SqlConnection, edit: Edit, *, task_id: str, stamp: Stamp) -> Task:
    """Add a task in the given status, or else in the first initial one; NotFound if the status was removed."""
    _check_status(connection, edit)
    initial = "SELECT id FROM status WHERE type = 'initial' ORDER BY position LIMIT 1"
    row = to_columns(Edit(due=None)) | {
        "id": task_id,
        "created_at": stamp.at,
        "updated_at": stamp.at,
        "creator_id": stamp.by,
        "status_id": connection.execute(initial).fetchone()["id"],
    }
    row |= to_columns(edit) | _completion(connection, None, edit, stamp)
    row["searchable"] = searchable(str(row["title"]), str(row.get("description") or ""))
    names = ", ".join(row)
    connection.execute(
        f"INSERT INTO task ({names}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608  names of columns()
        tuple(row.values()),
    )
    set_people(connection, task_id, () if edit.responsible_ids is MISSING else edit.responsible_ids)
    return task(connection, task_id)


def create_item(connection: SqlConnection, edit: Edit, *, task_id: str, stamp: Stamp) -> ItemResult:
    """Add one task of a bulk; its failure becomes its result, so the others are still added."""
    try:
        return ItemResult(task_id, Written(insert_task(connection, edit, task_id=task_id, stamp=stamp)))
    except NotFound as error:
        return ItemResult("", error=error)


def change_task(connection: SqlConnection, before: Task, edit: Edit, stamp: Stamp) -> Task:
    """Set the given fields of a task; NotFound if it is gone, Misread if they have changed."""
    now = task(connection, before.id)
    if any(current_value(before, name) != current_value(now, name) for name, _ in edit.given_fields()):
        raise Misread(now, now)
    _check_status(connection, edit)
    row = to_columns(edit) | _completion(connection, now, edit, stamp) | {"updated_at": stamp.at}
    title = now.title if edit.title is MISSING else edit.title
    description = now.description if edit.description is MISSING else edit.description
    row["searchable"] = searchable(title or "", description)
    assignments = ", ".join(f"{name} = ?" for name in row)
    connection.execute(f"UPDATE task SET {assignments} WHERE id = ?", (*row.values(), now.id))  # noqa: S608  as above
    if edit.responsible_ids is not MISSING:
        set_people(connection, now.id, edit.responsible_ids)
    return task(connection, now.id)


def update_item(connection: SqlConnection, before: Task, edit: Edit, stamp: Stamp) -> ItemResult:
    """Update one task of a bulk; its failure becomes its result, so the others are still written."""
    try:
        return ItemResult(before.id, Written(change_task(connection, before, edit, stamp)))
    except Misread:
        return ItemResult(before.id, error=_conflict())
    except NotFound as error:
        return ItemResult(before.id, error=error)


def delete(connection: SqlConnection, before: Task) -> None:
    """Remove a task; NotFound if it is already gone, CallerError if it has changed."""
    if task(connection, before.id) != before:
        raise _conflict()
    connection.execute("DELETE FROM task WHERE id = ?", (before.id,))


def delete_item(connection: SqlConnection, before: Task) -> ItemResult:
    """Remove one task of a bulk; its failure becomes its result, so the others are still removed."""
    try:
        delete(connection, before)
    except CallerError as error:
        return ItemResult(before.id, error=error)
    return ItemResult(before.id)


def _conflict() -> CallerError:
    return CallerError(
        "The task changed after it was read.",
        code="conflict",
        retryable=True,
        next_step="Call get_task, then send the change again if it is still needed.",
    )


def _completion(connection: SqlConnection, now: Task | None, edit: Edit, stamp: Stamp) -> dict[str, object]:
    """The completion columns after a change of status; `now` is the current task, None for a new one.

    A finished task that stays finished keeps them; an undo restores the earlier ones.
    """
    if edit.status is MISSING:
        return {}
    if edit.native is not None and all(name in edit.native for name in COMPLETION):
        return {name: edit.native[name] for name in COMPLETION}
    kind = connection.execute("SELECT type FROM status WHERE id = ?", (edit.status.id,)).fetchone()["type"]
    was_finished = now is not None and now.is_finished
    if kind in FINISHED and was_finished:
        return {}
    values = stamp if kind in FINISHED else (None, None)
    return dict(zip(COMPLETION, values, strict=True))


def _check_status(connection: SqlConnection, edit: Edit) -> None:
    """Refuse a status that was removed, for example in an undo; NotFound."""
    if edit.status is MISSING:
        return
    if connection.execute("SELECT 1 FROM status WHERE id = ?", (edit.status.id,)).fetchone() is None:
        raise NotFound(
            f"The status {edit.status.name or edit.status.position} no longer exists.",
            code="unknown_status",
            next_step="Call list_statuses, then send one of its statuses.",
        )


def set_people(connection: SqlConnection, task_id: str, people: Sequence[str]) -> None:
    """Replace the people who are responsible for a task."""
    connection.execute("DELETE FROM task_responsible WHERE task_id = ?", (task_id,))
    connection.executemany(
        "INSERT INTO task_responsible SELECT id, ?, ?, due_key, status_id, created_at, priority FROM task WHERE id = ?",
        [(person, rank, task_id) for rank, person in enumerate(people)],
    )


def _read(connection: SqlConnection, ids: Sequence[str]) -> dict[str, tuple[Task, Mapping[str, Any]]]:
    """The tasks by id, each with the values of its row, in one query."""
    rows: dict[str, tuple[tuple[Any, ...], list[str]]] = {}
    for *values, person in connection.execute(_select_whole(len(ids)), ids):
        _, people = rows.setdefault(values[0], (tuple(values), []))
        if person is not None:
            people.append(person)
    return {task_id: _convert(values, tuple(people)) for task_id, (values, people) in rows.items()}


@lru_cache
def _select_whole(count: int) -> str:
    """The query that reads `count` whole tasks by id."""
    return _WHOLE.format(placeholders(range(count)))


@lru_cache(_MAX_CONVERTED)
def _convert(values: tuple[Any, ...], people: tuple[str, ...]) -> tuple[Task, Mapping[str, Any]]:
    """The task of a row, and the row's values by name. A write reads a task before, within and after it."""
    row = dict(zip(_VALUES, values, strict=True))
    return to_task(row, people), row
