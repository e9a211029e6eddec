"""Old changes go from the oldest end, whole, and the chain can still be proved."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import anyio
import pytest

from fixed_clock import NOW, FixedClock
from journal.open_journal import (
    PLACE,
    begin,
    delete_intent,
    make_opening,
    open_journal,
    remove_older,
    rename_intent,
    settle,
)
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.journal.followed_rows import JournalFile, RowReader, read_new_rows
from taskhand.journal.journal import ChangeQuery, Claim, Ending, Result
from taskhand.journal.pruning import prune_changes
from taskhand.journal.row_export import RowQuery, to_export_line
from taskhand.journal.sqlite import SqliteJournal
from taskhand.wiring import open_journal as journal_of_app

DAYS = 30
KEPT = partial(open_journal, keep_days=DAYS)


async def ids(journal: SqliteJournal) -> list[str]:
    """All changes, oldest first."""
    return [change.id for change in (await journal.page(ChangeQuery(limit=1_000))).changes][::-1]


async def rows(journal: SqliteJournal) -> list[dict[str, object]]:
    """All rows."""
    reader = RowReader(JournalFile(await journal.locate()), RowQuery())
    return [json.loads(to_export_line(row)) async for row in read_new_rows([reader])]


def remove_old(journal_file: Path, clock: FixedClock) -> int:
    """Remove every change that is older than DAYS; how many rows that were."""
    return remove_older(journal_file, clock() - timedelta(days=DAYS), clock())


async def is_whole(journal: SqliteJournal) -> bool:
    """Whether verify finds nothing."""
    return (await journal.verify()).fault is None


async def test_expired_changes_are_pruned_and_the_chain_records_it(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle(journal)
        oldest = (await journal.verify()).head
        clock.move(days=10)
        young = await settle(journal, make_opening(at=clock()))
        clock.move(days=DAYS - 5)
        head = (await journal.verify()).head
        assert remove_old(journal_file, clock) == 4
        assert await ids(journal) == [young]
        last = (await rows(journal))[-1]
        assert last["seq"] == head.seq + 1
        body = last["body"]
        assert isinstance(body, dict)
        assert (body["kind"], body["value"]["through"], body["value"]["rows"]) == ("pruned", 4, 4)
        assert await is_whole(journal)
        assert (await journal.verify(oldest.hash)).has_noted
        assert remove_old(journal_file, clock) == 0


async def test_a_change_is_kept_for_all_of_its_days(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle(journal)
        clock.move(days=DAYS)
        assert remove_old(journal_file, clock) == 0
        clock.move(seconds=1)
        assert remove_old(journal_file, clock) == 4


async def test_the_journal_can_be_pruned_repeatedly_and_to_the_last_change(
    journal_file: Path, clock: FixedClock
) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        for _ in range(3):
            await settle(journal, make_opening(at=clock()))
            clock.move(days=DAYS + 1)
            assert remove_old(journal_file, clock) > 0
            assert await ids(journal) == []
            assert await is_whole(journal)
        assert [row["seq"] for row in await rows(journal)] == [15]


async def test_an_open_change_and_all_after_it_stay_however_old(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle(journal)
        stays = [(await begin(journal)).id, await settle(journal)]
        clock.move(days=1_000)
        assert remove_old(journal_file, clock) == 4
        assert await ids(journal) == stays
        await journal.settle(stays[0], [], Ending("applied"))
        assert remove_old(journal_file, clock) == 0
        assert await is_whole(journal)


async def test_keeps_a_change_that_ended_late_and_all_rows_in_between(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        gone = await settle(journal)
        early = await begin(journal)
        middle = await begin(journal)
        await journal.settle(early.id, [], Ending("applied"))
        clock.move(days=DAYS)
        await journal.settle(middle.id, [], Ending("applied"))
        clock.move(days=DAYS / 2)
        remove_old(journal_file, clock)
        assert gone not in await ids(journal)
        assert await ids(journal) == [early.id, middle.id]


async def test_pruning_follows_the_order_of_the_chain_and_not_of_the_clock(
    journal_file: Path, clock: FixedClock
) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        young = await settle(journal, make_opening(at=clock() + timedelta(days=100)))
        old = await settle(journal)
        clock.move(days=DAYS + 1)
        assert remove_old(journal_file, clock) == 0
        assert await ids(journal) == [young, old]


async def test_without_a_retention_time_no_change_is_pruned(journal_file: Path, clock: FixedClock) -> None:
    async with open_journal(journal_file, clock=clock) as journal:
        kept = await settle(journal)
        clock.move(days=100_000)
        assert await journal.prune() == 0
        assert kept in await ids(journal)


async def test_prunes_with_the_first_change_of_a_process_and_then_once_a_day(
    journal_file: Path, clock: FixedClock
) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        made = [await settle(journal, make_opening(at=clock())) for _ in range(4)]
    clock.move(days=DAYS)
    async with KEPT(journal_file, clock=clock) as journal:
        made.append(await settle(journal, make_opening(at=clock())))
    clock.move(days=1, seconds=1)
    async with KEPT(journal_file, clock=clock) as journal:
        for hours, gone in ((0, 0), (12, 0), (12, 1), (12, 1), (12, 2)):
            clock.move(hours=hours)
            made.append(await settle(journal, make_opening(at=clock())))
            assert await ids(journal) == made[gone:]


async def settle_changes(journal: SqliteJournal, clock: FixedClock, changes: int) -> list[str]:
    """Settle this many changes now; their ids."""
    return [await settle(journal, make_opening(at=clock())) for _ in range(changes)]


async def test_a_journal_of_fewer_than_ten_rows_loses_one_old_change(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle_changes(journal, clock, 1)
        clock.move(days=DAYS + 1)
        kept = await settle_changes(journal, clock, 1)
        clock.move(days=1)
        assert (await journal.prune(), await ids(journal)) == (4, kept)


@pytest.mark.parametrize("changes", [1, 40])
async def test_one_reading_of_a_clock_that_is_ahead_removes_nothing(
    journal_file: Path, clock: FixedClock, changes: int
) -> None:
    key = Claim("key Claude 1", "payload")
    async with KEPT(journal_file, clock=clock) as journal:
        first = await settle(journal, make_opening("create_task", key))
        made = [first, *await settle_changes(journal, clock, changes - 1)]
    clock.move(days=400)
    async with KEPT(journal_file, clock=clock) as journal:
        made += await settle_changes(journal, clock, 1)
        assert await journal.prune() == 0
        assert await ids(journal) == made
    clock.move(days=-400)
    async with KEPT(journal_file, clock=clock) as journal:
        held, is_new = await journal.begin(make_opening("create_task", key), [])
        assert (held.id, is_new) == (first, False)


async def test_pruning_with_a_clock_that_stays_ahead_removes_a_tenth_of_the_rows_a_day(
    journal_file: Path, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle_changes(journal, clock, 99)
        clock.move(days=400)
        await settle_changes(journal, clock, 1)
        clock.move(days=1)
        assert await journal.prune() == 40
        assert await journal.prune() == 0
        async with KEPT(journal_file, clock=clock) as other:
            assert await other.prune() == 0
        assert "40 rows of changes" in caplog.text
        assert await is_whole(journal)
        clock.move(days=1)
        assert await journal.prune() == 36
        assert await is_whole(journal)


async def test_rows_removed_within_a_day_count_towards_the_tenth_of_all_rows(
    journal_file: Path, clock: FixedClock
) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle_changes(journal, clock, 9)
        clock.move(hours=12)
        await settle_changes(journal, clock, 90)
        clock.move(days=DAYS, hours=-11)
        await settle_changes(journal, clock, 1)
        clock.move(hours=12)
        await settle_changes(journal, clock, 1)
        clock.move(hours=12)
        assert await journal.prune() == 36  # the first nine changes are too old
        clock.move(hours=12)
        assert await journal.prune() == 4  # with these, 40 of 404 rows are removed
        assert await is_whole(journal)


async def test_nothing_is_removed_while_a_change_is_dated_in_the_future(
    journal_file: Path, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle_changes(journal, clock, 3)
        await settle(journal, make_opening(at=NOW + timedelta(days=500)))
        for _ in range(5):
            clock.move(days=DAYS)
            await settle_changes(journal, clock, 1)
            assert await journal.prune() == 0
        assert "is dated 2027-" in caplog.text
        assert len(await ids(journal)) == 9


@pytest.mark.parametrize(("ahead_s", "removed"), [(300, 4), (301, 0)])
async def test_pruning_tolerates_another_process_whose_clock_is_five_minutes_ahead(
    journal_file: Path, clock: FixedClock, ahead_s: int, removed: int
) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle_changes(journal, clock, 10)
        clock.move(days=DAYS + 1)
        await settle_changes(journal, clock, 1)
        await settle(journal, make_opening(at=clock() + timedelta(days=1, seconds=ahead_s)))
        clock.move(days=1)
        assert await journal.prune() == removed


async def test_a_frozen_clock_removes_nothing(store_file: Path) -> None:
    for days, count in ((0, 10), (DAYS + 1, 1), (DAYS + 2, 1)):
        at = NOW + timedelta(days=days)
        settings = Settings(db=store_file, clock=at, journal_days=DAYS)
        journal = journal_of_app(ConnectionSettings.of(settings))
        for _ in range(count):
            await settle(journal, make_opening(at=at))
        assert await journal.prune() == 0
        page = await journal.page(ChangeQuery(limit=1_000))
        await journal.aclose()
    assert len(page.changes) == 12


async def test_a_claim_goes_with_its_change(journal_file: Path, clock: FixedClock) -> None:
    key = Claim("key Claude 1", "payload")
    async with KEPT(journal_file, clock=clock) as journal:
        await settle(journal, make_opening("create_task", key))
        clock.move(days=DAYS + 1)
        remove_old(journal_file, clock)
        assert (await journal.begin(make_opening("create_task", key, at=clock()), []))[1]
        assert await is_whole(journal)


async def test_ids_are_not_given_again_after_pruning(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        first = await settle(journal)
        clock.move(days=DAYS + 1)
        assert remove_old(journal_file, clock) == 4
        assert await settle(journal, make_opening(at=clock())) > first


async def test_pruning_removes_changes_of_all_accounts(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal_a, KEPT(journal_file, "vambe", clock) as journal_b:
        await settle(journal_a)
        await settle(journal_b)
        clock.move(days=DAYS + 1)
        assert remove_old(journal_file, clock) == 8
        assert await ids(journal_b) == []


async def test_pruning_removes_rows_in_portions_but_a_large_change_at_once(
    journal_file: Path, clock: FixedClock
) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        for _ in range(3):
            await settle(journal)
        large = await begin(journal, make_opening("bulk_update_tasks"), *(rename_intent(f"t-{n}") for n in range(10)))
        await journal.settle(large.id, [Result(n, "applied") for n in range(10)], Ending("applied"))
        with closing(sqlite3.connect(journal_file, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            went = [prune_changes(connection, NOW + timedelta(days=1), NOW + timedelta(days=2), 6) for _ in range(5)]
        assert went == [4, 4, 4, 22, 0]
        assert await ids(journal) == []
        assert await is_whole(journal)


async def test_pruned_changes_are_overwritten_in_the_file(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        for _ in range(40):  # more than the rows written afterwards could overwrite
            await settle(journal, make_opening(reason="because of Quetzalcoatl"))
        clock.move(days=DAYS + 1)
        await begin(journal, make_opening(at=clock()), delete_intent())
        removed = 0
        while removed < 160:
            clock.move(days=1)
            removed += await journal.prune()
    left = await anyio.Path(journal_file).read_bytes()
    assert b"Quetzalcoatl" not in left
    assert PLACE.encode() in left
