import anyio

from behaviour.world import NOW
from taskhand.testing.clock import Clock


async def test_sleeps_at_the_same_time_overlap_and_those_after_each_other_add_up() -> None:
    clock = Clock(NOW)
    async with anyio.create_task_group() as tasks:
        for seconds in (3.0, 5.0, 4.0):
            tasks.start_soon(clock.sleep, seconds)
    assert (clock.now() - NOW).total_seconds() == 5.0
    await clock.sleep(2.0)
    assert (clock.now() - NOW).total_seconds() == 7.0
