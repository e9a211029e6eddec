"""The `Backend` protocol: all that the service knows of a CRM or of the built-in store."""
# ruff: noqa: ARG002  the default of a feature that a backend lacks ignores its arguments

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.check_result import CheckResult
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAttempted, RateLimited, TaskhandError
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Contact, Deal, DealList, Member, StatusList, Task
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import TaskQuery

if TYPE_CHECKING:
    from taskhand.domain.create_matching import CreateCandidates
    from taskhand.domain.event_source import EventSource
    from taskhand.domain.task_type_lookup import KnownType

__all__ = ["Account", "Backend", "BulkProgress", "ItemResult", "Misread", "OwnProperties", "Written"]


@dataclass(frozen=True, slots=True)
class Written:
    """A task as the backend has it after a write; `note` says how the outcome was learned, if callers need to know."""

    task: Task
    note: str | None = None


class ItemResult(NamedTuple):
    """The result for one task of a bulk: the written task, or the error. The id of a failed create is empty.

    `note` says how a deletion was confirmed, if callers need to know.
    """

    task_id: str
    written: Written | None = None
    error: TaskhandError | None = None
    note: str | None = None


@dataclass(slots=True)
class BulkProgress:
    """The progress of a bulk write: it collects the results, and holds the stop that is checked before each request.

    `results` are the results so far, by index. Once `stopped` is set, nothing more is sent, and each unsent item has
    that error as its result. A bulk stops if the CRM asks to wait for longer than a call may take, or if the call's
    time runs out (`is_out_of_time`).
    """

    results: dict[int, ItemResult] = field(default_factory=dict)
    stopped: NotAttempted | None = None
    is_out_of_time: bool = False

    def report(self, index: int, result: ItemResult) -> None:
        """Record the result of the edit at `index`; its error may stop the bulk (see `heed`)."""
        self.results[index] = result
        if result.error is not None:
            self.heed(result.error)

    def heed(self, error: TaskhandError) -> TaskhandError:
        """Stop if the CRM asks to wait, or if the call has no time for another write; returns the error to report.

        All unsent items get the same error.
        """
        if self.stopped is None and isinstance(error, RateLimited):
            self.stop("the CRM asked to wait", retry_after_s=error.retry_after_s)
        elif self.stopped is None and isinstance(error, NotAttempted):
            self.is_out_of_time = True
            self.stop("the call's time ran out")
        return self.stopped or error if isinstance(error, NotAttempted) else error

    def stop(self, why: str, *, retry_after_s: float | None = None) -> None:
        """Send nothing more; `why` completes the message "Not sent: ..."."""
        self.stopped = NotAttempted(
            f"Not sent: {why}.", retry_after_s=retry_after_s, next_step="Send retryIds again as taskIds."
        )


class Misread(Exception):
    """A write has shown that `before` was read wrongly: an edit that was computed from it must be computed again.

    `before` is the task as it really was, `now` as it is after the write. The service handles it; no caller sees it.
    """

    def __init__(self, before: Task, now: Task) -> None:
        super().__init__("a task was read wrongly")
        self.before = before
        self.now = now


class OwnProperties(Protocol):
    """The task properties that an account of the CRM has defined, by name."""

    async def resolve(self, values: Mapping[str, str | None]) -> Mapping[str, str | None]:
        """The values to write, as the CRM stores them; CallerError for a property or a value that it refuses."""

    async def find_names(self, names: Collection[str]) -> Mapping[str, str]:
        """The property names by the given names or labels; CallerError if tasks have no such property."""

    async def snapshots(
        self, ids: Sequence[str], names: Collection[str], *, to_delete: bool = False
    ) -> dict[str, Snapshot]:
        """Tasks as `Backend.snapshots` (or `snapshots_to_delete`) reads them, with these properties."""

    async def find_ids(self, name: str, values: Sequence[str]) -> Mapping[str, str]:
        """The task ids by these values of a unique property; CallerError if the property is not unique."""


class Account(Protocol):
    """The account or store behind a backend: its people, contacts, deals, task types, clock and health."""

    accessed: str
    """What `check_access` tests: `store` or `credential`."""

    @abstractmethod
    async def members(self) -> tuple[Member, ...]:
        """The people who can be responsible for a task."""

    async def former_members(self) -> tuple[Member, ...]:
        """The former team members whose names are known; they may still be responsible for tasks."""
        return ()

    @abstractmethod
    async def me(self) -> str | None:
        """The member id that `me` stands for; None if unknown."""

    @abstractmethod
    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts by name, phone or e-mail, up to `limit`."""

    async def find_deals(self, query: str | None, limit: int) -> DealList:
        """Deals by a part of their names, up to `limit`; without a query the deals that were changed last.

        An empty list if tasks have no deals.
        """
        return DealList(())

    async def find_linked(self, field: str, ids: Sequence[str]) -> Mapping[str, Contact | Deal]:
        """The linked records with these ids in the task field `ai_contact_id`, `ai_customer_id` or `deal_id`, by id.

        Records that do not exist, or that the CRM cannot read by their id, are left out.
        """
        return {}

    async def task_types(self) -> "tuple[KnownType, ...]":
        """The types that tasks can have; empty if tasks have no types, or if the types cannot be read."""
        return ()

    async def upstream_time(self) -> datetime | None:
        """The time on the CRM's clock; None if the backend uses our clock, or if the time is unknown."""
        return None

    async def upstream_account(self) -> str | None:
        """The id of the CRM account that the credential is for; None if the backend does not tell it."""
        return None

    @abstractmethod
    async def check_access(self) -> None:
        """Test whether the store can be written, or whether the CRM accepts the credential; changes nothing."""

    @abstractmethod
    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """Check the store, or the CRM's address, credential, scopes and rate; changes nothing, never raises.

        `writes` is whether the server will write as well as read.
        """


