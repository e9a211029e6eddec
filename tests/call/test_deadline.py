"""How the time of a call is divided."""

import math

import anyio

from taskhand.call.deadline import (
    acquire_in_time,
    call_deadline,
    current_call,
    current_deadline,
    end_of_call,
    part_of_call,
    time_left,
)
from virtual_time import Time


def test_all_waits_of_a_call_share_one_deadline_which_leaves_a_second_for_the_answer() -> None:
    time = Time(now=100.0)
    with call_deadline(45.0, time.clock):
        deadline = current_deadline(20.0, time.clock)
        assert (deadline.write_by, deadline.confirm_by, deadline.at) == (133.0, 138.5, 144.0)
        time.now = 140.0
        assert current_deadline(20.0, time.clock) == deadline
        assert time_left() == 4.0
        time.now = 150.0
        assert time_left() == 0.0


def test_outside_a_call_each_request_has_a_time_of_its_own() -> None:
    time = Time(now=100.0)
    assert current_deadline(20.0, time.clock).at == 120.0
    time.now = 115.0
    assert current_deadline(20.0, time.clock).at == 135.0
    assert time_left() == math.inf


def test_a_part_of_a_call_ends_before_the_call_does() -> None:
    time = Time(now=100.0)
    with call_deadline(45.0, time.clock):
        with part_of_call(0.25):
            assert time_left() == 11.0
        assert time_left() == 44.0
        with end_of_call():
            assert current_deadline(20.0, time.clock).write_by == 144.0
    with part_of_call(0.25), end_of_call():
        assert time_left() == math.inf


def test_a_short_call_leaves_a_tenth_for_the_answer() -> None:
    time = Time(now=100.0)
    for total_s, left in ((5.0, 4.5), (10.0, 9.0), (20.0, 19.0)):
        with call_deadline(total_s, time.clock):
            assert time_left() == left
        assert time_left() == math.inf


def test_a_part_of_a_call_gets_a_share_of_the_remaining_time() -> None:
    time = Time(now=100.0)
    with call_deadline(45.0, time.clock):
        time.now = 124.0
        with part_of_call(0.5):
            part = current_deadline(20.0, time.clock)
        assert (part.write_by, part.confirm_by, part.at) == (131.5, 132.75, 134.0)
        with end_of_call():
            end = current_deadline(20.0, time.clock)
        assert (end.write_by, end.confirm_by, end.at) == (144.0, 144.0, 144.0)


def test_the_parts_of_a_call_belong_to_one_call() -> None:
    assert current_call() is None
    with call_deadline(45.0):
        first = current_call()
        with part_of_call(0.5):
            assert current_call() is first
    with call_deadline(45.0):
        assert current_call() not in {first, None}
    assert current_call() is None


async def test_a_lock_is_waited_for_as_long_as_the_call_may_wait() -> None:
    lock, got = anyio.Lock(), list[bool]()

    async def acquire(total_s: float) -> None:
        with call_deadline(total_s):
            got.append(await acquire_in_time(lock))

    with call_deadline(0.0):
        assert await acquire_in_time(lock)  # it is free
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(acquire, 0.0)
    assert got == [False]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(acquire, 60.0)
        while not lock.statistics().tasks_waiting:
            await anyio.lowlevel.checkpoint()
        lock.release()
    assert got == [False, True]
