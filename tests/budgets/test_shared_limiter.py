"""The queue of one replica: calls take turns, and without the database it keeps to the share of one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest

from budgets.test_reservation import assert_within
from taskhand.budgets.reservation import BudgetState, ReservationRequest, reserve
from taskhand.budgets.shared_limiter import Reservation, SharedRateLimiter
from taskhand.call.background_requests import idle_share
from taskhand.call.deadline import call_deadline
from taskhand.domain.errors import RateLimited
from taskhand.http.rate_headers import RateHeaders
from taskhand.http.rate_limiter import Rate, without_pauses
from time_limits import BOUND_S
from virtual_time import SharedTime, Time, settle

RATE = Rate(10, 1.0)


@dataclass
class MemoryBudget:
    """A budget in memory, which does not answer while `is_away`."""

    time: Time | SharedTime
    rate: Rate = RATE
    budget: BudgetState = field(default_factory=BudgetState)
    is_away: bool = False
    asked: int = 0
    on_ask: Callable[[], object] = lambda: None

    async def reserve(self, request: ReservationRequest) -> Reservation | None:
        self.asked += 1
        self.on_ask()
        await anyio.lowlevel.checkpoint()
        if self.is_away:
            return None
        self.budget, grant = reserve(self.rate, self.budget, request, self.time.now)
        return Reservation(grant.slots, grant.again_s, grant.replicas, self.budget.state, self.budget.limit)


@dataclass
class Replica:
    """One replica on a budget; `left` is who sent when."""

    limiter: SharedRateLimiter
    time: Time | SharedTime
    left: list[tuple[str, float]] = field(default_factory=list)

    async def send(self, who: str) -> None:
        async with self.turn():
            self.left.append((who, self.time.now - 1_000.0))

    @asynccontextmanager
    async def turn(self, within_s: float = 60.0) -> AsyncIterator[None]:
        async with self.limiter.turn(self.time.now + within_s):
            yield

    async def call(self, who: str, count: int) -> None:
        """One call that sends so many requests at the same time."""
        with call_deadline(60.0, self.time.clock):
            async with anyio.create_task_group() as tasks:
                for _ in range(count):
                    tasks.start_soon(self.send, who)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def budget(time: Time) -> MemoryBudget:
    return MemoryBudget(time)


@pytest.fixture
def replica(budget: MemoryBudget) -> Replica:
    return open_replica(budget)


def open_replica(budget: MemoryBudget, in_flight: int = 8) -> Replica:
    limiter = SharedRateLimiter(budget.rate, in_flight, budget, monotonic=budget.time.clock, sleep=budget.time.sleep)
    return Replica(limiter, budget.time)


async def test_many_requests_ask_together(replica: Replica, budget: MemoryBudget) -> None:
    await replica.call("bulk", 8)
    assert replica.left == [("bulk", 0.0)] * 8
    assert budget.asked <= 2


async def test_two_replicas_keep_to_one_rate_and_use_it(budget: MemoryBudget) -> None:
    one, two = open_replica(budget), open_replica(budget)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.call, "one", 30)
        tasks.start_soon(two.call, "two", 30)
    left = sorted(at for _, at in (*one.left, *two.left))
    assert_within(RATE, left)
    assert left[-1] <= 5 / 0.95


async def test_a_single_call_is_served_between_the_requests_of_a_bulk_of_the_same_replica(replica: Replica) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(replica.call, "bulk", 60)
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(replica.call, "single", 2)
    assert [at for who, at in replica.left if who == "single"][-1] <= 1.1
    assert [at for who, at in replica.left if who == "bulk"][-1] >= 5.0


async def test_without_the_database_a_replica_spends_one_share_and_reports_it_afterwards(
    replica: Replica, budget: MemoryBudget
) -> None:
    budget.is_away = True
    await replica.call("alone", 6)
    assert [at for _, at in replica.left] == pytest.approx([0.0, 0.0, 1.035, 1.035, 2.07, 2.07])  # 10 among 4
    budget.is_away = False
    other = open_replica(budget)
    await replica.call("again", 1)
    await other.call("other", 8)
    assert [at for who, at in other.left][:7] == pytest.approx([2.07] * 7)
    assert other.left[7][1] >= 3.1


async def test_the_share_is_that_of_one_more_than_were_last_seen(budget: MemoryBudget, time: Time) -> None:
    replica, other = open_replica(budget), open_replica(budget)
    await replica.call("one", 1)
    await other.call("two", 1)
    await replica.call("one", 1)
    budget.is_away = True
    time.now += 5.0
    replica.left.clear()
    await replica.call("alone", 6)
    assert [at for _, at in replica.left] == pytest.approx([5.0] * 3 + [6.035] * 3)  # 10 among 3


async def test_a_cancelled_request_leaves_the_others_of_its_call_in_the_queue(budget: MemoryBudget) -> None:
    replica = open_replica(budget, in_flight=1)
    with anyio.fail_after(BOUND_S), call_deadline(60.0, replica.time.clock):
        async with anyio.create_task_group() as tasks, replica.turn():
            tasks.start_soon(replica.send, "first")
            await settle()
            async with anyio.create_task_group() as given_up:
                given_up.start_soon(replica.send, "cancelled")
                await settle()
                tasks.start_soon(replica.send, "last")
                await settle()
                given_up.cancel_scope.cancel()
    assert [who for who, _ in replica.left] == ["first", "last"]


async def test_a_cancelled_request_gives_its_place_and_its_moment_back(replica: Replica) -> None:
    await replica.call("first", 8)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            for _ in range(12):
                tasks.start_soon(replica.send, "cancelled")
            await anyio.lowlevel.checkpoint()
            scope.cancel()
    await replica.call("last", 30)
    assert_within(RATE, [at for _, at in replica.left])
    assert replica.left[-1][1] <= 4.2


async def test_a_pause_reaches_idle_replicas_at_once(budget: MemoryBudget) -> None:
    one, two = open_replica(budget), open_replica(budget)
    async with one.turn():
        one.limiter.pause(5.0)
    await two.send("two")
    assert two.left == [("two", 5.0)]


async def test_a_long_pause_is_reported_at_once(replica: Replica, time: Time) -> None:
    async with replica.turn():
        replica.limiter.pause(50.0)
    with pytest.raises(RateLimited) as caught:
        async with replica.turn():
            pass
    assert caught.value.retry_after_s == pytest.approx(50.0)
    assert time.slept == []


async def test_a_used_up_window_holds_all(budget: MemoryBudget) -> None:
    one, two = open_replica(budget), open_replica(budget)
    async with one.turn():
        one.limiter.observe(RateHeaders(remaining=0, reset_s=7.0))
    await two.send("two")
    assert two.left == [("two", 7.0)]


async def test_the_answer_to_the_request_that_left_last_counts_though_another_comes_after_it(
    replica: Replica, budget: MemoryBudget, time: Time
) -> None:
    async with replica.turn():
        time.now += 0.2
        async with replica.turn():
            replica.limiter.observe(RateHeaders(remaining=3, reset_s=7.0))
        replica.limiter.observe(RateHeaders(remaining=9, reset_s=7.0))
    await replica.send("next")
    assert budget.budget.state.allowance == 2


@pytest.mark.parametrize(
    ("later_s", "rests", "counted"), [(0.2, (9, 3), 3), (0.2, (3, 9), 9), (0, (9, 3), 3), (0, (3, 9), 3)]
)
async def test_of_two_answers_that_of_the_later_request_counts_or_the_lower_rest_if_they_left_together(
    budget: MemoryBudget, later_s: float, rests: tuple[int, int], counted: int
) -> None:
    replica = open_replica(budget)
    for rest in rests:
        replica.limiter.observe(RateHeaders(remaining=rest, reset_s=7.0))
        replica.time.now += later_s
    await replica.send("next")
    assert budget.budget.state.allowance == counted - 1


async def test_an_answer_that_comes_during_a_reservation_is_reported_by_the_next_one(
    replica: Replica, budget: MemoryBudget
) -> None:
    budget.on_ask = lambda: replica.limiter.observe(RateHeaders(remaining=5, reset_s=7.0))
    await replica.send("first")
    budget.on_ask = lambda: None
    await replica.send("next")
    assert budget.budget.state.allowance == 4


async def test_a_request_in_flight_counts_against_the_remainder_in_a_later_answer(replica: Replica, time: Time) -> None:
    answered = anyio.Event()

    async def hold() -> None:
        async with replica.turn():
            await answered.wait()

    async with anyio.create_task_group() as tasks:
        async with replica.turn():
            time.now += 0.2
            tasks.start_soon(hold)
            await settle()
            time.now += 0.1
            replica.limiter.observe(RateHeaders(remaining=1, reset_s=7.0))
        await replica.send("next")
        answered.set()
    assert [(who, round(at, 3)) for who, at in replica.left] == [("next", 7.3)]


async def test_a_look_that_may_not_wait_counts_all_the_same(replica: Replica, budget: MemoryBudget) -> None:
    with without_pauses():
        for _ in range(4):
            await replica.send("look")
    other = open_replica(budget)
    await replica.call("one", 6)
    await other.call("two", 1)
    assert other.left[0][1] >= 1.0


async def test_a_turn_that_would_come_after_the_deadline_is_refused(replica: Replica) -> None:
    await replica.call("all", 8)
    await replica.call("all", 2)
    for within_s in (0.0, -1.0, 0.5):
        with pytest.raises(RateLimited):
            async with replica.turn(within_s):
                pass


async def test_a_request_that_takes_longer_than_usual_counts_for_longer(budget: MemoryBudget, time: Time) -> None:
    one, two = open_replica(budget), open_replica(budget)
    await one.call("usual", 8)
    async with one.turn(), one.turn():
        time.now += 0.4
    await two.call("two", 10)
    assert [round(at, 3) for _, at in two.left] == [1.035] * 8 + [1.435] * 2


async def test_background_requests_of_another_replica_do_not_slow_a_bulk_change() -> None:
    async def bulk_and_looks(looks: int) -> tuple[float, list[float]]:
        time = SharedTime()
        budget = MemoryBudget(time)
        bulk, other = open_replica(budget), open_replica(budget)
        async with time.passing(), anyio.create_task_group() as tasks:

            async def look() -> None:
                with idle_share(wait_s=60.0):
                    await other.send("look")

            async with anyio.create_task_group() as calls:
                calls.start_soon(bulk.call, "bulk", 60)
                await settle()
                for _ in range(looks):
                    tasks.start_soon(look)
            ended = time.now - 1_000.0
        return ended, [at for _, at in other.left]

    alone, _ = await bulk_and_looks(0)
    ended, looked = await bulk_and_looks(8)
    assert ended == pytest.approx(alone, abs=0.11)
    assert len(looked) == 8
    assert min(looked) > 5.0
    assert all(sum(at - 1.0 < one <= at for one in looked) <= 5 for at in looked)


async def test_background_requests_are_not_sent_while_the_database_is_away(
    replica: Replica, budget: MemoryBudget
) -> None:
    budget.is_away = True
    with idle_share(), pytest.raises(RateLimited):
        async with replica.turn(1.0):
            pass
    await replica.send("call")
    assert [who for who, _ in replica.left] == ["call"]


async def test_a_background_request_that_becomes_awaited_is_sent_like_others(
    budget: MemoryBudget,
) -> None:
    replica = open_replica(budget)
    await replica.call("bulk", 8)
    with idle_share() as share:
        share.end()
        await replica.send("look")
        assert replica.left[-1] == ("look", 0.0)
    with idle_share(wait_s=0.3), pytest.raises(RateLimited):
        await replica.send("look")


async def test_a_background_request_is_sent_soon_after_a_caller_waits_for_it(replica: Replica, time: Time) -> None:
    await replica.call("bulk", 8)
    with idle_share(wait_s=60.0) as share:

        async def end() -> None:
            share.end()

        time.on_sleep = end
        await replica.send("look")
    assert replica.left[-1][1] < 0.5


def _run_at_second_sleep(time: Time, action: Callable[[], Awaitable[None]]) -> None:
    async def wait_for_next() -> None:
        time.on_sleep = action

    time.on_sleep = wait_for_next


async def test_a_request_that_is_cancelled_before_its_slot_gives_its_place_back(
    budget: MemoryBudget, time: Time
) -> None:
    replica, scope = open_replica(budget, in_flight=1), anyio.CancelScope()
    for _ in range(10):
        await replica.send("first")

    async def cancel() -> None:
        scope.cancel()
        await anyio.lowlevel.checkpoint()

    _run_at_second_sleep(time, cancel)
    with scope:
        await replica.send("cancelled")
    with anyio.fail_after(BOUND_S):
        await replica.send("next")
    assert [who for who, _ in replica.left[10:]] == ["next"]
    assert replica.left[-1][1] < 1.1


async def test_a_request_behind_one_that_is_cancelled_before_its_slot_gets_its_place(
    budget: MemoryBudget, time: Time
) -> None:
    replica, scope = open_replica(budget, in_flight=1), anyio.CancelScope()
    for _ in range(10):
        await replica.send("first")
    with anyio.fail_after(BOUND_S):
        async with anyio.create_task_group() as tasks:

            async def cancel() -> None:
                tasks.start_soon(replica.send, "next")
                await settle()
                scope.cancel()
                await anyio.lowlevel.checkpoint()

            _run_at_second_sleep(time, cancel)
            with scope:
                await replica.send("cancelled")
    assert [who for who, _ in replica.left[10:]] == ["next"]


async def test_a_request_that_takes_as_long_as_usual_counts_from_the_moment_at_which_it_left(
    replica: Replica, budget: MemoryBudget, time: Time
) -> None:
    for _ in range(4):
        async with replica.turn():
            left_at = time.now
            time.now += 0.3
        time.now += 0.05
    await replica.send("next")
    assert left_at in budget.budget.state.sent


async def test_the_limit_that_the_crm_names_is_that_of_every_replica(budget: MemoryBudget) -> None:
    one, two = open_replica(budget), open_replica(budget)
    async with one.turn():
        one.limiter.observe(RateHeaders(149, 1.0, rolling_limit=150))
    for replica in (one, two):
        await replica.send("next")
        assert replica.limiter.headroom().rate.requests == 150
