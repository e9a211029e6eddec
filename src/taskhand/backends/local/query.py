"""Translation of a TaskQuery into SQL that uses an index for everything except text search; pure.

A page is merged from several walks along an index, each of which stops when the page is full. There is one walk for
each person; in due order also one for each of a few statuses, and one each for the window and the dateless tasks, whose
key `~` sorts after every day; by priority one for each priority, in due order. The next page is found by comparing
(key, id) as one row value: SQLite seeks to that, whereas it would filter by two separate conditions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from taskhand.domain.due import instant_text
from taskhand.domain.query import NO_DUE, PRIORITIES, TaskQuery, ascends, priority_key, text_words
from taskhand.domain.task_times import Period

__all__ = ["Select", "StoreState", "build_selects"]

_KEYS = {"due": "due_key", "created": "created_at", "oldest": "created_at", "priority": "due_key"}

_WITH_TASK = " CROSS JOIN task t ON t.id = r.task_id"
"""CROSS JOIN makes SQLite's planner use the person's index first."""

_LATE = "is_overdue(t.due_at, t.is_all_day, t.due_timezone)"
"""An SQL function defined by the backend, because only Python knows the time zones."""

_ON_IT = "EXISTS (SELECT 1 FROM task_responsible r WHERE r.task_id = t.id AND r.responsible_id IN ({}))"

_OF_NOBODY = "NOT EXISTS (SELECT 1 FROM task_responsible r WHERE r.task_id = t.id)"

_END_OF_DAY = "U"
"""A due key continues after its day with nothing or with `T`; this letter sorts after both."""

_MOST_STATUSES: Final = 8
"""For more statuses than this, one filtered walk costs less than a walk for each."""

_Clauses = list[tuple[str, tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class StoreState:
    """Facts that a query does not have: the ids of the unfinished statuses, and the current time."""

    unfinished: tuple[str, ...]
    now: datetime

    @property
    def future(self) -> str:
        """A due key after every overdue one, in any zone: no zone is a whole day ahead of UTC."""
        return (self.now.astimezone(UTC) + timedelta(days=2)).date().isoformat()


@dataclass(frozen=True, slots=True)
class Select:
    """One statement with its parameters; rows are (key, task id) in page order."""

    sql: str
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of due keys from `first`, inclusive, to `end`, exclusive (None: to the last one)."""

    first: str
    end: str | None = None


@dataclass(frozen=True, slots=True)
class _Walk:
    """One walk along an index: the tasks of one person, of nobody or of all, in one status or any, of one priority.

    `after` is the due key or time, and the id, behind which the walk begins.
    """

    person: str | None
    status: str | None
    span: _Span
    priority: int | None
    after: tuple[str, str] | None
    of_nobody: bool = False


def build_selects(query: TaskQuery, state: StoreState) -> tuple[Select, ...]:
    """The statements whose merged rows are the page; each returns one extra row, to tell whether a next page exists."""
    chosen, filters = _statuses(query, state), _filters(query, state)
    people: tuple[tuple[str | None, bool], ...] = ((None, False),)
    statuses: tuple[str | None, ...] = (None,)
    if query.responsible_ids is not None and query.contact is None:
        people = tuple((one, False) for one in query.responsible_ids) + (((None, True),) if query.of_nobody else ())
    elif query.responsible_ids is not None:  # a contact has few tasks, so filtering them is cheap
        on_it = _ON_IT.format(_marks(query.responsible_ids))
        filters.append((f"({on_it} OR {_OF_NOBODY})" if query.of_nobody else on_it, query.responsible_ids))
    if chosen is not None and query.order == "due" and query.contact is None and len(chosen) <= _MOST_STATUSES:
        statuses = chosen
    elif chosen is not None:
        # The `+` keeps SQLite from walking the status's own index, which has another order.
        filters.append((f"+t.status_id IN ({_marks(chosen)})", chosen))
    return tuple(
        _select(query, _Walk(person, status, span, priority, after, of_nobody), filters)
        for priority, after in _priorities(query)
        for person, of_nobody in people
        for status in statuses
        for span in _spans(query, state)
    )


def _priorities(query: TaskQuery) -> Sequence[tuple[int | None, tuple[str, str] | None]]:
    """The priorities that have a walk each, with the place behind which it begins; one without for another order."""
    if query.order != "priority":
        return [(query.priority, query.after)]
    wanted = [one for one in PRIORITIES if query.priority in (None, one)]
    if query.after is None:
        return [(one, None) for one in wanted]
    key, task_id = query.after
    begun = int(key[0])
    after = (key[1:], task_id)
    return [(one, after if priority_key(one) == begun else None) for one in wanted if priority_key(one) >= begun]


