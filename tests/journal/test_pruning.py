"""Old changes go from the oldest end, whole, and the chain can still be proved."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import anyio

from fixed_clock import NOW, FixedClock
from journal.open_journal import PLACE, begin, delete_intent, make_opening, open_journal, rename_intent, settle
from taskhand.journal.journal import ChangeQuery, Claim, Ending, Result
from taskhand.journal.pruning import prune
from taskhand.journal.sqlite import SqliteJournal

DAYS = 30
KEPT = partial(open_journal, keep_days=DAYS)


async def ids(journal: SqliteJournal) -> list[str]:
    """All changes, oldest first."""
    return [change.id for change in (await journal.page(ChangeQuery(limit=1_000))).changes][::-1]


async def rows(journal: SqliteJournal) -> list[dict[str, object]]:
    """All rows."""
    return [json.loads(line) for line in [line async for line in journal.export()]]


async def is_whole(journal: SqliteJournal) -> bool:
    """Whether verify finds nothing."""
    return (await journal.verify()).fault is None


async def test_changes_that_are_too_old_go_and_the_chain_says_so(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle(journal)
        clock.move(days=10)
        young = await settle(journal, make_opening(at=clock()))
        clock.move(days=DAYS - 5)
        head = (await journal.verify()).head
        assert await journal.prune() == 4
        assert await ids(journal) == [young]
        last = (await rows(journal))[-1]
        assert last["seq"] == head.seq + 1
        body = last["body"]
        assert isinstance(body, dict)
        assert (body["kind"], body["value"]["through"], body["value"]["rows"]) == ("pruned", 4, 4)
        assert await is_whole(journal)
        assert await journal.prune() == 0


async def test_a_change_is_kept_for_all_of_its_days(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle(journal)
        clock.move(days=DAYS)
        assert await journal.prune() == 0
        clock.move(seconds=1)
        assert await journal.prune() == 4


async def test_it_can_be_pruned_again_and_again_and_to_the_last_change(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        for _ in range(3):
            await settle(journal, make_opening(at=clock()))
            clock.move(days=DAYS + 1)
            assert await journal.prune() > 0
            assert await ids(journal) == []
            assert await is_whole(journal)
        assert [row["seq"] for row in await rows(journal)] == [15]


async def test_an_open_change_and_all_after_it_stay_however_old(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle(journal)
        stays = [(await begin(journal)).id, await settle(journal)]
        clock.move(days=1_000)
        assert await journal.prune() == 4
        assert await ids(journal) == stays
        await journal.settle(stays[0], [], Ending("applied"))
        assert await journal.prune() == 0
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
        await journal.prune()
        assert gone not in await ids(journal)
        assert await ids(journal) == [early.id, middle.id]


async def test_order_is_that_of_the_chain_not_of_the_clock(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        young = await settle(journal, make_opening(at=clock() + timedelta(days=100)))
        old = await settle(journal)
        clock.move(days=DAYS + 1)
        assert await journal.prune() == 0
        assert await ids(journal) == [young, old]


async def test_without_a_term_everything_stays(journal_file: Path, clock: FixedClock) -> None:
    async with open_journal(journal_file, clock=clock) as journal:
        kept = await settle(journal)
        clock.move(days=100_000)
        assert await journal.prune() == 0
        assert kept in await ids(journal)


async def test_prunes_with_the_first_change_of_a_process_and_then_once_a_day(
    journal_file: Path, clock: FixedClock
) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        await settle(journal)
    clock.move(days=DAYS + 1)
    async with KEPT(journal_file, clock=clock) as journal:
        kept = [await settle(journal, make_opening(at=clock()))]
        assert await ids(journal) == kept
    clock.move(days=DAYS - 0.1)
    async with KEPT(journal_file, clock=clock) as journal:
        for days in (0, 0.2, 0.8):
            clock.move(days=days)
            kept.append(await settle(journal, make_opening(at=clock())))
            assert await ids(journal) == (kept if days < 0.8 else kept[1:])


async def test_a_claim_goes_with_its_change(journal_file: Path, clock: FixedClock) -> None:
    key = Claim("key Claude 1", "payload")
    async with KEPT(journal_file, clock=clock) as journal:
        await settle(journal, make_opening("create_task", key))
        clock.move(days=DAYS + 1)
        await journal.prune()
        assert (await journal.begin(make_opening("create_task", key, at=clock()), []))[1]
        assert await is_whole(journal)


async def test_ids_are_not_given_again_after_pruning(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        first = await settle(journal)
        clock.move(days=DAYS + 1)
        assert await settle(journal, make_opening(at=clock())) > first


async def test_changes_of_all_places_go(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as here, KEPT(journal_file, "vambe", clock) as there:
        await settle(here)
        await settle(there)
        clock.move(days=DAYS + 1)
        assert await here.prune() == 8
        assert await ids(there) == []


async def test_much_goes_in_portions_and_a_large_change_in_one(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        for _ in range(3):
            await settle(journal)
        large = await begin(journal, make_opening("bulk_update_tasks"), *(rename_intent(f"t-{n}") for n in range(10)))
        await journal.settle(large.id, [Result(n, "applied") for n in range(10)], Ending("applied"))
        with closing(sqlite3.connect(journal_file, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            went = [prune(connection, NOW + timedelta(days=1), NOW + timedelta(days=2), 6) for _ in range(5)]
        assert went == [4, 4, 4, 22, 0]
        assert await ids(journal) == []
        assert await is_whole(journal)


async def test_what_was_pruned_is_not_left_in_the_file(journal_file: Path, clock: FixedClock) -> None:
    async with KEPT(journal_file, clock=clock) as journal:
        for _ in range(40):  # more than the rows written afterwards could overwrite
            await settle(journal, make_opening(reason="because of Quetzalcoatl"))
        await begin(journal, make_opening(at=NOW + timedelta(days=100)), delete_intent())
        clock.move(days=DAYS + 1)
        assert await journal.prune() == 160
    left = await anyio.Path(journal_file).read_bytes()
    assert b"Quetzalcoatl" not in left
    assert PLACE.encode() in left
