"""From a TaskQuery to SQL that an index answers; pure.

Dateless tasks have the key `~`, so "by due date" is one walk along (due_key, id) or (responsible_id, due_key, task_id).
A list for several people is one such walk for each, merged: each stops as soon as the page is full.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from taskhand.names import fold
from taskhand.page import NO_DUE
from taskhand.task import TaskQuery

__all__ = ["Select", "selects"]

_ORDERS = {
    "due": ("{due}", "ASC"),
    "created": ("t.created_at", "DESC"),
    "priority": ("t.priority", "DESC"),
}


@dataclass(frozen=True, slots=True)
class Select:
    """One statement with its parameters; rows are (key, task columns) in page order."""

    sql: str
    parameters: tuple[object, ...]


def selects(query: TaskQuery) -> tuple[Select, ...]:
    """The statements whose merged rows are the page, each with one row more, to tell whether more follow."""
    people: tuple[str | None, ...] = (None,) if query.responsible_ids is None else query.responsible_ids
    return tuple(_select(query, person) for person in people)


def _select(query: TaskQuery, person: str | None) -> Select:
    source, due = ("task t", "t.due_key") if person is None else (_OF_PERSON, "r.due_key")
    task_id = "t.id" if person is None else "r.task_id"
    key, direction = _ORDERS[query.order]
    key = key.format(due=due)
    clauses: _Clauses = [] if person is None else [("r.responsible_id = ?", (person,))]
    clauses += _window(query, due) + _filters(query) + _after(query, key, task_id, direction)
    where = " AND ".join(clause for clause, _ in clauses) or "TRUE"
    sql = (
        f"SELECT {key} AS sort_key, t.* FROM {source} WHERE {where} "  # noqa: S608  only constants of this module
        f"ORDER BY {key} {direction}, {task_id} LIMIT ?"
    )
    return Select(sql, (*(value for _, values in clauses for value in values), query.limit + 1))


_OF_PERSON = "task_responsible r CROSS JOIN task t ON t.id = r.task_id"
"""CROSS JOIN fixes the order of the two for SQLite's planner: the person's index first."""

_Clauses = list[tuple[str, tuple[object, ...]]]


def _window(query: TaskQuery, due: str) -> _Clauses:
    """The days asked for, both included; dateless tasks unless they are left out."""
    lower = query.from_date or ""
    upper = _day_after(query.to_date) if query.to_date else NO_DUE
    if not query.include_tasks_without_dates or query.overdue:
        return [(f"{due} >= ? AND {due} < ?", (lower, upper))]
    if query.to_date:
        return [(f"{due} >= ? AND ({due} < ? OR {due} = ?)", (lower, upper, NO_DUE))]
    return [(f"{due} >= ?", (lower,))]


def _filters(query: TaskQuery) -> _Clauses:
    clauses: _Clauses = []
    if query.statuses is not None:
        ids = tuple(choice.id for choice in query.statuses)
        clauses.append((f"t.status_id IN ({', '.join('?' * len(ids))})", ids))
    if query.priority is not None:
        clauses.append(("t.priority = ?", (query.priority,)))
    if query.contact is not None:
        clauses.append(("? IN (t.ai_contact_id, t.ai_customer_id)", (query.contact,)))
    if query.text is not None:
        clauses.append(("instr(t.searchable, ?) > 0", (fold(query.text),)))
    if query.overdue is not None:
        unfinished = "t.status_id NOT IN (SELECT id FROM status WHERE type IN ('done', 'master_done'))"
        overdue = f"({unfinished} AND is_overdue(t.due_at, t.is_all_day, t.due_timezone))"
        clauses.append((overdue if query.overdue else f"NOT {overdue}", ()))
    return clauses


def _after(query: TaskQuery, key: str, task_id: str, direction: str) -> _Clauses:
    """What follows the last row of the page before."""
    if query.after is None:
        return []
    value, last_id = query.after
    beyond = ">" if direction == "ASC" else "<"
    return [(f"{key} {beyond}= ? AND ({key} {beyond} ? OR {task_id} > ?)", (value, value, last_id))]


def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
