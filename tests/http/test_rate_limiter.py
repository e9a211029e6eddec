from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhand.call.background_requests import IdleShare, idle_share
from taskhand.domain.errors import RateLimited
from taskhand.http.account_limiter import LimiterInAccount
from taskhand.http.rate_headers import RateHeaders, parse_ietf_headers
from taskhand.http.rate_limiter import (
    Rate,
    RateLimiter,
    RateState,
    idle_at,
    ready_at,
    with_headers,
    with_pause,
    with_request,
    without_pauses,
)
from time_limits import BOUND_S
from virtual_time import SharedTime

if TYPE_CHECKING:
    from http.conftest import Time

THREE = Rate(requests=3, per_s=2.0)


def sendings(rate: Rate, state: RateState, arrivals: list[float]) -> list[float]:
    """When requests that arrive at these times leave, each behind the one before."""
    left: list[float] = []
    for arrival in arrivals:
        at = ready_at(rate, state, max([arrival, *left[-1:]]))
        state = with_request(rate, state, at)
        left.append(at)
    return left


def test_a_burst_leaves_at_once_and_the_rest_waits_for_the_window() -> None:
    assert sendings(THREE, RateState(), [0.0] * 7) == [0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 4.0]


@given(
    requests=st.integers(1, 12),
    per_ms=st.integers(1, 20_000),
    gaps=st.lists(st.integers(0, 3_000), max_size=60),
    pause=st.integers(0, 5_000),
)
def test_no_window_wherever_it_begins_holds_more_than_the_rate(
    requests: int, per_ms: int, gaps: list[int], pause: int
) -> None:
    rate = Rate(requests, float(per_ms))  # whole milliseconds as floats: exact arithmetic
    arrivals = [float(sum(gaps[: n + 1])) for n in range(len(gaps))]
    left = sendings(rate, with_pause(RateState(), min(pause, 60), 0.0), arrivals)
    assert left == sorted(left)
    assert all(late - early >= per_ms for early, late in zip(left, left[requests:], strict=False))
    assert all(at >= arrival for at, arrival in zip(left, arrivals, strict=True))


@given(requests=st.integers(1, 12), count=st.integers(1, 60))
def test_the_whole_rate_is_used(requests: int, count: int) -> None:
    left = sendings(Rate(requests, 1.0), RateState(), [0.0] * count)
    assert left[-1] == (count - 1) // requests


def test_the_upstreams_limit_replaces_the_configured_rate() -> None:
    state = with_headers(RateState(), RateHeaders(remaining=5, reset_s=4.0), 10.0)
    assert sendings(THREE, state, [10.0] * 6) == [10.0, 10.0, 10.0, 10.0, 10.0, 14.0]


def test_the_configured_rate_counts_again_when_the_upstreams_window_is_over() -> None:
    state = with_headers(RateState(), RateHeaders(remaining=0, reset_s=1.0), 10.0)
    assert sendings(THREE, state, [10.0] * 4) == [11.0, 11.0, 11.0, 13.0]


def test_an_answer_that_was_overtaken_does_not_raise_the_allowance() -> None:
    first = with_headers(RateState(), RateHeaders(remaining=2, reset_s=4.0), 10.0)
    assert with_headers(first, RateHeaders(remaining=9, reset_s=4.0), 10.1).allowance == 2
    assert with_headers(first, RateHeaders(remaining=9, reset_s=4.0), 14.1).allowance == 9


@pytest.mark.parametrize(
    ("at", "reset_s", "allowance"),
    [
        (12.0, 2.0, 2),
        (12.0, 3.0, 2),  # the window of before, by a clock of whole seconds
        (12.0, 3.1, 9),
        (14.0, 1.0, 9),
    ],
)
def test_a_window_that_ends_later_replaces_the_known_one(at: float, reset_s: float, allowance: int) -> None:
    first = with_headers(RateState(), RateHeaders(remaining=2, reset_s=4.0), 10.0)
    later = with_headers(first, RateHeaders(remaining=9, reset_s=reset_s), at)
    assert later.allowance == allowance
    assert later.until == (14.0 if allowance == 2 else at + reset_s)


def test_a_window_that_ends_in_a_day_holds_back_for_a_minute() -> None:
    state = with_headers(RateState(), RateHeaders(remaining=0, reset_s=86_400.0), 0.0)
    assert ready_at(THREE, state, 0.0) == 60.0


