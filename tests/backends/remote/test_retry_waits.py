"""Waits inside a call leave time for the request that follows."""

import pytest

from taskhand.backends.remote.retry_waits import sleep_if_time
from taskhand.call.deadline import call_deadline
from virtual_time import Time


@pytest.mark.parametrize(("seconds", "is_waited"), [(4.0, True), (6.0, False)])
async def test_a_wait_is_begun_where_as_much_time_is_left_after_it(seconds: float, *, is_waited: bool) -> None:
    time = Time()
    with call_deadline(10.0, time.clock):
        assert await sleep_if_time(time.sleep, seconds) is is_waited
    assert time.slept == ([seconds] if is_waited else [])
