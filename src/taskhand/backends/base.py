"""The `Backend` protocol: all that the service knows of a CRM or of the built-in store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.check_result import CheckResult
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAttempted, RateLimited, TaskhandError
from taskhand.domain.page import TaskPage
from taskhand.domain.query import TaskQuery
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Contact, Deal, DealList, Member, StatusList, Task

if TYPE_CHECKING:
    from taskhand.domain.change_source import ChangeSource
    from taskhand.domain.lost_create import CreateCandidates
    from taskhand.domain.task_types import KnownType

__all__ = ["Backend", "BulkProgress", "ItemResult", "Misread", "OwnProperties", "Written"]


@dataclass(frozen=True, slots=True)
class Written:
    """A task as the backend has it after a write; `note` says how that was learned, where that is worth knowing."""

    task: Task
    note: str | None = None


class ItemResult(NamedTuple):
    """The result of one task of many: the task as it was written, or the error; the id of a failed create is empty.

    `note` says how it was learned that a task is deleted, where that is worth knowing.
    """

    task_id: str
    written: Written | None = None
    error: TaskhandError | None = None
    note: str | None = None


@dataclass(slots=True)
class BulkProgress:
    """What a bulk write reports as results come in, and asks before it sends more.

    `results` are those so far, by index. Once `stopped` says why, nothing more is sent, and what was not sent has that
    error as its result. A CRM that asks to wait for longer than a call may take stops the rest, and so does the end of
    the call's time (`is_out_of_time`).
    """

    results: dict[int, ItemResult] = field(default_factory=dict)
    stopped: NotAttempted | None = None
    is_out_of_time: bool = False

    def report(self, index: int, result: ItemResult) -> None:
        """The result of the edit at `index` is known."""
        self.results[index] = result
        if result.error is not None:
            self.heed(result.error)

    def heed(self, error: TaskhandError) -> TaskhandError:
        """Stop where the CRM asks to wait, and where the call has no time for another write; the error to report.

        What there was no time for has the same reason as everything that waits.
        """
        if self.stopped is None and isinstance(error, RateLimited):
            self.stop("the CRM asked to wait", retry_after_s=error.retry_after_s)
        elif self.stopped is None and isinstance(error, NotAttempted):
            self.is_out_of_time = True
            self.stop("the call's time ran out")
        return self.stopped or error if isinstance(error, NotAttempted) else error

    def stop(self, why: str, *, retry_after_s: float | None = None) -> None:
        """Send nothing more; `why` continues "Not sent: ..."."""
        self.stopped = NotAttempted(
            f"Not sent: {why}.", retry_after_s=retry_after_s, next_step="Send retryIds again as taskIds."
        )


class Misread(Exception):
    """A write has shown that `before` was read wrongly: an edit that was made from it must be made again.

    `before` is the task as it really was, `now` as it is after the write. The service handles it; no caller sees it.
    """

    def __init__(self, before: Task, now: Task) -> None:
        super().__init__("a task was read wrongly")
        self.before = before
        self.now = now


class OwnProperties(Protocol):
    """Task properties of a CRM's own, by name."""

    async def resolve(self, given: Mapping[str, str | None]) -> Mapping[str, str | None]:
        """The values to write, as the CRM keeps them; CallerError for a property or a value that it does not take."""

    async def find_names(self, given: Collection[str]) -> Mapping[str, str]:
        """The names of the properties that are given by name or label; CallerError where tasks have none such."""

    async def snapshots(
        self, ids: Sequence[str], names: Collection[str], *, to_delete: bool = False
    ) -> dict[str, Snapshot]:
        """Tasks as `Backend.snapshots` (`snapshots_to_delete`) reads them, with these properties."""

    async def find_ids(self, name: str, values: Sequence[str]) -> Mapping[str, str]:
        """The ids of the tasks that have these values of a unique property; CallerError where it is none."""