def _statuses(query: TaskQuery, state: StoreState) -> tuple[str, ...] | None:
    """The ids of the statuses to which the list is limited; None for any."""
    chosen = None if query.statuses is None else tuple(choice.id for choice in query.statuses if choice.id)
    if not query.overdue:
        return chosen
    return state.unfinished if chosen is None else tuple(one for one in chosen if one in state.unfinished)


def _spans(query: TaskQuery, state: StoreState) -> tuple[_Span, ...]:
    """The due keys of the window, whose last day is included, and of dateless tasks where they are wanted."""
    if query.without_date:
        return (_Span(NO_DUE),)
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
    clauses += [(_OF_NOBODY, ())] if walk.of_nobody else []
    clauses += [] if walk.status is None else [(f"{row}.status_id = ?", (walk.status,))]
    clauses += _from(query, walk, due, key, task_id)
    clauses += _created_in(query.period, row)
    if walk.priority is not None:
        # The `+` as above: a priority has an index of its own, too.
        clauses.append((f"{'' if _walks_priority(query) else '+'}{row}.priority = ?", (walk.priority,)))
    clauses += filters
    source += _WITH_TASK if filters and walk.person is not None else ""
    where = " AND ".join(clause for clause, _ in clauses) or "TRUE"
    direction = "ASC" if ascends(query.order) else "DESC"
    shown = key
    if query.order == "priority" and walk.priority is not None:
        shown = f"'{priority_key(walk.priority)}' || {key}"
    sql = (
        f"SELECT {shown}, {task_id} FROM {source} WHERE {where} "  # noqa: S608  only constants of this module
        f"ORDER BY {key} {direction}, {task_id} {direction} LIMIT ?"
    )
    return Select(sql, (*(value for _, values in clauses for value in values), query.limit + 1))


def _walks_priority(query: TaskQuery) -> bool:
    """Whether the index of priorities is the one to walk: a contact, and a period of change, have fewer tasks."""
    is_wide = query.period is None or query.period.moment == "created"
    return query.order == "priority" and query.contact is None and is_wide


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _from(query: TaskQuery, walk: _Walk, due: str, key: str, task_id: str) -> _Clauses:
    """The bounds of the walk: the span's, or the last row of the previous page where that is later."""
    span, after = walk.span, walk.after
    clauses: _Clauses = [] if span.end is None else [(f"{due} < ?", (span.end,))]
    if after is None:
        return [*clauses, *_begin(span, due)]
    if key != due:
        follows = ">" if ascends(query.order) else "<"
        return [*clauses, *_begin(span, due), (f"({key}, {task_id}) {follows} (?, ?)", after)]
    # SQLite seeks by one lower bound only: the span's would make it walk up to the page's.
    begun = after[0] >= span.first
    return [*clauses, *([(f"({key}, {task_id}) > (?, ?)", after)] if begun else _begin(span, due))]


def _begin(span: _Span, due: str) -> _Clauses:
    return [(f"{due} >= ?", (span.first,))] if span.first else []


def _created_in(period: Period | None, row: str) -> _Clauses:
    """The bounds of the time of creation, which is kept beside each person too."""
    return _bounds(period, f"{row}.created_at") if period is not None and period.moment == "created" else []


def _bounds(period: Period, column: str) -> _Clauses:
    start = [] if period.start is None else [(f"{column} >= ?", (instant_text(period.start),))]
    end = [] if period.end is None else [(f"{column} < ?", (instant_text(period.end),))]
    return [(f"{column} IS NOT NULL", ()), *start, *end]


def _filters(query: TaskQuery, state: StoreState) -> _Clauses:
    clauses: _Clauses = []
    if query.period is not None and query.period.moment != "created":
        clauses += _bounds(query.period, f"t.{query.period.moment}_at")
    if query.contact is not None:
        clauses.append(("(t.ai_contact_id = ? OR t.ai_customer_id = ?)", (query.contact,) * 2))
    if query.text is not None:
        clauses += [("instr(t.searchable, ?) > 0", (word,)) for word in text_words(query.text)]
    if query.overdue:
        clauses.append((_LATE, ()))
    elif query.overdue is not None:
        clauses.append((f"(t.status_id NOT IN ({_marks(state.unfinished)}) OR NOT {_LATE})", state.unfinished))
    return clauses