class Backend(Protocol):
    """Reads and writes tasks in the contract's terms; methods raise TaskhandError unless they say otherwise.

    A method with a body returns the value for a backend that lacks the feature, such as notes or changes by others.
    """

    capabilities: Capabilities
    properties: OwnProperties | None
    """The account's own task properties; None if `capabilities.absent` has `properties`."""
    account: Account
    """The account or store that the tasks are in."""
    remedies: Mapping[str, str]
    """How to repair a failed health check: a sentence by the check's name, such as `statuses`, `me` or `due times`."""

    @property
    def event_source(self) -> "EventSource | None":
        """The source of changes by anybody in this backend; None if it cannot report changes."""
        return None

    @abstractmethod
    async def statuses(self) -> StatusList:
        """The known statuses by position."""

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether the due time of `task` (with `of_day`: its day) was certainly read as the backend means it."""
        return True

    def reread(self, snapshot: Snapshot) -> Snapshot:
        """A snapshot from the journal, with the unknown fields that its raw values can show by now filled in."""
        return snapshot

    @abstractmethod
    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page of tasks."""

    @abstractmethod
    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One whole task, not from a cache if `fresh`; NotFound if it does not exist."""

    @abstractmethod
    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """Tasks with the backend's raw values, by the requested ids; tasks that do not exist are left out.

        Sends as few requests as the CRM allows; `fresh` as in `get_task`.
        """

    async def find_listed(self, ids: Sequence[str]) -> frozenset[str]:
        """The ids whose tasks the CRM lists, or may have although its list lacks them.

        A CRM with an endpoint for one task lists them with another one: if both lack a task, it does not exist.
        """
        return frozenset(await self.snapshots(ids, fresh=True))

    async def snapshots_to_delete(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        """Tasks that are about to be deleted, as they are now, with everything that an undo needs.

        May send further requests.
        """
        return await self.snapshots(ids, fresh=True)

    async def find_notes(
        self, tasks: Sequence[Task], text: str, since: datetime, but: Collection[str] = ()
    ) -> dict[str, str]:
        """The ids of the notes with this text that Taskhand wrote beside these tasks at `since` or later, by task id.

        Notes with an id in `but` do not count. For backends whose tasks have no description.
        """
        return {}

    async def missing_notes(self, note_ids: Collection[str]) -> frozenset[str]:
        """The ids among `note_ids` whose notes certainly do not exist any more."""
        return frozenset()

    async def check_edit(self, before: Task | None, edit: Edit) -> None:
        """Check an edit of fields that differ; CallerError if the CRM would refuse it, as far as reads show.

        `before` is None for a new task. Every edit is checked before it is written; the methods that write rely on it.
        """
        del before, edit  # a method without a body would be abstract

    @abstractmethod
    async def create_task(self, edit: Edit) -> Written:
        """Create a task, in the initial status by default; OutcomeUnknown if it may have been created."""

    @abstractmethod
    async def create_tasks(self, edits: Sequence[Edit], progress: BulkProgress | None = None) -> tuple[ItemResult, ...]:
        """Create many tasks, all of them different: one result for each edit, in the order given; never raises.

        `progress` as in `update_tasks`. A create is sent again only after a request to wait, and if a search did not
        find the task.
        """

    @abstractmethod
    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Set the fields of an edit; OutcomeUnknown if it may have been applied, Misread for a wrong `before`."""

    @abstractmethod
    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Update many tasks: one result for each edit, in the order given; never raises.

        Every result is reported to `progress` as soon as it is known; nothing is sent once `progress` is stopped.
        """

    @abstractmethod
    async def find_created(self, edits: Sequence[Edit], sent_at: datetime) -> tuple["CreateCandidates", ...]:
        """The tasks that each create sent at `sent_at` may have made; TaskhandError if the search fails."""

    @abstractmethod
    async def delete_task(self, before: Task) -> str | None:
        """Delete a task and return a note; NotFound, OutcomeUnknown if it may have been deleted."""

    @abstractmethod
    async def delete_tasks(
        self, before: Sequence[Task], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Delete many tasks: one result for each, in the order given; never raises; `progress` as in `update_tasks`."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close files and connections, if any are open."""
