"""One deletion: a lost response is no failure; the task is read after every request.

- A deletion that failed, was lost or had no effect is sent once more, because a second one changes nothing.
- A refused deletion was not applied, unless the refusal is doubtful (`is_doubtful`) and the task is gone or cannot be
  read. A 404 is doubtful too, unless the CRM has confirmed an earlier deletion.
- A task that is still found is read again after some seconds, because a read may be behind, unless the CRM only asks to
  wait. If it is found then too, it was not deleted, unless a request may still arrive or the CRM has confirmed one.
- A success without a body, unless it is a 204, counts only together with a 404 of a read or of a second deletion: a
  broken proxy may send it too.
"""

from collections.abc import Iterable
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from taskhand.backends.remote.lost_update import Listing, read_or_find_listed
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import SEARCH_WAITS_S, Timing
from taskhand.backends.remote.write_messages import Messages
from taskhand.backends.remote.write_refusals import is_doubtful
from taskhand.call.request_log import RequestLog, recorded_requests
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
from taskhand.http.rate_limiter import without_pauses

if TYPE_CHECKING:
    from taskhand.http.client import Client
    from taskhand.http.response_body import Reply

__all__ = ["Deletable", "Deletion", "EmptySuccess", "Presence", "check_deleted", "find_presence"]

_SENT_AGAIN: Final = frozenset({423, 425, 429, 503})
"""Responses after which the transport sends a request again: if the first one was applied, a 404 follows."""
_MAX_DELETIONS: Final = 2


class Deletable(Listing, Protocol):
    """The tasks of a CRM, or other records, that are read and deleted by id; `recent` remembers the deleted ones."""

    messages: Messages
    recent: RecentWrites[Any]
    timing: Timing

    async def delete(self, task_id: str, /) -> None:
        """DELETE one; NotFound if it does not exist."""

    async def get(self, task_id: str, /) -> object:
        """One as it is now; NotFound."""


class EmptySuccess(OutcomeUnknown):
    """A 200 without a body, which the CRM documents for a deletion: the task is looked for, as if it were lost."""


def check_deleted(http: "Client", reply: "Reply", *statuses: int) -> "Reply":
    """The response to a deletion; OutcomeUnknown unless it has one of these statuses, and is a 204 or has `{}`."""
    if reply.json or reply.status not in statuses:
        raise http.invalid(reply, "with something that is not a confirmation")
    if reply.json is None and reply.status != HTTPStatus.NO_CONTENT:
        raise EmptySuccess("The deletion was answered with nothing.")
    return reply


class Presence(Enum):
    """The result of reading a record that was to be deleted."""

    THERE = "found"
    GONE = "not found"
    UNREAD = "it cannot be read"


async def find_presence(records: Deletable, task_id: str, *, is_confirmed: bool = True) -> Presence:
    """Read a record by its id, twice if it cannot be read.

    After a 404 it is also looked for in a list, unless the CRM has confirmed its deletion (`is_confirmed`).
    """
    try:
        await read_or_find_listed(None if is_confirmed else records, task_id, lambda: records.get(task_id))
    except NotFound:
        return Presence.GONE
    except TaskhandError:
        return Presence.UNREAD
    return Presence.THERE