def test_requests_still_on_their_way_are_taken_off_the_allowance() -> None:
    assert with_headers(RateState(), RateHeaders(remaining=5, reset_s=1.0), 0.0, in_flight=7).allowance == 0


def test_a_pause_is_never_shortened_and_never_endless() -> None:
    state = with_pause(with_pause(RateState(), 60.0, 0.0), 5.0, 0.0)
    assert ready_at(THREE, state, 0.0) == 60.0
    assert ready_at(THREE, with_pause(RateState(), 1e9, 0.0), 0.0) == 60.0


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("limit=100, remaining=50, reset=5", RateHeaders(50, 5.0, limit=100)),
        ("limit=100, remaining=0, reset=0.595956", RateHeaders(0, 0.595956, limit=100)),
        ('"default";r=50;t=30', RateHeaders(50, 30.0)),
        ("LIMIT=100, Remaining=7.9, Reset=5", RateHeaders(7, 5.0, limit=100)),
        ("remaining=7", None),
        ("reset=7", None),
        ("limit=100", None),
        ("remaining=x, reset=5", None),
        ("", None),
    ],
)
def test_both_forms_of_the_ietf_header_are_read(value: str, seen: RateHeaders | None) -> None:
    assert parse_ietf_headers({"ratelimit": value}) == seen


def test_absent_headers_give_no_rate_limit() -> None:
    assert parse_ietf_headers({}) is None


@given(st.text())
def test_no_header_breaks_the_reader(value: str) -> None:
    parse_ietf_headers({"ratelimit": value})


async def test_the_queue_is_first_come_first_sent(time: Time) -> None:
    rate_limiter = RateLimiter(THREE, in_flight=2, monotonic=time.clock, sleep=time.sleep)
    order: list[tuple[int, float]] = []

    async def one(number: int) -> None:
        async with rate_limiter.turn(time.now + 60.0):
            order.append((number, time.now - 1000.0))
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(one, number)
    assert order == [(0, 0.0), (1, 0.0), (2, 0.0), (3, 2.0), (4, 2.0), (5, 2.0), (6, 4.0), (7, 4.0)]


async def test_requests_in_flight_never_exceed_the_concurrency_limit(time: Time) -> None:
    rate_limiter = RateLimiter(Rate(1000), in_flight=3, monotonic=time.clock, sleep=time.sleep)
    flying: list[int] = [0]
    most: list[int] = []

    async def one() -> None:
        async with rate_limiter.turn(time.now + 60.0):
            flying[0] += 1
            most.append(flying[0])
            for _ in range(20):
                await anyio.lowlevel.checkpoint()
            flying[0] -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(one)
    assert max(most) == 3


async def test_a_pause_that_comes_while_one_waits_holds_it_too(time: Time) -> None:
    rate_limiter = RateLimiter(Rate(1, 5.0), monotonic=time.clock, sleep=time.sleep)
    async with rate_limiter.turn(time.now + 60.0):
        rate_limiter.pause(20.0)
    async with rate_limiter.turn(time.now + 60.0):
        assert time.now == 1020.0


async def test_refuses_a_turn_after_the_deadline_at_once_and_does_not_count_it(time: Time) -> None:
    rate_limiter = RateLimiter(monotonic=time.clock, sleep=time.sleep)
    rate_limiter.pause(50.0)
    with pytest.raises(RateLimited) as caught:
        async with rate_limiter.turn(time.now + 40.0):
            pass
    assert caught.value.retry_after_s == 50.0
    assert time.slept == []
    time.now += 20.0
    async with rate_limiter.turn(time.now + 40.0):
        assert time.now == 1050.0


async def test_a_long_pause_is_reported_at_once_and_a_short_one_waited_out(time: Time) -> None:
    rate_limiter = RateLimiter(monotonic=time.clock, sleep=time.sleep)
    rate_limiter.pause(1e9)
    with pytest.raises(RateLimited) as caught:
        async with rate_limiter.turn(time.now + 600.0):
            pass
    assert (caught.value.retry_after_s, time.slept) == (60.0, [])
    time.now += 29.0
    with pytest.raises(RateLimited):
        async with rate_limiter.turn(time.now + 600.0):
            pass
    time.now += 1.0
    async with rate_limiter.turn(time.now + 600.0):
        assert time.now == 1060.0


