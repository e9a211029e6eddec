"""Rate budgets in PostgreSQL: replicas with connections of their own spend from one."""

import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from operator import methodcaller
from typing import Any, NoReturn

import anyio
import psycopg
import pytest
from anyio import from_thread

from budgets.test_reservation import assert_within
from child_process import assert_killed, die
from postgres_server import TestDatabase
from taskhand.budgets.postgres import BUDGETS, PostgresBudget, PostgresBudgets
from taskhand.budgets.reservation import AHEAD_S, ObservedHeaders, ReservationRequest, widen_window
from taskhand.budgets.shared_limiter import Reservation, SharedRateLimiter
from taskhand.domain.errors import OperatorError
from taskhand.http.rate_headers import RateHeaders
from taskhand.http.rate_limiter import Rate
from taskhand.http.upstream import Runtime
from taskhand.postgres.database import Database
from taskhand.postgres.store import PostgresStore
from taskhand.sql.connection import SqlConnection

RATE = Rate(10, 0.3)
LATE_S = 0.02
"""How late a request may leave after its moment."""
ANSWER_S = 30.0
"""Longer than a database on a busy machine takes to answer."""


class WatchedClock(threading.local):
    """The clock of a process, and what each of its threads has read last."""

    last = 0.0

    def __call__(self) -> float:
        self.last = time.monotonic()
        return self.last


@dataclass(frozen=True)
class WatchedBudget:
    """A budget, and how many seconds each of its answers took."""

    budget: PostgresBudget
    took_s: list[float]

    async def reserve(self, request: ReservationRequest) -> Reservation | None:
        asked = time.monotonic()
        try:
            return await self.budget.reserve(request)
        finally:
            self.took_s.append(time.monotonic() - asked)


async def note_stalls(stalls: list[float]) -> None:
    """Note for how long at a time nothing went on in this process."""
    while True:
        began = time.monotonic()
        await anyio.sleep(0.005)
        stalls.append(time.monotonic() - began - 0.005)


@asynccontextmanager
async def budgets(url: str, account: str = "acme") -> AsyncIterator[PostgresBudgets]:
    found = PostgresBudgets.of(Database(url, sleep=lambda _: None), account)
    try:
        yield found
    finally:
        await found.aclose()


def open_budget(store: PostgresStore, clock: Callable[[], float] = time.monotonic) -> PostgresBudget:
    """A budget that waits for the database of a busy machine."""
    return PostgresBudget(store, "acme", RATE, monotonic=clock, answer_s=ANSWER_S)


def open_limiter(budgets: PostgresBudgets, rate: Rate = RATE, *, of_account: bool = False) -> SharedRateLimiter:
    limiter = budgets.open_limiter(rate, 8, Runtime(), of_account=of_account)
    assert isinstance(limiter, SharedRateLimiter)
    return limiter


async def test_replicas_keep_to_one_rate_and_use_it(postgres: TestDatabase) -> None:
    left, took_s, stalls, clock = list[float](), list[float](), list[float](), WatchedClock()

    async def send(limiter: SharedRateLimiter) -> None:
        async with limiter.turn(time.monotonic() + ANSWER_S):
            left.append(clock.last)

    stores = [PostgresStore(Database(postgres.url), BUDGETS) for _ in range(2)]
    async with anyio.create_task_group() as noting:
        noting.start_soon(note_stalls, stalls)
        async with anyio.create_task_group() as tasks:
            for store in stores:
                budget = WatchedBudget(open_budget(store, clock), took_s)
                limiter = SharedRateLimiter(RATE, 8, budget, monotonic=clock, sleep=anyio.sleep)
                for _ in range(20):
                    tasks.start_soon(send, limiter)
        noting.cancel_scope.cancel()
    for store in stores:
        await store.aclose()
    # Each knows the clock of the database as exactly as it was answered, and a request that was held up loses its turn.
    assert_within(Rate(RATE.requests, widen_window(RATE).per_s - LATE_S - max(took_s)), sorted(left))
    held_up_s = sum(took_s) + sum(one + AHEAD_S for one in stalls if one > LATE_S / 2)
    assert max(left) - min(left) < 4 * RATE.per_s + held_up_s


