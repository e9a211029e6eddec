"""Taskhand's own changes since the last poll, for a source of changes that only compares two polls.

Such a source would merge Taskhand's own changes with those of others. The journal has each of them, and the source
compares with the tasks as they were afterwards.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import MISSING

from taskhand.domain.event import TaskEvent, difference_event
from taskhand.domain.event_source import KnownTasks, Look
from taskhand.domain.task import Task
from taskhand.events.event_store import Feed
from taskhand.journal.journal import Change
from taskhand.service.app_context import AppContext
from taskhand.service.events.own_write_matching import CLOCKS, OwnWrite, changes_since, writes_of

__all__ = ["OwnChanges", "find_own_changes"]

_MARK: Final = "own:"


@dataclass(frozen=True, slots=True)
class OwnChanges:
    """The journal's record: the events, and the tasks as they were after them.

    `position` is where the source continues. `reported` are the ids of the changes since `since` that are in the feed
    already; the others may be under way during the poll.
    """

    position: str
    since: datetime
    reported: frozenset[str]
    events: tuple[TaskEvent, ...] = ()
    tasks: Mapping[str, Task | None] = field(default_factory=dict)

    async def complete(self, app: AppContext, look: Look) -> Look:
        """The complete poll. A task that was being written meanwhile is left to the next poll."""
        under_way = [change async for change in changes_since(app, self.since) if change.id not in self.reported]
        ids = {task_id for change in under_way for task_id in _task_ids(change)}
        titles = {
            intent.edit.title for change in under_way for intent in change.intents if intent.edit and not intent.before
        }
        ids |= {event.task_id for event in look.events if event.kind == "created" and event.title in titles}
        others = (event for event in look.events if event.task_id not in ids)
        return replace(
            look,
            events=(
                *self.events,
                *(event for other in others for event in _split_completion(other, look.tasks.get(other.task_id))),
            ),
            tasks={**self.tasks, **{task_id: task for task_id, task in look.tasks.items() if task_id not in ids}},
            position=f"{_MARK}{json.dumps([sorted(self.reported), look.position])}",
        )


async def find_own_changes(app: AppContext, feed: Feed, known_tasks: KnownTasks, now: datetime) -> OwnChanges:
    """The changes in the journal since the last poll of a feed, without those from before the feed began."""
    position, reported = _read_position(feed.position)
    since = (feed.looked_at or now) - timedelta(seconds=app.call_time.limit_s) - CLOCKS
    ended = [change async for change in changes_since(app, since) if change.ending is not None]
    own_changes = OwnChanges(position, since, frozenset(change.id for change in ended))
    if feed.looked_at is None:
        return own_changes
    fresh = sorted(
        (change for change in reversed(ended) if change.id not in reported),
        key=lambda change: change.ended_at or change.opening.at,
    )
    writes = [write for change in fresh for write in writes_of(change) if write.is_known]
    seen = await known_tasks.find({own_write.task_id for own_write in writes})
    tasks: dict[str, Task | None] = dict(seen)
    events: list[TaskEvent] = []
    for write in writes:
        if _is_of_feed(write, feed, seen) and not (write.before is None and tasks.get(write.task_id)):
            events += _events_of(write, tasks.get(write.task_id), feed.looked_at)
            tasks[write.task_id] = _without_note(write.after)
    return replace(own_changes, events=tuple(events), tasks=tasks)


def _split_completion(event: TaskEvent, now: Task | None) -> Iterator[TaskEvent]:
    """The event; for a new task that is completed by now, also its completion."""
    yield event
    if event.kind == "created" and now is not None and now.is_finished:
        status = tuple(replace(change, before=MISSING) for change in event.changed if change.field == "status")
        yield replace(event, key=f"{event.key} finished", kind="completed", changed=status)


def _is_of_feed(write: OwnWrite, feed: Feed, seen: Mapping[str, Task]) -> bool:
    """Whether a write belongs to a feed: another person's write does if the feed shows the task."""
    return feed.name.person in {None, write.change.opening.caller.subject} or write.task_id in seen


def _events_of(write: OwnWrite, seen: Task | None, looked_at: datetime) -> Iterator[TaskEvent]:
    """The changes by others in the task before the write, and the write itself."""
    name, began_at = f"{write.change.id} {write.index}", write.change.opening.at
    if write.before is not None and (seen is not None or _is_since(write.before.created_at, looked_at)):
        others = difference_event(seen, write.before, f"before {name}", between=(looked_at, began_at))
        yield from [others] if others else []
    event = difference_event(write.before, write.after, f"own {name}")
    if event is not None:
        yield replace(event, at=write.change.ended_at or began_at, change_id=write.change.id)


def _is_since(text: str | None, moment: datetime) -> bool:
    """Whether a task was created since then."""
    try:
        return text is not None and datetime.fromisoformat(text) >= moment
    except (ValueError, TypeError):
        return False


def _without_note(task: Task | None) -> Task | None:
    """The task as a list shows it, without the note, which is not a field of the task."""
    return task and task.with_note()


def _task_ids(change: Change) -> Iterator[str]:
    task_ids = [intent.task_id for intent in change.intents] + [result.task_id for result in change.results.values()]
    return filter(None, task_ids)


def _read_position(text: str) -> tuple[str, frozenset[str]]:
    """The position of the source, and the changes that are in the feed already."""
    if not text.startswith(_MARK):
        return text, frozenset()
    reported, position = json.loads(text.removeprefix(_MARK))
    return position, frozenset(reported)
