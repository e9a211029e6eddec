"""One write and its outcome. A lost answer is never believed to be a failure: the CRM is asked what is there.

The rules, for every CRM:

- A refusal of the write itself is a refusal. Reading after a write has left can refuse nothing.
- A lost answer (`OutcomeUnknown`) and a failure of the CRM (`UpstreamFailed`) are read back. What shows the write was
  applied; a failed write that is not there failed; a lost one is sent once more.
- A create is sent once; where its answer is lost it is searched for (`lost_create`).
- A write that was lost twice and whose target is untouched was not applied, unless an answer to it may still come.
  Everything else is unknown.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from taskhand.backends.base import BulkProgress, Written
from taskhand.backends.remote.lost_create import LostCreates
from taskhand.domain.edit import Edit, is_untouched
from taskhand.domain.errors import (
    NoAnswer,
    NotAttempted,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.domain.request_log import recorded_requests
from taskhand.domain.task import Task

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = ["Writer"]

_Row = TypeVar("_Row")

_UNAVAILABLE: Final = " 503"
"""The outcome of a request that the transport has sent again: if it was applied all the same, a 404 follows."""


class Writer(Generic[_Row]):
    """Writes single tasks through an adapter."""

    def __init__(self, adapter: "CrmAdapter[_Row]", lost_creates: LostCreates[_Row]) -> None:
        self._adapter = adapter
        self._lost_creates = lost_creates
        self._messages = adapter.messages

    async def create(self, edit: Edit) -> Written:
        """Send a create once; OutcomeUnknown where nobody can tell whether it made a task."""
        await self._adapter.prepare()
        sent_at, known = self._adapter.timing.clock(), frozenset(self._adapter.recent.known_ids)
        note = None
        with self._lost_creates.under_way(edit):
            try:
                row = await self._adapter.create(edit)
            except (OutcomeUnknown, UpstreamFailed) as fault:
                row, note = await self._lost_creates.find(edit, sent_at, known, fault), self._messages.found
            row, remark = await self._adapter.complete(row, None, edit)
            note = remark or note
            try:
                written = self._adapter.to_written(row, edit, None, note)
            except UpstreamError as unreadable:
                row = await self._lost_creates.find(edit, sent_at, known, unreadable)
                written = self._adapter.to_written(row, edit, None, self._messages.found)
            self._lost_creates.made(written.task.id)
        return written

    async def update(self, before: Task, edit: Edit, progress: BulkProgress | None = None) -> Written:
        """Send an update, and once more where its answer was lost and the task does not show it.

        Nothing is sent once `progress` is stopped.
        """
        await self._adapter.prepare()
        row, note = await self.send_update(before, edit, progress)
        try:
            return self._adapter.to_written(row, edit, before, note)
        except UpstreamError as unreadable:
            row = await self._read_back(before.id, unreadable)
            return self._adapter.to_written(row, edit, before, note)

    async def send_update(
        self, before: Task, edit: Edit, progress: BulkProgress | None = None
    ) -> tuple[_Row, str | None]:
        """The task after an update, and how that was learned."""
        may_be_late = False
        for note in (None, self._messages.sent_again):
            if progress is not None and progress.stopped is not None:
                raise self._messages.unknown_update(before.id) if note else progress.stopped
            try:
                answer = await self._adapter.update(before, edit)
            except (NotAttempted, RateLimited) as unsent:
                if note is None or (isinstance(unsent, RateLimited) and not may_be_late):
                    raise
                break
            except (OutcomeUnknown, UpstreamFailed) as fault:
                may_be_late = may_be_late or isinstance(fault, NoAnswer)
                now = await self._read_back(before.id, fault)
                if not self._adapter.unmet(now, edit):
                    return now, self._messages.applied
                if isinstance(fault, UpstreamFailed) and self._is_proof(now, edit, may_be_late=may_be_late):
                    raise
            else:
                return await self._completed(answer, before, edit, note)
        if self._is_proof(now, edit, may_be_late=may_be_late) and is_untouched(
            self._adapter.to_task(now), before, edit
        ):
            raise self._messages.not_applied()
        raise self._messages.unknown_update(before.id)

    async def _completed(
        self, answer: _Row | None, before: Task, edit: Edit, note: str | None
    ) -> tuple[_Row, str | None]:
        """The task after a confirmed update; None is the answer where nothing had to be sent."""
        if answer is None:
            return await self._adapter.get(before.id), None
        row, remark = await self._adapter.complete(answer, before, edit)
        return row, remark or note

    def _is_proof(self, now: _Row, edit: Edit, *, may_be_late: bool) -> bool:
        """Whether a row that does not show an edit proves that the edit is not applied and will not be."""
        return not may_be_late and self._adapter.is_conclusive(now, edit)

    async def delete(self, task_id: str) -> str | None:
        """Send a deletion, and once more where the task is still there; how it was learned that the task is gone.

        NotFound where it was gone before.
        """
        if self._adapter.recent.is_deleted(task_id):
            raise self._messages.no_task(task_id)
        faults: list[UpstreamError] = []
        for _ in range(2):
            try:
                note = await self._sent_deletion(task_id, is_first=not faults)
            except (OutcomeUnknown, UpstreamFailed) as fault:
                faults.append(fault)
                if not await self._is_gone(task_id, fault):
                    if isinstance(fault, UpstreamFailed) and self._shows_deletions(faults):
                        raise
                    continue
                note = self._messages.removed
            except TaskhandError as error:
                if not faults or self._shows_deletions(faults):
                    is_unsent = isinstance(error, NotAttempted) and bool(faults)
                    raise (self._undeleted(task_id, faults) if is_unsent else error) from None
                if not await self._is_gone(task_id, error):
                    raise self._messages.unknown_deletion(task_id) from error
                note = self._messages.removed
            self._adapter.recent.deleted(task_id)
            return note
        raise self._undeleted(task_id, faults)

    async def _sent_deletion(self, task_id: str, *, is_first: bool) -> str | None:
        with recorded_requests() as sent:
            try:
                await self._adapter.delete(task_id)
            except NotFound:
                if is_first and not any(request.endswith(_UNAVAILABLE) for request in sent):
                    self._adapter.recent.deleted(task_id, lag_s=0)
                    raise self._messages.no_task(task_id) from None
                return self._messages.removed
        return None if is_first else self._messages.sent_again

    def _undeleted(self, task_id: str, faults: Sequence[UpstreamError]) -> UpstreamError:
        """The error for a task that is found after two deletions of it."""
        if all(isinstance(fault, UpstreamFailed) for fault in faults):
            return faults[-1]
        if self._shows_deletions(faults):
            return self._messages.not_applied()
        self._adapter.recent.forget([task_id])
        return self._messages.unknown_deletion(task_id)

    def _shows_deletions(self, faults: Sequence[UpstreamError]) -> bool:
        """Whether a task that is still found was not deleted, and will not be by a request that has left."""
        return self._adapter.deletes_show_at_once and not any(isinstance(fault, NoAnswer) for fault in faults)

    async def _is_gone(self, task_id: str, fault: TaskhandError) -> bool:
        try:
            await self._adapter.get(task_id)
        except NotFound:
            return True
        except TaskhandError:
            raise self._messages.unknown_deletion(task_id) from fault
        return False

    async def _read_back(self, task_id: str, fault: UpstreamError) -> _Row:
        """The task as it is now; OutcomeUnknown, from `fault`, where it cannot be read."""
        try:
            row = await self._adapter.get(task_id)
            self._adapter.to_task(row)
        except TaskhandError:
            raise self._messages.unknown_update(task_id) from fault
        return row