async def test_each_credential_has_a_budget_for_each_window_and_an_account_budget_is_shared(
    postgres: TestDatabase,
) -> None:
    async with budgets(postgres.url) as account, budgets(postgres.url, "globex") as other:
        ana, ben = account.of_person("ana"), account.of_person("ben")
        opened = [open_limiter(one) for one in (account, ana, ben, other)]
        opened += [open_limiter(one, of_account=True) for one in (account, ana, ben)]
        opened += [open_limiter(ana, Rate(RATE.requests, 10.0)), open_limiter(ana, Rate(50, 10.0))]
        for limiter in opened:
            async with limiter.turn(time.monotonic() + 30):
                pass
    assert postgres.rows("SELECT count(*) FROM taskhand_budgets.budget") == [(6,)]
    assert "acme" not in str(postgres.rows("SELECT * FROM taskhand_budgets.budget"))


async def test_an_unreachable_database_delays_no_request_and_is_tried_again_later(
    postgres: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    now = [100.0]
    store = PostgresStore(Database("postgresql://ana:s3cret@127.0.0.1:1/none", sleep=lambda _: None), BUDGETS)
    away = PostgresBudget(store, "acme", RATE, monotonic=lambda: now[0])
    assert await away.reserve(ReservationRequest("one", 1)) is None
    assert await away.reserve(ReservationRequest("one", 1)) is None
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "s3cret" not in caplog.text
    await store.aclose()
    database_store = PostgresStore(Database(postgres.url), BUDGETS)
    back = open_budget(database_store, lambda: now[0])
    reservation = await back.reserve(ReservationRequest("one", 3))
    assert reservation is not None
    assert [round(at, 1) for at in reservation.slots] == [100.0] * 3
    now[0] += 1_000  # a clock that counted while the database's stood still
    reservation = await back.reserve(ReservationRequest("one", 3))
    assert reservation is not None
    assert [round(at, 1) for at in reservation.slots] == [1_100.0] * 3
    await database_store.aclose()


class AwayStore(PostgresStore):
    """A database that is away, and how long a request would have waited for it each time."""

    def __init__(self) -> None:
        super().__init__(Database("postgresql://127.0.0.1:1/none"), BUDGETS)
        self.waits_s: list[float] = []

    def write_now(self, work: object, *, durable: bool = True) -> NoReturn:  # noqa: ARG002  the database does not answer
        """Note the wait; OperatorError."""
        self.waits_s.append(from_thread.run(_time_left))
        raise OperatorError("The database is away.")


async def _time_left() -> float:
    return anyio.current_effective_deadline() - anyio.current_time()


async def test_a_database_that_is_away_is_asked_again_after_two_seconds_and_for_one() -> None:
    store, now = AwayStore(), [100.0]
    budget = PostgresBudget(store, "acme", RATE, monotonic=lambda: now[0])
    for later_s in (0.0, 0.0, 1.9, 0.1, 1.9, 0.1):
        now[0] += later_s
        assert await budget.reserve(ReservationRequest("one", 1)) is None
    first, *others = store.waits_s
    assert 1.0 < first <= 3.0
    assert [wait_s <= 1.0 for wait_s in others] == [True, True]
    await store.aclose()


class FlakyStore(PostgresStore):
    """A database that is away at times."""

    is_away = True

    def write_now(self, work: Callable[[SqlConnection], Any], *, durable: bool = True) -> Any:
        """OperatorError while it is away."""
        if self.is_away:
            raise OperatorError("The database is away.")
        return super().write_now(work, durable=durable)


async def test_each_time_that_the_database_is_away_is_reported_once(
    postgres: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    store, now = FlakyStore(Database(postgres.url), BUDGETS), [100.0]
    budget = PostgresBudget(store, "acme", RATE, monotonic=lambda: now[0], answer_s=ANSWER_S)
    for store.is_away in (True, True, False, True):
        now[0] += 60
        assert (await budget.reserve(ReservationRequest("one", 1)) is None) is store.is_away
    assert [one.levelname for one in caplog.records] == ["WARNING"] * 2
    await store.aclose()


@pytest.mark.parametrize(
    ("report", "slots"),
    [
        (lambda _: {}, 10),
        (lambda now: {"sent": [now] * 9}, 1),
        (lambda now: {"paused_until": now + 5}, 0),
        (lambda now: {"observed": ObservedHeaders(RateHeaders(4, 5.0), now, now)}, 4),
        (lambda now: {"sent": [now - 1] * 10, "late": [(now - 1, now)] * 9}, 1),
    ],
    ids=["nothing", "sent", "paused", "observed", "late"],
)
async def test_a_report_by_the_clock_of_a_process_counts_by_that_of_the_database(
    postgres: TestDatabase, report: Callable[[float], dict[str, Any]], slots: int
) -> None:
    store, now = PostgresStore(Database(postgres.url), BUDGETS), 100.0
    budget = open_budget(store, lambda: now)
    assert await budget.reserve(ReservationRequest("one", 0, **report(now))) is not None
    reservation = await budget.reserve(ReservationRequest("two", 10))
    assert reservation is not None
    assert len(reservation.slots) == slots
    await store.aclose()


async def test_a_budget_that_nobody_used_for_a_week_is_forgotten_once_another_begins(postgres: TestDatabase) -> None:
    store = PostgresStore(Database(postgres.url), BUDGETS)
    for name, age in (("left", "8 days"), ("quiet", "6 days"), ("new", "0 days")):
        budget = PostgresBudget(store, name, RATE, monotonic=time.monotonic, answer_s=ANSWER_S)
        assert await budget.reserve(ReservationRequest("one", 1)) is not None
        aged = f"UPDATE budget SET used_at = used_at - interval '{age}' WHERE name = '{name}'"  # noqa: S608  our own
        await store.write(methodcaller("execute", aged))
    rows = await store.read(lambda connection: connection.execute("SELECT name FROM budget").fetchall())
    assert {row["name"] for row in rows} == {"quiet", "new"}
    await store.aclose()


async def test_slots_that_were_not_used_are_granted_again(postgres: TestDatabase) -> None:
    store = PostgresStore(Database(postgres.url), BUDGETS)
    # A clock that stands still would move the slots away from the database's.
    budget = open_budget(store, time.monotonic)
    first = await budget.reserve(ReservationRequest("one", 10))
    assert first is not None
    again = await budget.reserve(ReservationRequest("two", 10, unused=first.slots))
    assert again is not None
    assert (len(first.slots), len(again.slots)) == (10, 10)
    await store.aclose()


async def test_a_database_that_does_not_answer_is_not_waited_for(postgres: TestDatabase) -> None:
    held = PostgresStore(Database(postgres.url), BUDGETS)
    assert await open_budget(held).reserve(ReservationRequest("one", 1)) is not None
    budget = PostgresBudget(held, "acme", RATE, monotonic=time.monotonic, answer_s=0.1)
    with psycopg.connect(postgres.url) as paused:
        paused.execute("SELECT 1 FROM taskhand_budgets.budget FOR UPDATE")
        assert await budget.reserve(ReservationRequest("one", 1)) is None
    await held.aclose()


async def test_background_requests_leave_half_of_the_window_unused(
    postgres: TestDatabase,
) -> None:
    store = PostgresStore(Database(postgres.url), BUDGETS)
    budget = open_budget(store, lambda: 100.0)
    observed = ObservedHeaders(RateHeaders(52, 5.0, limit=100), 100.0, 100.0)
    assert await budget.reserve(ReservationRequest("one", 0, observed=observed)) is not None
    reservations = [await budget.reserve(ReservationRequest("two", 5, is_idle=True)) for _ in range(2)]
    assert [len(one.slots) for one in reservations if one is not None] == [2, 0]
    await store.aclose()


def test_a_process_killed_during_a_reservation_takes_no_slots_and_blocks_no_other(postgres: TestDatabase) -> None:
    async def reserve(wanted: int, clock: Callable[[], float] = time.monotonic) -> Reservation | None:
        store = PostgresStore(Database(postgres.url), BUDGETS)
        try:
            return await open_budget(store, clock).reserve(ReservationRequest("one", wanted))
        finally:
            await store.aclose()

    reads = count()

    def clock_that_kills() -> float:
        """The second reading comes when the budget was read and is locked."""
        return die() if next(reads) else time.monotonic()

    assert anyio.run(reserve, 0) is not None
    assert_killed(lambda: anyio.run(reserve, RATE.requests, clock_that_kills))
    reservation = anyio.run(reserve, RATE.requests)
    assert reservation is not None
    assert len(reservation.slots) == RATE.requests
