"""Concurrent work: how many items are worked on at the same time, and the error that is raised."""

import pytest
from anyio.lowlevel import checkpoint

from taskhand.call.parallel_work import for_each


async def test_items_begin_in_their_order_and_a_limited_number_of_them_runs_at_the_same_time() -> None:
    begun, running, most = list[int](), 0, 0

    async def work(item: int) -> None:
        nonlocal running, most
        begun.append(item)
        running += 1
        most = max(most, running)
        await checkpoint()
        running -= 1

    await for_each(range(7), work, at_once=3)
    assert (begun, most) == ([*range(7)], 3)


async def test_the_error_of_an_item_is_raised_unwrapped_and_begins_no_further_item() -> None:
    begun = list[int]()

    async def work(item: int) -> None:
        begun.append(item)
        await checkpoint()
        raise LookupError(item)

    with pytest.raises(LookupError):
        await for_each(range(7), work, at_once=2)
    assert begun == [0, 1]