async def test_a_wait_for_the_configured_rate_has_no_retry_after(time: Time) -> None:
    rate_limiter = RateLimiter(Rate(1, 90.0), monotonic=time.clock, sleep=time.sleep)
    async with rate_limiter.turn(time.now + 600.0):
        pass
    with pytest.raises(RateLimited) as caught:
        async with rate_limiter.turn(time.now + 600.0):
            pass
    assert caught.value.retry_after_s is None


async def test_the_look_after_a_request_to_wait_leaves_at_once_and_is_counted(time: Time) -> None:
    rate_limiter = RateLimiter(Rate(2, 10.0), monotonic=time.clock, sleep=time.sleep)
    rate_limiter.pause(5.0)
    with without_pauses():
        for _ in range(2):
            async with rate_limiter.turn(time.now + 60.0):
                assert time.now == 1_000.0
        with pytest.raises(RateLimited):
            async with rate_limiter.turn(time.now):
                pass
    async with rate_limiter.turn(time.now + 60.0):
        assert time.now == 1_010.0


async def test_all_credentials_of_an_account_keep_to_its_rate_and_each_to_its_own_pauses(time: Time) -> None:
    account = RateLimiter(Rate(3, 10.0), monotonic=time.clock, sleep=time.sleep)
    own = [RateLimiter(Rate(2, 10.0), monotonic=time.clock, sleep=time.sleep) for _ in range(2)]
    first, second = (LimiterInAccount(one, account) for one in own)
    first.observe(RateHeaders(remaining=1, reset_s=7.0))
    first.pause(4.0)
    assert (first.headroom().left, first.headroom().paused_s) == (1, 4.0)
    assert (second.headroom().left, second.headroom().paused_s) == (None, 0.0)
    left: list[float] = []
    for one in (second, second, first, first):
        async with one.turn(time.now + 60.0):
            left.append(time.now - 1_000.0)
    assert left == [0.0, 0.0, 4.0, 10.0]


async def test_a_used_up_window_is_valid_for_a_minute_and_is_reported_as_the_upstream_named_it(time: Time) -> None:
    rate_limiter = RateLimiter(monotonic=time.clock, sleep=time.sleep)
    rate_limiter.observe(RateHeaders(remaining=0, reset_s=700.0))
    with pytest.raises(RateLimited) as caught:
        async with rate_limiter.turn(time.now + 600.0):
            pass
    assert (caught.value.retry_after_s, time.slept) == (700.0, [])
    time.now += 60.0
    async with rate_limiter.turn(time.now + 600.0):
        assert time.slept == []


async def test_a_turn_after_the_deadline_is_refused(time: Time) -> None:
    rate_limiter = RateLimiter(in_flight=1, monotonic=time.clock, sleep=time.sleep)
    for late_s in (0.0, 1.0):
        with pytest.raises(RateLimited):
            async with rate_limiter.turn(time.now - late_s):
                pass
    async with rate_limiter.turn(time.now + 1.0):
        pass


async def test_refuses_a_request_that_gets_no_slot_before_the_deadline(time: Time) -> None:
    rate_limiter = RateLimiter(in_flight=1, monotonic=time.clock, sleep=time.sleep)
    async with rate_limiter.turn(time.now + 60.0):
        with pytest.raises(RateLimited):
            async with rate_limiter.turn(time.now + 0.01):
                pass
    async with rate_limiter.turn(time.now + 60.0):
        pass


async def test_a_cancelled_waiter_gives_its_place_back(time: Time) -> None:
    rate_limiter = RateLimiter(in_flight=1, monotonic=time.clock, sleep=time.sleep)
    async with rate_limiter.turn(time.now + 60.0):
        with anyio.move_on_after(0.01):
            async with rate_limiter.turn(time.now + 60.0):
                pass
    with anyio.fail_after(BOUND_S):
        async with rate_limiter.turn(time.now + 60.0):
            pass


async def test_requests_that_have_ended_are_not_taken_off_the_allowance(time: Time) -> None:
    rate_limiter = RateLimiter(Rate(1, 50.0), monotonic=time.clock, sleep=time.sleep)
    for remaining in (9, 9, 1):
        async with rate_limiter.turn(time.now + 60.0):
            rate_limiter.observe(RateHeaders(remaining, 30.0))
    async with rate_limiter.turn(time.now + 60.0):
        assert time.now == 1000.0
    async with rate_limiter.turn(time.now + 60.0):
        assert time.now > 1000.0


