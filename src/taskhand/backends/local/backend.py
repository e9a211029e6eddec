"""The embedded store as a backend."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import MISSING

from taskhand.backend import Capabilities, Misread, Outcome, Snapshot, Watch, Written
from taskhand.backends.local.directory import Directory, NewId
from taskhand.backends.local.examination import examination
from taskhand.backends.local.query import State, selects
from taskhand.backends.local.rows import columns, people_by_task, searchable, status_from, task_from
from taskhand.due import Due, is_overdue
from taskhand.edit import Edit, seen
from taskhand.errors import CallerError, NotFound, OperatorError
from taskhand.finding import Finding
from taskhand.sqlite.file import BUSY_S, Kind
from taskhand.sqlite.store import Store
from taskhand.task import Contact, Member, StatusList, Task, TaskPage, TaskQuery

__all__ = ["TASK_STORE", "LocalBackend"]

TASK_STORE = Kind("task store", "TASKHAND_DB", "taskhand.backends.local")

_T = TypeVar("_T")


class LocalBackend:
    """Tasks in one SQLite file, shared safely by any number of processes."""

    name = "local"
    capabilities = Capabilities(lists_are_current=True)
    remedies: Mapping[str, str] = {
        "statuses": "Add one: taskhand statuses add NAME --type done",
        "me": "See who is there: taskhand members list",
    }

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime],
        new_id: NewId,
        user: str,
        timezone: str | None,
        busy_s: float = BUSY_S,
    ) -> None:
        """`clock` answers an aware datetime; `user` is the first member's name; `timezone` the default zone.

        `busy_s` is how long another process that writes is waited for, in seconds.
        """
        self._clock = clock
        self._new_id = new_id
        self._user = user
        self._timezone = timezone
        self._path = path
        self._store = Store(path, TASK_STORE, prepare=self._prepare, busy_s=busy_s)

    async def statuses(self) -> StatusList:
        """All of them: the store knows its statuses."""
        known = await self._store.peek(lambda connection: self._directory(connection).statuses())
        return StatusList(known, complete=True, source="the embedded store")

    async def members(self) -> tuple[Member, ...]:
        """The active members."""
        return await self._store.peek(lambda connection: self._directory(connection).members())

    async def me(self) -> str | None:
        """The member that the store was created for."""
        return await self._store.peek(lambda connection: self._directory(connection).me())

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:  # noqa: ARG002  the store wrote it itself
        """Always."""
        return True

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts whose name, phone or e-mail contains `query`."""
        return await self._store.peek(lambda connection: self._directory(connection).contacts(query, limit))

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page, found by index."""
        return await self._store.peek(lambda connection: _page(connection, query, self._clock()))

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:  # noqa: ARG002  nothing is kept here
        """One task by id; NotFound."""
        return await self._store.peek(lambda connection: _task(connection, task_id))

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:  # noqa: ARG002  as above
        """Many tasks with the same few queries as one; the contract says all that the store has of them."""
        return await self._store.peek(lambda connection: _snapshots(connection, ids))

    async def create_task(self, edit: Edit) -> Written:
        """A new task, created by the user, in the status asked for or else the first initial one."""
        return Written(await self._store.write(lambda connection: self._create(connection, edit)))

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Set the given fields in one transaction; NotFound when the task is gone, Misread when they changed since."""
        return Written(await self._store.write(lambda connection: _update_from(connection, before, edit)))

    async def update_tasks(self, edits: Sequence[tuple[Task, Edit]], watch: Watch | None = None) -> tuple[Outcome, ...]:
        """All of them in one transaction; one that is gone, or changed since, does not keep the others from being set.

        All or none is sent: `watch` is asked once, and told when it is over.
        """
        if watch is not None and watch.stopped is not None:
            outcomes = tuple(Outcome(before.id, error=watch.stopped) for before, _ in edits)
        else:
            outcomes = await self._update_all(edits)
        if watch is not None:
            for place, outcome in enumerate(outcomes):
                watch.tell(place, outcome)
        return outcomes

    async def delete_task(self, before: Task) -> None:
        """Remove a task; NotFound when it is gone already, CallerError when it changed since."""
        await self._store.write(lambda connection: _delete(connection, before))

    async def upstream_time(self) -> None:
        """The store has no clock of its own."""

    async def examine(self, *, writes: bool) -> tuple[Finding, ...]:  # noqa: ARG002  reading makes the file as well
        """Whether the file is sound and can be written."""
        return (await examination(self._store, self._path),)

    def now(self) -> datetime:
        """What the clock of this store says."""
        return self._clock()

    async def edit(self, work: Callable[[Directory], _T]) -> _T:
        """Do something to the statuses, people and contacts, wholly or not at all."""
        return await self._store.write(lambda connection: work(self._directory(connection)))

    async def aclose(self) -> None:
        """Close the file."""
        await self._store.aclose()

    async def _update_all(self, edits: Sequence[tuple[Task, Edit]]) -> tuple[Outcome, ...]:
        def work(connection: sqlite3.Connection) -> tuple[Outcome, ...]:
            return tuple(_outcome(connection, before, edit) for before, edit in edits)

        try:
            return await self._store.write(work, tasks=len(edits))
        except OperatorError as error:
            return tuple(Outcome(before.id, error=error) for before, _ in edits)

    def _directory(self, connection: sqlite3.Connection) -> Directory:
        return Directory(connection, self._new_id)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        def overdue(due_at: str | None, is_all_day: int, zone: str | None) -> bool:
            return is_overdue(Due.read(due_at, zone, all_day=bool(is_all_day)), self._clock(), self._timezone)

        connection.create_function("is_overdue", 3, overdue)
        self._directory(connection).furnish(self._user)

    def _create(self, connection: sqlite3.Connection, edit: Edit) -> Task:
        _check_status(connection, edit)
        initial = "SELECT id FROM status WHERE type = 'initial' ORDER BY position LIMIT 1"
        row = columns(Edit(due=None)) | {
            "id": self._new_id(connection),
            "created_at": _instant(self._clock()),
            "creator_id": self._directory(connection).me(),
            "status_id": connection.execute(initial).fetchone()["id"],
        }
        row |= columns(edit)
        row["searchable"] = searchable(str(row["title"]), str(row.get("description") or ""))
        names = ", ".join(row)
        connection.execute(
            f"INSERT INTO task ({names}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608  names of columns()
            tuple(row.values()),
        )
        _set_people(connection, str(row["id"]), () if edit.responsible_ids is MISSING else edit.responsible_ids)
        return _task(connection, str(row["id"]))


