"""However others change tasks, and Taskhand is killed meanwhile, each change is in the feed once and in its order."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.feed_app import FeedApp, open_feed
from taskhand.domain.event import TaskEvent
from taskhand.events.event_store import EventQuery, EventStore
from taskhand.service.events.feed_poll import feed_of, look

if TYPE_CHECKING:
    from taskhand.domain.task import Task

STEPS: Final = st.lists(
    st.sampled_from(["create", "rename", "rename", "own", "again", "look", "killed", "both", "late", "doubled"]),
    min_size=3,
    max_size=16,
)


class _Killed(Exception):
    """The process is killed between a look and its commit."""


class _Dying:
    """A store whose process does not live to commit a look."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def save_look(self, *_given: Any) -> None:
        raise _Killed


class _World:
    """Two processes on one account, and what has really happened in it."""

    def __init__(self, one: FeedApp, two: FeedApp) -> None:
        self.one = one
        self.stages = one, two
        self.tasks: list[Task] = []
        self.happened: list[tuple[str, str, str | None]] = []
        """The task, its title afterwards, and Taskhand's own change."""
        self._own: dict[str, str] = {}
        """The title that Taskhand has given to a task last."""
        self._late: list[TaskEvent] = []
        self._number = 0
        two.source.log = one.source.log

    async def step(self, name: str) -> None:
        """Let something happen, a second after what was before."""
        self._number += 1
        for feed in self.stages:
            feed.clock.move(seconds=1)
        if name == "create":
            self.tasks.append(await self.one.others.create(f"T{self._number}"))
            self.happened.append((self.tasks[-1].id, f"T{self._number}", None))
        elif name == "doubled":
            self.one.source.log += self.one.source.log[-1:]
        elif name in {"rename", "own", "again", "late"}:
            if self.tasks:
                await self._rename(self.tasks[self._number % len(self.tasks)].id, name)
        else:
            await self._look(name)

    async def settle(self) -> None:
        """Let what is late come, and look at it."""
        self.one.source.log += self._late
        await self.step("look")

    async def _rename(self, task_id: str, name: str) -> None:
        title, before = f"T{self._number}", await self.one.others.backend.get_task(task_id)
        change_id = None
        if name == "again":  # somebody else does what Taskhand did
            title = self._own.get(task_id, "")
            if title in {"", before.title}:
                return
        if name == "own":
            self._own[task_id] = title
            change_id = (await self.one.call("update_task", id=task_id, title=title))["changeId"]
            self.one.others.note("updated", before, await self.one.others.backend.get_task(task_id))
        else:
            await self.one.others.rename(before, title)
        self.happened.append((task_id, title, change_id))
        if name == "late":
            self._late.append(self.one.source.log.pop())

    async def _look(self, name: str) -> None:
        if name == "killed":
            dying = cast("EventStore", _Dying(self.one.store))
            with pytest.raises(_Killed):
                await look(replace(self.one.app, open_events=lambda: dying))
        elif name == "both":
            async with anyio.create_task_group() as group:
                for feed in self.stages:
                    group.start_soon(look, feed.app)
        else:
            await look(self.stages[self._number % 2].app)

    async def events(self) -> list[TaskEvent]:
        """All that the feed has, in the order of moments."""
        query = EventQuery(500, since=self.one.clock().replace(year=2020))
        return [one.event for one in await self.one.store.list_events(await feed_of(self.one.app), query)]


@settings(max_examples=15)
@given(STEPS)
def test_each_change_in_a_log_is_reported_once_and_in_order(steps: list[str]) -> None:
    async def play(world: _World) -> None:
        for step in steps:
            await world.step(step)
        await world.settle()
        found = [(one.task_id, one.title, one.change_id) for one in await world.events()]
        assert found == world.happened

    _run(play, compares=False)


@settings(max_examples=15)
@given(STEPS)
def test_events_found_by_comparison_form_a_complete_history_and_mark_own_changes(steps: list[str]) -> None:
    async def play(world: _World) -> None:
        for step in steps:
            await world.step(step)
        await world.settle()
        titles: dict[str, str | None] = {}
        for event in await world.events():
            assert (event.task_id in titles) == (event.kind != "created")
            for change in event.changed if event.kind != "created" else ():
                assert (change.before, change.after) == (titles[event.task_id], event.title)
            titles[event.task_id] = event.title
        assert titles == {task_id: title for task_id, title, _ in world.happened}
        own = [one.change_id for one in await world.events() if one.change_id is not None]
        assert own == [change_id for *_, change_id in world.happened if change_id is not None]

    _run(play, compares=True)


def _run(play: Any, *, compares: bool) -> None:
    async def run() -> None:
        with TemporaryDirectory() as folder:
            at = Path(folder)
            async with open_feed(at, compares=compares) as one, open_feed(at, compares=compares) as two:
                await look(one.app)
                await play(_World(one, two))

    anyio.run(run)
