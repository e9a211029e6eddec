"""Random changes by others between polls, and the properties that the reported events must have."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final

from backends.events.feed import Feed
from backends.events.sources import ObservedAccount
from taskhand.domain.edit import value_of
from taskhand.domain.event import TaskEvent
from taskhand.domain.task import Task

__all__ = ["begin_feed", "change_at_random", "change_one", "check_replay"]

_REPLAYED: Final = ("title", "status", "responsibles")


async def begin_feed(account: ObservedAccount[Any], *, before_s: float = 0) -> Feed:
    """A feed that begins now and has looked once, from so long before on; what that has told is forgotten."""
    feed = Feed(account.source, await account.source.begin(account.now() - timedelta(seconds=before_s)))
    await feed.look()
    if before_s:
        feed.events.clear()
    account.move(1)
    return feed


async def change_at_random(account: ObservedAccount[Any], seed: int) -> tuple[Feed, Mapping[str, Task]]:
    """Change tasks and look at them, and at last until all is known; the feed, and the tasks when it began."""
    chance, other_user = Random(seed), account.other_user  # noqa: S311  not for secrets
    alive = [await other_user.create(f"Task {number}") for number in range(4)]
    account.move(400)
    feed, before = await begin_feed(account), await account.real()
    for number in range(30):
        account.move(chance.choice((0.004, 1, 30, 200)))
        await change_one(account, alive, chance, number)
        if chance.random() < 0.2:
            await feed.glance()  # a look that is cut off before it is kept
        if chance.random() < 0.4:
            feed.keep(await feed.glance())
    for _ in range(2):
        account.move(200)
        await feed.look()
    return feed, before


async def check_replay(account: ObservedAccount[Any], before: Mapping[str, Task], events: Sequence[TaskEvent]) -> None:
    """Each event begins where the one before has ended, and the last ones end where the tasks are."""
    replayed, real = _replay(before, events), await account.real()
    assert replayed == {
        task_id: {name: value_of(real[task_id], name) for name in replayed[task_id]} for task_id in real
    }


async def change_one(account: ObservedAccount[Any], alive: list[str], chance: Random, number: int) -> None:
    """Somebody does one thing with one task."""
    other_user, task_id = account.other_user, chance.choice(alive) if alive else ""
    match chance.choice(("create", "rename", "complete", "reopen", "reassign", "delete") if alive else ("create",)):
        case "create":
            alive.append(await other_user.create(f"New {number}"))
        case "rename":
            await other_user.rename(task_id, f"Renamed {number}")
        case "complete":
            await other_user.set_finished(task_id, finished=True)
        case "reopen":
            await other_user.set_finished(task_id, finished=False)
        case "reassign":
            await other_user.reassign(task_id, chance.choice(other_user.people))
        case "delete":
            alive.remove(task_id)
            await other_user.delete(task_id)


def _replay(before: Mapping[str, Task], events: Sequence[TaskEvent]) -> dict[str, dict[str, object]]:
    """What the tasks are after these events; each must begin where the one before has ended, and change something."""
    tasks = {task_id: {name: value_of(task, name) for name in _REPLAYED} for task_id, task in before.items()}
    for event in events:
        if event.kind == "created":
            assert event.task_id not in tasks
            tasks[event.task_id] = {"title": event.title}
        elif event.kind == "deleted":
            tasks.pop(event.task_id)
        else:
            assert event.changed
            for change in event.changed:
                now = tasks[event.task_id]
                assert change.after != change.before
                assert now.get(change.field, change.before) == change.before
                now[change.field] = change.after
    return tasks