class Deletion:
    """The deletion of one task, or of another record: `run` it once."""

    def __init__(self, records: Deletable, task_id: str) -> None:
        self._records = records
        self._messages = records.messages
        self._id = task_id
        self._outcomes: list[TaskhandError | None] = []
        """The error of each request; None for one that the CRM confirmed."""

    async def run(self) -> str | None:
        """Send the deletion, and once more if the task is still found; returns the note to report.

        If only the last deletion was confirmed, and the CRM still shows the task, one more is sent: its 404 proves that
        the task is gone. NotFound if the task was deleted here before.
        """
        if self._records.recent.is_deleted(self._id):
            raise self._messages.no_task(self._id)
        presence = Presence.THERE
        while presence is Presence.THERE and self._is_to_be_sent:
            presence = await self._send()
        if presence is Presence.THERE:
            presence = await self._read_later()
        if presence is Presence.THERE:
            raise self._error() from self._outcomes[-1]
        if presence is Presence.UNREAD and self._outcomes[-1] is not None:
            raise self._messages.unknown_deletion(self._id) from self._outcomes[-1]
        self._records.recent.note_deletion(self._id)
        return self._note(is_read=presence is Presence.GONE)

    @property
    def _is_to_be_sent(self) -> bool:
        """Whether the task, which is still found, is to be deleted by a first or another request."""
        outcomes = self._outcomes
        last = outcomes[-1] if outcomes else None
        if isinstance(last, UpstreamFailed) and last.retry_after_s is not None:
            return False  # the CRM asks to wait
        return len(outcomes) < _MAX_DELETIONS or (last is None and outcomes.count(None) == 1)

    async def _send(self) -> Presence:
        """Send one deletion, whose outcome is kept, and read the task; raises the refusal if the task still exists."""
        failure: TaskhandError | None = None
        with recorded_requests() as requests:
            try:
                await self._records.delete(self._id)
            except (OutcomeUnknown, UpstreamFailed) as error:
                failure = error
            except TaskhandError as refused:
                await self._check_after_refusal(refused, requests)
                self._outcomes.append(refused)
                return Presence.GONE
        if _has_success([failure]):
            self._records.recent.forget([self._id])  # a recent write would be read in place of the deleted task
        self._outcomes.append(failure)
        return await find_presence(self._records, self._id, is_confirmed=failure is None)

    async def _check_after_refusal(self, refused: TaskhandError, requests: RequestLog) -> None:
        """Return if the task is gone although its deletion was refused; else raise the error to report.

        This request or an earlier one may have deleted it.
        """
        is_only_404 = requests.write_outcomes == {404} and not requests.has_foreign_refusal
        is_404 = is_only_404 or isinstance(refused, NotFound)
        if is_404 and _has_success(self._outcomes):
            return  # the CRM has confirmed it, and may still show a deleted task
        is_repeated = bool(self._outcomes) or (is_404 and bool(requests.write_outcomes & _SENT_AGAIN))
        presence = Presence.THERE
        if is_repeated or is_404 or is_doubtful(requests, refused):
            with without_pauses(when=requests.has_write_left):
                presence = await find_presence(self._records, self._id, is_confirmed=False)
                if presence is Presence.THERE and (is_repeated or not isinstance(refused, RateLimited)):
                    presence = await self._read_later()
        if presence is Presence.GONE:
            return
        if presence is Presence.UNREAD or (is_repeated and (is_404 or self._may_be_applied)):
            raise self._messages.unknown_deletion(self._id) from refused
        if is_repeated and isinstance(refused, NotAttempted):
            raise self._error() from None
        raise self._messages.refused_deletion(self._id, refused) from None

    async def _read_later(self) -> Presence:
        """Read a task that was found again after some seconds."""
        for wait_s in SEARCH_WAITS_S[1:]:
            if not await self._records.timing.sleep_if_time(wait_s):
                return Presence.UNREAD
            presence = await find_presence(self._records, self._id, is_confirmed=None in self._outcomes)
            if presence is not Presence.THERE:
                return presence
        return Presence.THERE

    def _note(self, *, is_read: bool) -> str | None:
        """The note of a deletion that was applied: how that was learned."""
        *earlier, last = self._outcomes
        if not is_read:
            return self._messages.accepted
        if _has_success(earlier):
            return None
        if not _has_success([last]):
            return self._messages.removed
        return self._messages.sent_again if earlier else None

    def _error(self) -> UpstreamError:
        """The error for a task that is still found after its deletions."""
        last = self._outcomes[-1]
        if self._may_be_applied:
            self._records.recent.forget([self._id])
            return self._messages.unknown_deletion(self._id)
        return self._messages.failed_write(last) if isinstance(last, UpstreamFailed) else self._messages.not_applied()

    @property
    def _may_be_applied(self) -> bool:
        """Whether a task that is found proves nothing: the CRM has confirmed a request, or one may still arrive."""
        return any(isinstance(outcome, NoAnswer | None) for outcome in self._outcomes)


def _has_success(outcomes: Iterable[TaskhandError | None]) -> bool:
    """Whether one of these requests was answered with a success, if only with an empty one."""
    return any(isinstance(outcome, EmptySuccess | None) for outcome in outcomes)
