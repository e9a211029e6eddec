"""From a TaskQuery to SQL that an index answers; pure.

A list is put together from walks along an index, each of which stops as soon as the page is full: one for each person,
and by due date one for the window and one for the dateless tasks, whose key `~` comes after every day. A page goes on
by comparing (key, id) as one value, which SQLite seeks; two conditions side by side it would filter.
"""

from dataclasses import dataclass

from taskhand.names import fold
from taskhand.page import NO_DUE
from taskhand.task import TaskQuery

__all__ = ["Select", "selects"]

_KEYS = {"due": "{due}", "created": "t.created_at", "priority": "t.priority"}

_OF_PERSON = "task_responsible r CROSS JOIN task t ON t.id = r.task_id"
"""CROSS JOIN fixes the order of the two for SQLite's planner: the person's index first."""

_END_OF_DAY = "U"
"""After a day in a due key comes nothing or `T`; this sorts after both."""

_Clauses = list[tuple[str, tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class Select:
    """One statement with its parameters; rows are (key, task columns) in page order."""

    sql: str
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of due keys: from `first` on, before `end` (None: to the last one)."""

    first: str
    end: str | None = None


def selects(query: TaskQuery) -> tuple[Select, ...]:
    """The statements whose merged rows are the page, each with one row more, to tell whether more follow."""
    people: tuple[str | None, ...] = (None,) if query.responsible_ids is None else query.responsible_ids
    return tuple(_select(query, person, span) for person in people for span in _spans(query))


def _spans(query: TaskQuery) -> tuple[_Span, ...]:
    """The due keys of the window, both its days included, and those of dateless tasks unless they are left out."""
    with_dateless = query.include_tasks_without_dates and not query.overdue
    first = query.from_date or ""
    if query.to_date is None:
        return (_Span(first, None if with_dateless else NO_DUE),)
    window = _Span(first, query.to_date + _END_OF_DAY)
    return (window, _Span(NO_DUE)) if with_dateless else (window,)


def _select(query: TaskQuery, person: str | None, span: _Span) -> Select:
    source, due, task_id = ("task t", "t.due_key", "t.id") if person is None else (_OF_PERSON, "r.due_key", "r.task_id")
    key = _KEYS[query.order].format(due=due)
    ascending = query.order == "due"
    clauses: _Clauses = [] if person is None else [("r.responsible_id = ?", (person,))]
    clauses += _from(query, span, due, key, task_id) + _filters(query)
    where = " AND ".join(clause for clause, _ in clauses) or "TRUE"
    direction = "ASC" if ascending else "DESC"
    sql = (
        f"SELECT {key} AS sort_key, t.* FROM {source} WHERE {where} "  # noqa: S608  only constants of this module
        f"ORDER BY {key} {direction}, {task_id} {direction} LIMIT ?"
    )
    return Select(sql, (*(value for _, values in clauses for value in values), query.limit + 1))


def _from(query: TaskQuery, span: _Span, due: str, key: str, task_id: str) -> _Clauses:
    """Where the walk begins and ends: at the span, or after the last row of the page before, whichever comes later."""
    clauses: _Clauses = [] if span.end is None else [(f"{due} < ?", (span.end,))]
    if query.after is None:
        return [*clauses, *_begin(span, due)]
    if query.order != "due":
        return [*clauses, *_begin(span, due), (f"({key}, {task_id}) < (?, ?)", query.after)]
    # SQLite seeks by one lower bound only: the span's would make it walk up to the page's.
    begun = str(query.after[0]) >= span.first
    return [*clauses, *([(f"({key}, {task_id}) > (?, ?)", query.after)] if begun else _begin(span, due))]


def _begin(span: _Span, due: str) -> _Clauses:
    return [(f"{due} >= ?", (span.first,))] if span.first else []


def _filters(query: TaskQuery) -> _Clauses:
    clauses: _Clauses = []
    if query.statuses is not None:
        ids = tuple(choice.id for choice in query.statuses)
        clauses.append((f"t.status_id IN ({', '.join('?' * len(ids))})", ids))
    if query.priority is not None:
        # The `+` keeps SQLite from walking the priority's own index, which has another order.
        column = "t.priority" if query.order == "priority" else "+t.priority"
        clauses.append((f"{column} = ?", (query.priority,)))
    if query.contact is not None:
        clauses.append(("(t.ai_contact_id = ? OR t.ai_customer_id = ?)", (query.contact,) * 2))
    if query.text is not None:
        clauses.append(("instr(t.searchable, ?) > 0", (fold(query.text),)))
    if query.overdue is not None:
        unfinished = "t.status_id NOT IN (SELECT id FROM status WHERE type IN ('done', 'master_done'))"
        overdue = f"({unfinished} AND is_overdue(t.due_at, t.is_all_day, t.due_timezone))"
        clauses.append((overdue if query.overdue else f"NOT {overdue}", ()))
    return clauses
