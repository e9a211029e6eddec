"""The rows of journals as an audit reads them: selected by change, in the order of time, and as they are added."""

import json
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from builders import refused
from fixed_clock import NOW
from journal.open_journal import PLACE, begin, make_opening, open_journal, remove_older, settle
from taskhand.domain.errors import OperatorError
from taskhand.journal.followed_rows import JournalFile, RowReader, follow_rows, read_new_rows
from taskhand.journal.journal import Caller, Ending, Opening, Result
from taskhand.journal.row_export import RowQuery, to_export_line
from taskhand.journal.sqlite import JOURNAL
from taskhand.sqlite.store import SqliteStore

Row = dict[str, Any]
Step = Callable[[], Awaitable[object]]

EVERYTHING = RowQuery()


def opening(person: str | None = None, connection: str | None = None, days: int = 0) -> Opening:
    """The opening of a change of a person on a connection."""
    caller = Caller("Claude", "1.0", person)
    return make_opening(caller=caller, connection=connection, at=NOW + timedelta(days=days))


async def export_rows(*files: JournalFile, query: RowQuery = EVERYTHING) -> list[Row]:
    """All rows that the query asks for."""
    return [json.loads(to_export_line(row)) async for row in read_new_rows([RowReader(file, query) for file in files])]


async def followed(file: Path, *steps: Step, query: RowQuery = EVERYTHING) -> list[list[Row]]:
    """The rows that are printed before each of the steps, which happen while the export sleeps, and after the last."""
    rounds: list[list[Row]] = [[]]
    left = list(steps)

    async def sleep(seconds: float) -> None:
        assert seconds == 1.0
        await left.pop(0)()
        rounds.append([])

    rows = follow_rows([RowReader(JournalFile(file), query)], sleep=sleep, goes_on=lambda: bool(left))
    async with aclosing(rows):
        async for row in rows:
            rounds[-1].append(json.loads(to_export_line(row)))
    return rounds


def changes(rows: Sequence[Row]) -> list[str]:
    """The changes that the rows belong to, in their order."""
    return list(dict.fromkeys(row["body"]["change_id"] for row in rows))


def kinds(rows: Sequence[Row]) -> list[str]:
    """What the rows are."""
    return [row["body"]["kind"] for row in rows]


async def test_a_line_names_person_and_connection_where_they_are_known(journal_file: Path) -> None:
    async with open_journal(journal_file) as journal:
        await settle(journal, opening())
        await settle(journal, opening("ana@x.test", "north"))
    rows = await export_rows(JournalFile(journal_file))
    whole = ["opening", "intent", "result", "ending"]
    assert kinds(rows) == whole * 2
    assert [list(row) for row in rows[:4]] == [["seq", "hash", "body"]] * 4
    assert [list(row) for row in rows[4:]] == [["connection", "person", "seq", "hash", "body"]] * 4
    assert {(row["connection"], row["person"]) for row in rows[4:]} == {("north", "ana@x.test")}


async def test_the_person_of_a_token_is_found_by_issuer_and_subject_with_the_case_of_letters(
    journal_file: Path,
) -> None:
    async with open_journal(journal_file) as journal:
        await settle(journal, opening("https://login.x.test#00U1"))
        await settle(journal, opening("https://login.x.test#00u1"))
    rows = await export_rows(JournalFile(journal_file), query=RowQuery(person="https://login.x.test#00U1"))
    assert changes(rows) == ["chg_0001"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (RowQuery(person="ana@x.test"), ["chg_0001", "chg_0003"]),
        (RowQuery(connection="south"), ["chg_0003"]),
        (RowQuery(connection="north", person="bob@x.test"), ["chg_0002"]),
        (RowQuery(connection="default"), ["chg_0004"]),
        (RowQuery(since=NOW + timedelta(days=2)), ["chg_0003", "chg_0004"]),
        (RowQuery(until=NOW + timedelta(days=1)), ["chg_0001", "chg_0002"]),
        (RowQuery(since=NOW + timedelta(days=2), until=NOW + timedelta(days=2)), ["chg_0003"]),
        (RowQuery(since=NOW, person="ana@x.test", connection="north"), ["chg_0001"]),
        (RowQuery(since=NOW + timedelta(days=9)), []),
        (RowQuery(person="x"), []),
    ],
)
async def test_filters_select_whole_changes(journal_file: Path, query: RowQuery, found: list[str]) -> None:
    async with open_journal(journal_file) as journal:
        await settle(journal, opening("Ana@x.test", "north"))  # from before the case of ids was folded
        await settle(journal, opening("bob@x.test", "north", 1))
        await settle(journal, opening("ana@x.test", "south", 2))
        await settle(journal, opening(days=3))  # from before there were several connections
    rows = await export_rows(JournalFile(journal_file, {PLACE: "default"}), query=query)
    assert changes(rows) == found
    assert len(rows) == 4 * len(found)


