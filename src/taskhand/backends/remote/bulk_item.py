"""The state of one write within a bulk: its edit, its requests and its outcome so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

from taskhand.backends.base import Written
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NoAnswer, OutcomeUnknown, TaskhandError
from taskhand.domain.task import Task

__all__ = ["Applied", "BatchAnswer", "Item", "Lost", "NewTask", "State", "open_items"]

_Row = TypeVar("_Row")


class State(Enum):
    """The progress of an item that is neither `Lost` nor over."""

    OPEN = "not sent"
    CONFIRMED = "the CRM confirmed it"
    PENDING = "sent, and the CRM may apply it later"


@dataclass(frozen=True, slots=True)
class Lost:
    """The state of an item that was sent, and whose response was lost or did not mention it.

    `failure` is the CRM's error, None for a lost response. `may_be_late` is whether a request may still arrive at the
    CRM, because no response came in time.
    """

    failure: TaskhandError | None = None
    may_be_late: bool = False


@dataclass(frozen=True, slots=True)
class Applied(Generic[_Row]):
    """The outcome of an item that was applied: its task as it is now; `note` says how the outcome was learned."""

    row: _Row
    note: str | None = None


@dataclass(slots=True)
class Item(Generic[_Row]):
    """The update at `index` of a bulk update.

    `was` is the task before the write, if the adapter needs it. The last `state` is the outcome; an error says whether
    the edit was not applied or its outcome is unknown. `row` is the task in the last read, which did not show the edit.
    `is_resent` is whether a second request was sent.
    """

    index: int
    before: Task
    edit: Edit
    was: _Row | None = None
    state: State | Lost | Applied[_Row] | Written | TaskhandError = State.OPEN
    row: _Row | None = None
    is_resent: bool = False

    @property
    def id(self) -> str:
        """The task's id."""
        return self.before.id

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent for it."""
        return not isinstance(self.state, State | Lost)

    @property
    def is_in_doubt(self) -> bool:
        """Whether it was sent, and its outcome is not known yet."""
        return isinstance(self.state, Lost) or self.state is State.PENDING

    @property
    def failure(self) -> TaskhandError | None:
        """The CRM's error, if it is lost by one."""
        return self.state.failure if isinstance(self.state, Lost) else None

    @property
    def error(self) -> TaskhandError | None:
        """The error that it ended with."""
        return self.state if isinstance(self.state, TaskhandError) else None

    def lose(self, fault: TaskhandError | None) -> None:
        """Note that it was sent, and that `fault` leaves its outcome open; None if the response did not mention it."""
        may_be_late = isinstance(self.state, Lost) and self.state.may_be_late
        failure = None if isinstance(fault, OutcomeUnknown) else fault
        self.state = Lost(failure, may_be_late or isinstance(fault, NoAnswer))


def open_items(items: Iterable[Item[_Row]]) -> list[Item[_Row]]:
    """The items that are not over."""
    return [item for item in items if not item.is_over]


@dataclass(slots=True, eq=False)
class NewTask(Generic[_Row]):
    """The create at `index` of a bulk, sent at `sent_at`.

    `row` is the new task from the response or from a search, `note` says how it was learned. `fault` is the error that
    left it open whether the task was made. `may_be_made` is whether the search after a refused request has failed.
    """

    index: int
    edit: Edit
    sent_at: datetime
    row: _Row | None = None
    note: str | None = None
    fault: TaskhandError | None = None
    error: TaskhandError | None = None
    may_be_made: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether the task may have been made, and its outcome is not known yet."""
        return self.fault is not None and self.row is None and self.error is None


@dataclass(frozen=True, slots=True)
class BatchAnswer(Generic[_Row]):
    """The CRM's response to a batch, by index of the item.

    `lost` are the items with an unknown outcome, with the error if there is one. `pending` are the items that the CRM
    has accepted and may apply later. An item in none of the four was confirmed without its row.
    """

    rows: Mapping[int, _Row] = field(default_factory=dict)
    refused: Mapping[int, TaskhandError] = field(default_factory=dict)
    lost: Mapping[int, TaskhandError | None] = field(default_factory=dict)
    pending: frozenset[int] = frozenset()
