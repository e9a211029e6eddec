"""Verification names the first row that was altered, added or removed."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from builders import refused
from fixed_clock import NOW, FixedClock
from journal.open_journal import (
    APPLIED,
    begin,
    full_change,
    make_opening,
    open_journal,
    remove_older,
    rename_intent,
    settle,
)
from taskhand.domain.errors import OperatorError
from taskhand.journal.change_rows import COLUMNS, Entry
from taskhand.journal.hash_chain import ChainLink, next_link
from taskhand.journal.journal import Claim, Ending, Result
from taskhand.journal.row_writes import append, set_link
from taskhand.journal.sqlite import SqliteJournal
from taskhand.journal.verification import Verification, describe_rows, verify_chain
from taskhand.sql.connection import stored_instant

Database = sqlite3.Connection
Tamper = Callable[[Database], object]

KINDS = ("opening", "intent", "revised", "result", "ending", "pruned")
VALUES = {"kind": "ending", "at": "2027-01-01T00:00:00.000000+00:00"}
"""What a column is altered to, where it cannot be anything."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A journal with rows of every kind, pruned once, with a claim and an open change; in memory."""
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"

    async def fill() -> None:
        clock = FixedClock()
        async with open_journal(path, clock=clock) as journal:
            await settle(journal)
            clock.move(days=40)
            later = NOW + timedelta(days=40)
            assert remove_older(path, NOW + timedelta(days=10), later) == 4
            await full_change(journal)
            await journal.record(make_opening(at=later), Ending("planned"), [rename_intent()])
            await begin(journal, make_opening("create_task", Claim("key", "p"), at=later))
            assert (await journal.verify()).fault is None

    anyio.run(fill)
    with closing(sqlite3.connect(path)) as stored, closing(sqlite3.connect(":memory:")) as memory:
        stored.backup(memory)
        memory.row_factory = sqlite3.Row
        yield memory


def numbers(original: Database) -> list[int]:
    """The numbers of its rows."""
    return [row["seq"] for row in original.execute("SELECT seq FROM entry ORDER BY seq")]


def verify_tampered(original: Database, tamper: Tamper, noted: str | None = None) -> Verification:
    """The verification of a copy that was tampered with."""
    with closing(sqlite3.connect(":memory:")) as copy:
        original.backup(copy)
        copy.row_factory = sqlite3.Row
        tamper(copy)
        return verify_chain(copy, noted)


def tamper_by_sql(sql: str, *values: object) -> Tamper:
    """Tampers with one SQL statement."""
    return lambda copy: copy.execute(sql, values)


def swaps(one: int, other: int) -> Tamper:
    """Tampers by swapping two rows."""

    def swap(copy: Database) -> None:
        for old, new in ((one, -1), (other, one), (-1, other)):
            copy.execute("UPDATE entry SET seq = ? WHERE seq = ?", (new, old))

    return swap


def found_at(original: Database, tamper: Tamper) -> int | None:
    """The number of the row that the fault names."""
    fault = verify_tampered(original, tamper).fault
    return fault.seq if fault else None


def test_a_health_check_verifies_the_newest_rows_and_counts_the_unread_ones(original: Database) -> None:
    first, *_, last = seqs = numbers(original)
    with closing(sqlite3.connect(":memory:")) as copy:
        original.backup(copy)
        copy.row_factory = sqlite3.Row
        for count in range(1, len(seqs)):
            found = verify_chain(copy, newest=count)
            assert (found.fault, found.rows, found.unread) == (None, count, len(seqs) - count)
        assert "as they were written" in describe_rows(found)
        assert describe_rows(found).startswith(f"{len(seqs)} rows, of which the newest {found.rows} are ")
        for tamper, seen in (
            (f"UPDATE entry SET at = 'x' WHERE seq = {first}", len(seqs)),  # noqa: S608  numbers of rows
            (f"UPDATE entry SET at = 'x' WHERE seq = {last}", 1),  # noqa: S608  as above
        ):
            copy.execute(tamper)
            assert verify_chain(copy, newest=seen - 1).fault is None or seen == 1
            assert verify_chain(copy, newest=seen).fault
            copy.execute("UPDATE entry SET at = json_extract(body, '$.at')")


def test_claims_and_open_changes_of_the_newest_rows_are_compared(original: Database) -> None:
    opened = original.execute("SELECT max(seq) FROM entry WHERE kind = 'opening'").fetchone()[0]
    with closing(sqlite3.connect(":memory:")) as copy:
        original.backup(copy)
        copy.row_factory = sqlite3.Row
        rest = numbers(original)[-1] - opened
        for table in ("claim", "under_way"):
            copy.execute("SAVEPOINT whole")
            copy.execute(f"DELETE FROM {table} WHERE seq = {opened}")  # noqa: S608  a table of ours
            assert verify_chain(copy, newest=rest).fault is None
            fault = verify_chain(copy, newest=rest + 1).fault
            assert fault is not None
            assert fault.seq == opened
            copy.execute("ROLLBACK TO whole")


