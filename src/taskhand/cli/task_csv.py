"""Tasks as CSV for people: one row for each task, with names instead of ids."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import MISSING

from taskhand.backends.local.task_import import Line, stable_id
from taskhand.domain.due import Due, due_fields
from taskhand.domain.due_request import DueRequest
from taskhand.domain.errors import CallerError
from taskhand.domain.name_matching import fold
from taskhand.domain.people_lookup import match_members
from taskhand.domain.priority import DEFAULT_PRIORITY, PRIORITY_WORDS
from taskhand.domain.reference_time import Reference
from taskhand.domain.task import Member, Status

__all__ = ["COLUMNS", "CsvReader", "write_rows"]

COLUMNS: Final = (
    "id",
    "title",
    "description",
    "status",
    "dueDate",
    "dueTime",
    "timezone",
    "responsible",
    "priority",
    "aiContactId",
    "aiCustomerId",
    "createdAt",
    "completedAt",
)
_BETWEEN: Final = "; "
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")
"""The first characters of cells that a spreadsheet would compute, or take as text:
https://owasp.org/www-community/attacks/CSV_Injection"""


def write_rows(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of a CSV file with the tasks of an export."""
    yield _line(COLUMNS)
    members: dict[str, Mapping[str, Any]] = {}
    for record in records:
        if member := record.get("member"):
            members[member["id"]] = member
        elif task := record.get("task"):
            yield _line(_to_cells(task, members))


def _to_cells(task: Mapping[str, Any], members: Mapping[str, Mapping[str, Any]]) -> list[str]:
    due = Due.read(task["due_at"], task["due_timezone"], all_day=task["is_all_day"])
    at = due.local if due else None
    people = [_name(str(responsible["responsible_id"]), members) for responsible in task["task_responsibles"] or ()]
    values = (
        task["id"],
        task["title"],
        task["description"],
        (task["status_config"] or {}).get("name"),
        at.date() if at else due and due.day,
        at.time().isoformat("seconds" if at.second else "minutes") if at else None,
        (due.zone or ("UTC" if at else None)) if due else None,
        _BETWEEN.join(people),
        task["priority"],
        task["ai_contact_id"],
        task["ai_customer_id"],
        task["created_at"],
        task["completed_at"],
    )
    return [_safe("" if value is None else str(value)) for value in values]


def _name(member_id: str, members: Mapping[str, Mapping[str, Any]]) -> str:
    """The name of a person if it is unique; else the e-mail, else the id."""
    known = members.get(member_id)
    if known is None:
        return member_id
    name = str(known["name"])
    is_unique = sum(fold(str(member["name"])) == fold(name) for member in members.values()) == 1
    return name if is_unique and ";" not in name else str(known["email"] or member_id)


def _safe(cell: str) -> str:
    """The cell, escaped with an apostrophe if a spreadsheet would compute it or drop a leading apostrophe."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unsafe(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


class CsvReader:
    """Reads rows as records of tasks: statuses and people, also the `former` ones, are those of the store."""

    def __init__(
        self,
        statuses: Sequence[Status],
        members: Sequence[Member],
        former: Sequence[Member],
        me: str | None,
        now: Reference,
    ) -> None:
        self._statuses = statuses
        self._members = members
        self._former = former
        self._me = me
        self._now = now
        self._has_listed = False
        self._seen: Counter[tuple[str, ...]] = Counter()

    def read_rows(self, text: str) -> Iterator[Line]:
        """A record for each row; CallerError if the first row does not name the columns."""
        first = text.split("\n", 1)[0]
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
        names = [name.strip() for name in next(rows, [])]
        unknown = [name for name in names if name not in COLUMNS]
        if unknown or "title" not in names:
            problem = f"There is no column {unknown[0]!r}" if unknown else "The column title is missing"
            raise CallerError(f"{problem}: the first line names the columns, of {', '.join(COLUMNS)}.")
        line = rows.line_num + 1
        for cells in rows:
            if any(map(str.strip, cells)):
                yield self._read_row(line, names, cells)
            line = rows.line_num + 1

    def _read_row(self, line: int, names: Sequence[str], cells: Sequence[str]) -> Line:
        if len(cells) != len(names):
            return Line(line, "wrong", {"problem": f"it has {len(cells)} cells, and the first line {len(names)}"})
        row = {name: _unsafe(cell) for name, cell in zip(names, cells, strict=True)}
        try:
            return Line(line, "task", self._to_task(row, tuple(cells)))
        except CallerError as error:
            return Line(line, "wrong", {"problem": error.message.rstrip(".")})

    def _to_task(self, row: Mapping[str, str], cells: tuple[str, ...]) -> dict[str, Any]:
        """The row as the documented object; CallerError if a cell cannot be read."""
        if not row["title"].strip():
            raise CallerError("title is empty")
        status = self._find_status(row.get("status", "").strip())
        people = [person for person in row.get("responsible", "").split(";") if person.strip()]
        due = self._read_due(row)
        self._seen[cells] += 1
        priority = row.get("priority", "").strip() or DEFAULT_PRIORITY
        return {
            # A row without an id is the same task at every import of the same file.
            "id": row.get("id", "").strip() or stable_id("csv", json.dumps([*cells, self._seen[cells]])),
            "title": row["title"],
            "description": row.get("description") or None,
            **due_fields(due),
            "created_at": row.get("createdAt", "").strip() or None,
            "ai_contact_id": row.get("aiContactId", "").strip() or None,
            "ai_customer_id": row.get("aiCustomerId", "").strip() or None,
            "task_status_config_id": status.id,
            "priority": _read_priority(PRIORITY_WORDS.get(fold(priority), priority)),
            "creator_id": self._me,
            "task_responsibles": [
                {"responsible_id": person_id}
                for person_id in match_members(people, self._members, self._me, former=self._former).ids
            ],
            "status_config": status.model_dump(),
            "completed_at": row.get("completedAt", "").strip() or None,
        }

    def _find_status(self, name: str) -> Status:
        """The status of this name, or of this type; the first initial one for no name."""
        for status in self._statuses:
            if fold(name) in {fold(status.name), fold(status.type)} or (not name and status.type == "initial"):
                return status
        known = "" if self._has_listed else f" (the statuses are {', '.join(status.name for status in self._statuses)})"
        self._has_listed = True
        raise CallerError(f"there is no status {name!r}{known}")

    def _read_due(self, row: Mapping[str, str]) -> Due | None:
        given = (row.get(name, "").strip() or MISSING for name in ("dueDate", "dueTime", "timezone"))
        return DueRequest.parse(*given, reference=self._now).on(None, self._now.zone, midnight_is_day=True)


def _read_priority(text: str) -> int:
    if text not in PRIORITY_WORDS.values():
        raise CallerError("priority is 0 (low), 1 (medium) or 2 (high)")
    return int(text)
