"""A task that was written a moment ago may not be found yet: then nothing was changed, and it is asked for again."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from taskhand.backends.close.recent import Recent
from taskhand.backends.close.said import no_task
from taskhand.domain.errors import NotFound, UpstreamError

__all__ = ["once_there"]

_T = TypeVar("_T")
_TRIES_S: Final = (0.0, 2.0, 5.0)
"""Seconds before each sending."""


async def once_there(
    task_id: str, send: Callable[[], Awaitable[_T]], recent: Recent, sleep: Callable[[float], Awaitable[object]]
) -> _T:
    """What `send` answers about a task; NotFound where it is not there, UpstreamError where it is not there yet."""
    for wait_s in _TRIES_S:
        if wait_s:
            await sleep(wait_s)
        try:
            return await send()
        except NotFound:
            if recent.unmet(task_id) is None:
                raise no_task(task_id) from None
    raise UpstreamError(
        f"Close does not find task {task_id} yet, which was written a moment ago; nothing was changed.",
        code="task_not_there_yet",
        next_step="Wait a few seconds, then send the same call again.",
        retryable=True,
    )
