"""Translation of a TaskQuery into SQL index scans; pure.

A page is merged from several index scans ("walks"), each of which stops when the page is full. There is a walk for each
person. In due order there is also one for each of a few statuses, for the window, and for dateless tasks, whose key `~`
sorts after every day. In priority order, each priority has a walk in due order. The next page is found by comparing
(key, id) as one row value: SQLite seeks to a row value, but filters by two separate conditions.

A walk reads the tasks that its filters exclude, which may be nearly all. A `reach` limits the tasks that it reads. If a
filter has few matches in the whole store, these are sorted and checked one by one instead: `build_order_among`,
`build_check`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

from taskhand.backends.local.dialect import SQLITE, Dialect
from taskhand.domain.date_window import Period
from taskhand.domain.due import instant_text
from taskhand.domain.task_query import NO_DUE, PRIORITIES, TaskQuery, ascends, priority_key, text_words
from taskhand.sql.connection import SqlClause, join_clauses, placeholders

__all__ = [
    "NEVER",
    "Select",
    "StoreState",
    "build_check",
    "build_order_among",
    "build_select_among",
    "build_selects",
    "build_walks_among",
    "narrowest_filter",
    "selective_filters",
]

_KEYS = {"due": "due_key", "created": "created_at", "oldest": "created_at", "priority": "due_key"}

NEVER: Final[SqlClause] = ("FALSE", ())
"""The condition that is never true."""

_ON_IT = "EXISTS (SELECT 1 FROM task_responsible r WHERE r.task_id = t.id AND r.responsible_id IN ({}))"

_OF_NOBODY = "t.assigned = 0"

_END_OF_DAY = "U"
"""A due key is a day, or a day, `T` and a time; this letter sorts after both."""

_MAX_STATUSES: Final = 8
"""With more statuses than this, one filtered walk costs less than one walk for each status."""


@dataclass(frozen=True, slots=True)
class StoreState:
    """The state that a query needs: the ids of the unfinished statuses, the current time, the engine's SQL.

    `late` is the condition that a task is past due.
    """

    unfinished: tuple[str, ...]
    now: datetime
    late: SqlClause = NEVER
    dialect: Dialect = SQLITE

    @property
    def future(self) -> str:
        """A due key after every overdue one in any zone, because no zone is a whole day ahead of UTC."""
        return (self.now.astimezone(UTC) + timedelta(days=2)).date().isoformat()


@dataclass(frozen=True, slots=True)
class Select:
    """One statement with its parameters. Its rows are (key, task id, whether the filters match), in page order.

    A walk with a `reach` returns every row that it reads, at most `reach`. Rows of a `part` sort before the next part.
    """

    sql: str
    parameters: tuple[object, ...]
    reach: int | None = None
    part: int = 0


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of due keys from `first`, inclusive, to `end`, exclusive (None: to the last one)."""

    first: str
    end: str | None = None


@dataclass(frozen=True, slots=True)
class _Walk:
    """One index scan: the tasks of one person, of nobody or of all, in one status or any, of one priority or any.

    The walk starts after `after`: a due key or a time, and a task id.
    """

    person: str | None
    status: str | None
    span: _Span
    priority: int | None
    after: tuple[str, str] | None
    of_nobody: bool = False


