"""Deleting one task: what is not confirmed is looked for, and sent once more where Close still shows the task.

Source: https://developer.close.com/api/resources/tasks, "Delete a task". Just after a deletion Close can still show the
task, so that only its absence proves anything; of a second DELETE a 404 says that the first one was done.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from taskhand.backends.close.arrival import once_there
from taskhand.backends.close.reading import Reader
from taskhand.backends.close.said import CLOSE, not_surely_gone
from taskhand.domain.errors import NotFound, OutcomeUnknown, TaskhandError, UpstreamError, UpstreamFailed
from taskhand.domain.request_log import recorded_requests

__all__ = ["Deletion"]

_UNAVAILABLE: Final = " 503"
"""How a request is told that was sent again by itself: should Close have done it all the same, a 404 follows."""


class Deletion:
    """Deletes tasks that `reader` reads; `sleep` takes seconds."""

    def __init__(self, reader: Reader, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._reader = reader
        self._sleep = sleep

    async def __call__(self, task_id: str) -> str | None:
        """DELETE, and what is worth knowing of how it went; NotFound where the task is gone already."""
        self._reader.check_not_deleted(task_id)
        note = None
        with recorded_requests() as sent:
            try:
                await self._sent(task_id)
            except NotFound:
                if not any(one.endswith(_UNAVAILABLE) for one in sent):
                    self._reader.recent.deleted(task_id)
                    raise
                note = CLOSE.removed
            except (OutcomeUnknown, UpstreamFailed) as doubt:
                note = await self._looked_for(task_id, doubt)
        self._reader.recent.deleted(task_id)
        return note

    async def _sent(self, task_id: str) -> None:
        async def delete() -> None:
            reply = await self._reader.wire.delete(task_id, self._reader.today())
            if reply.json:
                raise self._reader.wire.invalid(reply, "with something that is not a confirmation")

        await once_there(task_id, delete, self._reader.recent, self._sleep)

    async def _looked_for(self, task_id: str, doubt: UpstreamError) -> str:
        """What is known of a deletion that was not confirmed; what it failed with where Close says so twice."""
        if await self._is_gone(task_id, doubt):
            return CLOSE.removed
        try:
            await self._sent(task_id)
        except NotFound:
            return CLOSE.removed
        except TaskhandError as again:
            if await self._is_gone(task_id, again):
                return CLOSE.removed
            if isinstance(doubt, UpstreamFailed) and isinstance(again, UpstreamFailed):
                raise
            raise self._unknown(task_id) from again
        return CLOSE.sent_again

    async def _is_gone(self, task_id: str, doubt: TaskhandError) -> bool:
        """Whether the task is there no more; the doubt stays where that cannot be read."""
        try:
            return await self._reader.is_gone(task_id)
        except TaskhandError:
            raise self._unknown(task_id) from doubt

    def _unknown(self, task_id: str) -> OutcomeUnknown:
        """What was remembered of the task counts no more: it may be gone."""
        self._reader.recent.forget([task_id])
        return not_surely_gone(task_id)
