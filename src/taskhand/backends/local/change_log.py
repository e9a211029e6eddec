"""The change log of the built-in store: triggers record every change, by any program, in its transaction."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import ConfigDict

from taskhand.backends.local.mapping import to_task
from taskhand.domain.due import instant_text
from taskhand.domain.event import TaskEvent, difference_event
from taskhand.domain.event_source import EventSource, KnownTasks, Look, PositionFormat
from taskhand.domain.task import Task
from taskhand.sql.connection import SqlConnection, SqlRow, placeholders

if TYPE_CHECKING:
    from taskhand.backends.local.dialect import ChangeLog
    from taskhand.backends.local.storage import TaskStorage

__all__ = ["StoreEvents"]

_PAGE: Final = 500
"""Log rows read at once; a change of a task has one row for each statement."""

_EVER: Final = "~"
"""A text that sorts after the text of every moment."""
_LOST: Final = "The store was restored to an earlier state or replaced; changes by that are not reported."


@dataclass(frozen=True, slots=True)
class _Position:
    """The last log row that was read, with its content: a restored store reuses row numbers.

    `since` is the moment of the first change to report; it is dropped once the log was read to its end.
    """

    xact: int = 0
    number: int = 0
    mark: str = ""
    since: str = ""
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    @classmethod
    def after(cls, row: SqlRow) -> "_Position":
        return cls(row["xact"], row["number"], f"{row['made_at']} {row['task_id']}")


_POSITION: Final = PositionFormat(_Position)


class StoreEvents(EventSource):
    """Reads the store's change log."""

    def __init__(self, storage: "TaskStorage") -> None:
        self._store = storage.store
        self._log = storage.dialect.changes

    async def begin(self, at: datetime) -> str:
        """The position after the last change before `at`."""
        moment = instant_text(at)
        position = await self._store.read(lambda connection: self._find_last(connection, moment))
        return _POSITION.write(replace(position, since=moment))

    async def look(self, position: str, known_tasks: KnownTasks, hints: Collection[str] = ()) -> Look:  # noqa: ARG002
        """The next changes in the log; known tasks and hints are not needed."""
        at = _POSITION.read(position)
        return await self._store.read(lambda connection: self._look(connection, at))

    def _look(self, connection: SqlConnection, position: _Position) -> Look:
        if (gap := _find_gap(connection, self._log, position)) == _LOST:
            return Look((), _POSITION.write(self._find_last(connection)), gap=gap)
        parameters = (position.xact, position.number, _PAGE + 1)
        found = connection.execute(self._log.following, parameters).fetchall()
        is_behind = len(found) > _PAGE
        rows = _whole_changes(found) if is_behind else found
        groups: dict[tuple[int, str], list[SqlRow]] = {}
        for row in sorted(rows, key=lambda row: int(row["number"])):
            # Without transaction numbers, each statement of another program counts as one change.
            groups.setdefault((row["xact"] or -row["number"], row["task_id"]), []).append(row)
        reader = _ChangeReader(connection, [*groups.values()])
        events = tuple(
            event for group in groups.values() if (event := reader.event(group)) and _is_since(event, position)
        )
        last = _Position.after(rows[-1]) if rows else position
        last = replace(last, since=position.since if is_behind else "")
        return Look(events, _POSITION.write(last), is_behind=is_behind, gap=gap)

    def _find_last(self, connection: SqlConnection, before: str = _EVER) -> _Position:
        """The position after the last change before a moment; the start of the log if it has none."""
        row = connection.execute(self._log.last, (before,)).fetchone()
        return _Position.after(row) if row is not None else _Position()