def _update_from(connection: sqlite3.Connection, before: Task, edit: Edit) -> Task:
    now = _task(connection, before.id)
    if _has_moved(before, now, edit):
        raise Misread(now, now)
    return _update(connection, now, edit)


def _outcome(connection: sqlite3.Connection, before: Task, edit: Edit) -> Outcome:
    try:
        now = _task(connection, before.id)
        if _has_moved(before, now, edit):
            return Outcome(before.id, error=_conflict())
        return Outcome(before.id, Written(_update(connection, now, edit)))
    except NotFound as error:
        return Outcome(before.id, error=error)


def _conflict() -> CallerError:
    return CallerError(
        "The task changed while it was to be written.",
        code="conflict",
        retryable=True,
        next_step="Call get_task, and send the change again if it is still wanted.",
    )


def _has_moved(before: Task, now: Task, edit: Edit) -> bool:
    """Whether a field that is to be set is not any more as it was read."""
    return any(seen(before, name) != seen(now, name) for name, _ in edit.given())


def _check_status(connection: sqlite3.Connection, edit: Edit) -> None:
    """Refuse a status that was removed since it was seen: an undo may ask for one."""
    if edit.status is MISSING:
        return
    if connection.execute("SELECT 1 FROM status WHERE id = ?", (edit.status.id,)).fetchone() is None:
        raise NotFound(
            f"There is no status {edit.status.name or edit.status.position} any more.",
            code="unknown_status",
            next_step="Call list_statuses, and send one of them.",
        )


