"""The rows of a page: by walks along an index if these soon meet enough tasks, else from what a rare filter leaves.

So a page takes about as long in a large store as in a small one. Only if every filter by itself leaves many tasks,
and all together nearly none, a walk passes over most of the store.
"""

import json
from collections.abc import Sequence
from itertools import chain, islice
from typing import Final

from taskhand.backends.local.dialect import Clause
from taskhand.backends.local.query import (
    Select,
    StoreState,
    build_check,
    build_order_among,
    build_select_among,
    build_selects,
    build_walks_among,
    few_by,
    narrowest,
)
from taskhand.backends.local.text_index import find_candidates, has_text_index
from taskhand.domain.query import TaskQuery, text_words
from taskhand.sql.connection import SqlConnection

__all__ = ["find_rows"]

_REACH: Final = 1_500
"""Tasks that walks pass over at first."""
_REACH_FOR_WORDS: Final = 300
"""The same for a search, which looks at the text of each, if the index of texts may be quicker."""
_FEW: Final = 5_000
"""Tasks that are sorted for a page. If a filter leaves more, a walk soon meets enough of them."""
_FEW_WORDS: Final = 2_000
"""The same for tasks that have the words of a text, if a walk knows their numbers and need not look at texts."""
_MOST_WORDS: Final = 20_000
"""Tasks of which the numbers are asked for."""
_MOST_TEXTS: Final = 10_000
"""Tasks that may have the words and are all looked at."""
_BATCH: Final = 100
"""Sorted tasks that are looked at together, after the first."""
_AT_ONCE: Final = 200
"""Tasks that are looked at all together, if there are no more."""
_ALL: Final = -1
"""SQLite's value for no limit."""


def find_rows(
    connection: SqlConnection, query: TaskQuery, state: StoreState, reach: int | None = None
) -> set[tuple[str, str]]:
    """The sort keys and ids of the tasks of the page, and at least one more if there is a next page."""
    if state.dialect.before_lists is not None:
        return _find_as_planned(connection, query, state, reach or _REACH_FOR_WORDS)
    narrow = narrowest(query)
    reach = reach or (_REACH if query.text is None else _REACH_FOR_WORDS)
    of_nobody = query.of_nobody and not query.responsible_ids and query.order != "due"
    created = query.period is not None and query.order in ("due", "priority")
    is_rare = narrow is not None or of_nobody or created
    if not is_rare and (rows := _walk(connection, build_selects(query, state, reach), query.limit)) is not None:
        return rows
    if (found := _find_with_words(connection, query)) is not None:
        return _check(connection, query, state, *found)
    if (few := narrow or _find_few(connection, query, state)) is not None:
        return _check(connection, query, state, [build_order_among(query, few)])
    return _walk(connection, build_selects(query, state), query.limit) or set()


def _find_as_planned(
    connection: SqlConnection, query: TaskQuery, state: StoreState, reach: int
) -> set[tuple[str, str]]:
    """The rows as an engine finds them that knows how many tasks a filter leaves, though not which order these have.

    Nor does it know how many tasks have several words together.
    """
    connection.execute(state.dialect.before_lists or "")
    if (narrow := narrowest(query)) is not None:
        return _look_at_all(connection, build_select_among(query, state, narrow)) or set()
    words = text_words(query.text or "")
    if words and state.dialect.find_texts is not None:
        rows = _walk(connection, build_selects(query, state, reach), query.limit)
        if rows is not None:
            return rows
        among = state.dialect.find_texts(words)
        if (rows := _look_at_all(connection, build_select_among(query, state, among, _MOST_TEXTS))) is not None:
            return rows
    return _walk(connection, build_selects(query, state), query.limit) or set()


def _look_at_all(connection: SqlConnection, select: Select) -> set[tuple[str, str]] | None:
    """The rows of `build_select_among`; None if the tasks are too many."""
    rows = connection.execute(select.sql, select.parameters).fetchall()
    return None if rows and rows[-1][1] is None else {(key, task_id) for key, task_id, _ in rows}


def _find_with_words(connection: SqlConnection, query: TaskQuery) -> tuple[Sequence[Select], int] | None:
    """The tasks that may have the words of the text, in order, and their number; None if no index tells few."""
    words = text_words(query.text or "")
    if not words or not has_text_index(connection):
        return None
    numbers = find_candidates(connection, words, _MOST_WORDS)
    if numbers is None:
        return None
    listed = (json.dumps(numbers),)
    is_all_asked = query.responsible_ids is None and query.statuses is None and not query.overdue
    if is_all_asked and len(numbers) > _FEW_WORDS:
        among = "+t.number IN (SELECT value FROM json_each(?))", listed
        return build_walks_among(query, among), len(numbers)
    return [build_order_among(query, ("t.number IN (SELECT value FROM json_each(?))", listed))], len(numbers)


def _check(
    connection: SqlConnection, query: TaskQuery, state: StoreState, order: Sequence[Select], number: int = _MOST_WORDS
) -> set[tuple[str, str]]:
    """The rows of those of these tasks that meet the query, looked at in their order until the page is full."""
    rows = set[tuple[str, str]]()
    size = query.limit + 1
    for most in (2 * size, _ALL) if number > _AT_ONCE else (_ALL,):  # the first few are sorted for less than all
        found = 0
        candidates = chain.from_iterable(connection.execute(one.sql, (*one.parameters, most)) for one in order)
        at_once = _AT_ONCE if number <= _AT_ONCE else size if most != _ALL else _BATCH
        while len(rows) < size and (batch := list(islice(candidates, at_once))):
            check = build_check(query, state, [task_id for _, task_id in batch])
            met = {task_id for (task_id,) in connection.execute(check.sql, check.parameters)}
            rows.update((key, task_id) for key, task_id in batch if task_id in met)
            found += len(batch)
        if len(rows) >= size or found < most:
            break
    return rows


def _walk(connection: SqlConnection, selects: Sequence[Select], limit: int) -> set[tuple[str, str]] | None:
    """The rows that the statements find; None if one has passed as many tasks as it may."""
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


def _find_few(connection: SqlConnection, query: TaskQuery, state: StoreState) -> Clause | None:
    """A condition that few tasks meet, and all that match the query; None if no filter is known to leave few."""
    return next((clause for clause in few_by(query, state) if _are_few(connection, clause, _FEW)), None)


def _are_few(connection: SqlConnection, clause: Clause, most: int) -> bool:
    """Whether at most so many tasks meet the condition."""
    sql = f"SELECT 1 FROM task t WHERE {clause[0]} LIMIT 1 OFFSET ?"  # noqa: S608  only constants
    return connection.execute(sql, (*clause[1], most)).fetchone() is None
