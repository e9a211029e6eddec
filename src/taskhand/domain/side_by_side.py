"""Work that is done at the same time, and whose error is the error that it is."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

__all__ = ["side_by_side"]


@asynccontextmanager
async def side_by_side() -> AsyncGenerator[TaskGroup, None]:
    """A task group that raises its first error by itself: one of anyio's own would be wrapped, and read as a bug."""
    try:
        async with anyio.create_task_group() as group:
            yield group
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
