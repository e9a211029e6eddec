"""Queries for changes in the journal's rows, within a transaction of a connection."""

from collections.abc import Iterator, Sequence

from taskhand.journal.codec import instant
from taskhand.journal.entry import build_change, is_void, parse_body
from taskhand.journal.journal import Change, ChangePage, ChangeQuery, Claim
from taskhand.sql.connection import SqlConnection, SqlRow

__all__ = [
    "find_change",
    "find_ender",
    "find_holder",
    "find_open_changes",
    "find_page",
    "find_session",
    "has_change",
    "load_changes",
]

_OUTCOME = """coalesce(
    (SELECT e.outcome FROM entry e WHERE e.change_id = o.change_id AND e.kind IN ('ending', 'resumed')
     ORDER BY e.seq DESC LIMIT 1),
    'open'
)"""

_OUTCOME_OF_TASK = f"""coalesce(
    (SELECT r.outcome FROM entry r WHERE r.task_id = ? AND r.change_id = o.change_id AND r.kind = 'result'
     ORDER BY r.seq DESC LIMIT 1),
    {_OUTCOME}
)"""  # noqa: S608  text of ours
"""The outcome of one task of a change, and that of the change where the task has none of its own."""

_OF_TASK = "o.change_id IN (SELECT t.change_id FROM entry t WHERE t.task_id = ?)"

_LARGEST = 2**63 - 1
"""The largest number that SQLite keeps as an integer."""
_DIGITS = len(str(_LARGEST))

_COMPUTED_PLACE = "o.place || ''"

_MOST_MARKS = 500
"""The values that one statement is given; SQLite takes 999 at least."""

_Clauses = list[tuple[str, tuple[object, ...]]]


def has_change(connection: SqlConnection, change_id: str) -> bool:
    """Whether a change of any place has this id."""
    sql = "SELECT 1 FROM entry WHERE change_id = ? AND kind = 'opening'"
    return connection.execute(sql, (change_id,)).fetchone() is not None


def find_change(connection: SqlConnection, places: Sequence[str], change_id: str) -> Change | None:
    """The change with this id; None where these places have none."""
    sql = "SELECT place FROM entry WHERE change_id = ? AND kind = 'opening'"
    row = connection.execute(sql, (change_id,)).fetchone()
    if row is None or row["place"] not in places:
        return None
    return load_changes(connection, [change_id])[0]


def load_changes(connection: SqlConnection, ids: Sequence[str]) -> tuple[Change, ...]:
    """The changes with these ids, in this order."""
    bodies: dict[str, list[str]] = {one: [] for one in ids}
    for some in _portions(ids):
        sql = f"SELECT change_id, body FROM entry WHERE change_id IN ({_marks(some)}) ORDER BY seq"  # noqa: S608  marks
        for row in connection.execute(sql, tuple(some)):
            bodies[row["change_id"]].append(row["body"])
    return tuple(build_change(map(parse_body, bodies[one])) for one in ids)


def find_page(connection: SqlConnection, places: Sequence[str], query: ChangeQuery) -> ChangePage:
    """Changes of these places, newest first; CallerError for an invalid cursor."""
    # A computed value keeps the database off the index of places, so that it seeks the few changes of one task instead,
    # or reads the changes of several places in their order.
    place = _COMPUTED_PLACE if query.task_id is not None or len(places) > 1 else "o.place"
    order = "o.seq"
    if (query.subject or query.person) is not None and query.since is not None:
        place, order = (
            "o.place || ''",
            "+o.seq",
        )  # by the index of times: a person may have few of many changes, or none
    clauses = _filters(query)
    where = " AND ".join([f"{place} IN ({_marks(places)})", *(clause for clause, _ in clauses)])
    sql = (
        f"SELECT o.seq, o.change_id FROM entry o WHERE o.kind = 'opening' AND {where} "  # noqa: S608  clauses of ours
        f"ORDER BY {order} DESC LIMIT ?"
    )
    rows = connection.execute(
        sql, (*places, *(value for _, values in clauses for value in values), query.limit + 1)
    ).fetchall()
    shown = rows[: query.limit]
    positions = tuple(str(row["seq"]) for row in shown)
    cursor = positions[-1] if shown and len(rows) > query.limit else None
    return ChangePage(load_changes(connection, [row["change_id"] for row in shown]), cursor, positions)


