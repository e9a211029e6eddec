"""One write and its outcome. A lost answer is never believed to be a failure: the CRM is asked what is there.

The rules, for every CRM:

- A refusal of the write itself is a refusal. Reading after a write has left can refuse nothing.
- A request to wait (`RateLimited`) and a refusal that proves nothing (`is_doubtful`) are refusals too, unless a look
  shows that the write was applied all the same.
- A lost answer (`OutcomeUnknown`) and a failure of the CRM (`UpstreamFailed`) are read back. What shows the write was
  applied; a failed write that is not there failed; a lost one is sent once more.
- A create is sent once; where its answer is lost it is searched for (`bulk_create`). A deletion is always looked at.
- A write that was lost twice and whose target is untouched was not applied, unless an answer to it may still come.
  Everything else is unknown.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from taskhand.backends.base import BulkProgress
from taskhand.backends.remote.refusals import explain_deletion, explain_refusal, is_doubtful
from taskhand.domain.edit import Edit, is_untouched
from taskhand.domain.errors import (
    CallerError,
    NoAnswer,
    NotAttempted,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.domain.request_log import RequestLog, recorded_requests
from taskhand.domain.task import Task
from taskhand.http.rate_limiter import without_pauses

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = ["Writer"]

_Row = TypeVar("_Row")

_SENT_AGAIN: Final = frozenset({"423", "425", "429", "503"})
"""Outcomes of a request that the transport has sent again: if it was applied all the same, a 404 follows."""
_MOST_DELETIONS: Final = 2


@dataclass(frozen=True, slots=True)
class _Deletion:
    """A deletion that was sent.

    Whether the task `is_gone` (None: nobody can look), how that was learned, and what went wrong with the request
    (None: the CRM confirmed it).
    """

    is_gone: bool | None
    note: str | None = None
    fault: UpstreamError | None = None


class Writer(Generic[_Row]):
    """Updates and deletes single tasks through an adapter."""

    def __init__(self, adapter: "CrmAdapter[_Row]") -> None:
        self._adapter = adapter
        self._messages = adapter.messages

    async def update(self, before: Task, edit: Edit, progress: BulkProgress | None = None) -> tuple[_Row, str | None]:
        """The task after an update, and how that was learned.

        It is sent once more where its answer was lost and the task does not show it; not once `progress` is stopped.
        """
        may_be_late = False
        for is_second in (False, True):
            if progress is not None and progress.stopped is not None:
                raise self._messages.unknown_update(before.id) if is_second else progress.stopped
            try:
                row, note = await self._send_once(before, edit, progress)
            except (NotAttempted, RateLimited) as unsent:
                if not is_second or (isinstance(unsent, RateLimited) and not may_be_late):
                    raise
                break
            except (OutcomeUnknown, UpstreamFailed) as fault:
                may_be_late = may_be_late or isinstance(fault, NoAnswer)
                now = await self._read_back(before.id, edit, fault)
                if self._adapter.shows(now, edit):
                    return now, self._messages.applied
                is_unapplied = not may_be_late and self._adapter.disproves(now, edit)
                if isinstance(fault, UpstreamFailed) and is_unapplied:
                    raise self._messages.failed(fault) from fault
            else:
                return row, note or (self._messages.sent_again if is_second else None)
        if is_unapplied and is_untouched(self._adapter.to_task(now), before, edit):
            raise self._messages.not_applied()
        raise self._messages.unknown_update(before.id)

    async def _send_once(self, before: Task, edit: Edit, progress: BulkProgress | None) -> tuple[_Row, str | None]:
        """The task after one request for an update.

        Where the CRM asks to wait, or its refusal proves nothing, the task is looked at: it may show the edit all the
        same.
        """
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
            except (CallerError, UpstreamError) as refused:
                told = explain_refusal(refused, self._messages.name, edit, before.id)
                if not is_doubtful(sent):
                    raise told from None
                return await self._read_if_applied(before.id, edit, told), self._messages.applied
        if answer is None:
            return await self._adapter.get(before.id, edit), None
        return await self._adapter.complete(answer, before, edit)

    async def _read_if_applied(self, task_id: str, edit: Edit, refused: TaskhandError) -> _Row:
        """The task as it is now, if it shows an edit that was refused.

        Raises `refused` where it does not, and where nobody can look at what the CRM asked to wait with; OutcomeUnknown
        where a look proves nothing.
        """
        try:
            with without_pauses():
                row = await self._adapter.get(task_id, edit)
            if self._adapter.shows(row, edit):
                return row
            is_unapplied = self._adapter.disproves(row, edit)
        except TaskhandError as unread:
            if isinstance(refused, RateLimited) or isinstance(unread, NotFound):
                raise refused from None
            is_unapplied = False
        if is_unapplied:
            raise refused
        raise self._messages.unknown_update(task_id) from refused

    async def delete(self, task_id: str) -> str | None:
        """Send a deletion, and once more where the task is still there; how it was learned that the task is gone.

        Where a CRM may show a deleted task, one more after a confirmed one tells: it is not found. NotFound where the
        task was gone before.
        """
        if self._adapter.recent.is_deleted(task_id):
            raise self._messages.no_task(task_id)
        faults: list[UpstreamError | None] = []
        while len(faults) < _MOST_DELETIONS or (faults[-1] is None and faults.count(None) == 1):
            sent = await self._send_deletion(task_id, faults)
            if sent.is_gone and None in faults:  # an earlier one was confirmed
                sent = replace(sent, note=None)
            if sent.is_gone or (sent.is_gone is None and sent.fault is None):
                self._adapter.recent.deleted(task_id)
                return sent.note
            if sent.is_gone is None:
                raise self._messages.unknown_deletion(task_id) from sent.fault
            faults.append(sent.fault)
            if isinstance(sent.fault, UpstreamFailed) and self._shows_deletions(faults):
                raise self._messages.failed(sent.fault) from sent.fault
        raise self._deletion_error(task_id, faults)

    async def _send_deletion(self, task_id: str, faults: Sequence[UpstreamError | None]) -> "_Deletion":
        """Send one deletion, and look whether the task is gone, whatever the answer says.

        Raises the error of a deletion that was refused while the task is there; NotFound where it was gone before.
        """
        removed, is_first = self._messages.removed, not faults
        with recorded_requests() as requests:
            try:
                await self._adapter.delete(task_id)
            except NotFound:
                if is_first and not requests.write_outcomes & _SENT_AGAIN:
                    self._adapter.recent.deleted(task_id, lag_s=0)
                    raise self._messages.no_task(task_id) from None
                return _Deletion(is_gone=True, note=removed)
            except (OutcomeUnknown, UpstreamFailed) as fault:
                return _Deletion(await self._is_gone(task_id), removed, fault)
            except TaskhandError as refused:
                await self._look_after_refusal(task_id, refused, faults, requests)
                return _Deletion(is_gone=True, note=removed)
        self._adapter.recent.forget([task_id])  # what this process wrote of the task would be shown in its place
        is_gone = await self._is_gone(task_id)
        confirmed = None if is_first else self._messages.sent_again
        return _Deletion(is_gone, self._messages.accepted if is_gone is None else confirmed)

    async def _look_after_refusal(
        self, task_id: str, refused: TaskhandError, faults: Sequence[UpstreamError | None], requests: RequestLog
    ) -> None:
        """Return where the task is gone though its deletion was refused, by this request or by one before it."""
        has_left = requests.has_write_left
        if faults or (isinstance(refused, RateLimited) and has_left) or is_doubtful(requests):
            with without_pauses() if has_left else nullcontext():
                if await self._is_gone(task_id):
                    return
        if faults and not self._shows_deletions(faults):
            raise self._messages.unknown_deletion(task_id) from refused
        if faults and isinstance(refused, NotAttempted):
            raise self._deletion_error(task_id, faults) from None
        raise explain_deletion(refused, self._messages.name, task_id) from None

    def _deletion_error(self, task_id: str, faults: Sequence[UpstreamError | None]) -> UpstreamError:
        """The error for a task that is found after two deletions of it; a fault is None for a confirmed one."""
        if isinstance(faults[-1], UpstreamFailed) and all(isinstance(fault, UpstreamFailed) for fault in faults):
            return self._messages.failed(faults[-1])
        if self._shows_deletions(faults):
            return self._messages.still_there(task_id) if None in faults else self._messages.not_applied()
        self._adapter.recent.forget([task_id])
        return self._messages.unknown_deletion(task_id)

    def _shows_deletions(self, faults: Sequence[UpstreamError | None]) -> bool:
        """Whether a task that is still found was not deleted, and will not be by a request that has left."""
        return not self._messages.deletes_lag and not any(isinstance(fault, NoAnswer) for fault in faults)

    async def _is_gone(self, task_id: str) -> bool | None:
        """Whether the task is not found any more; None where nobody can look."""
        try:
            await self._adapter.get(task_id)
        except NotFound:
            return True
        except TaskhandError:
            return None
        return False

    async def _read_back(self, task_id: str, edit: Edit, fault: UpstreamError) -> _Row:
        """The task as it is now; OutcomeUnknown, from `fault`, where it cannot be read."""
        try:
            return await self._adapter.get(task_id, edit)
        except TaskhandError:
            raise self._messages.unknown_update(task_id) from fault
