"""Several requests under way at once: the first error stops the others, and so does being asked to wait."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

from taskhand.backends.base import BulkProgress
from taskhand.domain.errors import RateLimited, TaskhandError

__all__ = ["heed", "side_by_side"]

_Part = TypeVar("_Part")


async def side_by_side(run: Callable[[_Part], Awaitable[object]], parts: Iterable[_Part]) -> None:
    """Run for every part; the first error is raised as it is. How many are under way is the rate budget's to say."""
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


def heed(watch: BulkProgress, error: TaskhandError) -> None:
    """Stop what is still to be sent, where HubSpot asked to wait and that is not told of any task yet."""
    if isinstance(error, RateLimited) and watch.stopped is None:
        watch.stop("the CRM asked to wait", retry_after_s=error.retry_after_s)
