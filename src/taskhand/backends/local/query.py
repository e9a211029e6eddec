"""From a TaskQuery to SQL that an index answers, but for words that are searched for; pure.

A list is put together from walks along an index, each of which stops as soon as the page is full: one for each person,
and by due date one for each of a few statuses, and one each for the window and for the dateless tasks, whose key `~`
comes after every day. A page goes on by comparing (key, id) as one value, which SQLite seeks; two conditions side by
side it would filter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from taskhand.domain.names import fold
from taskhand.domain.query import NO_DUE, TaskQuery

__all__ = ["Select", "StoreState", "build_selects"]

_KEYS = {"due": "due_key", "created": "created_at", "priority": "priority"}

_WITH_TASK = " CROSS JOIN task t ON t.id = r.task_id"
"""CROSS JOIN fixes the order of the two for SQLite's planner: the person's index first."""

_LATE = "is_overdue(t.due_at, t.is_all_day, t.due_timezone)"
"""A function of the backend's: only Python knows the zones."""

_ON_IT = "EXISTS (SELECT 1 FROM task_responsible r WHERE r.task_id = t.id AND r.responsible_id IN ({}))"

_END_OF_DAY = "U"
"""After a day in a due key comes nothing or `T`; this sorts after both."""

_MOST_STATUSES: Final = 8
"""With more of them, rows of one walk are looked through: that many walks would find too much that is not shown."""

_Clauses = list[tuple[str, tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class StoreState:
    """What the store knows and a query does not: the ids of the unfinished statuses, and what time it is."""

    unfinished: tuple[str, ...]
    now: datetime

    @property
    def future(self) -> str:
        """A due key that nothing overdue reaches, whatever its zone: no place is a day ahead of UTC."""
        return (self.now.astimezone(UTC) + timedelta(days=2)).date().isoformat()


@dataclass(frozen=True, slots=True)
class Select:
    """One statement with its parameters; rows are (key, task id) in page order."""

    sql: str
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of due keys: from `first` on, before `end` (None: to the last one)."""

    first: str
    end: str | None = None


@dataclass(frozen=True, slots=True)
class _Walk:
    """One way along an index: somebody's tasks or everyone's, in one status or any."""

    person: str | None
    status: str | None
    span: _Span


def build_selects(query: TaskQuery, state: StoreState) -> tuple[Select, ...]:
    """The statements whose merged rows are the page, each with one row more, to tell whether more follow."""
    chosen, filters = _statuses(query, state), _filters(query, state)
    people: tuple[str | None, ...] = (None,)
    statuses: tuple[str | None, ...] = (None,)
    if query.responsible_ids is not None and query.contact is None:
        people = query.responsible_ids
    elif query.responsible_ids is not None:  # a contact has few tasks: they are looked through
        filters.append((_ON_IT.format(_marks(query.responsible_ids)), query.responsible_ids))
    if chosen is not None and query.order == "due" and query.contact is None and len(chosen) <= _MOST_STATUSES:
        statuses = chosen
    elif chosen is not None:
        # The `+` keeps SQLite from walking the status's own index, which has another order.
        filters.append((f"+t.status_id IN ({_marks(chosen)})", chosen))
    return tuple(
        _select(query, _Walk(person, status, span), filters)
        for person in people
        for status in statuses
        for span in _spans(query, state)
    )


def _statuses(query: TaskQuery, state: StoreState) -> tuple[str, ...] | None:
    """The only statuses that a task of the list can be in, None for any."""
    chosen = None if query.statuses is None else tuple(choice.id for choice in query.statuses if choice.id)
    if not query.overdue:
        return chosen
    return state.unfinished if chosen is None else tuple(one for one in chosen if one in state.unfinished)


def _spans(query: TaskQuery, state: StoreState) -> tuple[_Span, ...]:
    """The due keys of the window, both its days included, and those of dateless tasks unless they are left out."""
    first = query.from_date or ""
    end = None if query.to_date is None else query.to_date + _END_OF_DAY
    if query.overdue:
        return (_Span(first, min(end or state.future, state.future)),)
    if not query.include_tasks_without_dates:
        return (_Span(first, end or NO_DUE),)
    return (_Span(first),) if end is None else (_Span(first, end), _Span(NO_DUE))


def _select(query: TaskQuery, walk: _Walk, filters: _Clauses) -> Select:
    source, row, task_id = ("task t", "t", "t.id") if walk.person is None else ("task_responsible r", "r", "r.task_id")
    due, key = f"{row}.due_key", f"{row}.{_KEYS[query.order]}"
    clauses: _Clauses = [] if walk.person is None else [("r.responsible_id = ?", (walk.person,))]
    clauses += [] if walk.status is None else [(f"{row}.status_id = ?", (walk.status,))]
    clauses += _from(query, walk.span, due, key, task_id)
    if query.priority is not None:
        # The `+` as above: a priority has an index of its own, too.
        clauses.append((f"{'' if query.order == 'priority' else '+'}{row}.priority = ?", (query.priority,)))
    clauses += filters
    source += _WITH_TASK if filters and walk.person is not None else ""
    where = " AND ".join(clause for clause, _ in clauses) or "TRUE"
    direction = "ASC" if query.order == "due" else "DESC"
    sql = (
        f"SELECT {key}, {task_id} FROM {source} WHERE {where} "  # noqa: S608  only constants of this module
        f"ORDER BY {key} {direction}, {task_id} {direction} LIMIT ?"
    )
    return Select(sql, (*(value for _, values in clauses for value in values), query.limit + 1))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


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


def _filters(query: TaskQuery, state: StoreState) -> _Clauses:
    clauses: _Clauses = []
    if query.contact is not None:
        clauses.append(("(t.ai_contact_id = ? OR t.ai_customer_id = ?)", (query.contact,) * 2))
    if query.text is not None:
        clauses.append(("instr(t.searchable, ?) > 0", (fold(query.text),)))
    if query.overdue:
        clauses.append((_LATE, ()))
    elif query.overdue is not None:
        clauses.append((f"(t.status_id NOT IN ({_marks(state.unfinished)}) OR NOT {_LATE})", state.unfinished))
    return clauses