async def test_the_journals_of_several_connections_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    files = [JournalFile(tmp_path / "a.sqlite"), JournalFile(tmp_path / "b.sqlite"), JournalFile(tmp_path / "none")]
    for number, file in enumerate(files[:2]):
        async with open_journal(Path(file.path)) as journal:
            for days in (0, 2):
                at = NOW + timedelta(days=days + number)
                await journal.record(make_opening(at=at, connection=f"c{number}"), Ending("refused"))
    rows = await export_rows(*files)
    assert [row["connection"] for row in rows if row["body"]["kind"] == "opening"] == ["c0", "c1", "c0", "c1"]
    assert len({(row["connection"], row["hash"]) for row in rows}) == 8


async def test_follow_prints_new_rows_and_each_row_once(journal_file: Path) -> None:
    async def write() -> None:
        async with open_journal(journal_file) as journal:  # a server that starts, works and ends
            await settle(journal)

    async def nothing() -> None:
        pass

    rounds = await followed(journal_file, nothing, write, nothing, write)
    assert list(map(len, rounds)) == [0, 0, 4, 0, 4]
    assert changes([row for rows in rounds for row in rows]) == ["chg_0001", "chg_0002"]


async def test_follow_prints_a_change_as_it_proceeds(journal_file: Path) -> None:
    async with open_journal(journal_file) as journal:
        change = await begin(journal, opening("ana@x.test"))

        async def end() -> None:
            await journal.settle(change.id, [Result(0, "applied", "t-1")], Ending("applied"))

        rounds = await followed(journal_file, end, query=RowQuery(person="ana@x.test"))
    assert list(map(kinds, rounds)) == [["opening", "intent"], ["result", "ending"]]


async def test_follow_continues_after_a_pruning(journal_file: Path) -> None:
    async def prune() -> None:
        assert remove_older(journal_file, NOW + timedelta(days=1), NOW + timedelta(days=40)) == 8

    async with open_journal(journal_file) as journal:
        await settle(journal)
        await settle(journal)

        async def write() -> None:
            await settle(journal, opening(days=40))

        rounds = await followed(journal_file, prune, write)
    assert list(map(kinds, rounds[1:])) == [["pruned"], ["opening", "intent", "result", "ending"]]


@pytest.mark.parametrize("count", [1, 3])
async def test_follow_continues_with_the_journal_that_replaces_a_moved_one(journal_file: Path, count: int) -> None:
    async def write(changes: int) -> None:
        async with open_journal(journal_file) as journal:
            for _ in range(changes):
                await settle(journal)

    async def rotate() -> None:
        await anyio.Path(journal_file).rename(journal_file.with_suffix(".1"))

    async def write_again() -> None:
        await write(count)  # if there are more rows than before, the numbers do not show that it is another file

    await write(2)
    rounds = await followed(journal_file, rotate, write_again)
    assert list(map(len, rounds)) == [8, 0, 4 * count]
    assert [row["seq"] for row in rounds[2]] == list(range(1, 4 * count + 1))


class WatchedStore(SqliteStore):
    """A journal's file, and how often it was opened."""

    opened = 0

    async def exists(self) -> bool:
        """As the file's own."""
        self.opened += 1
        return await super().exists()


async def test_following_ends_at_a_file_that_is_no_journal(journal_file: Path) -> None:
    await anyio.Path(journal_file).write_bytes(b"no journal" * 100)
    with refused("store_unavailable", OperatorError):
        await followed(journal_file)


async def test_a_file_that_looks_unchanged_is_opened_at_every_tenth_look_all_the_same(journal_file: Path) -> None:
    async with open_journal(journal_file) as journal:
        await settle(journal)
    store, opened = WatchedStore(journal_file, JOURNAL), list[int]()
    reader = RowReader(JournalFile(journal_file, store=store), EVERYTHING)
    for _ in range(20):
        assert len([row async for row in read_new_rows([reader])]) == (0 if opened else 4)
        opened.append(store.opened)
    assert opened == [1] * 9 + [2] * 10 + [3]


async def test_an_export_holds_a_portion_of_the_rows_and_not_all(journal_file: Path) -> None:
    async with open_journal(journal_file) as journal:
        for _ in range(400):
            await journal.record(make_opening(reason="x" * 10_000), Ending("refused"))
    tracemalloc.start()
    read = 0
    async for row in read_new_rows([RowReader(JournalFile(journal_file), EVERYTHING)]):
        read += len(to_export_line(row))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read > 4_000_000
    assert peak < 2_000_000


class HeldReader(RowReader):
    """Reads a file that another process holds at first."""

    tries = 0

    async def open(self) -> None:
        """Fail once."""
        self.tries += 1
        if self.tries == 1:
            raise OperatorError("The journal is locked.", retryable=True)
        await super().open()


async def test_a_file_that_another_process_holds_is_waited_for(journal_file: Path) -> None:
    async def sleep(_: float) -> None:
        return

    async with open_journal(journal_file) as journal:
        made = await settle(journal)
    reader = HeldReader(JournalFile(journal_file), EVERYTHING)
    async with aclosing(follow_rows([reader], sleep=sleep, goes_on=lambda: reader.tries == 1)) as rows:
        assert changes([json.loads(to_export_line(row)) async for row in rows]) == [made]