def find_holder(
    connection: SqlConnection, places: Sequence[str], claims: Sequence[Claim], *, even_void: bool = False
) -> Change | None:
    """The newest change of these places that made a claim and is not void; the claims are tried in their order.

    `even_void` is whether a void one counts too.
    """
    where = f"scope = ? AND place IN ({_marks(places)}) AND at >= ?"
    sql = f"SELECT change_id FROM claim WHERE {where} ORDER BY seq DESC"  # noqa: S608  marks
    for claim in claims:
        since = instant(claim.since) if claim.since else ""
        for row in connection.execute(sql, (claim.scope, *places, since)).fetchall():
            (change,) = load_changes(connection, [row["change_id"]])
            if even_void or not is_void(change):
                return change
    return None


def find_session(connection: SqlConnection, change_id: str) -> str | None:
    """The process that an open change is of; None for one that has ended."""
    row = connection.execute("SELECT session FROM under_way WHERE change_id = ?", (change_id,)).fetchone()
    return str(row["session"]) if row else None


def find_ender(connection: SqlConnection, change_id: str) -> str | None:
    """The process that has ended a change: the one that had taken it over, else the one that had begun it."""
    sql = "SELECT body FROM entry WHERE change_id = ? AND kind IN ('opening', 'resumed', 'ending') ORDER BY seq DESC"
    values = [parse_body(row["body"])["value"] for row in connection.execute(sql, (change_id,))]
    named = (value.get("taken_over_by") or value.get("session") for value in values)
    return next(filter(None, named), None)


def find_open_changes(connection: SqlConnection, sessions: Sequence[str]) -> list[SqlRow]:
    """The open changes of these sessions, oldest first: change_id, session, place."""
    sql = f"SELECT change_id, session, place FROM under_way WHERE session IN ({_marks(sessions)}) ORDER BY seq"  # noqa: S608  marks
    return connection.execute(sql, tuple(sessions)).fetchall()


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[first : first + _MOST_MARKS] for first in range(0, len(ids), _MOST_MARKS))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values)) or "NULL"  # a list of none is no SQL


_BY_TOOL = (
    "? IN (o.tool, (SELECT p.tool FROM entry p "
    "WHERE p.kind = 'opening' AND p.change_id = json_extract(o.body, '$.value.plan_id')))"
)
"""A change that carried a plan out is found by the tool that made the plan too."""


_OF_SUBJECT = "json_extract(o.body, '$.value.caller.subject') = ?"
_OF_PERSON = "? IN (json_extract(o.body, '$.value.caller.subject'), json_extract(o.body, '$.value.email'))"


def _filters(query: ChangeQuery) -> _Clauses:
    clauses: _Clauses = []
    if query.task_id is not None:
        clauses.append((_OF_TASK, (query.task_id,)))
    if query.tool is not None:
        clauses.append((_BY_TOOL, (query.tool,)))
    if query.outcome is not None and query.task_id is not None:
        clauses.append((f"{_OUTCOME_OF_TASK} = ?", (query.task_id, query.outcome)))
    elif query.outcome is not None:
        clauses.append((f"{_OUTCOME} = ?", (query.outcome,)))
    elif not query.with_plans:
        clauses.append((f"{_OUTCOME} <> ?", ("planned",)))
    simple = {
        "o.at >= ?": query.since and instant(query.since),
        "o.at <= ?": query.until and instant(query.until),
        "o.seq < ?": None if query.after is None else _position(query.after),
        _OF_SUBJECT: query.subject,
        _OF_PERSON: query.person,
    }
    clauses += [(clause, (value,)) for clause, value in simple.items() if value is not None]
    return clauses


def _position(cursor: str) -> int:
    if cursor.isascii() and cursor.isdigit() and len(cursor) <= _DIGITS and (position := int(cursor)) <= _LARGEST:
        return position
    from taskhand.domain.bound_cursor import other_cursor_error  # noqa: PLC0415  no start waits for it

    raise other_cursor_error()
