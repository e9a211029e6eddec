"""The journal's values, and the protocol that every journal implements.

A change is one call of a tool that writes. It has an opening (the caller and the request), an intent for each task, a
result for each intent, and an ending. A refused or planned call is a change too, perhaps without intents or results. A
plan is a change whose outcome is `planned`: its intents are what `apply_plan` would do.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from taskhand.domain.check_result import CheckResult
from taskhand.domain.edit import Edit
from taskhand.domain.name_matching import Match
from taskhand.domain.outcome import Outcome
from taskhand.domain.plan import Verb
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task

__all__ = [
    "MASK",
    "Caller",
    "Change",
    "ChangePage",
    "ChangeQuery",
    "Claim",
    "Ending",
    "Intent",
    "Journal",
    "Opening",
    "Result",
    "SharedLocks",
    "title_of",
]


MASK: Final = "[secret]"
"""The text in place of a credential, which no journal keeps."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The client by its own name and version, and the person or account that it acts for (`subject`), if known.

    `email` is the person's, if it is known and not the subject.
    """

    name: str | None = None
    version: str | None = None
    subject: str | None = None
    email: str | None = None

    @property
    def key(self) -> str:
        """Identifies the caller: the person with any client; without a person, the client in any version."""
        return f"{self.subject}/" if self.subject else f"/{self.name or ''}"

    @property
    def person(self) -> str | None:
        """The id by which the person is shown to others."""
        return self.email or self.subject


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on `scope`, which only one change may hold; `payload` shows whether a second call asks for the same.

    With `since`, only a change that began at that time or later holds the claim.
    """

    scope: str
    payload: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """The caller and the request: `arguments` as they were sent, masked; `at` is an aware datetime.

    `plan_id` is the plan that is carried out, `undoes` the change that is undone. `connection` is the name of the CRM
    account, None for the only one. `second_person` is whether another person than the caller has to carry out the plan,
    `by_filter` whether a filter found its tasks. `own_credential` is whether requests bore the caller's own credential.
    """

    tool: str
    caller: Caller
    at: datetime
    arguments: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    matched: tuple[Match, ...] = ()
    plan_id: str | None = None
    undoes: str | None = None
    claims: tuple[Claim, ...] = ()
    connection: str | None = None
    second_person: bool = False
    by_filter: bool = False
    own_credential: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """The write to one task: `before` is None for a create, `edit` is None for a delete.

    `asked` is the whole edit that was asked for; `edit` is the part of it that the task did not match yet.
    """

    verb: Verb
    before: Snapshot | None = None
    edit: Edit | None = None
    asked: Edit | None = None

    @property
    def task_before(self) -> Task | None:
        """The task before the write; None for a create."""
        return self.before.task if self.before else None

    @property
    def task_id(self) -> str | None:
        """The id of the task; None for a create."""
        return self.before.task.id if self.before else None

    @property
    def is_met(self) -> bool:
        """Whether nothing is to be sent for an update: the task matched the whole edit already."""
        return self.edit is not None and self.edit.is_empty


