"""The positions in the journal of the changes of a page, found by a suitable index, within a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from taskhand.journal.journal import ChangeQuery
from taskhand.sql.connection import SqlClause, SqlConnection, SqlRow, join_clauses, placeholders, stored_instant

__all__ = ["find_positions"]

_REACH: Final = 300
"""Number of changes to scan, the newest first, before an index is used to find those with an outcome or of a tool."""
_FEW: Final = 5_000
"""Maximum number of changes to sort for a page. If more have an outcome, a scan from the newest soon finds some."""
_ALL: Final = 2**62

_OUTCOME: Final = """coalesce(
    (SELECT e.outcome FROM entry e WHERE e.change_id = o.change_id AND e.kind IN ('ending', 'resumed')
     ORDER BY e.seq DESC LIMIT 1),
    'open'
)"""

_OUTCOME_OF_TASK: Final = f"""coalesce(
    (SELECT r.outcome FROM entry r WHERE r.task_id = ? AND r.change_id = o.change_id AND r.kind = 'result'
     ORDER BY r.seq DESC LIMIT 1),
    {_OUTCOME}
)"""  # noqa: S608  text of ours
"""The outcome of one task of a change, or the outcome of the change if the task has no result."""

_IS_OPEN: Final = "o.change_id IN (SELECT u.change_id FROM under_way u)"

_BY_TOOL: Final = (
    "? IN (o.tool, (SELECT p.tool FROM entry p "
    "WHERE p.kind = 'opening' AND p.change_id = json_extract(o.body, '$.value.plan_id')))"
)
"""A change that applied a plan is also found by the tool that made the plan."""

_OF_SUBJECT: Final = "json_valid(o.body) AND json_extract(o.body, '$.value.caller.subject') = ?"
_OF_PERSON: Final = "? IN (json_extract(o.body, '$.value.caller.subject'), json_extract(o.body, '$.value.email'))"
_ROWS_OF_PERSON: Final = " UNION ALL ".join(
    f"SELECT p.seq FROM entry p WHERE p.kind = 'opening' AND json_valid(p.body) AND json_extract(p.body, '{path}') = ?"  # noqa: S608
    for path in ("$.value.caller.subject", "$.value.email")
)

_MAX_POSITION: Final = 2**63 - 1
"""The largest number that SQLite keeps as an integer."""
_DIGITS: Final = len(str(_MAX_POSITION))


@dataclass(frozen=True, slots=True)
class _Search:
    """One list: the index of its order answers `asked`, and the filters are checked change by change.

    `asked_of_few` is the same with computed values, which keep the database off that index when few changes are sorted.
    """

    asked: tuple[SqlClause, ...]
    asked_of_few: tuple[SqlClause, ...]
    filters: tuple[SqlClause, ...]
    order: str
    limit: int


def find_positions(
    connection: SqlConnection, account_names: Sequence[str], query: ChangeQuery, reach: int = _REACH, most: int = _FEW
) -> list[SqlRow]:
    """`seq` and `change_id` of the changes of a page, and of one more; CallerError for an invalid cursor."""
    search = _to_search(connection, account_names, query)
    if query.task_id is not None:
        of_accounts = f"t.task_id = ? AND t.place IN ({placeholders(account_names)})"
        of_task = f"o.change_id IN (SELECT t.change_id FROM entry t WHERE {of_accounts})"  # noqa: S608  placeholders
        return _sort_few(connection, search, (of_task, (query.task_id, *account_names)))
    if query.outcome == "open":
        return _sort_few(connection, search, (_IS_OPEN, ()))
    if not _may_be_rare(query):
        return _walk(connection, search)
    rows = _walk(connection, search, reach)
    if len(rows) == search.limit or not _has_more(connection, search, reach):
        return rows
    few = _find_few(connection, query, most)
    return _walk(connection, search) if few is None else _sort_few(connection, search, few)


def _to_search(connection: SqlConnection, account_names: Sequence[str], query: ChangeQuery) -> _Search:
    is_of_period = _is_of_period(query)
    is_by_account = len(account_names) == 1 and query.subject is None and not is_of_period
    in_accounts = f"IN ({placeholders(account_names)})"
    asked: list[SqlClause] = []
    if query.since is not None:
        asked.append(("o.at >= ?", (stored_instant(query.since),)))
    if query.until is not None:
        asked.append(("o.at <= ?", (stored_instant(query.until),)))
    if query.after is not None:
        asked.append(_clause_after_change(connection, _position(query.after), is_of_period=is_of_period))
    of_few = [(clause.replace("o.at", "o.at || ''"), values) for clause, values in asked]
    if query.subject is not None and not is_of_period:
        asked.append((_OF_SUBJECT, (query.subject,)))
    asked.append((f"o.place {in_accounts}" if is_by_account else f"o.place || '' {in_accounts}", tuple(account_names)))
    if query.task_id is None:
        of_few.append((f"o.place || '' {in_accounts}", tuple(account_names)))
    order = "o.at DESC, o.seq DESC" if is_of_period else "o.seq DESC"
    return _Search(tuple(asked), tuple(of_few), tuple(_filters(query)), order, query.limit + 1)


def _is_of_period(query: ChangeQuery) -> bool:
    return query.since is not None or query.until is not None


def _may_be_rare(query: ChangeQuery) -> bool:
    """Whether the changes of the list may be rare, so that an index should find them."""
    is_of_few = query.subject is not None and _is_of_period(query)
    return is_of_few or any(value is not None for value in (query.outcome, query.tool, query.person))


def _filters(query: ChangeQuery) -> list[SqlClause]:
    clauses: list[SqlClause] = []
    if query.subject is not None:
        clauses.append((f"{_OF_SUBJECT} || ''", (query.subject,)))
    if query.tool is not None:
        clauses.append((_BY_TOOL, (query.tool,)))
    if query.outcome is not None and query.task_id is not None:
        clauses.append((f"{_OUTCOME_OF_TASK} = ?", (query.task_id, query.outcome)))
    elif query.outcome is not None:
        clauses.append((f"{_OUTCOME} = ?", (query.outcome,)))
    elif not query.with_plans:
        clauses.append((f"{_OUTCOME} <> ?", ("planned",)))
    if query.person is not None:
        clauses.append((_OF_PERSON, (query.person,)))
    return clauses


def _find_few(connection: SqlConnection, query: ChangeQuery, most: int) -> SqlClause | None:
    """A condition that all changes of the list meet, `most` changes in all; None if no index has one."""

    def are_few(table: str, *values: str) -> bool:
        sql = f"SELECT 1 FROM {table} LIMIT 1 OFFSET ?"  # noqa: S608  text of ours
        return connection.execute(sql, (*values, most)).fetchone() is None

    if query.subject is not None and are_few(f"entry o WHERE o.kind = 'opening' AND {_OF_SUBJECT}", query.subject):
        return _OF_SUBJECT, (query.subject,)
    if query.person is not None and are_few(f"({_ROWS_OF_PERSON}) AS found", query.person, query.person):
        return f"o.seq IN ({_ROWS_OF_PERSON})", (query.person, query.person)
    if query.outcome is not None:
        ended = "entry e WHERE e.kind = 'ending' AND e.outcome = ?"
        if are_few(ended, query.outcome):
            return f"o.change_id IN (SELECT e.change_id FROM {ended})", (query.outcome,)  # noqa: S608  text of ours
    if query.tool is not None:
        made = "o.tool IN (?, 'apply_plan')"
        if are_few(f"entry o WHERE o.kind = 'opening' AND {made}", query.tool):
            return made, (query.tool,)
    return None


def _walk(connection: SqlConnection, search: _Search, reach: int = _ALL) -> list[SqlRow]:
    """The changes of the list among the newest `reach` changes."""
    return _find(connection, search, search.asked, search.order, reach)


def _sort_few(connection: SqlConnection, search: _Search, few: SqlClause) -> list[SqlRow]:
    """The changes of the list among those that meet `few`, which are all sorted before they are filtered."""
    order = search.order.replace("o.seq", "o.seq + 0").replace("o.at", "o.at || ''")
    return _find(connection, search, [few, *search.asked_of_few], order, _ALL)


def _find(
    connection: SqlConnection, search: _Search, clauses: Sequence[SqlClause], order: str, reach: int
) -> list[SqlRow]:
    where, values = join_clauses(clauses)
    filters, looked_at = join_clauses(search.filters)
    columns = "*" if "o.body" in filters else "o.seq, o.change_id"
    sql = (
        f"SELECT o.seq, o.change_id FROM (SELECT {columns} FROM entry o WHERE o.kind = 'opening' AND {where} "  # noqa: S608
        f"ORDER BY {order} LIMIT ?) AS o WHERE {filters} LIMIT ?"
    )
    return connection.execute(sql, (*values, reach, *looked_at, search.limit)).fetchall()


def _has_more(connection: SqlConnection, search: _Search, reach: int) -> bool:
    """Whether there are more changes than were scanned."""
    where, values = join_clauses(search.asked)
    sql = f"SELECT 1 FROM entry o WHERE o.kind = 'opening' AND {where} ORDER BY {search.order} LIMIT 1 OFFSET ?"  # noqa: S608
    return connection.execute(sql, (*values, reach)).fetchone() is not None


def _clause_after_change(connection: SqlConnection, seq: int, *, is_of_period: bool) -> SqlClause:
    """The clause that a change comes after the one at `seq`, which may have been pruned meanwhile."""
    at = connection.execute("SELECT at FROM entry WHERE seq = ?", (seq,)).fetchone() if is_of_period else None
    return ("o.seq < ?", (seq,)) if at is None else ("(o.at, o.seq) < (?, ?)", (at["at"], seq))


def _position(cursor: str) -> int:
    if cursor.isascii() and cursor.isdigit() and len(cursor) <= _DIGITS and (position := int(cursor)) <= _MAX_POSITION:
        return position
    from taskhand.domain.cursor import other_cursor_error  # noqa: PLC0415  no start waits for it

    raise other_cursor_error()
