"""One write of many on its way: what was asked, what has left, and what is known of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

from taskhand.backends.base import Written
from taskhand.domain.edit import Edit
from taskhand.domain.errors import TaskhandError
from taskhand.domain.task import Task

__all__ = ["BatchAnswer", "Finish", "Item", "NewTask", "State"]

_Row = TypeVar("_Row")


class State(Enum):
    """How far an item has come."""

    OPEN = "not sent"
    CONFIRMED = "the CRM said that it is done"
    LOST = "sent, and the answer was lost or did not mention it"
    PENDING = "sent, and the CRM said that it may do it later"
    APPLIED = "done, and how the task is now is known"
    FAILED = "not done, or nobody knows; the error says which"


@dataclass(slots=True)
class Item(Generic[_Row]):
    """The update at `index` of a bulk update.

    `row` is the task as it was answered or read last, `written` what is reported of it. `failure` is the CRM's word
    that a lost update failed. `may_be_late` is whether a request that has left may yet apply it, since no answer came
    in time; `is_resent` whether a second one has left.
    """

    index: int
    before: Task
    edit: Edit
    state: State = State.OPEN
    row: _Row | None = None
    note: str | None = None
    written: Written | None = None
    error: TaskhandError | None = None
    failure: TaskhandError | None = None
    may_be_late: bool = False
    is_resent: bool = False

    @property
    def id(self) -> str:
        """The task's id."""
        return self.before.id

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent for it."""
        return self.state in {State.APPLIED, State.FAILED}

    @property
    def is_in_doubt(self) -> bool:
        """Whether it was sent, and nobody knows whether it is done."""
        return self.state in {State.LOST, State.PENDING}

    def fail(self, error: TaskhandError) -> None:
        """End with an error."""
        self.state, self.error = State.FAILED, error

    def add_note(self, note: str | None) -> None:
        """Say something more about a task that was written."""
        self.note = " ".join(filter(None, (self.note, note))) or None

    def apply(self, row: _Row, note: str | None = None) -> None:
        """End with the task as it is now."""
        self.state, self.row, self.note = State.APPLIED, row, note


@dataclass(frozen=True, slots=True)
class Finish(Generic[_Row]):
    """What some items need together once all are written: `run` does it, and they are reported then."""

    items: Sequence[Item[_Row]]
    run: Callable[[], Awaitable[None]]


@dataclass(slots=True, eq=False)
class NewTask(Generic[_Row]):
    """The create at `index` of many, sent at `sent_at`.

    `row` is the new task as the CRM answered it or as it was found, `note` how that was learned. `fault` is what
    happened to the answer of one that may have been made.
    """

    index: int
    edit: Edit
    sent_at: datetime
    row: _Row | None = None
    note: str | None = None
    fault: TaskhandError | None = None
    error: TaskhandError | None = None
    is_under_way: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether it may have been made, and nobody knows yet."""
        return self.fault is not None and self.row is None and self.error is None

    def add_note(self, note: str | None) -> None:
        """Say something more about the new task."""
        self.note = " ".join(filter(None, (self.note, note))) or None


@dataclass(frozen=True, slots=True)
class BatchAnswer(Generic[_Row]):
    """What a CRM answered to a batch, by index of the item; an item in none of these was confirmed without its row.

    `lost` are those of which nothing is certain, with the reason if there is one. `pending` are those
    that the CRM has accepted and may carry out later.
    """

    rows: Mapping[int, _Row] = field(default_factory=dict)
    refused: Mapping[int, TaskhandError] = field(default_factory=dict)
    lost: Mapping[int, TaskhandError | None] = field(default_factory=dict)
    pending: frozenset[int] = frozenset()
