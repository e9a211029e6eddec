"""A backend is a place where tasks live. This is all that the service knows of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.check_result import CheckResult
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAttempted, RateLimited, TaskhandError
from taskhand.domain.lost_create import CreateCandidates
from taskhand.domain.page import TaskPage
from taskhand.domain.query import TaskQuery
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Contact, Member, StatusList, Task

__all__ = ["Backend", "BulkProgress", "ItemResult", "Misread", "Written"]


@dataclass(frozen=True, slots=True)
class Written:
    """A task as the backend has it after a write; `note` says what is worth knowing about how that was learned."""

    task: Task
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What came of one task of many: what was written, or the error that kept it from being written."""

    task_id: str
    written: Written | None = None
    error: TaskhandError | None = None


@dataclass(slots=True)
class BulkProgress:
    """What a bulk write reports as results come in, and asks before it sends more.

    `results` are those so far, by index. Once `stopped` says why, nothing more is sent, and what was not sent has that
    error as its result. A CRM that asks to wait for longer than a call may take stops the rest.
    """

    results: dict[int, ItemResult] = field(default_factory=dict)
    stopped: NotAttempted | None = None

    def report(self, index: int, result: ItemResult) -> None:
        """The result of the edit at `index` is known."""
        self.results[index] = result
        if result.error is not None:
            self.heed(result.error)

    def heed(self, error: TaskhandError) -> None:
        """Stop where the CRM asks to wait."""
        if isinstance(error, RateLimited) and self.stopped is None:
            self.stop("the CRM asked to wait", retry_after_s=error.retry_after_s)

    def stop(self, why: str, *, retry_after_s: float | None = None) -> None:
        """Send nothing more; `why` continues "It was not sent: ..."."""
        self.stopped = NotAttempted(
            f"It was not sent: {why}.", retry_after_s=retry_after_s, next_step="Send retryIds again as taskIds."
        )


class Misread(Exception):
    """A write showed that `before` had been read wrongly: an edit that was made from it must be made again.

    `before` is the task as it really was, `now` as it is after the write. The service handles it; no caller sees it.
    """

    def __init__(self, before: Task, now: Task) -> None:
        super().__init__("a task was read wrongly")
        self.before = before
        self.now = now


class Backend(Protocol):
    """Where tasks live: every method speaks the contract, and raises TaskhandError where it cannot."""

    name: str
    capabilities: Capabilities
    remedies: Mapping[str, str]
    """What to do where a look finds fault with `statuses`, `me` or `due times`: a sentence by that word."""

    async def statuses(self) -> StatusList:
        """The statuses by position, as far as they are known."""
        ...

    async def members(self) -> tuple[Member, ...]:
        """Everyone who can be responsible for a task."""
        ...

    async def me(self) -> str | None:
        """The member id that `me` stands for, None where nobody can tell."""
        ...

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether the due time that `task` shows, or only the day it is on, is certainly its own."""
        ...

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts by name, phone or e-mail, up to `limit`."""
        ...

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page of tasks."""
        ...

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One whole task, `fresh` not from memory; NotFound where there is none."""
        ...

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """Many tasks with the place's own values, by the ids asked for; those that are not there are left out.

        Takes as few requests as the place allows; `fresh` as of `get_task`.
        """
        ...

    async def create_task(self, edit: Edit) -> Written:
        """A new task in the initial status. OutcomeUnknown where nobody can tell whether there is one."""
        ...

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Set the given fields. OutcomeUnknown where nobody can tell; Misread where `before` was read wrongly."""
        ...

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Set fields of many tasks in the backend's own way: one outcome for each, in the order given; never raises.

        `progress` is told of every result as soon as it is known, and asked before every request that writes.
        """
        ...

    async def find_created(self, edit: Edit, sent_at: datetime) -> CreateCandidates:
        """The tasks that a create of `edit` sent at `sent_at` may have made; TaskhandError where nobody can look."""
        ...

    async def delete_task(self, before: Task) -> str | None:
        """Remove a task, and say what is worth knowing about how that was learned.

        NotFound where it is gone already, OutcomeUnknown where nobody can tell.
        """
        ...

    async def upstream_time(self) -> datetime | None:
        """What the clock of the place says, to be compared with ours; None where it is the same clock."""
        ...

    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """What only the place itself can tell of how it is: the file, or the way there, the credential, the rate.

        `writes` is whether the server is to write too. Nothing is changed to find out; never raises.
        """
        ...

    async def aclose(self) -> None:
        """Let go of files and connections; a backend that was never used has none."""
        ...
