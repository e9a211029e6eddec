"""The protocol of a source of changes: it reads the changes in a CRM or in the built-in store."""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from taskhand.domain.errors import OperatorError
from taskhand.domain.event import TaskEvent
from taskhand.domain.task import Task

__all__ = ["EventSource", "KnownTasks", "Look", "PositionFormat"]

_Position = TypeVar("_Position")


class KnownTasks(Protocol):
    """The tasks as they were at the last look."""

    async def find(self, ids: Collection[str]) -> Mapping[str, Task]:
        """The known tasks with these ids, by id."""
        ...

    async def find_all(self) -> Mapping[str, Task]:
        """All known tasks, by id; for a source that compares."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """The result of one look. It is stored completely or not at all, and a repetition is harmless.

    `events` are the oldest first, for each task in the order of its changes. `position` is the start of the next poll.
    `tasks` are the current tasks, None for a deleted one; the next look compares with them. `is_behind` is whether
    more changes wait, so that the next look should follow at once. `gap` is a sentence on changes that may be missing.
    """

    events: tuple[TaskEvent, ...]
    position: str
    tasks: Mapping[str, Task | None] = field(default_factory=dict)
    is_behind: bool = False
    gap: str | None = None


class EventSource(Protocol):
    """Finds the changes of one account's tasks; every method raises TaskhandError if it cannot.

    `compares` is whether it finds changes only by comparing two polls. Taskhand's own changes then come from the
    journal, and a task that is being written meanwhile waits for the next poll. `remark` is a sentence for callers on
    changes that it cannot see, None if it sees all.
    """

    compares: bool = False
    remark: str | None = None

    @abstractmethod
    async def begin(self, at: datetime) -> str:
        """The position from which a look finds the changes since `at`, as far back as the CRM reports them."""

    @abstractmethod
    async def look(self, position: str, known_tasks: KnownTasks, hints: Collection[str] = ()) -> Look:
        """Find the changes since a position; `hints` are ids of tasks that were reported as changed.

        Takes few requests, one page or so: if more waits the look is behind.
        """

    def describe_waiting(self, position: str) -> str | None:  # noqa: ARG002  most sources hold nothing back
        """The sentence on changes that the look before `position` has found and holds back; None if it holds none."""
        return None


class PositionFormat(Generic[_Position]):
    """The form in which the positions of a source are stored: the JSON of values of one class."""

    def __init__(self, kind: type[_Position]) -> None:
        self._json = TypeAdapter(kind)

    def write(self, position: _Position) -> str:
        """The position as a text, which `read` reads."""
        return self._json.dump_json(position).decode()

    def read(self, text: str) -> _Position:
        """A stored position; OperatorError if it is damaged."""
        try:
            return self._json.validate_json(text)
        except ValueError:
            raise OperatorError(
                "The stored position in the changes is damaged.",
                next_step="Remove the file that TASKHAND_EVENTS names; the feed then begins anew.",
            ) from None
