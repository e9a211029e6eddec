"""Import of records into the store, in one transaction; tasks that exist are skipped."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, get_args
from uuid import UUID, uuid5

from pydantic import ValidationError

from taskhand.backends.local.mapping import searchable, to_columns
from taskhand.backends.local.tasks import ID_PATTERN, set_people, snapshots
from taskhand.domain.due import Due, due_of, instant_text
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.invalid_value import describe_invalid
from taskhand.domain.name_matching import digits_of, fold
from taskhand.domain.task import STATUS_TYPES, Contact, Member, Status, StatusType, Task
from taskhand.domain.time_zones import known_zone
from taskhand.sql.connection import SqlConnection, SqlRow, placeholders

__all__ = ["ImportReport", "Line", "import_lines", "stable_id"]

_NAMESPACE: Final = UUID("5a0d9f0e-6f0b-5c7e-9d53-0b6c1c1f4a57")
_TIMES: Final = ("updated_at", "completed_at", "completed_by")
_MAX_TOLD: Final = 10
_ORDER: Final = ("wrong", "export", "status", "member", "contact", "task")
_COMPARED: Final = (
    "title",
    "description",
    "due_at",
    "due_timezone",
    "is_all_day",
    "ai_contact_id",
    "ai_customer_id",
    "priority",
    "responsible_ids",
    "task_status_config_id",
)


class _WrongLine(ValueError):
    """The error for a line that cannot be imported; its message has the reason."""


@dataclass(frozen=True, slots=True)
class Line:
    """A record of a file: the `number` of its line, its `kind` and its content.

    The kind is a record kind of an export, or `wrong` for an invalid line, whose content has its `problem`.
    """

    number: int
    kind: str
    value: Mapping[str, Any]


@dataclass(slots=True)
class ImportReport:
    """The number of tasks created and of tasks that existed, and the lines whose existing task differs."""

    made: int = 0
    known: int = 0
    differing: list[int] = field(default_factory=list)


def stable_id(backend: str, task_id: str) -> str:
    """The store's id for a task id of another backend; the same at every import."""
    return task_id.lower() if re.fullmatch(ID_PATTERN, task_id) else str(uuid5(_NAMESPACE, f"{backend}\n{task_id}"))


def import_lines(connection: SqlConnection, lines: Sequence[Line], now: datetime) -> ImportReport:
    """Write the records within a transaction that the caller ends; CallerError with the wrong lines.

    In a store without tasks, the statuses and the user of the file replace the defaults.
    """
    work = _Import(connection, now)
    problems: list[str] = []
    for line in sorted(lines, key=lambda line: (_ORDER.index(line.kind), line.number)):
        _try(work.write, line, problems)
    if problems:
        more = f"; and {len(problems) - _MAX_TOLD} more" if len(problems) > _MAX_TOLD else ""
        raise CallerError(
            f"Nothing was imported: {'; '.join(problems[:_MAX_TOLD])}{more}.",
            code="invalid_import",
            next_step="Correct these lines, then import the file again.",
        )
    work.remove_unused()
    return work.report


