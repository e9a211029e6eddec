"""Translation of a TaskQuery into SQL that walks along an index; pure.

A page is merged from several walks along an index, each of which stops when the page is full. There is one walk for
each person; in due order also one for each of a few statuses, and one each for the window and the dateless tasks, whose
key `~` sorts after every day; by priority one for each priority, in due order. The next page is found by comparing
(key, id) as one row value: SQLite seeks to that, whereas it would filter by two separate conditions.

A walk passes over the tasks that its filters leave out, which may be nearly all. So it can be given a reach. If a
filter leaves few tasks of the whole store, all of these are sorted instead, and looked at one after the other:
`build_order_among`, `build_check`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from taskhand.backends.local.dialect import SQLITE, Clause, Dialect
from taskhand.domain.due import instant_text
from taskhand.domain.query import NO_DUE, PRIORITIES, TaskQuery, ascends, priority_key, text_words
from taskhand.domain.task_times import Period

__all__ = [
    "NEVER",
    "Select",
    "StoreState",
    "build_check",
    "build_order_among",
    "build_select_among",
    "build_selects",
    "build_walks_among",
    "few_by",
    "narrowest",
]

_KEYS = {"due": "due_key", "created": "created_at", "oldest": "created_at", "priority": "due_key"}

NEVER: Final[Clause] = ("FALSE", ())
"""The condition that no task meets."""

_ON_IT = "EXISTS (SELECT 1 FROM task_responsible r WHERE r.task_id = t.id AND r.responsible_id IN ({}))"

_OF_NOBODY = "t.assigned = 0"

_END_OF_DAY = "U"
"""A due key continues after its day with nothing or with `T`; this letter sorts after both."""

_MOST_STATUSES: Final = 8
"""For more statuses than this, one filtered walk costs less than a walk for each."""


@dataclass(frozen=True, slots=True)
class StoreState:
    """Facts that a query does not have: the ids of the unfinished statuses, the current time, and what is past due.

    `late` is the condition that a task is past due, and `dialect` the engine's words.
    """

    unfinished: tuple[str, ...]
    now: datetime
    late: Clause = NEVER
    dialect: Dialect = SQLITE

    @property
    def future(self) -> str:
        """A due key after every overdue one, in any zone: no zone is a whole day ahead of UTC."""
        return (self.now.astimezone(UTC) + timedelta(days=2)).date().isoformat()


@dataclass(frozen=True, slots=True)
class Select:
    """One statement with its parameters. Rows are (key, task id, whether it is one of the page), in page order.

    Those of a walk with a `reach` are all that it passes, at most so many. All of a `part` come before the next one.
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
    """One walk along an index: the tasks of one person, of nobody or of all, in one status or any, of one priority.

    `after` is the due key or time, and the id, behind which the walk begins.
    """

    person: str | None
    status: str | None
    span: _Span
    priority: int | None
    after: tuple[str, str] | None
    of_nobody: bool = False


