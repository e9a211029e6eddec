"""Replicas on one journal: one that did not answer finds its changes ended by another, and takes nothing back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from builders import refused, task
from fixed_clock import FixedClock
from journal.open_journal import APPLIED, begin, make_opening, open_postgres_journal, rename_intent, settle
from monotonic_clocks import UptimeClock
from postgres_proxy import open_postgres_proxy
from postgres_server import TestDatabase
from taskhand.call.change_ownership import check_ownership, own_writes
from taskhand.domain.errors import NotAttempted, OperatorError
from taskhand.journal.journal import Change, Claim, Ending, Intent, Journal, Result
from taskhand.journal.postgres import PostgresJournal

RECOVERED = Ending("not_applied", code="recovered")


def pause(postgres: TestDatabase, uptime: UptimeClock) -> None:
    """Let a minute pass in which a process did not say that it lives."""
    postgres.run("UPDATE taskhand_sessions.session SET seen_at = seen_at - interval '1 minute'")
    uptime.seconds += 60


@asynccontextmanager
async def open_paused(postgres: TestDatabase) -> AsyncIterator[tuple[PostgresJournal, PostgresJournal, Change]]:
    """Two replicas, and the change that the first one has begun before it was paused for a minute."""
    uptime = UptimeClock()
    async with (
        open_postgres_journal(postgres.url, uptime=uptime) as silent,
        open_postgres_journal(postgres.url) as other,
    ):
        change = await begin(silent)
        pause(postgres, uptime)
        yield silent, other, change


async def take_over(journal: Journal, change: Change, outcome: str = "not_applied") -> None:
    """End the change that a silent process has left."""
    [left] = await journal.abandoned_changes()
    assert left == change
    await journal.settle(change.id, [Result(0, outcome, "t-1")], Ending(outcome, "recovered"))  # type: ignore[arg-type]


async def test_a_silent_process_stays_alive_until_another_has_taken_it_over(postgres: TestDatabase) -> None:
    uptime = UptimeClock()
    async with open_postgres_journal(postgres.url, uptime=uptime) as silent:
        change = await begin(silent)
        pause(postgres, uptime)
        assert await silent.is_held(silent.session)  # it was the first to speak again
        async with open_postgres_journal(postgres.url) as other:
            assert await other.abandoned_changes() == ()
            pause(postgres, uptime)
            await take_over(other, change)
        assert not await silent.is_held(str(change.session))


async def test_nothing_more_is_sent_for_a_change_that_was_taken_over(postgres: TestDatabase) -> None:
    uptime = UptimeClock()
    async with (
        open_postgres_journal(postgres.url, uptime=uptime) as silent,
        open_postgres_journal(postgres.url) as other,
    ):
        change = await begin(silent)
        own_writes(lambda: silent.is_held(str(change.session)))
        await check_ownership()
        pause(postgres, uptime)
        assert await other.abandoned_changes() == (change,)
        with refused("not_attempted", NotAttempted):
            await check_ownership()
        with refused("not_attempted", NotAttempted):  # the other has not ended it yet
            await silent.revise(change.id, [rename_intent()])
        await take_over(other, change)
        with refused("not_attempted", NotAttempted):
            await silent.revise(change.id, [rename_intent()])
        again = await begin(silent)
        assert again.session not in {change.session, other.session}
        assert await other.abandoned_changes() == ()
        await silent.settle(again.id, [Result(0, "applied", "t-1")], APPLIED)


@pytest.mark.parametrize(
    ("read", "sent", "counts", "ended"),
    [
        ("not_applied", "refused", "not_applied", "not_applied"),
        ("applied", "refused", "applied", "applied"),
        ("applied", "unknown", "applied", "applied"),
        ("unknown", "unknown", "unknown", "unknown"),
        ("not_applied", "applied", "applied", "not_applied"),  # the other has read the task before it was written
        ("unknown", "applied", "applied", "applied"),
        ("unknown", "refused", "refused", "refused"),  # it alone knows that nothing was written
        ("unknown", "not_attempted", "not_attempted", "not_attempted"),
    ],
)
async def test_a_late_result_counts_only_if_it_is_more_certain_than_the_recorded_one(
    postgres: TestDatabase, read: str, sent: str, counts: str, ended: str
) -> None:
    async with open_paused(postgres) as (silent, other, change):
        await take_over(other, change, read)
        await silent.settle(change.id, [Result(0, sent, "t-1", task(id="t-1"))], Ending(sent))  # type: ignore[arg-type]
        found = await other.find(change.id)
        assert found is not None
        assert (found.results[0].outcome, found.ending and found.ending.outcome) == (counts, ended)
        assert (found.ending and found.ending.code) == "recovered"
        assert (await other.verify()).fault is None
        assert postgres.rows("SELECT count(*) FROM taskhand_journal.entry WHERE kind = 'late'") == [(1,)]


async def test_a_change_stays_unknown_while_one_of_its_tasks_has_no_result(postgres: TestDatabase) -> None:
    uptime = UptimeClock()
    async with (
        open_postgres_journal(postgres.url, uptime=uptime) as silent,
        open_postgres_journal(postgres.url) as other,
    ):
        change = await begin(silent, None, rename_intent("t-1"), rename_intent("t-2"))
        pause(postgres, uptime)
        await take_over(other, change, "unknown")
        await silent.settle(change.id, [Result(0, "applied", "t-1", task(id="t-1"))])
        found = await other.find(change.id)
        assert found is not None
        assert (found.outcome, found.results[0].outcome) == ("unknown", "applied")


async def test_a_change_that_ends_once_more_has_no_code_of_a_task_with_another_outcome(postgres: TestDatabase) -> None:
    uptime = UptimeClock()
    async with (
        open_postgres_journal(postgres.url, uptime=uptime) as silent,
        open_postgres_journal(postgres.url) as other,
    ):
        change = await begin(silent, None, rename_intent("t-1"), rename_intent("t-2"))
        pause(postgres, uptime)
        assert await other.abandoned_changes() == (change,)
        read = [Result(0, "unknown", "t-1"), Result(1, "unknown", "t-2")]
        await other.settle(change.id, read, Ending("unknown", "recovered"))
        late = [Result(0, "refused", "t-1", code="not_found"), Result(1, "applied", "t-2", task(id="t-2"))]
        await silent.settle(change.id, late, APPLIED)
        found = await other.find(change.id)
        assert found is not None
        assert found.ending == Ending("applied", "recovered")


async def test_a_result_counts_that_comes_while_another_process_reads_the_task(postgres: TestDatabase) -> None:
    async with open_paused(postgres) as (silent, other, change):
        assert await other.abandoned_changes() == (change,)
        assert not await silent.is_held(str(change.session))
        await silent.settle(change.id, [Result(0, "refused", "t-1", code="not_attempted")], Ending("refused"))
        await other.settle(change.id, [Result(0, "unknown", "t-1")], Ending("unknown", "recovered"))
        found = await other.find(change.id)
        assert found is not None
        assert found.ending == Ending("refused", "not_attempted")


async def test_a_late_result_does_not_settle_a_write_that_another_process_sent_since(
    postgres: TestDatabase,
) -> None:
    async with open_paused(postgres) as (silent, other, change):
        await take_over(other, change)
        ended = await other.find(change.id)
        assert ended is not None
        _, is_ours = await other.resume(ended, [0])
        assert is_ours
        await other.settle(change.id, [Result(0, "unknown", "t-1")], Ending("unknown"))
        await silent.settle(change.id, [Result(0, "refused", "t-1")], Ending("refused"))
        found = await other.find(change.id)
        assert found is not None
        assert (found.outcome, found.results[0].outcome) == ("unknown", "unknown")


async def test_the_first_of_two_that_end_a_change_ends_it(postgres: TestDatabase) -> None:
    async with open_paused(postgres) as (silent, other, change):
        assert await other.abandoned_changes() == (change,)
        await silent.settle(change.id, [Result(0, "applied", "t-1")], APPLIED)
        await other.settle(change.id, [Result(0, "not_applied", "t-1")], RECOVERED)
        found = await other.find(change.id)
        assert found is not None
        assert (found.outcome, found.results[0].outcome) == ("applied", "applied")


async def test_a_replica_that_dies_while_it_settles_for_another_is_taken_over_too(postgres: TestDatabase) -> None:
    async with open_postgres_journal(postgres.url) as third:
        async with open_postgres_journal(postgres.url) as second, open_postgres_journal(postgres.url) as first:
            change = await begin(first)
            pause(postgres, UptimeClock())
            assert await second.abandoned_changes() == (change,)
            assert await third.abandoned_changes() == ()
            pause(postgres, UptimeClock())
            assert await third.abandoned_changes() == (change,)
        assert await third.abandoned_changes() == (change,)


async def test_a_recovery_counts_as_late_once_another_process_has_taken_the_change_over(
    postgres: TestDatabase,
) -> None:
    uptime = UptimeClock()
    async with (
        open_postgres_journal(postgres.url) as third,
        open_postgres_journal(postgres.url, uptime=uptime) as second,
        open_postgres_journal(postgres.url) as first,
    ):
        change = await begin(first)
        pause(postgres, UptimeClock())
        assert await second.abandoned_changes() == (change,)
        own, former = await begin(second), second.session
        pause(postgres, uptime)
        assert await third.abandoned_changes() == (change, own)
        assert not await second.is_held(former)
        await second.settle(change.id, [Result(0, "not_applied", "t-1")], RECOVERED)
        found = await third.find(change.id)
        assert found is not None
        assert found.outcome == "open"
        await third.settle(change.id, [Result(0, "applied", "t-1")], APPLIED)
        found = await second.find(change.id)
        assert found is not None
        assert (found.outcome, found.results[0].outcome) == ("applied", "applied")


async def test_a_lock_is_held_by_one_process_at_a_time_and_ends_with_it(postgres: TestDatabase) -> None:
    uptime = UptimeClock()
    async with (
        open_postgres_journal(postgres.url) as other,
        open_postgres_journal(postgres.url, account_name="b") as elsewhere,
    ):
        async with open_postgres_journal(postgres.url, uptime=uptime) as first:
            assert await first.locks.acquire(["t-1", "t-2"]) == frozenset()
            assert await other.locks.acquire(["t-3", "t-2"]) is None
            assert await other.locks.acquire(["t-3"]) == frozenset()  # it has not been taken with the other one
            assert await elsewhere.locks.acquire(["t-1"]) == frozenset()
            await first.locks.release(["t-2"])
            assert await other.locks.acquire(["t-2"]) == frozenset({"t-2"})
            assert await first.locks.acquire(["t-2"]) is None
        assert await other.locks.acquire(["t-1", "t-2"]) == frozenset({"t-1"})
        postgres.run("UPDATE taskhand_sessions.turn SET free_since = free_since - interval '11 minutes'")
        await other.locks.release(["t-1", "t-2", "t-3"])
        assert await other.locks.acquire(["t-1"]) == frozenset()
    turns = postgres.rows("SELECT count(*), count(holder) FROM taskhand_sessions.turn")
    assert turns == [(4, 0)]


async def test_a_cancelled_call_releases_its_locks(postgres: TestDatabase) -> None:
    async with open_postgres_journal(postgres.url) as first, open_postgres_journal(postgres.url) as other:
        with anyio.CancelScope() as call:
            await first.locks.acquire(["t-1"])
            call.cancel()
            await first.locks.release(["t-1"])
        assert await other.locks.acquire(["t-1"]) is not None


async def test_an_intent_whose_commit_is_uncertain_is_ended_as_not_attempted(
    postgres: TestDatabase,
) -> None:
    claim = Claim("key 1", "payload")
    with open_postgres_proxy(postgres.url) as proxy:
        async with open_postgres_journal(proxy.url, sleep=lambda _: None) as journal:
            first = await settle(journal)
            with proxy.cut_after_commit(), refused("store_unavailable", OperatorError) as error:
                await journal.begin(make_opening("create_task", claim), [Intent("create")])
            assert "not known" in error.value.message
            [doubtful] = postgres.rows("SELECT change_id FROM taskhand_journal.under_way")
            change, is_new = await journal.begin(make_opening("create_task", claim), [Intent("create")])
            assert is_new
            assert change.id not in {first, doubtful[0]}
            ended = await journal.find(str(doubtful[0]))
            assert ended is not None
            assert ended.outcome == "not_attempted"
            assert postgres.rows("SELECT change_id FROM taskhand_journal.under_way") == [(change.id,)]


async def test_only_one_of_several_simultaneous_replicas_gets_the_claim(
    postgres: TestDatabase, clock: FixedClock
) -> None:
    answers: list[tuple[Change, bool]] = []

    async def ask(journal: PostgresJournal) -> None:
        answers.append(await journal.begin(make_opening("create_task", Claim("key 1", "")), [Intent("create")]))

    async with (
        open_postgres_journal(postgres.url, clock=clock) as one,
        open_postgres_journal(postgres.url, clock=clock) as two,
        open_postgres_journal(postgres.url, clock=clock) as three,
        anyio.create_task_group() as group,
    ):
        for journal in (one, two, three) * 3:
            group.start_soon(ask, journal)
    assert sorted(is_new for _, is_new in answers) == [False] * 8 + [True]


async def test_a_journal_that_cannot_give_its_session_back_is_closed(postgres: TestDatabase) -> None:
    async with open_postgres_journal(postgres.url) as journal:
        await begin(journal)
        postgres.run("DROP SCHEMA taskhand_sessions CASCADE")


async def test_an_altered_row_of_a_database_fails_the_health_check(postgres: TestDatabase) -> None:
    async with open_postgres_journal(postgres.url) as journal:
        await settle(journal)
        assert [one.outcome for one in await journal.check_health()] == ["ok"]
        postgres.run("UPDATE taskhand_journal.entry SET body = body || ' ' WHERE seq = 2")
        [altered] = await journal.check_health()
    assert altered.outcome == "failed"
    assert "was altered: row 2 is not right" in altered.found