@pytest.mark.parametrize("seq", [-1, 1, 10**9])
def test_a_claim_of_a_pruned_or_missing_row_is_detected(original: Database, seq: int) -> None:
    sql = "INSERT INTO claim SELECT 'another scope', place, ?, change_id, at FROM claim LIMIT 1"
    assert found_at(original, tamper_by_sql(sql, seq)) == seq


def test_the_first_of_several_added_claims_is_reported(original: Database) -> None:
    within = numbers(original)[0]

    def add(copy: Database) -> None:
        for seq in (10**9, within, 1):
            tamper_by_sql("INSERT INTO claim SELECT 'another', place, ?, change_id, at FROM claim LIMIT 1", seq)(copy)

    assert within > 1
    assert found_at(original, add) == 1


def newest(original: Database) -> str:
    """The hash of the head."""
    return str(original.execute("SELECT hash FROM link WHERE name = 'head'").fetchone()[0])


def test_the_journal_has_every_kind_of_row_and_is_whole(original: Database) -> None:
    assert {row["kind"] for row in original.execute("SELECT kind FROM entry")} == set(KINDS)
    found = verify_chain(original)
    assert (found.fault, found.rows, found.head.hash) == (None, len(numbers(original)), newest(original))


def test_the_hash_of_a_row_depends_on_the_row_before_its_number_and_its_body() -> None:
    links = [(ChainLink(1, "a"), "{}"), (ChainLink(1, "b"), "{}"), (ChainLink(2, "a"), "{}"), (ChainLink(1, "a"), "[]")]
    assert len({next_link(previous, body).hash for previous, body in links}) == len(links)


@pytest.mark.parametrize("column", [*COLUMNS, "body", "hash"])
def test_an_altered_column_of_any_row_is_found(original: Database, column: str) -> None:
    for seq in numbers(original):
        was = original.execute(f"SELECT {column} FROM entry WHERE seq = ?", (seq,)).fetchone()[0]  # noqa: S608
        value = VALUES.get(column, "altered")
        value = value if value != was else "result"
        sql = f"UPDATE entry SET {column} = ? WHERE seq = ?"  # noqa: S608
        assert found_at(original, tamper_by_sql(sql, value, seq)) == seq


def test_one_altered_character_of_a_body_is_found(original: Database) -> None:
    sql = "UPDATE entry SET body = replace(body, 'New title', 'New tit1e') WHERE kind = 'intent'"
    first = original.execute("SELECT min(seq) FROM entry WHERE kind = 'intent'").fetchone()[0]
    assert found_at(original, tamper_by_sql(sql)) == first


def test_a_body_that_is_no_text_any_more_is_found(original: Database) -> None:
    sql = "UPDATE entry SET body = CAST(x'ff7b7d' AS TEXT) WHERE seq = ?"
    seq = numbers(original)[3]
    assert found_at(original, tamper_by_sql(sql, seq)) == seq


def test_any_removed_row_is_found(original: Database) -> None:
    for seq in numbers(original):
        assert found_at(original, tamper_by_sql("DELETE FROM entry WHERE seq = ?", seq)) == seq


def test_removed_rows_at_either_end_are_found(original: Database) -> None:
    first, *_, last = numbers(original)
    assert found_at(original, tamper_by_sql("DELETE FROM entry WHERE seq > ?", last - 3)) == last - 2
    assert found_at(original, tamper_by_sql("DELETE FROM entry WHERE seq < ?", first + 3)) == first
    assert found_at(original, tamper_by_sql("DELETE FROM entry")) == first


def test_two_rows_that_changed_places_are_found(original: Database) -> None:
    rows = numbers(original)

    for one, other in pairwise(rows):
        assert found_at(original, swaps(one, other)) == one


def test_a_row_that_was_put_in_is_found(original: Database) -> None:
    for seq in (1, numbers(original)[-1] + 1):
        sql = (
            f"INSERT INTO entry SELECT {seq}, {', '.join(COLUMNS)}, body, hash FROM entry WHERE kind = 'ending' LIMIT 1"  # noqa: S608
        )
        assert found_at(original, tamper_by_sql(sql)) == seq


@pytest.mark.parametrize("name", ["head", "anchor"])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE link SET seq = seq + 1 WHERE name = ?",
        "UPDATE link SET seq = seq - 1 WHERE name = ?",
        "UPDATE link SET hash = 'altered' WHERE name = ?",
        "DELETE FROM link WHERE name = ?",
    ],
)
def test_an_altered_end_of_the_chain_is_found(original: Database, sql: str, name: str) -> None:
    assert verify_tampered(original, tamper_by_sql(sql, name)).fault


def test_finds_rows_removed_from_the_oldest_end_even_if_the_anchor_was_moved(original: Database) -> None:
    def remove(copy: Database) -> None:
        row = copy.execute("SELECT seq, hash FROM entry ORDER BY seq LIMIT 1 OFFSET 2").fetchone()
        copy.execute("DELETE FROM entry WHERE seq <= ?", (row["seq"],))
        set_link(copy, "anchor", ChainLink(row["seq"], row["hash"]))

    assert "without a pruning" in str(verify_tampered(original, remove).fault)


