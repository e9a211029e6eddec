"""The write protocol of updates: a lost response is no failure; the task is read back.

The rules, for every CRM, of one update and of each update in a batch:

- A refused write was not applied, unless it was the repetition of another request. An error of a read after the write
  has left proves nothing about the write.
- A request to wait (`RateLimited`) and a doubtful refusal (`is_doubtful`) count as refusals, unless a read back shows
  that the write was applied all the same. One that cannot be read back leaves the outcome unknown.
- After a lost response (`OutcomeUnknown`) or a failure of the CRM (`UpstreamFailed`) the task is read back. If it shows
  the edit, the write was applied. If not, a failed write has failed, and a lost one is sent once more.
- A write that was lost twice and whose task is untouched was not applied, unless a request may still arrive.
  Every other outcome is unknown.
- A single read never proves that a write had no effect, because it may be behind: the task is read again after some
  seconds, unless the CRM asks to wait or the call has no time. A refusal that is not doubtful is not read back at all.

`bulk_create` has the rules of creates, and `deletion` those of deletions.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from taskhand.backends.base import BulkProgress
from taskhand.backends.remote.bulk_item import Item, Lost
from taskhand.backends.remote.timing import SEARCH_WAITS_S
from taskhand.backends.remote.write_messages import Messages
from taskhand.backends.remote.write_refusals import explain_refusal, is_doubtful
from taskhand.call.request_log import recorded_requests
from taskhand.domain.edit import is_untouched
from taskhand.domain.errors import NotAttempted, NotFound, OutcomeUnknown, RateLimited, TaskhandError, UpstreamFailed
from taskhand.http.rate_limiter import without_pauses

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = [
    "Listing",
    "error_of_unread",
    "error_of_unshown",
    "may_send_again",
    "read_or_find_listed",
    "read_twice",
    "wait_to_read_again",
    "write_update",
]

_Row = TypeVar("_Row")


class Listing(Protocol):
    """Records that are listed."""

    async def find_listed(self, ids: Sequence[str], /) -> Collection[str]:
        """The ids that a list has, or that may exist although it lacks them."""


async def read_twice(read: Callable[[], Awaitable[_Row]]) -> _Row:
    """The result of a read after a write; the read is repeated once if its error is not retryable.

    The transport has repeated a retryable one already.
    """
    try:
        return await read()
    except TaskhandError as error:
        if error.retryable:
            raise
    return await read()


async def read_or_find_listed(records: Listing | None, task_id: str, read: Callable[[], Awaitable[_Row]]) -> _Row:
    """Read a record by its id; NotFound only if a list of `records` lacks it too.

    OutcomeUnknown if there is no list either: every request gets a 404. Without `records` one 404 is enough.
    """
    try:
        return await read()
    except NotFound as missing:
        if records is None:
            raise
        try:
            listed = await records.find_listed([task_id])
        except NotFound:
            raise OutcomeUnknown("Neither the task nor a list of tasks was found.") from missing
        if task_id not in listed:
            raise
    except TaskhandError as error:
        if error.retryable:
            raise
    return await read()


async def write_update(
    adapter: "CrmAdapter[_Row]", item: Item[_Row], progress: BulkProgress
) -> tuple[_Row, str | None]:
    """The task after the update of an item, and a note that says how the outcome was learned.

    The update is sent once more if its response was lost and the task does not show the edit, unless `progress` is
    stopped by then. The item may have been sent in a batch before, which counts as its first request.
    """
    item, messages = replace(item, row=None), adapter.messages
    for is_resent in (item.is_resent, True):
        item.is_resent = is_resent
        written = await _send(adapter, item, progress)
        if written is not None:
            row, note = written
            return row, note or (messages.sent_again if is_resent else None)
        if (shown := await _read_back(adapter, item)) is not None:
            return shown, messages.applied
        if not may_send_again(item, adapter):
            break
    if await wait_to_read_again(item, adapter) and (shown := await _read_back(adapter, item)) is not None:
        return shown, messages.applied
    raise error_of_unshown(item, adapter) from item.failure


async def _send(
    adapter: "CrmAdapter[_Row]", item: Item[_Row], progress: BulkProgress
) -> tuple[_Row, str | None] | None:
    """Send one request: the task after it and a note, or None if the item is lost.

    Raises the refusal of the first request, and `error_of_unshown` if the repetition was not sent.
    """
    before, edit = item.before, item.edit
    with recorded_requests() as sent:
        try:
            if progress.stopped is not None:
                raise progress.stopped
            answer = await adapter.update(before, edit)
        except (OutcomeUnknown, UpstreamFailed) as fault:
            item.lose(fault)
            return None
        except TaskhandError as refused:
            if isinstance(refused, RateLimited):
                progress.heed(refused)
            explained = explain_refusal(refused, adapter.messages.name, edit, item.id)
            item.lose(explained)
            if is_doubtful(sent, refused) or (item.is_resent and (item.row is None or sent.has_write_left)):
                return None
            raise (error_of_unshown(item, adapter) if item.is_resent else explained) from None
    return await adapter.complete(answer, before, edit)


async def _read_back(adapter: "CrmAdapter[_Row]", item: Item[_Row]) -> _Row | None:
    """Read the task of an item: returns its row if it shows the edit; raises `error_of_unread`."""
    try:
        with without_pauses(when=not isinstance(item.failure, UpstreamFailed | None)):
            row = await read_or_find_listed(adapter, item.id, lambda: adapter.get(item.id, item.edit))
    except TaskhandError as unread:
        error = error_of_unread(item, unread, adapter.messages)
        raise error from None if error in (unread, item.failure) else item.failure
    item.row = row
    return row if adapter.shows(row, item.edit) else None


async def wait_to_read_again(item: Item[_Row], adapter: "CrmAdapter[_Row]") -> bool:
    """Wait before a task is read again; False at once if the CRM asks to wait, the bulk is stopped or time is short."""
    if isinstance(item.failure, RateLimited | NotAttempted):
        return False
    return await adapter.timing.sleep_if_time(SEARCH_WAITS_S[1])


def error_of_unread(item: Item[_Row], unread: TaskhandError, messages: Messages) -> TaskhandError:
    """The error of an item that was sent and whose task does not exist (`unread` is NotFound) or cannot be read.

    NotFound if the only request was a 404 too; else OutcomeUnknown.
    """
    is_gone = isinstance(unread, NotFound) and isinstance(item.failure, NotFound) and not item.is_resent
    return unread if is_gone else messages.unknown_update(item.id)


def may_send_again(item: Item[_Row], adapter: "CrmAdapter[_Row]") -> bool:
    """Whether an item whose task was read, and does not show its edit, is sent once more.

    A lost item is. An item that failed at the CRM is if the read does not disprove its edit: the second response then
    shows the outcome.
    """
    if not isinstance(item.failure, UpstreamFailed):
        return item.failure is None
    return item.row is None or not adapter.disproves(item.row, item.edit)


def error_of_unshown(item: Item[_Row], adapter: "CrmAdapter[_Row]", *, is_current: bool = True) -> TaskhandError:
    """The error of an item that was sent and whose task, as it was read (`item.row`), does not show the edit.

    `is_current` is whether that read shows the task as it is now.
    """
    messages, failure, row = adapter.messages, item.failure, item.row
    is_final = is_current and isinstance(item.state, Lost) and not item.state.may_be_late
    if row is None or not is_final or not adapter.disproves(row, item.edit):
        return messages.unknown_update(item.id)
    if failure is not None and not isinstance(failure, NotAttempted):
        return messages.failed_write(failure) if isinstance(failure, UpstreamFailed) else failure
    is_unapplied = is_untouched(adapter.to_task(row), item.before, item.edit)
    return messages.not_applied() if is_unapplied else messages.unknown_update(item.id)
