"""Sends a change or a deletion again while the CRM does not find a task that was created a moment ago."""

from collections.abc import Awaitable, Callable
from typing import Final

from taskhand.backends.remote.retry_waits import sleep_if_time
from taskhand.domain.errors import NotFound, UpstreamError
from taskhand.http.response_body import Reply

__all__ = ["retry_not_found"]

_WAITS_S: Final = (2.0, 5.0)
"""Seconds before each repetition."""


async def retry_not_found(
    task_id: str,
    send: Callable[[], Awaitable[Reply]],
    *,
    is_new: Callable[[], bool],
    sleep: Callable[[float], Awaitable[object]],
    crm: str,
) -> Reply:
    """Call `send`, and repeat it while the CRM does not find the task; `is_new` is whether it was just written.

    NotFound for any other task. UpstreamError `task_not_there_yet` if the CRM still does not find the task.
    """
    for wait_s in (*_WAITS_S, None):
        try:
            return await send()
        except NotFound:
            if not is_new():
                raise
        if wait_s is None or not await sleep_if_time(sleep, wait_s):
            break
    raise UpstreamError(
        f"{crm} does not find task {task_id} yet, because it was written a moment ago; nothing was changed.",
        code="task_not_there_yet",
        next_step="Wait a few seconds, then send the same call again.",
        retryable=True,
    )
