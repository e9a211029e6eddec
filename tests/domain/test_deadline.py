"""How the time of a call is divided."""

import math

from passing import Time
from taskhand.domain.deadline import call_deadline, current_deadline, end_of_call, part_of_call, time_left


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


def test_a_part_of_a_call_ends_before_the_call_and_its_end_may_be_used_up_by_writes() -> None:
    time = Time(now=100.0)
    with call_deadline(45.0, time.clock):
        with part_of_call(0.25):
            assert time_left() == 11.0
        assert time_left() == 44.0
        with end_of_call():
            assert current_deadline(20.0, time.clock).write_by == 144.0
    with part_of_call(0.25), end_of_call():
        assert time_left() == math.inf