@given(
    requests=st.integers(1, 12),
    gaps=st.lists(st.tuples(st.integers(0, 3_000), st.booleans()), max_size=60),
)
def test_a_request_that_nobody_waits_for_leaves_half_of_every_window_unused(
    requests: int, gaps: list[tuple[int, bool]]
) -> None:
    rate, state, now = Rate(requests, 2_000.0), RateState(), 0.0
    left: list[float] = []
    for gap, is_idle in gaps:
        now = max([now + gap, *left[-1:]])
        at = (idle_at if is_idle else ready_at)(rate, state, now)
        state = with_request(rate, state, at)
        left.append(at)
        if is_idle:
            assert sum(1 for one in left if one > at - 2_000.0) <= max(1, requests // 2)


@pytest.mark.parametrize(
    ("remaining", "limit", "leaves"), [(51, 100, True), (50, 100, False), (1, 1, True), (0, 1, False), (3, None, True)]
)
def test_of_the_upstreams_own_window_half_stays_unused_too(*, remaining: int, limit: int | None, leaves: bool) -> None:
    for headers in (RateHeaders(remaining, 4.0, limit=limit), RateHeaders(remaining, 4.0, rolling_limit=limit)):
        state = with_headers(RateState(), headers, 10.0)
        assert idle_at(THREE, state, 10.0) == (10.0 if leaves else 14.0)


def test_once_the_upstreams_window_is_over_half_of_the_configured_rate_counts() -> None:
    state = with_headers(RateState(), RateHeaders(0, 4.0, limit=100), 10.0)
    assert [idle_at(THREE, state, at) for at in (13.9, 14.0, 15.0)] == [14.0, 14.0, 15.0]
    used = with_request(THREE, state, 15.0)
    assert idle_at(THREE, used, 15.5) == 17.0


async def test_a_bulk_change_at_full_speed_is_not_slowed_by_polls() -> None:
    rate = Rate(10, 1.0)

    async def bulk_and_looks(looks: int) -> tuple[float, list[float]]:
        time = SharedTime()
        rate_limiter = RateLimiter(rate, 8, monotonic=time.clock, sleep=time.sleep)
        looked: list[float] = []
        async with time.passing(), anyio.create_task_group() as tasks:

            async def look() -> None:
                with idle_share(wait_s=60.0):
                    async with rate_limiter.turn(time.now + 60.0):
                        looked.append(time.now - 1_000.0)

            async def send() -> None:
                async with rate_limiter.turn(time.now + 60.0):
                    await time.sleep(0.05)

            async with anyio.create_task_group() as bulk:
                for _ in range(30):
                    bulk.start_soon(send)
                for _ in range(looks):
                    tasks.start_soon(look)
            ended = time.now - 1_000.0
        return ended, looked

    alone, _ = await bulk_and_looks(0)
    ended, looked = await bulk_and_looks(6)
    assert ended == pytest.approx(alone)
    assert looked[0] >= 2.0
    assert len(looked) == 6
    assert all(sum(at - 1.0 < one <= at for one in looked) <= 5 for at in looked)


@pytest.mark.parametrize(("wait_s", "within_s"), [(100.0, 1.0), (1.0, 100.0)])
async def test_a_background_request_is_not_sent_if_its_turn_comes_too_late(
    time: Time, wait_s: float, within_s: float
) -> None:
    rate_limiter = RateLimiter(Rate(2, 60.0), monotonic=time.clock, sleep=time.sleep)
    with idle_share(wait_s=wait_s):
        async with rate_limiter.turn(time.now + within_s):
            pass
        with pytest.raises(RateLimited):
            async with rate_limiter.turn(time.now + within_s):
                pass
    async with rate_limiter.turn(time.now + 1.0):
        assert time.slept == []


async def test_a_request_that_somebody_waits_for_after_all_takes_its_turn_as_others_do() -> None:
    time = SharedTime()
    rate_limiter = RateLimiter(Rate(4, 10.0), monotonic=time.clock, sleep=time.sleep)
    async with time.passing(), anyio.create_task_group() as tasks:

        async def look() -> None:
            with idle_share(wait_s=60.0) as share:
                tasks.start_soon(hurry, share)
                for _ in range(4):
                    async with rate_limiter.turn(time.now + 60.0):
                        pass
                assert time.now == pytest.approx(1_002.0, abs=0.11)

        async def hurry(share: IdleShare) -> None:
            await time.sleep(2.0)
            share.end()

        await look()
