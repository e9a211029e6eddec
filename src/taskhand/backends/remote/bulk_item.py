"""The state of one write within a bulk: its edit, its requests and its outcome so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

from taskhand.backends.base import Written
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NoAnswer, OutcomeUnknown, TaskhandError
from taskhand.domain.task import Task

__all__ = ["Applied", "BatchAnswer", "Item", "Lost", "NewTask", "State", "WriteState", "open_items"]

_Row = TypeVar("_Row")


class State(Enum):
    """The progress of an item that is neither `Lost` nor over."""

    OPEN = "not sent"
    CONFIRMED = "the CRM confirmed it"
    PENDING = "sent, and the CRM may apply it later"


@dataclass(frozen=True, slots=True)
class Lost:
    """The state of an item that was sent, and whose response was lost or did not mention it.

    `fault` is the error of the last request, None if its response did not mention the item. `was_late` is whether an
    earlier request may still arrive at the CRM.
    """

    fault: TaskhandError | None = None
    was_late: bool = False

    @property
    def failure(self) -> TaskhandError | None:
        """The CRM's error; None for a lost response."""
        return None if isinstance(self.fault, OutcomeUnknown) else self.fault

    @property
    def may_be_late(self) -> bool:
        """Whether a request may still arrive at the CRM, because no response came in time."""
        return self.was_late or isinstance(self.fault, NoAnswer)


@dataclass(frozen=True, slots=True)
class Applied(Generic[_Row]):
    """The outcome of an item that was applied: its task as it is now; `note` says how the outcome was learned."""

    row: _Row
    note: str | None = None


WriteState = State | Lost | Applied[_Row] | TaskhandError
BatchAnswer = Mapping[int, WriteState[_Row]]
"""The CRM's response to a batch, by the index of the item."""


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
    state: WriteState[_Row] | Written = State.OPEN
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
        self.state = Lost(fault, isinstance(self.state, Lost) and self.state.may_be_late)


def open_items(items: Iterable[Item[_Row]]) -> list[Item[_Row]]:
    """The items that are not over."""
    return [item for item in items if not item.is_over]


@dataclass(slots=True, eq=False)
class NewTask(Generic[_Row]):
    """The create at `index` of a bulk, sent at `sent_at`.

    The last `state` is the outcome: the new task from the response or from a search, or an error. `may_be_made` is
    whether the search after a refused request has failed.
    """

    index: int
    edit: Edit
    sent_at: datetime
    state: WriteState[_Row] = State.OPEN
    may_be_made: bool = False

    @property
    def is_made(self) -> bool:
        """Whether its task was made, and is known."""
        return isinstance(self.state, Applied)
