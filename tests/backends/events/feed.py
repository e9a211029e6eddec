"""A minimal feed: it stores the events of polls, and knows the tasks that they have shown."""

from collections.abc import Collection, Iterable, Mapping

from taskhand.domain.event import TaskEvent
from taskhand.domain.event_source import EventSource, Look
from taskhand.domain.task import Task

__all__ = ["Feed", "kinds_and_fields"]


class Feed:
    """Looks at a source from a position on, and keeps each event once by its key; `gaps` are what looks have said."""

    def __init__(self, source: EventSource, position: str) -> None:
        self.source = source
        self.position = position
        self.events: dict[str, TaskEvent] = {}
        self.gaps: list[str] = []
        self._tasks: dict[str, Task] = {}

    async def find(self, ids: Collection[str]) -> Mapping[str, Task]:
        """Those of these tasks that are known."""
        return {task_id: self._tasks[task_id] for task_id in ids if task_id in self._tasks}

    async def find_all(self) -> Mapping[str, Task]:
        """All known tasks."""
        return dict(self._tasks)

    async def look(self, hints: Collection[str] = ()) -> list[TaskEvent]:
        """Look until nothing more waits; the events that were not known."""
        found: list[TaskEvent] = []
        for _ in range(200):
            look = await self.glance(hints)
            found += self.keep(look)
            if not look.is_behind:
                return found
        raise AssertionError("every look is behind")

    async def glance(self, hints: Collection[str] = ()) -> Look:
        """One look, of which nothing is kept."""
        return await self.source.look(self.position, self, hints)

    def keep(self, look: Look) -> list[TaskEvent]:
        """Keep what a look has found; the events that were not known."""
        new = [event for event in look.events if event.key not in self.events]
        assert len({event.key for event in look.events}) == len(look.events), "two events have one key"
        self.events |= {event.key: event for event in new}
        for task_id, task in look.tasks.items():
            if task is None:
                self._tasks.pop(task_id, None)
            else:
                self._tasks[task_id] = task
        self.position = look.position
        self.gaps += [look.gap] if look.gap else []
        return new


def kinds_and_fields(events: Iterable[TaskEvent]) -> list[tuple[str, list[str]]]:
    """The kind of each event, and the names of its changed fields."""
    return [(event.kind, [change.field for change in event.changed]) for event in events]