class _ChangeReader:
    """Turns the log rows of each change into an event."""

    def __init__(self, connection: SqlConnection, groups: Sequence[Sequence[SqlRow]]) -> None:
        ids = list({rows[0]["task_id"] for rows in groups})
        self._statuses = {row["id"]: row for row in connection.execute("SELECT * FROM status")}
        self._now = {row["id"]: dict(zip(_COLUMNS, row, strict=True)) for row in _rows_of(connection, ids)}
        without_title = [rows[-1] for rows in groups if not any(row["old_row"] or row["new_row"] for row in rows)]
        self._later = _find_later(connection, without_title)

    def event(self, rows: Sequence[SqlRow]) -> TaskEvent | None:
        """The event for one task's rows in one transaction; None if the task is the same before and after."""
        first, last = rows[0], rows[-1]
        full = [row for row in rows if row["old_row"] or row["new_row"]]
        is_new = bool(full) and full[0]["old_row"] is None
        is_gone = bool(full) and full[-1]["new_row"] is None
        columns = self._columns(last, has_columns=bool(full))
        before = None if is_new else self._task(first, json.loads(full[0]["old_row"]) if full else columns, "old")
        after = None if is_gone else self._task(last, json.loads(full[-1]["new_row"]) if full else columns, "new")
        at = str(first["moment"] or first["made_at"])
        event = difference_event(before, after, f"{first['number']}@{at}")
        if event is None:
            return None
        title = event.title if full or columns else None
        people = dict.fromkeys(
            person_id for row in rows for name in _PEOPLE for person_id in json.loads(row[name] or "[]")
        )
        moment = datetime.fromisoformat(at).astimezone(UTC)
        by, is_others = first["member_id"], first["moment"] is None
        return replace(event, at=moment, by=by, title=title, responsible_ids=tuple(people), is_others=is_others)

    def _columns(self, row: SqlRow, *, has_columns: bool) -> Mapping[str, Any]:
        """The task's current columns; if its log rows have none, the title is from before its next change."""
        now = self._now.get(row["task_id"], {})
        later = [] if has_columns else self._later.get(row["task_id"], [])
        title = next((old["title"] for number, old in later if number > row["number"]), None)
        return now if title is None else {**now, "title": title}

    def _task(self, row: SqlRow, columns: Mapping[str, Any], side: str) -> Task:
        """The task before or after a change, without the fields that cannot change."""
        status = self._statuses.get(columns.get("status_id"))
        values = {name: columns.get(name) for name in _COLUMNS} | {
            "id": row["task_id"],
            "title": columns.get("title", ""),
            "priority": columns.get("priority", 0),
            "created_at": None,
            "creator_id": None,
            "status_id": columns.get("status_id", ""),
            "status_name": status["name"] if status else columns.get("status_id", ""),
            "status_color": None,
            "status_type": status["type"] if status else "unknown",
            "status_position": status["position"] if status else 0,
        }
        return to_task(values, json.loads(row[f"{side}_people"] or "[]"))


_PEOPLE: Final = ("old_people", "new_people")
_COLUMNS: Final = (
    *("id", "title", "due_at", "due_timezone", "is_all_day", "ai_contact_id", "ai_customer_id", "status_id"),
    *("priority", "description"),
)
"""The task columns whose changes are reported."""


def _rows_of(connection: SqlConnection, ids: Sequence[str]) -> list[SqlRow]:
    """The current rows of the tasks: a manual change of people logs no other column."""
    sql = f"SELECT {', '.join(_COLUMNS)} FROM task WHERE id IN ({placeholders(ids)})"  # noqa: S608  names of ours
    return connection.execute(sql, ids).fetchall()


def _find_later(connection: SqlConnection, rows: Sequence[SqlRow]) -> Mapping[str, list[tuple[int, Mapping[str, Any]]]]:
    """The tasks of these log rows before each later change: by task, (change number, values)."""
    if not rows:
        return {}
    ids = list({row["task_id"] for row in rows})
    sql = (
        "SELECT number, task_id, old_row FROM change "  # noqa: S608  no text of others
        f"WHERE number > ? AND old_row IS NOT NULL AND task_id IN ({', '.join('?' * len(ids))}) ORDER BY number"
    )
    later: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for row in connection.execute(sql, (min(row["number"] for row in rows), *ids)):
        later.setdefault(row["task_id"], []).append((row["number"], json.loads(row["old_row"])))
    return later


def _whole_changes(rows: Sequence[SqlRow]) -> Sequence[SqlRow]:
    """The rows without the last change, which may be incomplete; all rows if they are one change."""
    last = (rows[-1]["xact"], rows[-1]["task_id"])
    end = len(rows)
    while end and (rows[end - 1]["xact"], rows[end - 1]["task_id"]) == last:
        end -= 1
    return rows[:end] or rows


def _is_since(event: TaskEvent, position: _Position) -> bool:
    return not position.since or event.at is None or instant_text(event.at) >= position.since


def _find_gap(connection: SqlConnection, changes: "ChangeLog", position: _Position) -> str | None:
    """A sentence on changes that may be missing after a position; None if none are."""
    log = connection.execute("SELECT pruned, begun_at FROM change_log").fetchone()
    if log["pruned"] > position.number:
        oldest = connection.execute("SELECT made_at FROM change ORDER BY number LIMIT 1").fetchone()
        return f"The store keeps its last 50,000 changes of 30 days: those before {oldest['made_at']} are missing."
    if position.number > log["pruned"]:
        newest = connection.execute(changes.newest).fetchone()[0]
        row = connection.execute("SELECT * FROM change WHERE number = ?", (position.number,)).fetchone()
        if row is None or _Position.after(row).mark != position.mark or position.xact >= newest:
            return _LOST
    if position.since and log["begun_at"] and position.since < log["begun_at"]:
        return f"The store has changes since {log['begun_at']}."
    return None
