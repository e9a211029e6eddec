"""The protocol of a source of changes: how a CRM, or the built-in store, tells what was changed in it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from taskhand.domain.event import TaskEvent
from taskhand.domain.task import Task

__all__ = ["ChangeSource", "KnownTasks", "Look"]


class KnownTasks(Protocol):
    """The tasks as the last look at each has shown them."""

    async def find(self, ids: Collection[str]) -> Mapping[str, Task]:
        """Those of these ids that are known, by id."""
        ...

    async def find_all(self) -> Mapping[str, Task]:
        """All that are known, by id; for a source that compares."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """What one look has found. It is kept wholly or not at all, and is harmless to repeat.

    `events` are the oldest first, for each task in the order of its changes. `position` is the start of the next poll.
    `tasks` are the tasks as they are now, None for one that is gone: what the next look knows. `is_behind` is whether
    more waits, so that the next look should follow at once. `gap` says in a sentence what may be missing, and why.
    """

    events: tuple[TaskEvent, ...]
    position: str
    tasks: Mapping[str, Task | None] = field(default_factory=dict)
    is_behind: bool = False
    gap: str | None = None


class ChangeSource(Protocol):
    """Finds the changes of one account's tasks; every method raises TaskhandError if it cannot.

    `compares` is whether it knows of changes only by comparing two looks: then Taskhand's own changes are told by its
    journal, and a task that is being written meanwhile waits for the next look. `remark` is a sentence for callers on
    what it cannot see, None if it sees all.
    """

    compares: bool
    remark: str | None

    async def begin(self, at: datetime) -> str:
        """The position from which a look finds what has changed since `at`, as far back as the CRM tells."""
        ...

    async def look(self, position: str, known: KnownTasks, hints: Collection[str] = ()) -> Look:
        """Find what has changed since a position; `hints` are ids of tasks that somebody says were changed.

        Takes few requests, one page or so: if more waits the look is behind.
        """
        ...