def _update(connection: sqlite3.Connection, now: Task, edit: Edit) -> Task:
    _check_status(connection, edit)
    row = columns(edit)
    title = now.title if edit.title is MISSING else edit.title
    description = now.description if edit.description is MISSING else edit.description
    row["searchable"] = searchable(title, description)
    assignments = ", ".join(f"{name} = ?" for name in row)
    connection.execute(f"UPDATE task SET {assignments} WHERE id = ?", (*row.values(), now.id))  # noqa: S608  as above
    if edit.responsible_ids is not MISSING:
        _set_people(connection, now.id, edit.responsible_ids)
    return _task(connection, now.id)


def _delete(connection: sqlite3.Connection, before: Task) -> None:
    if _task(connection, before.id) != before:
        raise _conflict()
    connection.execute("DELETE FROM task WHERE id = ?", (before.id.lower(),))


def _set_people(connection: sqlite3.Connection, task_id: str, people: Sequence[str]) -> None:
    connection.execute("DELETE FROM task_responsible WHERE task_id = ?", (task_id,))
    connection.executemany(
        "INSERT INTO task_responsible SELECT id, ?, ?, due_key, status_id, created_at, priority FROM task WHERE id = ?",
        [(person, rank, task_id) for rank, person in enumerate(people)],
    )


def _task(connection: sqlite3.Connection, task_id: str) -> Task:
    row = connection.execute("SELECT * FROM task WHERE id = ?", (task_id.lower(),)).fetchone()
    if row is None:
        raise _no_task(task_id)
    return _tasks(connection, [row])[0]


def _no_task(task_id: str) -> NotFound:
    return NotFound(
        f"There is no task {task_id}.", code="task_not_found", next_step="Call list_tasks to find the task's id."
    )


def _snapshots(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, Snapshot]:
    rows = _among(connection, "task WHERE id", [task_id.lower() for task_id in ids]).fetchall()
    found = {task.id: Snapshot(task) for task in _tasks(connection, rows)}
    return {task_id: found[task_id.lower()] for task_id in ids if task_id.lower() in found}


def _tasks(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[Task, ...]:
    """Rows of the task table as tasks, with two queries for any number of them."""
    in_use = _among(connection, "status WHERE id", {row["status_id"] for row in rows})
    on_them = _among(connection, "task_responsible WHERE task_id", [row["id"] for row in rows], "ORDER BY rank")
    statuses, people = {row["id"]: status_from(row) for row in in_use}, people_by_task(on_them)
    return tuple(task_from(row, people.get(row["id"], ()), statuses) for row in rows)


def _among(connection: sqlite3.Connection, where: str, ids: Collection[str], then: str = "") -> sqlite3.Cursor:
    """The rows of a table where a column is one of these."""
    marks = ", ".join("?" * len(ids))
    return connection.execute(f"SELECT * FROM {where} IN ({marks}) {then}", tuple(ids))  # noqa: S608  marks


def _page(connection: sqlite3.Connection, query: TaskQuery, now: datetime) -> TaskPage:
    unfinished = connection.execute("SELECT id FROM status WHERE type NOT IN ('done', 'master_done')")
    state = State(tuple(row["id"] for row in unfinished), now)
    walks = [connection.execute(select.sql, select.parameters).fetchall() for select in selects(query, state)]
    by_id = {row["id"]: row for walk in walks for row in walk}
    rows = sorted(by_id.values(), key=lambda row: (row["sort_key"], row["id"]), reverse=query.order != "due")
    return TaskPage(_tasks(connection, rows[: query.limit]), more=len(rows) > query.limit)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