def _try(write: Callable[[Line], None], line: Line, problems: list[str]) -> None:
    try:
        write(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(map(str, first["loc"])) or line.kind
        problems.append(f"line {line.number}: {path}: {describe_invalid(first)}")
    except CallerError as error:
        problems.append(f"line {line.number}: {error.message.rstrip('.')}")
    except _WrongLine as error:
        problems.append(f"line {line.number}: {error}")
    except (UnicodeEncodeError, OverflowError):
        problems.append(f"line {line.number}: it has a text or a number that cannot be stored")


class _Import:
    """Writes the records of one import, and maps ids of the file to ids of the store."""

    def __init__(self, connection: SqlConnection, now: datetime) -> None:
        self.report = ImportReport()
        self._connection = connection
        self._now = now
        self._backend = "local"
        self._statuses: dict[str, str] = {}
        self._members: dict[str, str] = {}
        self._is_new = not self._rows("SELECT 1 FROM task LIMIT 1") and not self._rows("SELECT 1 FROM contact LIMIT 1")
        self._first = {row["id"] for row in self._rows("SELECT id FROM status")} if self._is_new else set()

    def write(self, line: Line) -> None:
        """Write one record; ValidationError, _WrongLine or CallerError for an invalid one."""
        match line.kind:
            case "wrong":
                raise _WrongLine(line.value["problem"])
            case "export":
                if line.value.get("format") != 1:
                    raise _WrongLine("the file was written by a newer Taskhand")
                self._backend = str(line.value.get("backend"))
            case "status":
                self._write_status(Status.model_validate(line.value))
            case "member":
                roles = {name: line.value.get(name) is True for name in ("active", "me")}
                rest = {name: value for name, value in line.value.items() if name not in roles}
                self._write_member(Member.model_validate(rest), **roles)
            case "contact":
                self._write_contact(Contact.model_validate(line.value))
            case _:
                self._write_task(line)

    def remove_unused(self) -> None:
        """Remove the default statuses of a new store if the file has an initial status of its own."""
        imported = set(self._statuses.values())
        kinds = {row["id"]: row["type"] for row in self._rows("SELECT id, type FROM status")}
        if any(kinds[status_id] == "initial" for status_id in imported):
            for status_id in self._first - imported:
                self._run(
                    "DELETE FROM status WHERE id = ? AND NOT EXISTS (SELECT 1 FROM task WHERE status_id = ?)",
                    status_id,
                    status_id,
                )

    def _write_status(self, status: Status) -> None:
        if status.type not in get_args(StatusType):
            raise _WrongLine(f"the type of a status is one of {STATUS_TYPES}")
        if not fold(status.name):
            raise _WrongLine("a status needs a name")
        own = status.id or status.name
        by_name = self._rows("SELECT id, type FROM status WHERE folded = ?", fold(status.name))
        if self._rows("SELECT 1 FROM status WHERE id = ?", own):
            self._statuses[own] = own
            return
        if by_name and by_name[0]["type"] != status.type:
            raise _WrongLine(f"the store has a status {status.name!r} of another type, {by_name[0]['type']}")
        if by_name and by_name[0]["id"] not in self._first:
            self._statuses[own] = by_name[0]["id"]
            return
        if by_name:
            self._run("DELETE FROM status WHERE id = ?", by_name[0]["id"])
            self._first.discard(by_name[0]["id"])
        self._statuses[own] = own
        taken = self._rows("SELECT id FROM status WHERE position = ?", status.order)
        last = self._rows("SELECT coalesce(max(position), 0) AS last FROM status")[0]["last"]
        position = status.order if not taken or taken[0]["id"] in self._first else last + 1
        row = (own, status.name.strip(), fold(status.name), status.color, status.type, position)
        self._run("INSERT INTO status VALUES (?, ?, ?, ?, ?, ?)", *row)

    def _write_member(self, member: Member, *, active: bool, me: bool) -> None:
        if not fold(member.name) or fold(member.name) == "me":
            raise _WrongLine("a member needs a name, and it may not be 'me'")
        known = self._rows("SELECT id FROM member WHERE id = ?", member.id) or self._find_same_members(member)
        if known:
            self._members[member.id] = known[0]["id"]
            return
        self._members[member.id] = member.id
        own = self._rows("SELECT id FROM member WHERE is_me = 1")
        if me and self._is_new and own:
            self._run("UPDATE member SET is_me = 0 WHERE id = ?", own[0]["id"])
            self._run("DELETE FROM member WHERE id = ?", own[0]["id"])
        is_me = int(me and (self._is_new or not own))
        self._run("INSERT INTO member VALUES (?, ?, ?, ?, ?)", member.id, member.name, member.email, is_me, int(active))

    def _find_same_members(self, member: Member) -> list[SqlRow]:
        """The row of the only active member with the same e-mail, or the same name and no other e-mail; else empty.

        A new store has no such member.
        """
        if self._is_new:
            return []
        members = self._rows("SELECT id, name, email FROM member WHERE active = 1")
        by_email = [row for row in members if member.email and fold(row["email"] or "") == fold(member.email)]
        same = [row for row in members if fold(row["name"]) == fold(member.name)]
        by_name = [row for row in same if not (row["email"] and member.email)]
        matching = by_email or by_name
        return matching if len(matching) == 1 else []

    def _write_contact(self, contact: Contact) -> None:
        if not contact.id or not fold(contact.name):
            raise _WrongLine("a contact needs an id and a name")
        words = fold(
            " ".join(filter(None, (contact.name, contact.phone, contact.email, digits_of(contact.phone or ""))))
        )
        row = (contact.id, contact.name, contact.phone, contact.email, contact.customer_id, words)
        self._run("INSERT INTO contact VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", *row)

    def _write_task(self, line: Line) -> None:
        times = {name: line.value.get(name) for name in _TIMES}
        task = Task.model_validate({name: value for name, value in line.value.items() if name not in times})
        task_id = stable_id(self._backend, task.id)
        people = tuple(map(self._member_of, task.responsible_ids))
        values = {
            "id": task_id,
            **to_columns(Edit(title=task.title or "", description=task.description, due=_due(task))),
            "created_at": _instant(task.created_at, "created_at") or instant_text(self._now),
            "ai_contact_id": task.ai_contact_id,
            "ai_customer_id": task.ai_customer_id,
            "status_id": self._status_of(task),
            "priority": task.priority or 0,
            "creator_id": task.creator_id and self._members.get(task.creator_id, task.creator_id),
            "searchable": searchable(task.title or "", task.description),
            "updated_at": _instant(times["updated_at"], "updated_at"),
            "completed_at": _instant(times["completed_at"], "completed_at"),
            "completed_by": times["completed_by"] and self._members.get(times["completed_by"], times["completed_by"]),
        }
        if not 0 <= int(str(values["priority"])) <= 2:  # noqa: PLR2004  the highest documented priority
            raise _WrongLine("priority is 0, 1 or 2")
        before = snapshots(self._connection, [task_id]).get(task_id)
        if before is None:
            self._run(f"INSERT INTO task ({', '.join(values)}) VALUES ({placeholders(values)})", *values.values())  # noqa: S608  ours
            set_people(self._connection, task_id, people)
            self.report.made += 1
            return
        self.report.known += 1
        sent = {
            **values,
            "is_all_day": bool(values["is_all_day"]),
            "responsible_ids": people,
            "task_status_config_id": values["status_id"],
        }
        if any(getattr(before.task, name) != sent[name] for name in _COMPARED):
            self.report.differing.append(line.number)

    def _status_of(self, task: Task) -> str:
        """The id of the store's status for a task: the imported one, else the one with the same name."""
        named = task.status_config.name if task.status_config else ""
        for status_id in filter(None, (task.task_status_config_id, named)):
            if status_id in self._statuses or self._rows("SELECT 1 FROM status WHERE id = ?", status_id):
                return self._statuses.get(status_id, status_id)
        if rows := self._rows("SELECT id FROM status WHERE folded = ?", fold(named)):
            return str(rows[0]["id"])
        raise _WrongLine(f"there is no status {named or task.task_status_config_id!r}")

    def _member_of(self, member_id: str) -> str:
        """The id of the store's member; a member without a record in the file is added as a former member."""
        if member_id not in self._members:
            if not self._rows("SELECT 1 FROM member WHERE id = ?", member_id):
                self._run("INSERT INTO member VALUES (?, ?, NULL, 0, 0)", member_id, member_id)
            self._members[member_id] = member_id
        return self._members[member_id]

    def _rows(self, sql: str, *values: object) -> list[SqlRow]:
        return self._connection.execute(sql, values).fetchall()

    def _run(self, sql: str, *values: object) -> None:
        self._connection.execute(sql, values)


def _due(task: Task) -> Due | None:
    if task.due_timezone is not None:
        known_zone(task.due_timezone)
    try:
        return due_of(task)
    except ValueError:
        raise _WrongLine("due_at or due_timezone cannot be read") from None


def _instant(text: object, name: str) -> str | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _WrongLine(f"{name} is not an ISO 8601 time with an offset")
    return instant_text(at)
