"""Requests that arrive at the very moment at which another one's wait for the rate ends."""

import anyio
import pytest

from taskhand.call.background_requests import idle_share
from taskhand.http.rate_limiter import Rate, RateLimiter
from virtual_time import SharedTime


@pytest.mark.parametrize("in_background", [False, True])
async def test_no_request_overtakes_the_one_whose_wait_ends_now_and_no_poll_goes_before_a_later_call(
    *, in_background: bool
) -> None:
    time = SharedTime()
    limiter = RateLimiter(Rate(1, 1.0), monotonic=time.clock, sleep=time.sleep)
    left: list[tuple[str, float]] = []

    async def take_turn(name: str) -> None:
        async with limiter.turn(time.now + 60.0):
            left.append((name, time.now - 1_000.0))

    async def arrive(name: str, after_s: float) -> None:
        await time.sleep(after_s)
        await take_turn(name)

    async def arrive_with_the_end_of_the_wait() -> None:
        if not in_background:
            return await arrive("at that moment", 1.0)
        with idle_share(wait_s=60.0):
            return await arrive("at that moment", 1.0)

    async with time.passing(), anyio.create_task_group() as tasks:
        tasks.start_soon(take_turn, "first")
        tasks.start_soon(arrive_with_the_end_of_the_wait)
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(take_turn, "waiting")
        tasks.start_soon(arrive, "later", 1.5)
    order = ["waiting", "later", "at that moment"] if in_background else ["waiting", "at that moment", "later"]
    assert left == [("first", 0.0), (order[0], 1.0), (order[1], 2.0), (order[2], pytest.approx(3.0, abs=0.11))]


async def test_a_poll_takes_no_place_among_calls_while_all_connections_are_in_use() -> None:
    time = SharedTime()
    limiter = RateLimiter(Rate(100, 1.0), in_flight=1, monotonic=time.clock, sleep=time.sleep)
    left: list[str] = []

    async def take_turn(name: str, after_s: float) -> None:
        await time.sleep(after_s)
        async with limiter.turn(time.now + 60.0):
            left.append(name)
            await time.sleep(1.0)

    async def poll() -> None:
        with idle_share(wait_s=60.0):
            await take_turn("poll", 0.2)

    async with time.passing(), anyio.create_task_group() as tasks:
        tasks.start_soon(take_turn, "first", 0.1)
        tasks.start_soon(poll)
        for name, after_s in (("second", 0.5), ("third", 1.5)):
            tasks.start_soon(take_turn, name, after_s)
    assert left == ["first", "second", "third", "poll"]
