"""Changes of single tasks: sent, compared, and read back where their answer was lost or does not show them."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from taskhand.backends.base import Written
from taskhand.backends.close.arrival import once_there
from taskhand.backends.close.mapping import update_body
from taskhand.backends.close.reading import Reader
from taskhand.backends.close.said import CLOSE
from taskhand.backends.close.task_types import check_change
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OutcomeUnknown, TaskhandError, UpstreamError, UpstreamFailed
from taskhand.domain.task import Task
from taskhand.http.reply import Reply

__all__ = ["Writer"]

Body = dict[str, Any]


class Writer:
    """Changes tasks that `reader` reads; `sleep` takes seconds."""

    def __init__(self, reader: Reader, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._reader = reader
        self._sleep = sleep

    async def update(self, before: Task, edit: Edit) -> Written:
        """PUT with the fields that change; CallerError for a change that the type of the task does not take."""
        check_change(edit, await self._reader.kind(before.id))
        body = update_body(edit, dateless=before.due_at is None)
        if not body:
            return Written(self._reader.task(await self._reader.one(before.id)))
        return await self._put(before.id, body, edit)

    async def _put(self, task_id: str, body: Body, edit: Edit) -> Written:
        for note in (None, CLOSE.sent_again):
            try:
                task = await self._sent(task_id, body, edit)
            except (OutcomeUnknown, UpstreamFailed) as doubt:
                raw = await self._read_back(task_id, doubt)
                unshown = self._reader.unshown(raw, edit)
                if not unshown:
                    return Written(self._reader.written(raw, body.get("priority")), CLOSE.applied)
                if isinstance(doubt, UpstreamFailed) and unshown <= self._reader.unsaid(raw):
                    raise CLOSE.of_task(task_id) from doubt
                if isinstance(doubt, UpstreamFailed):
                    raise
            else:
                return Written(await self._checked(task, body, edit), note)
        raise CLOSE.of_task(task_id)

    async def _sent(self, task_id: str, body: Body, edit: Edit) -> Task:
        async def put() -> Reply:
            return await self._reader.wire.update(task_id, body, self._reader.day(edit))

        reply = await once_there(task_id, put, self._reader.recent, self._sleep)
        if reply.object.get("id") not in (None, task_id):
            raise self._reader.wire.invalid(reply, "with another task")
        return self._reader.answered(reply, body)

    async def _checked(self, task: Task, body: Body, edit: Edit) -> Task:
        """The task as its PUT answered it; where that does not show the edit, as it reads then, if that does."""
        if any(edit.unmet_by(task, written=True).given()):
            with suppress(TaskhandError):
                raw = await self._reader.one(task.id, ours=True)
                if not self._reader.unshown(raw, edit):
                    return self._reader.written(raw, body.get("priority"))
        return task

    async def _read_back(self, task_id: str, doubt: UpstreamError) -> JsonObject:
        """The task as Close has it now; the doubt stays where it cannot be read."""
        try:
            return await self._reader.one(task_id, ours=True)
        except TaskhandError:
            raise CLOSE.of_task(task_id) from doubt
