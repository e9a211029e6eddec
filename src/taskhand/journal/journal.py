"""What the service knows of a journal: its values, and the protocol that a store of them keeps.

A change is one call of a tool that writes. It has an opening (who asked for what), an intent for each task, a result
for each intent, and an ending. A call that was refused, or only planned, is a change too: it has no more than what was
known of it. A plan is a change whose outcome is `planned`: its intents are what would be done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from taskhand.domain.change import Match
from taskhand.domain.check_result import CheckResult
from taskhand.domain.edit import Edit
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task

__all__ = [
    "VOID",
    "Caller",
    "Change",
    "ChangePage",
    "ChangeQuery",
    "Claim",
    "Ending",
    "Intent",
    "Journal",
    "Opening",
    "Outcome",
    "Result",
    "Verb",
]

Verb = Literal["create", "update", "delete"]

Outcome = Literal[
    "applied",  # it was written
    "unchanged",  # the task was as asked already: nothing was sent
    "refused",  # nothing was written; `code` says why
    "not_applied",  # looked at after a crash: it was not written
    "unknown",  # nobody can tell
    "not_attempted",  # one of many, whose turn did not come
    "planned",  # a dry run, or stopped at a plan
    "declined",  # a person said no to the plan
    "open",  # under way, or the process that did it is no more
]

VOID: frozenset[Outcome] = frozenset({"refused", "not_applied", "not_attempted", "planned"})
"""Outcomes that leave nothing behind: a claim made by such a change may be made again."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked: the client by its own name and version, and the person or account, where that is known."""

    name: str | None = None
    version: str | None = None
    subject: str | None = None

    @property
    def key(self) -> str:
        """What makes two callers the same: a newer version of a client is still that client."""
        return f"{self.subject or ''}/{self.name or ''}"


@dataclass(frozen=True, slots=True)
class Claim:
    """What no two changes may have: `scope`; `payload` tells whether the second one asks for the same.

    With `since`, only a change that began then or later counts.
    """

    scope: str
    payload: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """Who asks for what: `arguments` are as they were sent, redacted; `at` is aware.

    `plan_id` is the plan that is carried out, `undoes` the change that is taken back.
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


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be done to one task: `before` is None for a new one, `edit` None for one that is deleted.

    `asked` is the whole of what was asked, where `edit` is only the part that the task did not show yet.
    """

    verb: Verb
    before: Snapshot | None = None
    edit: Edit | None = None
    asked: Edit | None = None

    @property
    def task_id(self) -> str | None:
        """The task, where there is one already."""
        return self.before.task.id if self.before else None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of the intent at `place`: `after` is the task as it was then, None for one that is gone.

    `code` is that of the error; `note` what was worth saying.
    """

    place: int
    outcome: Outcome
    task_id: str | None = None
    after: Task | None = None
    code: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended: its outcome as a whole, the requests that were sent, and how long it took."""

    outcome: Outcome
    code: str | None = None
    requests: tuple[str, ...] = ()
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """A change as the journal has it; `results` are by place, `ending` is None while it is open."""

    id: str
    opening: Opening
    intents: tuple[Intent, ...] = ()
    results: Mapping[int, Result] = field(default_factory=dict)
    ending: Ending | None = None

    @property
    def outcome(self) -> Outcome:
        """What came of it as a whole."""
        return self.ending.outcome if self.ending else "open"


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which changes to list, newest first; `None` does not filter. `since` and `until` are aware and included.

    `after` is the cursor of the page before.
    """

    task_id: str | None = None
    tool: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 20
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes, newest first; `cursor` goes on, None on the last page."""

    changes: tuple[Change, ...]
    cursor: str | None = None


class Journal(Protocol):
    """Changes of one place where tasks live, on disk. Every method raises OperatorError where that cannot be used."""

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> tuple[Change, bool]:
        """Write down what is about to be done, on disk when this returns; the change, and whether it is new.

        Where one of its claims is held by an earlier change that is not void, nothing is written and that one is
        answered. Two calls at the same moment, of this process or another, do not both get it.
        """
        ...

    async def revise(self, change_id: str, intents: Sequence[Intent]) -> None:
        """Write down that these are the intents now: the task was not as it had been read."""
        ...

    async def settle(self, change_id: str, results: Sequence[Result], ending: Ending | None = None) -> None:
        """Write down what came of it, all at once or in parts; `ending` closes the change.

        What was done stays done, so this never raises: where the file cannot be written now, that is logged, and the
        outcome is written before anything else is asked of the journal.
        """
        ...

    async def record(
        self, opening: Opening, ending: Ending, intents: Sequence[Intent] = (), results: Sequence[Result] = ()
    ) -> Change:
        """Write down a change that is over already, or that is only a plan, in one go; its claims are not made."""
        ...

    async def holder(self, claims: Sequence[Claim]) -> Change | None:
        """The earlier change that holds one of the claims, where there is one."""
        ...

    async def find(self, change_id: str) -> Change | None:
        """One change, whole."""
        ...

    async def page(self, query: ChangeQuery) -> ChangePage:
        """Changes, newest first; of those that touch `task_id`, whole as they are."""
        ...

    async def abandoned(self) -> tuple[Change, ...]:
        """Changes that are open and whose process is no more, oldest first; those of a living one are left out."""
        ...

    async def examine(self) -> tuple[CheckResult, ...]:
        """Whether it can be written, is sound, and whole: changes nothing, makes nothing, never raises."""
        ...

    async def aclose(self) -> None:
        """Let go of the file."""
        ...
