"""The write protocol of single updates and deletions: a lost response is no failure; the task is read back.

The rules, for every CRM:

- A refused write was not applied. An error of a read after the write has left proves nothing about the write.
- A request to wait (`RateLimited`) and a doubtful refusal (`is_doubtful`) count as refusals, unless a read back shows
  that the write was applied all the same. A doubtful one that cannot be read back leaves the outcome unknown, unless it
  names a wait or what the operator has to repair.
- After a lost response (`OutcomeUnknown`) or a failure of the CRM (`UpstreamFailed`) the task is read back. If it shows
  the edit, the write was applied. If not, a failed write has failed, and a lost one is sent once more.
- A create is sent once; if its response is lost, the task is searched for (`bulk_create`). After every deletion the
  task is read, and a deletion is also sent once more if it failed, because a second one changes nothing. A 404 of a
  deletion that was sent before means that it was applied, unless the CRM's reads are current and show the task.
- A write that was lost twice and whose task is untouched was not applied, unless a request may still arrive.
  Every other outcome is unknown.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from taskhand.backends.base import BulkProgress
from taskhand.backends.remote.refusals import counts_unread, explain_deletion, explain_refusal, is_doubtful
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
from taskhand.domain.request_log import RequestLog, recorded_requests
from taskhand.domain.task import Task
from taskhand.http.rate_limiter import without_pauses

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = ["Writer"]

_Row = TypeVar("_Row")

_SENT_AGAIN: Final = frozenset({"423", "425", "429", "503"})
"""Responses after which the transport sends a request again: if the first one was applied, a 404 follows."""
_MAX_DELETIONS: Final = 2


@dataclass(frozen=True, slots=True)
class _Deletion:
    """The outcome of one request for a deletion.

    `is_gone` is whether the task is gone, None if it cannot be read; `note` says how that was learned. `fault` is the
    error of the request, None if the CRM confirmed it.
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

    async def delete(self, task_id: str) -> str | None:
        """Send a deletion, and once more if the task is still found; returns the note to report.

        A CRM may still show a deleted task: then one more deletion after a confirmed one decides, by its 404. NotFound
        if the task was gone before.
        """
        if self._adapter.recent.is_deleted(task_id):
            raise self._messages.no_task(task_id)
        faults: list[UpstreamError | None] = []
        while len(faults) < _MAX_DELETIONS or (faults[-1] is None and faults.count(None) == 1):
            sent = await self._send_deletion(task_id, faults)
            if sent.is_gone and None in faults:  # an earlier one was confirmed
                sent = replace(sent, note=None)
            if sent.is_gone or (sent.is_gone is None and sent.fault is None):
                self._adapter.recent.deleted(task_id)
                return sent.note
            if sent.is_gone is None:
                raise self._messages.unknown_deletion(task_id) from sent.fault
            faults.append(sent.fault)
            if isinstance(sent.fault, UpstreamFailed) and sent.fault.retry_after_s is not None:
                break  # the CRM asks to wait
        raise self._deletion_error(task_id, faults)

    async def _send_deletion(self, task_id: str, faults: Sequence[UpstreamError | None]) -> "_Deletion":
        """Send one deletion, then read whether the task is gone, whatever the response was.

        Raises the refusal if the task still exists; NotFound if the task was gone before.
        """
        removed, is_first = self._messages.removed, not faults
        with recorded_requests() as requests:
            try:
                await self._adapter.delete(task_id)
            except NotFound:
                is_first = is_first and not requests.write_outcomes & _SENT_AGAIN
                if self._adapter.reads_are_current and await self._is_gone(task_id) is False:
                    refused = self._messages.not_found(task_id) if is_first else self._deletion_error(task_id, faults)
                    raise refused from None
                if is_first:
                    self._adapter.recent.deleted(task_id, lag_s=0)
                    raise self._messages.no_task(task_id) from None
                return _Deletion(is_gone=True, note=removed)
            except (OutcomeUnknown, UpstreamFailed) as fault:
                return _Deletion(await self._is_gone(task_id), removed, fault)
            except TaskhandError as refused:
                await self._check_after_refusal(task_id, refused, faults, requests)
                return _Deletion(is_gone=True, note=removed)
        self._adapter.recent.forget([task_id])  # a recent write would be read in place of the deleted task
        is_gone = await self._is_gone(task_id)
        confirmed = None if is_first else self._messages.sent_again
        return _Deletion(is_gone, self._messages.accepted if is_gone is None else confirmed)

    async def _check_after_refusal(
        self, task_id: str, refused: TaskhandError, faults: Sequence[UpstreamError | None], requests: RequestLog
    ) -> None:
        """Return if the task is gone although its deletion was refused; else raise the error to report.

        This request or an earlier one may have deleted it.
        """
        has_left, is_unread = requests.has_write_left, False
        if faults or is_doubtful(requests, refused):
            with without_pauses() if has_left else nullcontext():
                is_gone = await self._is_gone(task_id)
            if is_gone:
                return
            is_unread = is_gone is None
        if (is_unread and not counts_unread(refused)) or (faults and (is_unread or not self._shows_deletions(faults))):
            raise self._messages.unknown_deletion(task_id) from refused
        if faults and isinstance(refused, NotAttempted):
            raise self._deletion_error(task_id, faults) from None
        raise explain_deletion(refused, self._messages.name, task_id) from None

    def _deletion_error(self, task_id: str, faults: Sequence[UpstreamError | None]) -> UpstreamError:
        """The error for a task that is still found after its deletions; `faults` has None for each confirmed one."""
        last = faults[-1] if faults else None
        is_shown = self._shows_deletions(faults)
        if isinstance(last, UpstreamFailed) and (is_shown or all(isinstance(one, UpstreamFailed) for one in faults)):
            return self._messages.failed(last)
        if is_shown:
            return self._messages.still_there(task_id) if None in faults else self._messages.not_applied()
        self._adapter.recent.forget([task_id])
        return self._messages.unknown_deletion(task_id)

    def _shows_deletions(self, faults: Sequence[UpstreamError | None]) -> bool:
        """Whether a task that is still found proves that no deletion was applied, and that none can arrive later."""
        return not self._messages.deletes_lag and not any(isinstance(fault, NoAnswer) for fault in faults)

    async def _is_gone(self, task_id: str) -> bool | None:
        """Whether the task is not found any more; None if it cannot be read."""
        try:
            await self._adapter.get(task_id)
        except NotFound:
            return True
        except TaskhandError:
            return None
        return False

    async def _read_back(self, task_id: str, edit: Edit, fault: UpstreamError) -> _Row:
        """The task as it is now; OutcomeUnknown, from `fault`, if it cannot be read."""
        try:
            return await self._adapter.get(task_id, edit)
        except TaskhandError:
            raise self._messages.unknown_update(task_id) from fault
