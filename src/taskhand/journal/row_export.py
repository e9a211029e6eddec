"""The rows of a journal file as lines of JSON, read in portions and selected by the change that they belong to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from taskhand.domain.principal import Person
from taskhand.journal.hash_chain import START, ChainLink
from taskhand.sql.connection import SqlConnection, SqlRow, stored_instant

__all__ = ["ExportedRow", "RowQuery", "find_start", "read_portion", "to_export_line"]

_PORTION: Final = 100
"""Rows that are read at a time."""

_ROWS = """
SELECT e.seq, e.hash, e.at, e.place, e.body, coalesce(o.at, e.at) AS began,
    CASE WHEN json_valid(o.body) THEN json_extract(o.body, '$.value.caller.subject') END AS person,
    CASE WHEN json_valid(o.body) THEN json_extract(o.body, '$.value.email') END AS email,
    CASE WHEN json_valid(o.body) THEN json_extract(o.body, '$.value.connection') END AS connection
FROM entry e LEFT JOIN entry o ON o.change_id = e.change_id AND o.kind = 'opening'
WHERE e.seq >= ? AND e.seq < ? ORDER BY e.seq
"""
"""Rows, each with when its change began, for whom and on which connection: an altered row is exported too."""

_AFTER_ALL: Final = 2**63 - 1

_FIRST_SINCE = """
SELECT min(seq) FROM (
    SELECT min(seq) AS seq FROM entry WHERE kind = 'opening' AND at >= ?
    UNION ALL SELECT min(seq) FROM entry WHERE kind = 'pruned' AND at >= ?
) AS first
"""


@dataclass(frozen=True, slots=True)
class RowQuery:
    """The changes whose rows are exported; None does not filter.

    `since` and `until` are aware and inclusive, and say when a change began. `person` is the id or the e-mail address
    of a person. The rows that attest to a pruning belong to no change: only times filter them in.
    """

    since: datetime | None = None
    until: datetime | None = None
    person: str | None = None
    connection: str | None = None

    def includes(self, row: "ExportedRow") -> bool:
        """Whether the change of this row is one of them."""
        return (
            (self.since is None or row.began >= stored_instant(self.since))
            and (self.until is None or row.began <= stored_instant(self.until))
            and self.person in {None, row.person and Person.parse(row.person).id, row.email}
            and self.connection in {None, row.connection}
        )


@dataclass(frozen=True, slots=True)
class ExportedRow:
    """A row as it is stored: `at` is its own time, `began` that of its change.

    `person`, `connection` and `email` are those of the change, None if they are not known.
    """

    link: ChainLink
    at: str
    began: str
    person: str | None
    connection: str | None
    body: str = field(repr=False)
    email: str | None = None


def to_export_line(row: ExportedRow) -> str:
    """The row as a line of JSON, with `body` byte for byte as it was hashed; unknown values are left out."""
    known = {"connection": row.connection, "person": row.person}
    facts = {name: value for name, value in known.items() if value} | {"seq": row.link.seq, "hash": row.link.hash}
    return f'{json.dumps(facts, separators=(",", ":"))[:-1]},"body":{row.body}}}'


def find_start(connection: SqlConnection, last: ChainLink | None, query: RowQuery) -> ChainLink:
    """The row after which to read on: `last`, if this file still has it.

    Another file may have taken the place of the one that was read, or `last` was pruned. Then, and at the beginning
    (None), it is the row before all that the query asks for.
    """
    if last is not None and _has_row(connection, last):
        return last
    if query.since is None:
        return START
    since = stored_instant(query.since)
    ((first,),) = connection.execute(_FIRST_SINCE, (since, since))
    before = "SELECT seq, hash FROM entry WHERE seq < ? ORDER BY seq DESC LIMIT 1"
    row = connection.execute(before, (_AFTER_ALL if first is None else first,)).fetchone()
    return ChainLink(row["seq"], row["hash"]) if row else START


def read_portion(
    connection: SqlConnection, after: ChainLink, names: Mapping[str, str]
) -> tuple[Sequence[ExportedRow], ChainLink]:
    """Some rows that follow `after`, and the last of them: `after` itself if no row follows.

    `names` are the connections by their account names in the file, for rows that do not name one.
    """
    ((first,),) = connection.execute("SELECT min(seq) FROM entry WHERE seq > ?", (after.seq,))
    if first is None:
        return (), after
    rows = [_to_row(row, names) for row in connection.execute(_ROWS, (first, first + _PORTION))]
    return rows, rows[-1].link


def _to_row(row: SqlRow, names: Mapping[str, str]) -> ExportedRow:
    connection = row["connection"] or names.get(row["place"])
    return ExportedRow(
        ChainLink(row["seq"], row["hash"]),
        row["at"],
        row["began"],
        None if row["person"] is None else str(row["person"]),
        None if connection is None else str(connection),
        row["body"],
        None if row["email"] is None else str(row["email"]),
    )


def _has_row(connection: SqlConnection, last: ChainLink) -> bool:
    row = connection.execute("SELECT hash FROM entry WHERE seq = ?", (last.seq,)).fetchone()
    return row is not None and bool(row["hash"] == last.hash)
