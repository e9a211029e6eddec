"""A context that is entered and left in a task of its own has been left when its block ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.lowlevel
import pytest

from taskhand.testing.background_context import in_own_task


async def test_a_context_has_been_left_in_its_own_task_when_the_block_ends() -> None:
    tasks: list[asyncio.Task[None] | None] = []

    @asynccontextmanager
    async def context() -> AsyncIterator[int]:
        tasks.append(asyncio.current_task())
        yield 7
        await anyio.lowlevel.checkpoint()
        tasks.append(asyncio.current_task())

    with pytest.raises(ValueError, match="of the block"):
        async with in_own_task(context()) as value:
            raise ValueError(f"{value} of the block")
    assert [task in {None, asyncio.current_task()} for task in tasks] == [False, False]
    assert tasks[0] is tasks[1]