def build_selects(query: TaskQuery, state: StoreState, reach: int | None = None) -> tuple[Select, ...]:
    """The statements whose merged rows are the page; each returns one more row, to detect a next page.

    With a `reach`, the walks of one priority together read about that many excluded tasks.
    """
    chosen = _statuses(query, state)
    people: tuple[tuple[str | None, bool], ...] = ((None, False),)
    statuses: tuple[str | None, ...] = (None,)
    if query.responsible_ids is not None:
        people = tuple((person_id, False) for person_id in query.responsible_ids) + (
            ((None, True),) if query.of_nobody else ()
        )
    if chosen is not None and query.order == "due" and len(chosen) <= _MAX_STATUSES:
        statuses = chosen
    filters = _filters(query, state)
    if chosen is not None and statuses is not chosen:
        # The `+` keeps SQLite from walking the status's own index, which has another order.
        # It comes first: an index may have the status, whereas the other filters read the task.
        filters.insert(0, (f"{state.dialect.hint}t.status_id IN ({placeholders(chosen)})", chosen))
    priorities = _priorities(query)
    walks = [
        _Walk(person, status, span, priority, after, of_nobody)
        for (priority, after), (person, of_nobody), status, span in product(
            priorities, people, statuses, _spans(query, state)
        )
    ]
    each = None if reach is None else max(query.limit + 1, reach * len(priorities) // max(1, len(walks)))
    return tuple(_select(query, walk, filters, each, state.dialect) for walk in walks)


def narrowest_filter(query: TaskQuery) -> SqlClause | None:
    """The filter that usually matches few tasks, far from the start of a walk: a contact, or a time of change."""
    if query.contact is not None:
        return _of_contact(query.contact)
    if query.period is not None and query.period.moment != "created":
        return join_clauses(_bounds(query.period, f"t.{query.period.moment}_at"))
    return None


def selective_filters(query: TaskQuery, state: StoreState) -> Iterator[SqlClause]:
    """The filters of the query that one index answers, usually most selective first."""
    if query.period is not None:
        yield join_clauses(_bounds(query.period, f"t.{query.period.moment}_at"))
    if (chosen := _statuses(query, state)) is not None:
        yield f"t.status_id IN ({placeholders(chosen)})", chosen
    if query.priority is not None:
        yield "t.priority = ?", (query.priority,)
    if query.responsible_ids is not None:
        yield _of_people(query.responsible_ids, of_nobody=query.of_nobody)
    if query.without_date or (query.from_date is not None and query.to_date is not None):
        yield _within(_spans(query, state), "t.due_key")


def build_order_among(query: TaskQuery, among: SqlClause) -> Select:
    """The statement for all tasks after the previous page that match the clause `among`, sorted.

    The caller appends the last parameter, the LIMIT.
    """
    key, direction = _key(query), _direction(query)
    where, values = join_clauses([among, *_after_page(query, "+")])
    order = f"+{key} {direction}, +t.id {direction}"
    return Select(f"SELECT {key}, t.id FROM task t WHERE {where} ORDER BY {order} LIMIT ?", values)  # noqa: S608  as below


def build_walks_among(query: TaskQuery, among: SqlClause) -> tuple[Select, ...]:
    """The statements for the rows of `build_order_among`, by scans of the order's index, one for each priority."""
    key, direction = f"t.{_KEYS[query.order]}", _direction(query)
    selects = []
    for priority, after in _priorities(query):
        shown, clauses = key, [among]
        if query.order == "priority" and priority is not None:
            shown = f"'{priority_key(priority)}' || {key}"
            clauses.append(("t.priority = ?", (priority,)))
        if after is not None:
            clauses.append((f"({key}, t.id) {'>' if ascends(query.order) else '<'} (?, ?)", after))
        where, values = join_clauses(clauses)
        order = f"{key} {direction}, t.id {direction}"
        selects.append(Select(f"SELECT {shown}, t.id FROM task t WHERE {where} ORDER BY {order} LIMIT ?", values))  # noqa: S608
    return tuple(selects)


def build_check(query: TaskQuery, state: StoreState, ids: Sequence[str]) -> Select:
    """The statement for the ids of these tasks that match all filters of the query."""
    where, values = join_clauses([(f"t.id IN ({placeholders(ids)})", tuple(ids)), *_unindexed_filters(query, state)])
    return Select(f"SELECT t.id FROM task t WHERE {where}", values)  # noqa: S608  only constants of this module


def build_select_among(query: TaskQuery, state: StoreState, among: SqlClause, most: int = 2**31) -> Select:
    """The statement for the page that reads and sorts all tasks that match the clause `among`.

    If more than `most` tasks match, the last row has no id.
    """
    key, direction = _key(query), _direction(query)
    where, values = join_clauses([*_unindexed_filters(query, state), *_after_page(query, "")])
    sql = (
        f"WITH few AS MATERIALIZED (SELECT * FROM task t WHERE {among[0]} LIMIT ?) "  # noqa: S608  as above
        f"(SELECT {key}, t.id, 1 FROM few t WHERE {where} ORDER BY {key} {direction}, t.id {direction} LIMIT ?) "
        "UNION ALL SELECT NULL, NULL, 0 FROM (SELECT count(*) AS number FROM few) AS counted WHERE number > ?"
    )
    return Select(sql, (*among[1], most + 1, *values, query.limit + 1, most))


def _unindexed_filters(query: TaskQuery, state: StoreState) -> list[SqlClause]:
    """All filters of the query, hinted so that no index is used for them."""
    hint = state.dialect.hint
    clauses = [_within(_spans(query, state), f"{hint}t.due_key")]
    clauses += [*_filters(query, state), *_created_in(query.period, f"{hint}t")]
    if (chosen := _statuses(query, state)) is not None:
        clauses.append((f"{hint}t.status_id IN ({placeholders(chosen)})", chosen))
    if query.responsible_ids is not None:
        on_it = _ON_IT.format(placeholders(query.responsible_ids))
        clauses.append((f"({on_it} OR {_OF_NOBODY})" if query.of_nobody else on_it, query.responsible_ids))
    if query.priority is not None:
        clauses.append((f"{hint}t.priority = ?", (query.priority,)))
    return clauses


def _key(query: TaskQuery) -> str:
    """The sort key of the list, as SQL."""
    key = f"t.{_KEYS[query.order]}"
    return f"({PRIORITIES[0]} - t.priority) || {key}" if query.order == "priority" else key


def _direction(query: TaskQuery) -> str:
    return "ASC" if ascends(query.order) else "DESC"


def _after_page(query: TaskQuery, hint: str) -> list[SqlClause]:
    """The filter that starts after the previous page."""
    if query.after is None:
        return []
    return [(f"({_key(query)}, {hint}t.id) {'>' if ascends(query.order) else '<'} (?, ?)", query.after)]


def _priorities(query: TaskQuery) -> Sequence[tuple[int | None, tuple[str, str] | None]]:
    """Each priority that needs a walk, and the position after which it starts; only one in other orders."""
    if query.order != "priority":
        return [(query.priority, query.after)]
    wanted = [priority for priority in PRIORITIES if query.priority in (None, priority)]
    if query.after is None:
        return [(priority, None) for priority in wanted]
    key, task_id = query.after
    begun = int(key[0])
    after = (key[1:], task_id)
    return [
        (priority, after if priority_key(priority) == begun else None)
        for priority in wanted
        if priority_key(priority) >= begun
    ]


def _statuses(query: TaskQuery, state: StoreState) -> tuple[str, ...] | None:
    """The ids of the statuses to which the list is limited; None for any."""
    chosen = None if query.statuses is None else tuple(choice.id for choice in query.statuses if choice.id)
    if not query.overdue:
        return chosen
    if chosen is None:
        return state.unfinished
    return tuple(status_id for status_id in chosen if status_id in state.unfinished)


def _spans(query: TaskQuery, state: StoreState) -> tuple[_Span, ...]:
    """The due keys of the window, including its last day, and of dateless tasks if the query includes them."""
    if query.without_date:
        return (_Span(NO_DUE),)
    first = query.from_date or ""
    end = None if query.to_date is None else query.to_date + _END_OF_DAY
    if query.overdue:
        return (_Span(first, min(end or state.future, state.future)),)
    if not query.include_tasks_without_dates:
        return (_Span(first, end or NO_DUE),)
    return (_Span(first),) if end is None else (_Span(first, end), _Span(NO_DUE))


def _select(query: TaskQuery, walk: _Walk, filters: Sequence[SqlClause], reach: int | None, words: Dialect) -> Select:
    source, row, task_id = ("task t", "t", "t.id") if walk.person is None else ("task_responsible r", "r", "r.task_id")
    due, key = f"{row}.due_key", f"{row}.{_KEYS[query.order]}"
    seeks: list[SqlClause] = [] if walk.person is None else [("r.responsible_id = ?", (walk.person,))]
    seeks += [] if walk.status is None else [(f"{row}.status_id = ?", (walk.status,))]
    # The `+` as in `build_selects`: the filtered columns have their own indexes.
    passes: list[SqlClause] = [(_OF_NOBODY, ())] if walk.of_nobody else []
    if walk.of_nobody and key == due and walk.status is None and walk.priority is None:
        seeks, passes = [*seeks, *passes], []
    if query.order in ("created", "oldest"):
        seeks += _bound_by_creation(query, walk, key, task_id) + _created_in(query.period, row)
        passes += _in_span(walk.span, f"{words.hint}{due}")
    else:
        seeks += _bound_by_due(walk, due, task_id)
        passes += _created_in(query.period, f"{words.hint}{row}")
    if walk.priority is not None:
        is_walked = key == due and walk.status is None
        (seeks if is_walked else passes).append(
            (f"{'' if is_walked else words.hint}{row}.priority = ?", (walk.priority,))
        )
    passes += filters
    source += words.with_task if filters and walk.person is not None else ""
    direction = "ASC" if ascends(query.order) else "DESC"
    shown = key
    if query.order == "priority" and walk.priority is not None:
        shown = f"'{priority_key(walk.priority)}' || {key}"
    is_met, met_values = ("1", ()) if reach is None or not passes else join_clauses(passes)
    if met_values:
        is_met = f"CASE WHEN {is_met} THEN 1 ELSE 0 END"  # CASE stops at the first condition that is false
    where, values = join_clauses(seeks if reach is not None else [*seeks, *passes])
    sql = (
        f"SELECT {shown}, {task_id}, {is_met} FROM {source} WHERE {where} "  # noqa: S608  only constants of this module
        f"ORDER BY {key} {direction}, {task_id} {direction} LIMIT ?"
    )
    bound = reach if passes else None
    part = priority_key(walk.priority or 0) if query.order == "priority" else 0
    return Select(sql, (*met_values, *values, bound or query.limit + 1), bound, part)


def _bound_by_due(walk: _Walk, due: str, task_id: str) -> list[SqlClause]:
    """The bounds of a walk in due order: the span's, or the previous page's last row if that is later."""
    span, after = walk.span, walk.after
    # SQLite seeks by one lower bound only: with the span's bound it would scan up to the page's.
    if after is None or after[0] < span.first:
        return _in_span(span, due)
    end: list[SqlClause] = [] if span.end is None else [(f"{due} < ?", (span.end,))]
    return [*end, (f"({due}, {task_id}) > (?, ?)", after)]


def _bound_by_creation(query: TaskQuery, walk: _Walk, key: str, task_id: str) -> list[SqlClause]:
    """The bound of a walk in another order: the last row of the previous page."""
    if walk.after is None:
        return []
    return [(f"({key}, {task_id}) {'>' if ascends(query.order) else '<'} (?, ?)", walk.after)]


def _in_span(span: _Span, due: str) -> list[SqlClause]:
    end: list[SqlClause] = [] if span.end is None else [(f"{due} < ?", (span.end,))]
    return [*end, *([(f"{due} >= ?", (span.first,))] if span.first else [])]


def _within(spans: Sequence[_Span], due: str) -> SqlClause:
    """The clause that a task is due in one of the spans."""
    each = [join_clauses(_in_span(span, due)) for span in spans]
    return f"({' OR '.join(f'({clause})' for clause, _ in each)})", tuple(
        value for _, values in each for value in values
    )


def _created_in(period: Period | None, row: str) -> list[SqlClause]:
    """The bounds of the creation time, a column that each task_responsible row has too."""
    return _bounds(period, f"{row}.created_at") if period is not None and period.moment == "created" else []


def _bounds(period: Period, column: str) -> list[SqlClause]:
    start: list[SqlClause] = [] if period.start is None else [(f"{column} >= ?", (instant_text(period.start),))]
    end: list[SqlClause] = [] if period.end is None else [(f"{column} < ?", (instant_text(period.end),))]
    return [(f"{column} IS NOT NULL", ()), *start, *end]


def _of_people(people: Sequence[str], *, of_nobody: bool) -> SqlClause:
    """The clause, answered by indexes, that one of these people, or nobody, is responsible."""
    if not people:
        return _OF_NOBODY, ()
    sql = f"SELECT task_id FROM task_responsible WHERE responsible_id IN ({placeholders(people)})"  # noqa: S608  as above
    also = " UNION ALL SELECT id FROM task WHERE assigned = 0" if of_nobody else ""
    return f"t.id IN ({sql}{also})", tuple(people)


def _of_contact(contact: str) -> SqlClause:
    return "(t.ai_contact_id = ? OR t.ai_customer_id = ?)", (contact,) * 2


def _filters(query: TaskQuery, state: StoreState) -> list[SqlClause]:
    clauses: list[SqlClause] = []
    if query.period is not None and query.period.moment != "created":
        clauses += _bounds(query.period, f"{state.dialect.hint}t.{query.period.moment}_at")
    if query.contact is not None:
        clauses.append(_of_contact(query.contact))
    if query.text is not None:
        clauses += [("instr(t.searchable, ?) > 0", (word,)) for word in text_words(query.text)]
    if query.overdue:
        clauses.append(state.late)
    elif query.overdue is not None:
        late, values = state.late
        is_finished = f"t.status_id NOT IN ({placeholders(state.unfinished)})" if state.unfinished else "TRUE"
        clauses.append((f"({is_finished} OR NOT {late})", (*state.unfinished, *values)))
    return clauses
