"""An async context that is entered and left in a task of its own.

A client and a server have task groups, which must be closed in the task that opened them, but pytest-asyncio enters a
fixture in one task and leaves it in another.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

__all__ = ["in_own_task"]

_T = TypeVar("_T")


@asynccontextmanager
async def in_own_task(context: AbstractAsyncContextManager[_T]) -> AsyncIterator[_T]:
    """The value of the context while the block is open; exceptions of the block do not reach the context."""
    entered: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
    end = asyncio.Event()

    async def hold() -> None:
        async with context as value:
            entered.set_result(value)
            await end.wait()

    task = asyncio.create_task(hold())
    await asyncio.wait((task, entered), return_when=asyncio.FIRST_COMPLETED)
    if not entered.done():
        await task  # raises the error of entering
    try:
        yield entered.result()
    finally:
        end.set()
        await task