@dataclass(frozen=True, slots=True)
class Result:
    """The result of the intent at `index`: `after` is the task after the write, None where it was deleted or not read.

    `code` is the error's code; `note` is shown to the caller. `title` is that of a task that was skipped, and
    so has no intent. `is_passing` is whether the reason of a refusal may pass; None if it is not known.
    """

    index: int
    outcome: Outcome
    task_id: str | None = None
    after: Task | None = None
    code: str | None = None
    note: str | None = None
    title: str | None = None
    is_passing: bool | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a call: its overall outcome, the requests that were sent, and the seconds that it took."""

    outcome: Outcome
    code: str | None = None
    requests: tuple[str, ...] = ()
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """A change as the journal has it; `results` are by the index of their intent, `ending` is None while it is open.

    `ended_at` is when the ending was written, aware. `session` names the process that began it, None if that is not
    known.
    """

    id: str
    opening: Opening
    intents: tuple[Intent, ...] = ()
    results: Mapping[int, Result] = field(default_factory=dict)
    ending: Ending | None = None
    ended_at: datetime | None = None
    session: str | None = field(default=None, compare=False)

    @property
    def outcome(self) -> Outcome:
        """The overall outcome."""
        return self.ending.outcome if self.ending else "open"

    @property
    def indexes(self) -> list[int]:
        """The indexes of all intents and results."""
        return sorted({*range(len(self.intents)), *self.results})

    def parts(self, index: int) -> tuple[Intent | None, Result | None]:
        """The intent and the result at an index; a skipped task has no intent, an open one no result."""
        return self.intents[index] if index < len(self.intents) else None, self.results.get(index)

    def task_id(self, index: int) -> str | None:
        """The id of the task at an index; None for a create that made none."""
        intent, result = self.parts(index)
        return (intent.task_id if intent else None) or (result.task_id if result else None)

    def title(self, index: int) -> str | None:
        """The last known title of the task at an index."""
        intent, result = self.parts(index)
        return title_of(intent, result.after if result else None) or (result.title if result else None)


def title_of(intent: Intent | None, after: Task | None) -> str | None:
    """The title of a task after a write (`after`), else before it, else as the intent sets it."""
    if (task := after or (intent.task_before if intent else None)) is not None:
        return task.title
    return intent.edit.title if intent and intent.edit and isinstance(intent.edit.title, str) else None


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Filters of a list of changes, newest first; None does not filter. `since` and `until` are aware and inclusive.

    `after` is the cursor of the previous page. `with_plans` False leaves out plans, unless `outcome` asks for them.
    `subject` is the person for whom a change was made, by id; `person` is an id, or the e-mail address at the time
    of the change, which people of two issuers may share. `outcome` is that of the task if `task_id` names one.
    """

    task_id: str | None = None
    tool: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 20
    after: str | None = None
    with_plans: bool = True
    subject: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes, newest first; `cursor` leads to the next page, None on the last one.

    `positions` are the cursors behind each of the changes.
    """

    changes: tuple[Change, ...]
    cursor: str | None = None
    positions: tuple[str, ...] = ()

    def cursor_after(self, shown: int) -> str | None:
        """The cursor after this number of changes; None if the list ends there."""
        return self.cursor if shown == len(self.changes) else self.positions[shown - 1]


class SharedLocks(Protocol):
    """Locks on names, such as the ids of tasks, that the processes of a journal share."""

    async def acquire(self, names: Collection[str], *, has_cache: bool = True) -> frozenset[str] | None:
        """Acquire the locks of these names; returns those that another process has recently written.

        None, without acquiring any lock, if another process holds one of them. Without a cache, the caller does not
        need the names that are returned, and there may be none. OperatorError if the locks are unusable.
        """
        ...

    async def release(self, names: Collection[str]) -> None:
        """Release the locks of these names; never raises."""
        ...


class Journal(Protocol):
    """The changes of one backend and account, on disk. Every method raises OperatorError if it is unusable."""

    @property
    def session(self) -> str:
        """The name of this process among those that use the journal."""
        ...

    async def is_held(self, session: str) -> bool:
        """Whether this process still owns the session, so that no other process ends the changes begun in it."""
        ...

    @property
    def locks(self) -> SharedLocks:
        """The locks on tasks that the processes share."""
        ...

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> tuple[Change, bool]:
        """Write the change down before it is sent, on disk when this returns; the change, and whether it is new.

        If an earlier change that is not void holds one of its claims, nothing is written and that change is
        returned. If two calls do this at the same time, in this process or
        another, only one gets the claim.
        """
        ...

    async def resume(self, change: Change, indexes: Collection[int]) -> tuple[Change, bool]:
        """Reopen a change to resume these of its intents, on disk when this returns.

        Returns the change without their results, and True. If one of these intents has a newer result than in `change`,
        or the change is open, nothing is written: returns the current change, and False. If two calls do this at the
        same time, in this process or another, only one of them resumes.
        """
        ...

    async def revise(self, change_id: str, intents: Sequence[Intent]) -> None:
        """Replace the intents of a change, because the task has changed since it was read.

        NotAttempted if another process has ended it.
        """
        ...

    async def settle(self, change_id: str, results: Sequence[Result], ending: Ending | None = None) -> None:
        """Write down results, all at once or in parts; `ending` closes the change.

        Never raises, because the write to the CRM has happened: if the file cannot be written now, that is logged,
        and the results are written before the next use of the journal. If another process has ended the change
        meanwhile, because this one did not answer, its ending stays, and the results are kept as late ones.
        """
        ...

    async def record(
        self, opening: Opening, ending: Ending, intents: Sequence[Intent] = (), results: Sequence[Result] = ()
    ) -> Change:
        """Write down a change that is over already, or is only a plan; its claims are not held."""
        ...

    async def holder(self, claims: Sequence[Claim], *, even_void: bool = False) -> Change | None:
        """The earlier change that holds one of the claims, if any; with `even_void`, also one that wrote nothing."""
        ...

    async def find(self, change_id: str) -> Change | None:
        """The change with this id, if any."""
        ...

    async def page(self, query: ChangeQuery) -> ChangePage:
        """One page of changes; a change of several tasks that includes `task_id` is returned whole."""
        ...

    async def abandoned_changes(self) -> tuple[Change, ...]:
        """Open changes whose process has ended, oldest first."""
        ...

    async def account_names(self, *, create: bool = False) -> tuple[str, ...]:
        """The names of the account or store in the journal, the name for new changes first; `create` makes a store.

        OperatorError if they cannot be read.
        """
        ...

    async def check_access(self) -> None:
        """Try whether the journal can be written; changes and creates nothing. OperatorError if it cannot."""
        ...

    async def check_health(self) -> tuple[CheckResult, ...]:
        """Check that the journal is sound, complete and writable; changes and creates nothing, never raises."""
        ...

    async def aclose(self) -> None:
        """Close the journal."""
        ...
