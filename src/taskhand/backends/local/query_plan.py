"""Chooses how to find the rows of a page: index scans, or sorting the matches of a selective filter.

The time for a page hardly depends on the size of the store. A scan reads most of the store only if each filter alone
matches many tasks and all together match nearly none.
"""

import json
from collections.abc import Sequence
from itertools import chain, islice
from typing import Final

from taskhand.backends.local.query import (
    Select,
    StoreState,
    build_check,
    build_order_among,
    build_select_among,
    build_selects,
    build_walks_among,
    narrowest_filter,
    selective_filters,
)
from taskhand.backends.local.text_index import find_candidates, has_text_index
from taskhand.domain.task_query import TaskQuery, text_words
from taskhand.sql.connection import SqlClause, SqlConnection

__all__ = ["find_rows"]

_REACH: Final = 1_500
"""Tasks that the first scans may read."""
_REACH_FOR_WORDS: Final = 300
"""The same for a text search, which reads every text; the text index may be faster."""
_MAX_SORTED: Final = 5_000
"""Maximum tasks to sort for a page; if a filter has more matches, a scan soon finds enough of them."""
_MAX_SORTED_WORDS: Final = 2_000
"""The same for matches of the text index: a scan that knows their numbers need not read texts."""
_MAX_WORDS: Final = 20_000
"""Maximum task numbers to read from the text index."""
_MAX_TEXTS: Final = 10_000
"""Maximum candidates of a text search that are all checked."""
_BATCH: Final = 100
"""Sorted candidates checked in one statement, after the first batch."""
_AT_ONCE: Final = 200
"""Up to this number, all candidates are checked in one statement."""
_ALL: Final = -1
"""SQLite's value for no limit."""


def find_rows(
    connection: SqlConnection, query: TaskQuery, state: StoreState, reach: int | None = None
) -> set[tuple[str, str]]:
    """The sort keys and ids of the page's tasks, and at least one more if a next page exists."""
    if state.dialect.before_lists is not None:
        return _find_by_planner(connection, query, state, reach or _REACH_FOR_WORDS)
    narrow = narrowest_filter(query)
    reach = reach or (_REACH if query.text is None else _REACH_FOR_WORDS)
    of_nobody = query.of_nobody and not query.responsible_ids and query.order != "due"
    created = query.period is not None and query.order in ("due", "priority")
    is_rare = narrow is not None or of_nobody or created
    if not is_rare and (rows := _walk(connection, build_selects(query, state, reach), query.limit)) is not None:
        return rows
    if (candidates := _find_text_candidates(connection, query)) is not None:
        return _check_candidates(connection, query, state, *candidates)
    if (few := narrow or _find_selective_filter(connection, query, state)) is not None:
        return _check_candidates(connection, query, state, [build_order_among(query, few)])
    return _walk(connection, build_selects(query, state), query.limit) or set()


def _find_by_planner(
    connection: SqlConnection, query: TaskQuery, state: StoreState, reach: int
) -> set[tuple[str, str]]:
    """The rows, on an engine whose planner knows the selectivity of filters.

    The planner knows neither the order of matches nor the number of tasks that contain several words together.
    """
    connection.execute(state.dialect.before_lists or "")
    if (narrow := narrowest_filter(query)) is not None:
        return _sort_all(connection, build_select_among(query, state, narrow)) or set()
    words = text_words(query.text or "")
    if words and state.dialect.find_texts is not None:
        rows = _walk(connection, build_selects(query, state, reach), query.limit)
        if rows is not None:
            return rows
        among = state.dialect.find_texts(words)
        if (rows := _sort_all(connection, build_select_among(query, state, among, _MAX_TEXTS))) is not None:
            return rows
    return _walk(connection, build_selects(query, state), query.limit) or set()


def _sort_all(connection: SqlConnection, select: Select) -> set[tuple[str, str]] | None:
    """The rows of `build_select_among`; None if the tasks are too many."""
    rows = connection.execute(select.sql, select.parameters).fetchall()
    return None if rows and rows[-1][1] is None else {(key, task_id) for key, task_id, _ in rows}


def _find_text_candidates(connection: SqlConnection, query: TaskQuery) -> tuple[Sequence[Select], int] | None:
    """The statements for the candidates of a text search, and their number; None if the index does not narrow it."""
    words = text_words(query.text or "")
    if not words or not has_text_index(connection):
        return None
    numbers = find_candidates(connection, words, _MAX_WORDS)
    if numbers is None:
        return None
    listed = (json.dumps(numbers),)
    has_wide_filters = query.responsible_ids is None and query.statuses is None and not query.overdue
    if has_wide_filters and len(numbers) > _MAX_SORTED_WORDS:
        among = "+t.number IN (SELECT value FROM json_each(?))", listed
        return build_walks_among(query, among), len(numbers)
    return [build_order_among(query, ("t.number IN (SELECT value FROM json_each(?))", listed))], len(numbers)


def _check_candidates(
    connection: SqlConnection, query: TaskQuery, state: StoreState, order: Sequence[Select], number: int = _MAX_WORDS
) -> set[tuple[str, str]]:
    """The rows of the candidates that match the query, checked in page order until the page is full."""
    rows = set[tuple[str, str]]()
    size = query.limit + 1
    for most in (2 * size, _ALL) if number > _AT_ONCE else (_ALL,):  # sorting the first few costs less than sorting all
        count = 0
        candidates = chain.from_iterable(connection.execute(select.sql, (*select.parameters, most)) for select in order)
        at_once = _AT_ONCE if number <= _AT_ONCE else size if most != _ALL else _BATCH
        while len(rows) < size and (batch := list(islice(candidates, at_once))):
            check = build_check(query, state, [task_id for _, task_id in batch])
            met = {task_id for (task_id,) in connection.execute(check.sql, check.parameters)}
            rows.update((key, task_id) for key, task_id in batch if task_id in met)
            count += len(batch)
        if len(rows) >= size or count < most:
            break
    return rows


def _walk(connection: SqlConnection, selects: Sequence[Select], limit: int) -> set[tuple[str, str]] | None:
    """The rows that the scans find; None if one has exhausted its `reach`."""
    rows = set[tuple[str, str]]()
    part = 0
    for select in selects:
        if select.part > part and len(rows) > limit:
            break
        part = select.part
        found = passed = 0
        for key, task_id, is_met in connection.execute(select.sql, select.parameters):
            passed += 1
            if is_met:
                rows.add((key, task_id))
                found += 1
            if found > limit:
                break
        if found <= limit and passed == select.reach:
            return None
    return rows


def _find_selective_filter(connection: SqlConnection, query: TaskQuery, state: StoreState) -> SqlClause | None:
    """A filter of the query that at most `_MAX_SORTED` tasks match; None if it has no such filter."""
    return next(
        (clause for clause in selective_filters(query, state) if _is_selective(connection, clause, _MAX_SORTED)), None
    )


def _is_selective(connection: SqlConnection, clause: SqlClause, most: int) -> bool:
    """Whether at most `most` tasks match the condition."""
    sql = f"SELECT 1 FROM task t WHERE {clause[0]} LIMIT 1 OFFSET ?"  # noqa: S608  only constants
    return connection.execute(sql, (*clause[1], most)).fetchone() is None
