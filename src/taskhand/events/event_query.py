"""The statement that lists events of a feed; pure."""

import json
from typing import Any

from taskhand.events.event_store import EventFilter, EventQuery, FeedName
from taskhand.sql.connection import stored_instant

__all__ = ["select_events"]


def select_events(feed: FeedName, query: EventQuery) -> tuple[str, list[Any]]:
    """The statement and its values."""
    where, values = ["place = ?", "person = ?"], [feed.account_name, feed.person or ""]
    parts = [_position(query), _filter(query.only)]
    if query.through is not None:
        parts.append((["seq <= ?"], [query.through]))
    for conditions, given in parts:
        where += conditions
        values += given
    order = "seq" if query.since is None else "moment, seq"
    last_first = order.replace("seq", "seq DESC").replace("moment", "moment DESC")
    sql = f"SELECT event.* FROM event JOIN feed ON feed.id = event.feed WHERE {' AND '.join(where)}"  # noqa: S608  no external text
    if query.latest:
        sql = f"SELECT * FROM ({sql} ORDER BY {last_first} LIMIT ?) AS latest ORDER BY {order}"  # noqa: S608  as above
        return sql, [*values, query.limit]
    return f"{sql} ORDER BY {order} LIMIT ?", [*values, query.limit]


def _position(query: EventQuery) -> tuple[list[str], list[Any]]:
    if query.since is None:
        return ["seq > ?", "is_old = 0"], [query.after_seq]
    if query.after is None:
        return ["moment >= ?"], [stored_instant(query.since)]
    moment, seq = query.after
    return ["(moment, seq) > (?, ?)"], [stored_instant(moment), seq]


def _filter(only: EventFilter) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    values: list[Any] = []
    if only.kinds:
        where.append(f"kind IN ({', '.join('?' * len(only.kinds))})")
        values += only.kinds
    if only.task_id is not None:
        where.append("task_id = ?")
        values.append(only.task_id)
    if only.person_ids:
        where.append(f"({' OR '.join(['by_id = ? OR instr(people, ?) > 0'] * len(only.person_ids))})")
        values += [value for person_id in only.person_ids for value in (person_id, json.dumps(person_id))]
    if only.visible_to is not None:
        where.append("instr(people, ?) > 0")
        values.append(json.dumps(only.visible_to))
    return where, values
