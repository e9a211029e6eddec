"""Waits inside a call leave time for the request that follows."""

import pytest

from taskhand.backends.remote.timing import Timing
from taskhand.call.deadline import call_deadline
from virtual_time import Time


@pytest.mark.parametrize(("seconds", "is_waited"), [(4.0, True), (6.0, False)])
async def test_a_wait_is_begun_where_as_much_time_is_left_after_it(seconds: float, *, is_waited: bool) -> None:
    time = Time()
    with call_deadline(10.0, time.clock):
        assert await Timing(time.moment, time.clock, time.sleep).sleep_if_time(seconds) is is_waited
    assert time.slept == ([seconds] if is_waited else [])