def build_selects(query: TaskQuery, state: StoreState, reach: int | None = None) -> tuple[Select, ...]:
    """The statements whose merged rows are the page; each returns one extra row, to tell whether a next page exists.

    With a `reach`, those of one priority together pass about so many tasks that the filters leave out.
    """
    chosen = _statuses(query, state)
    people: tuple[tuple[str | None, bool], ...] = ((None, False),)
    statuses: tuple[str | None, ...] = (None,)
    if query.responsible_ids is not None:
        people = tuple((one, False) for one in query.responsible_ids) + (((None, True),) if query.of_nobody else ())
    if chosen is not None and query.order == "due" and len(chosen) <= _MOST_STATUSES:
        statuses = chosen
    filters = _filters(query, state)
    if chosen is not None and statuses is not chosen:
        # The `+` keeps SQLite from walking the status's own index, which has another order.
        # It stands first: an index may have the status, while the others look at the task itself.
        filters.insert(0, (f"{state.dialect.hint}t.status_id IN ({_marks(chosen)})", chosen))
    priorities = _priorities(query)
    walks = [
        _Walk(person, status, span, priority, after, of_nobody)
        for priority, after in priorities
        for person, of_nobody in people
        for status in statuses
        for span in _spans(query, state)
    ]
    each = None if reach is None else max(query.limit + 1, reach * len(priorities) // max(1, len(walks)))
    return tuple(_select(query, walk, filters, each, state.dialect) for walk in walks)


def narrowest(query: TaskQuery) -> Clause | None:
    """The filter that leaves few tasks as a rule, and seldom those at which a walk begins: a contact, or a change."""
    if query.contact is not None:
        return _of_contact(query.contact)
    if query.period is not None and query.period.moment != "created":
        return _all_of(_bounds(query.period, f"t.{query.period.moment}_at"))
    return None


def few_by(query: TaskQuery, state: StoreState) -> Iterator[Clause]:
    """The filters of the query that an index answers by itself, those first that usually leave the fewest tasks."""
    if query.period is not None:
        yield _all_of(_bounds(query.period, f"t.{query.period.moment}_at"))
    if (chosen := _statuses(query, state)) is not None:
        yield f"t.status_id IN ({_marks(chosen)})", chosen
    if query.priority is not None:
        yield "t.priority = ?", (query.priority,)
    if query.responsible_ids is not None:
        yield _of_people(query.responsible_ids, of_nobody=query.of_nobody)
    if query.without_date or (query.from_date is not None and query.to_date is not None):
        yield _within(_spans(query, state), "t.due_key")


def build_order_among(query: TaskQuery, among: Clause) -> Select:
    """The statement whose rows are all tasks that meet the clause `among`, sorted, behind the page before.

    The last parameter, how many, is not there yet.
    """
    key, direction = _key(query), _direction(query)
    where, values = _all_of([among, *_after_page(query, "+")])
    order = f"+{key} {direction}, +t.id {direction}"
    return Select(f"SELECT {key}, t.id FROM task t WHERE {where} ORDER BY {order} LIMIT ?", values)  # noqa: S608  as below


def build_walks_among(query: TaskQuery, among: Clause) -> tuple[Select, ...]:
    """As `build_order_among`, by walks along the index of the order, one after the other: one for each priority."""
    key, direction = f"t.{_KEYS[query.order]}", _direction(query)
    selects = []
    for priority, after in _priorities(query):
        shown, clauses = key, [among]
        if query.order == "priority" and priority is not None:
            shown = f"'{priority_key(priority)}' || {key}"
            clauses.append(("t.priority = ?", (priority,)))
        if after is not None:
            clauses.append((f"({key}, t.id) {'>' if ascends(query.order) else '<'} (?, ?)", after))
        where, values = _all_of(clauses)
        order = f"{key} {direction}, t.id {direction}"
        selects.append(Select(f"SELECT {shown}, t.id FROM task t WHERE {where} ORDER BY {order} LIMIT ?", values))  # noqa: S608
    return tuple(selects)


def build_check(query: TaskQuery, state: StoreState, ids: Sequence[str]) -> Select:
    """The statement whose rows are the ids of those of these tasks that meet all filters of the query."""
    where, values = _all_of([(f"t.id IN ({_marks(ids)})", tuple(ids)), *_checks(query, state)])
    return Select(f"SELECT t.id FROM task t WHERE {where}", values)  # noqa: S608  only constants of this module


def build_select_among(query: TaskQuery, state: StoreState, among: Clause, most: int = 2**31) -> Select:
    """The statement whose rows are the page: all tasks that meet the clause `among` are looked at and sorted.

    If these are more than `most`, the last row has no id.
    """
    key, direction = _key(query), _direction(query)
    where, values = _all_of([*_checks(query, state), *_after_page(query, "")])
    sql = (
        f"WITH few AS MATERIALIZED (SELECT * FROM task t WHERE {among[0]} LIMIT ?) "  # noqa: S608  as above
        f"(SELECT {key}, t.id, 1 FROM few t WHERE {where} ORDER BY {key} {direction}, t.id {direction} LIMIT ?) "
        "UNION ALL SELECT NULL, NULL, 0 FROM (SELECT count(*) AS number FROM few) AS counted WHERE number > ?"
    )
    return Select(sql, (*among[1], most + 1, *values, query.limit + 1, most))


def _checks(query: TaskQuery, state: StoreState) -> list[Clause]:
    """All filters of the query, none of which an index is to be asked for."""
    hint = state.dialect.hint
    clauses = [_within(_spans(query, state), f"{hint}t.due_key")]
    clauses += [*_filters(query, state), *_created_in(query.period, f"{hint}t")]
    if (chosen := _statuses(query, state)) is not None:
        clauses.append((f"{hint}t.status_id IN ({_marks(chosen)})", chosen))
    if query.responsible_ids is not None:
        on_it = _ON_IT.format(_marks(query.responsible_ids))
        clauses.append((f"({on_it} OR {_OF_NOBODY})" if query.of_nobody else on_it, query.responsible_ids))
    if query.priority is not None:
        clauses.append((f"{hint}t.priority = ?", (query.priority,)))
    return clauses


def _key(query: TaskQuery) -> str:
    """What the tasks of a list are sorted by."""
    key = f"t.{_KEYS[query.order]}"
    return f"({PRIORITIES[0]} - t.priority) || {key}" if query.order == "priority" else key


def _direction(query: TaskQuery) -> str:
    return "ASC" if ascends(query.order) else "DESC"


def _after_page(query: TaskQuery, hint: str) -> list[Clause]:
    """The bound of the page before, as a filter."""
    if query.after is None:
        return []
    return [(f"({_key(query)}, {hint}t.id) {'>' if ascends(query.order) else '<'} (?, ?)", query.after)]


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
    """The due keys of the window, whose last day is included, and of dateless tasks if they are wanted."""
    if query.without_date:
        return (_Span(NO_DUE),)
    first = query.from_date or ""
    end = None if query.to_date is None else query.to_date + _END_OF_DAY
    if query.overdue:
        return (_Span(first, min(end or state.future, state.future)),)
    if not query.include_tasks_without_dates:
        return (_Span(first, end or NO_DUE),)
    return (_Span(first),) if end is None else (_Span(first, end), _Span(NO_DUE))


def _select(query: TaskQuery, walk: _Walk, filters: Sequence[Clause], reach: int | None, words: Dialect) -> Select:
    source, row, task_id = ("task t", "t", "t.id") if walk.person is None else ("task_responsible r", "r", "r.task_id")
    due, key = f"{row}.due_key", f"{row}.{_KEYS[query.order]}"
    seeks: list[Clause] = [] if walk.person is None else [("r.responsible_id = ?", (walk.person,))]
    seeks += [] if walk.status is None else [(f"{row}.status_id = ?", (walk.status,))]
    # The `+` as above: what a walk passes over has indexes of its own, too.
    passes: list[Clause] = [(_OF_NOBODY, ())] if walk.of_nobody else []
    if walk.of_nobody and key == due and walk.status is None and walk.priority is None:
        seeks, passes = [*seeks, *passes], []
    if query.order in ("created", "oldest"):
        seeks += _after(query, walk, key, task_id) + _created_in(query.period, row)
        passes += _in_span(walk.span, f"{words.hint}{due}")
    else:
        seeks += _from(walk, due, task_id)
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
    is_met, met_values = ("1", ()) if reach is None or not passes else _all_of(passes)
    if met_values:
        is_met = f"CASE WHEN {is_met} THEN 1 ELSE 0 END"  # which looks at no further condition than it must
    where, values = _all_of(seeks if reach is not None else [*seeks, *passes])
    sql = (
        f"SELECT {shown}, {task_id}, {is_met} FROM {source} WHERE {where} "  # noqa: S608  only constants of this module
        f"ORDER BY {key} {direction}, {task_id} {direction} LIMIT ?"
    )
    bound = reach if passes else None
    part = priority_key(walk.priority or 0) if query.order == "priority" else 0
    return Select(sql, (*met_values, *values, bound or query.limit + 1), bound, part)


def _marks(values: Sequence[str]) -> str:
    """What stands between the brackets of `IN`: nothing is one of no values."""
    return ", ".join("?" * len(values)) or "NULL"


def _all_of(clauses: Sequence[Clause]) -> Clause:
    """The clause that all of these are met."""
    return " AND ".join(clause for clause, _ in clauses) or "TRUE", tuple(
        one for _, values in clauses for one in values
    )


def _from(walk: _Walk, due: str, task_id: str) -> list[Clause]:
    """The bounds of a walk by due date: the span's, or the last row of the previous page if that is later."""
    span, after = walk.span, walk.after
    # SQLite seeks by one lower bound only: the span's would make it walk up to the page's.
    if after is None or after[0] < span.first:
        return _in_span(span, due)
    end: list[Clause] = [] if span.end is None else [(f"{due} < ?", (span.end,))]
    return [*end, (f"({due}, {task_id}) > (?, ?)", after)]


def _after(query: TaskQuery, walk: _Walk, key: str, task_id: str) -> list[Clause]:
    """The bound of a walk in another order, the last row of the previous page."""
    if walk.after is None:
        return []
    return [(f"({key}, {task_id}) {'>' if ascends(query.order) else '<'} (?, ?)", walk.after)]


def _in_span(span: _Span, due: str) -> list[Clause]:
    end: list[Clause] = [] if span.end is None else [(f"{due} < ?", (span.end,))]
    return [*end, *([(f"{due} >= ?", (span.first,))] if span.first else [])]


def _within(spans: Sequence[_Span], due: str) -> Clause:
    """The clause that a task is due in one of the spans."""
    each = [_all_of(_in_span(span, due)) for span in spans]
    return f"({' OR '.join(f'({clause})' for clause, _ in each)})", tuple(one for _, values in each for one in values)


def _created_in(period: Period | None, row: str) -> list[Clause]:
    """The bounds of the time of creation, which is kept beside each person too."""
    return _bounds(period, f"{row}.created_at") if period is not None and period.moment == "created" else []


def _bounds(period: Period, column: str) -> list[Clause]:
    start: list[Clause] = [] if period.start is None else [(f"{column} >= ?", (instant_text(period.start),))]
    end: list[Clause] = [] if period.end is None else [(f"{column} < ?", (instant_text(period.end),))]
    return [(f"{column} IS NOT NULL", ()), *start, *end]


def _of_people(people: Sequence[str], *, of_nobody: bool) -> Clause:
    """The clause that a task is of one of these people, or of nobody, for which an index is asked for each."""
    if not people:
        return _OF_NOBODY, ()
    sql = f"SELECT task_id FROM task_responsible WHERE responsible_id IN ({_marks(people)})"  # noqa: S608  as above
    also = " UNION ALL SELECT id FROM task WHERE assigned = 0" if of_nobody else ""
    return f"t.id IN ({sql}{also})", tuple(people)


def _of_contact(contact: str) -> Clause:
    return "(t.ai_contact_id = ? OR t.ai_customer_id = ?)", (contact,) * 2


def _filters(query: TaskQuery, state: StoreState) -> list[Clause]:
    clauses: list[Clause] = []
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
        is_finished = f"t.status_id NOT IN ({_marks(state.unfinished)})" if state.unfinished else "TRUE"
        clauses.append((f"({is_finished} OR NOT {late})", (*state.unfinished, *values)))
    return clauses
