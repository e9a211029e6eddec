"""Concurrent work whose first error is raised unwrapped."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

__all__ = ["concurrent_tasks", "for_each"]

_T = TypeVar("_T")
_R = TypeVar("_R")


@asynccontextmanager
async def concurrent_tasks() -> AsyncGenerator[TaskGroup, None]:
    """A task group that raises its first error unwrapped; a group of anyio's would be reported as a bug."""
    try:
        async with anyio.create_task_group() as group:
            yield group
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def for_each(items: Sequence[_T], work: Callable[[_T], Awaitable[_R]], *, at_once: int) -> list[_R]:
    """The results of the work for each item, started in their order, for at most `at_once` items at the same time."""
    queue, results = iter(enumerate(items)), dict[int, _R]()

    async def work_on() -> None:
        for index, item in queue:
            results[index] = await work(item)

    async with concurrent_tasks() as group:
        for _ in range(min(at_once, len(items))):
            group.start_soon(work_on)
    return [results[index] for index in range(len(items))]