class Backend(Protocol):
    """Reads and writes tasks in the contract's terms; every method raises TaskhandError where it cannot."""

    name: str
    capabilities: Capabilities
    properties: OwnProperties | None
    """Its own properties; None where `capabilities.absent` has `properties`."""
    remedies: Mapping[str, str]
    """How to mend a health check of `statuses`, `me` or `due times`: a sentence by that word."""
    accessed: str
    """What `check_access` tries: the `store` or the `credential`."""

    @property
    def change_source(self) -> "ChangeSource | None":
        """How it tells what was changed in it, whoever did; None where it cannot."""

    async def statuses(self) -> StatusList:
        """The statuses by position, as far as they are known."""

    async def members(self) -> tuple[Member, ...]:
        """The people who can be responsible for a task."""

    async def former_members(self) -> tuple[Member, ...]:
        """The people who left the team, as far as their names are known; they may still be responsible for tasks."""

    async def me(self) -> str | None:
        """The member id that `me` stands for; None if unknown."""

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether the due time of `task` (or only its day) was certainly read as the backend means it."""

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts by name, phone or e-mail, up to `limit`."""

    async def find_deals(self, query: str | None, limit: int) -> DealList:
        """Deals by a part of their names, up to `limit`; without a query those that were changed last.

        None where tasks have no deals.
        """

    async def find_linked(self, field: str, ids: Sequence[str]) -> Mapping[str, Contact | Deal]:
        """What tasks are linked to with these ids in `ai_contact_id`, `ai_customer_id` or `deal_id`, by id.

        What does not exist is left out, and so is what the CRM cannot read by its id.
        """

    async def task_types(self) -> "tuple[KnownType, ...]":
        """The types that tasks can have; none where they have no types, or where these cannot be read."""

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page of tasks."""

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One whole task, not from a cache if `fresh`; NotFound."""

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """Tasks with the backend's raw values, by the ids asked for; those that do not exist are left out.

        Takes as few requests as the CRM allows; `fresh` as in `get_task`.
        """

    async def snapshots_to_delete(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        """Tasks that are about to be deleted, as they are now, with everything that an undo needs.

        May take further requests.
        """

    async def find_notes(
        self, tasks: Sequence[Task], text: str, since: datetime, but: Collection[str] = ()
    ) -> dict[str, str]:
        """The ids of notes with this text that were written here beside these tasks since then, by the id of the task.

        `but` are the ids of notes that do not count. For backends whose tasks have no description.
        """

    async def missing_notes(self, note_ids: Collection[str]) -> frozenset[str]:
        """Those of these notes beside tasks that certainly do not exist any more."""

    async def check_edit(self, before: Task | None, edit: Edit) -> None:
        """CallerError for an edit of fields that differ which the CRM would refuse, as far as reads can tell.

        `before` is None for a new task.
        """

    async def create_task(self, edit: Edit) -> Written:
        """Create a task, in the initial status by default; OutcomeUnknown where it may have been created."""

    async def create_tasks(self, edits: Sequence[Edit], progress: BulkProgress | None = None) -> tuple[ItemResult, ...]:
        """Create many tasks, all of them different: one result for each edit, in the order given; never raises.

        `progress` as in `update_tasks`. Nothing is sent again without proof that it did not arrive.
        """

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Set the fields of an edit; OutcomeUnknown where it may have been applied, Misread for a wrong `before`."""

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Update many tasks: one result for each edit, in the order given; never raises.

        Every result is reported to `progress` as soon as it is known; nothing is sent once `progress` is stopped.
        """

    async def find_created(self, edits: Sequence[Edit], sent_at: datetime) -> tuple["CreateCandidates", ...]:
        """The tasks that each create sent at `sent_at` may have made; TaskhandError if the search fails."""

    async def delete_task(self, before: Task) -> str | None:
        """Delete a task and return a note; NotFound, OutcomeUnknown where it may have been deleted."""

    async def delete_tasks(
        self, before: Sequence[Task], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Delete many tasks: one result for each, in the order given; never raises; `progress` as in `update_tasks`."""

    async def upstream_time(self) -> datetime | None:
        """The time on the CRM's clock; None where it is ours, or unknown."""

    async def upstream_account(self) -> str | None:
        """The id of the CRM account that the credential is for; None where the CRM does not tell, or there is none."""

    async def check_access(self) -> None:
        """Try whether the file can be written, or whether the CRM accepts the credential; changes nothing."""

    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """Check the file, or the CRM's address, credential, scopes and rate; changes nothing, never raises.

        `writes` is whether the server will write too.
        """

    async def aclose(self) -> None:
        """Close files and connections, if any are open."""
