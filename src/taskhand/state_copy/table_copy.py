"""The copy of one kind of data from a file to a staging schema, which may have any part of it already.

Each table is read in key order, a portion at a time, and compared with the staged rows between the same keys. This is
how an interrupted copy resumes where it ended, and how a complete one is recognized. Only rows that were read back
count as copied.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from taskhand.domain.errors import OperatorError
from taskhand.journal.change_rows import COLUMNS
from taskhand.journal.hash_chain import ChainFault, ChainLink, ChainWalk, StoredRow
from taskhand.postgres.connection import storable
from taskhand.postgres.staging_schema import Staging
from taskhand.sqlite.snapshot_reader import SourceFile
from taskhand.state_copy.copied_tables import DataKind

__all__ = ["Copied", "PartCopy", "Report"]

_PORTION: Final = 2_000
"""Rows in memory at a time."""

Report = Callable[[str, int, int], None]
"""Receives the name of a step, the number of rows done, and the total."""


@dataclass(frozen=True, slots=True)
class Copied:
    """The number of equal rows in each table, and the newest row of a journal."""

    rows: dict[str, int]
    head: ChainLink | None = None


class _Differs(Exception):
    """The staged rows differ from the file, and other rows refer to them, so they cannot be replaced one by one."""


class PartCopy:
    """Copies one kind of data; a second pass adds what was written to the file after the first."""

    def __init__(self, part: DataKind, staging: Staging, report: Report) -> None:
        self._part = part
        self._staging = staging
        self._report = report
        self._walk: ChainWalk | None = None
        self._anchor: ChainLink | None = None
        self._columns = {table: staging.columns(table) for table in part.tables}

    def copy(self, source: SourceFile) -> Copied:
        """Make the schema equal to the file, and verify it by reading all rows back. OperatorError if they differ."""
        try:
            self._fill(source)
        except _Differs:
            self._staging.empty()
            self._fill(source)
        return self._verify(source)

    def _fill(self, source: SourceFile) -> None:
        for table in self._part.tables:
            if table == self._part.grows:
                self._extend(source, table)
            else:
                self._synchronize(source, table)

    def _synchronize(self, source: SourceFile, table: str) -> None:
        """Replace rows that differ, a portion at a time, and delete those after the last row of the file."""
        columns, key = self._columns[table], self._part.tables[table]
        last: Sequence[Any] | None = None
        for before, rows in self._read(source, table, "copied"):
            last = self._key(table, rows[-1])
            there = self._staging.rows(table, columns, key, before, last)
            if there != rows:
                if there and self._part.has_references:
                    raise _Differs
                self._staging.replace(table, columns, key, before, rows, has_some=bool(there))
        if self._part.has_references and self._staging.rows(table, columns, key, last, None):
            raise _Differs
        self._staging.delete(table, key, last, None)

    def _extend(self, source: SourceFile, table: str) -> None:
        """Add the missing rows, and delete those that the file has removed."""
        columns, [key] = self._columns[table], self._part.tables[table]
        [(first,)] = source.rows(f"SELECT min({key}) FROM {table}")  # noqa: S608  names of ours
        if first is not None:
            self._staging.delete(table, [key], None, [first - 1])
        last = self._staging.last_key(table, key)
        if last is not None:
            bound = [last - 1], [last]
            there = self._staging.rows(table, columns, [key], *bound)
            sql = f"SELECT {', '.join(columns)} FROM {table} WHERE {key} = ?"  # noqa: S608  names of ours
            if [tuple(storable(row)) for row in source.rows(sql, [last])] != there:  # of another file
                self._staging.empty()
                last = None
        for before, rows in self._read(source, table, "copied", None if last is None else [last]):
            self._staging.replace(table, columns, [key], before, rows, has_some=False)

    def _verify(self, source: SourceFile) -> Copied:
        """Compare both in key order; recompute the hash of each new row of a journal."""
        counts = {table: self._compare(source, table) for table in self._part.tables if table != self._part.grows}
        if self._part.grows is None:
            return Copied(counts)
        links = {name: ChainLink(seq, text) for name, seq, text in source.rows("SELECT name, seq, hash FROM link")}
        if links.keys() != {"anchor", "head"}:
            raise self._fault("the record of where its chain begins and ends was removed")
        if self._walk is None or self._anchor != links["anchor"]:
            self._walk, self._anchor = ChainWalk(links["anchor"]), links["anchor"]
        self._compare_chain(source, self._part.grows, self._walk)
        if fault := self._walk.check_end(links["head"]):
            raise self._chain_fault(fault)
        return Copied({**counts, self._part.grows: source.count(self._part.grows)}, links["head"])

    def _compare(self, source: SourceFile, table: str) -> int:
        columns, key = self._columns[table], self._part.tables[table]
        count, last = 0, None
        for before, rows in self._read(source, table, "compared"):
            last = self._key(table, rows[-1])
            if self._staging.rows(table, columns, key, before, last) != rows:
                raise self._fault(f"its table {table} is not the same in both after it was copied")
            count += len(rows)
        if self._staging.rows(table, columns, key, last, None):
            raise self._fault(f"its table {table} has more rows in the database")
        return count

    def _compare_chain(self, source: SourceFile, table: str, walk: ChainWalk) -> None:
        """Verify the hash chain of the rows that were added since an earlier pass."""
        columns, key = self._columns[table], self._part.tables[table]
        at = [columns.index(name) for name in ("seq", "hash", "body")]
        named = [columns.index(name) for name in COLUMNS]
        last: Sequence[Any] = [walk.last.seq]
        for before, rows in self._read(source, table, "compared", last):
            last = self._key(table, rows[-1])
            there = self._staging.rows(table, columns, key, before, last)
            if there != rows:
                raise self._fault("its rows are not the same in both after they were copied")
            for row in there:
                seq, digest, body = (row[column] for column in at)
                _, fault = walk.check_row(
                    StoredRow(ChainLink(seq, digest), tuple(row[column] for column in named), body)
                )
                if fault:
                    raise self._chain_fault(fault)
        if self._staging.rows(table, columns, key, last, None):
            raise self._fault("it has more rows in the database")

    def _read(
        self, source: SourceFile, table: str, step: str, after: Sequence[Any] | None = None
    ) -> Iterator[tuple[Sequence[Any] | None, list[tuple[Any, ...]]]]:
        """Portions of a table, converted to the database's types, each with the key before it."""
        columns, key = self._columns[table], self._part.tables[table]
        where = f" WHERE {key[0]} > ?" if after else ""
        sql = f"SELECT {', '.join(columns)} FROM {table}{where} ORDER BY {', '.join(key)}"  # noqa: S608  names of ours
        total, before = source.count(table), after
        [(done,)] = source.rows(f"SELECT count(*) FROM {table} WHERE {key[0]} <= ?", after[:1]) if after else [(0,)]  # noqa: S608
        for rows in source.portions(sql, after or [], _PORTION):
            stored = [tuple(storable(row)) for row in rows]
            yield before, stored
            done, before = done + len(stored), self._key(table, stored[-1])
            self._report(f"{self._part.file.label}: {self._part.words.get(table, 'the rest')} {step}", done, total)

    def _key(self, table: str, row: Sequence[Any]) -> list[Any]:
        return [row[self._columns[table].index(name)] for name in self._part.tables[table]]

    def _chain_fault(self, fault: ChainFault) -> OperatorError:
        return self._fault(f"row {fault.seq} of it is not right, {fault.problem}")

    def _fault(self, why: str) -> OperatorError:
        return OperatorError(
            f"The {self._part.file.label} was not moved: {why}.",
            code="copy_differs",
            next_step="Nothing that servers use was changed. Run it again; `taskhand journal verify` without "
            "TASKHAND_STATE finds a fault of the journal.",
        )
