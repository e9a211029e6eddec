"""Several requests under way at once; the first error stops the others and is raised as it is."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

from taskhand.errors import TaskhandError

__all__ = ["side_by_side"]

_Part = TypeVar("_Part")


async def side_by_side(run: Callable[[_Part], Awaitable[object]], parts: Iterable[_Part]) -> None:
    """Run for every part; how many are under way at once is the rate budget's to say."""
    errors: list[TaskhandError] = []

    async with anyio.create_task_group() as group:

        async def one(part: _Part) -> None:
            try:
                await run(part)
            except TaskhandError as error:
                errors.append(error)
                group.cancel_scope.cancel()

        for part in parts:
            group.start_soon(one, part)
    if errors:
        raise errors[0]