@pytest.mark.parametrize("table", ["claim", "under_way"])
def test_tables_beside_the_chain_must_agree_with_it(original: Database, table: str) -> None:
    opened = original.execute("SELECT max(seq) FROM entry WHERE kind = 'opening'").fetchone()[0]
    for sql in (
        f"DELETE FROM {table} WHERE seq = {opened}",  # noqa: S608
        f"UPDATE {table} SET place = 'elsewhere' WHERE seq = {opened}",  # noqa: S608
        f"UPDATE {table} SET change_id = 'chg_0002' WHERE seq = {opened}",  # noqa: S608
    ):
        assert found_at(original, tamper_by_sql(sql)) == opened


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO claim SELECT 'another scope', place, seq, change_id, at FROM claim ORDER BY seq LIMIT 1",
        "INSERT INTO claim SELECT scope, 'elsewhere', seq, change_id, at FROM claim ORDER BY seq LIMIT 1",
        "INSERT INTO under_way SELECT 'chg_9999', session, place, seq FROM under_way ORDER BY seq LIMIT 1",
    ],
)
def test_finds_a_row_added_beside_the_chain(original: Database, sql: str) -> None:
    table = sql.split()[2]
    seq = original.execute(f"SELECT min(seq) FROM {table}").fetchone()[0]  # noqa: S608  a table of ours
    assert found_at(original, tamper_by_sql(sql)) == seq


def test_a_head_noted_elsewhere_reveals_a_forged_chain(original: Database) -> None:
    def forge(copy: Database) -> None:
        last = verify_chain(copy).head
        row = copy.execute("SELECT seq, body FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        before = copy.execute("SELECT seq, hash FROM entry WHERE seq = ?", (last.seq - 1,)).fetchone()
        body = row["body"].replace("New title", "Forged")
        link = next_link(ChainLink(before["seq"], before["hash"]), body)
        copy.execute("UPDATE entry SET body = ?, hash = ? WHERE seq = ?", (body, link.hash, link.seq))
        set_link(copy, "head", link)

    noted = newest(original)
    assert verify_chain(original, noted).has_noted
    found = verify_tampered(original, forge, noted)
    assert (found.fault, found.has_noted) == (None, False)


def test_a_noted_head_stays_in_the_chain_after_more_rows(original: Database) -> None:
    def write(copy: Database) -> None:
        append(copy, [Entry("pruned", stored_instant(NOW), {"through": 4, "hash": anchor_hash(copy)})])

    assert verify_tampered(original, write, newest(original)) == verify_tampered(original, write)


def anchor_hash(original: Database) -> str:
    """The hash of the last row that was pruned."""
    return str(original.execute("SELECT hash FROM link WHERE name = 'anchor'").fetchone()[0])


async def test_a_journal_without_its_head_is_not_written_on(file_journal: SqliteJournal, journal_file: Path) -> None:
    await settle(file_journal)
    with closing(sqlite3.connect(journal_file)) as connection, connection:
        connection.execute("DELETE FROM link")
    with refused("journal_damaged", OperatorError):
        await begin(file_journal)


async def test_a_damaged_row_is_an_error(file_journal: SqliteJournal, journal_file: Path) -> None:
    change_id = await settle(file_journal)
    with closing(sqlite3.connect(journal_file, isolation_level=None)) as connection:
        for kind in ("opening", "intent", "result", "ending"):
            [(sound,)] = connection.execute("SELECT body FROM entry WHERE kind = ?", (kind,))
            emptied = json.dumps(json.loads(sound) | {"value": {}})
            for body in ("{", "[]", "{}", f'{{"kind":"{kind}"}}', "[" * 5_000, emptied):
                connection.execute("UPDATE entry SET body = ? WHERE kind = ?", (body, kind))
                with refused("journal_damaged", OperatorError):
                    await file_journal.find(change_id)
            connection.execute("UPDATE entry SET body = ? WHERE kind = ?", (sound, kind))
        assert await file_journal.find(change_id)
        connection.execute("UPDATE entry SET body = replace(body, 'New', CAST(X'FF' AS TEXT)) WHERE kind = 'intent'")
        assert (await file_journal.verify()).fault is not None
        with refused("store_unavailable", OperatorError):
            await file_journal.find(change_id)


async def test_a_change_that_is_resumed_is_sound_while_it_is_open_and_after_it_has_ended(
    file_journal: SqliteJournal,
) -> None:
    started = await begin(file_journal, None, rename_intent(), rename_intent("t-2"))
    await file_journal.settle(started.id, [Result(1, "not_attempted", "t-2")], APPLIED)
    seen = await file_journal.find(started.id)
    assert seen
    await file_journal.resume(seen, [1])
    assert (await file_journal.verify()).fault is None
    await file_journal.settle(started.id, [Result(1, "applied", "t-2")], APPLIED)
    assert (await file_journal.verify()).fault is None
