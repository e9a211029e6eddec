"""The write protocol of single updates: a lost response is no failure; the task is read back.

The rules, for every CRM:

- A refused write was not applied. An error of a read after the write has left proves nothing about the write.
- A request to wait (`RateLimited`) and a doubtful refusal (`is_doubtful`) count as refusals, unless a read back shows
  that the write was applied all the same. A doubtful one that cannot be read back leaves the outcome unknown, unless it
  names a wait or what the operator has to repair.
- After a lost response (`OutcomeUnknown`) or a failure of the CRM (`UpstreamFailed`) the task is read back. If it shows
  the edit, the write was applied. If not, a failed write has failed, and a lost one is sent once more.
- A create is sent once; if its response is lost, the task is searched for (`bulk_create`). Deletions are in `deletion`.
- A write that was lost twice and whose task is untouched was not applied, unless a request may still arrive.
  Every other outcome is unknown.
"""

from typing import TYPE_CHECKING, Generic, TypeVar

from taskhand.backends.base import BulkProgress
from taskhand.backends.remote.refusals import counts_unread, explain_refusal, is_doubtful
from taskhand.domain.edit import Edit, is_untouched
from taskhand.domain.errors import (
    CallerError,
    NoAnswer,
    NotAttempted,
    NotFound,
    OperatorError,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.domain.request_log import recorded_requests
from taskhand.domain.task import Task
from taskhand.http.rate_limiter import without_pauses

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = ["Writer"]

_Row = TypeVar("_Row")


class Writer(Generic[_Row]):
    """Updates single tasks through an adapter."""

    def __init__(self, adapter: "CrmAdapter[_Row]") -> None:
        self._adapter = adapter
        self._messages = adapter.messages

    async def update(self, before: Task, edit: Edit, progress: BulkProgress | None = None) -> tuple[_Row, str | None]:
        """The task after an update, and a note that says how the outcome was learned.

        The update is sent once more if its response was lost and the task does not show the edit, unless `progress` is
        stopped by then.
        """
        may_be_late = False
        for is_second in (False, True):
            try:
                row, note = await self._send_once(before, edit, progress)
            except (OutcomeUnknown, UpstreamFailed) as fault:
                may_be_late = may_be_late or isinstance(fault, NoAnswer)
                now = await self._read_back(before.id, edit, fault)
                if self._adapter.shows(now, edit):
                    return now, self._messages.applied
                is_unapplied = not may_be_late and self._adapter.disproves(now, edit)
                if isinstance(fault, UpstreamFailed) and is_unapplied:
                    raise self._messages.failed(fault) from fault
            except (NotAttempted, OperatorError, UpstreamError) as error:
                if not is_second or (is_unapplied and not isinstance(error, NotAttempted)):
                    raise
                break
            else:
                return row, note or (self._messages.sent_again if is_second else None)
        if is_unapplied and is_untouched(self._adapter.to_task(now), before, edit):
            raise self._messages.not_applied()
        raise self._messages.unknown_update(before.id)

    async def _send_once(self, before: Task, edit: Edit, progress: BulkProgress | None) -> tuple[_Row, str | None]:
        """The task after one request for an update, and a note.

        If the CRM asks to wait, or its refusal is doubtful, the task is read: it may show the edit all the same.
        Raises the error of `progress` if it is stopped.
        """
        if progress is not None and progress.stopped is not None:
            raise progress.stopped
        with recorded_requests() as sent:
            try:
                answer = await self._adapter.update(before, edit)
            except RateLimited as throttled:
                if progress is not None:
                    progress.heed(throttled)
                if not sent.has_write_left:
                    raise
                return await self._read_if_applied(before.id, edit, throttled), self._messages.applied
            except (OutcomeUnknown, UpstreamFailed):
                raise
            except (CallerError, OperatorError, UpstreamError) as refused:
                explained = explain_refusal(refused, self._messages.name, edit, before.id)
                if not is_doubtful(sent, refused):
                    raise explained from None
                return await self._read_if_applied(before.id, edit, explained), self._messages.applied
        if answer is None:
            return await self._adapter.get(before.id, edit), None
        return await self._adapter.complete(answer, before, edit)

    async def _read_if_applied(self, task_id: str, edit: Edit, refused: TaskhandError) -> _Row:
        """The task as it is now, if it shows an edit that was refused.

        Raises `refused` if the task disproves the edit, or if the task cannot be read and the refusal `counts_unread`;
        NotFound if the task does not exist; OutcomeUnknown if the read proves nothing.
        """
        try:
            with without_pauses():
                row = await self._adapter.get(task_id, edit)
            if self._adapter.shows(row, edit):
                return row
            is_unapplied = self._adapter.disproves(row, edit)
        except TaskhandError as unread:
            if isinstance(unread, NotFound) and isinstance(refused, NotFound):
                raise unread from None
            if isinstance(unread, NotFound) or counts_unread(refused):
                raise refused from None
            is_unapplied = False
        if is_unapplied:
            raise refused
        raise self._messages.unknown_update(task_id) from refused

    async def _read_back(self, task_id: str, edit: Edit, fault: UpstreamError) -> _Row:
        """The task as it is now; OutcomeUnknown, from `fault`, if it cannot be read."""
        try:
            return await self._adapter.get(task_id, edit)
        except TaskhandError:
            raise self._messages.unknown_update(task_id) from fault
