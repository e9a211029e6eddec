"""A count that outlasts a call, or that the CRM's limits stop, is marked as partial."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backends.local.open_store import create, open_store
from builders import TASK_ID, refused
from file_stores import journal_in
from fixed_clock import NOW, FixedClock
from taskhand.domain.edit import Edit
from taskhand.domain.errors import UpstreamError
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import TaskFilter, TaskQuery
from taskhand.domain.task_times import TaskTimes
from taskhand.service.app_context import AppContext, CallTime
from taskhand.service.count_tasks import count_tasks
from taskhand.service.lazy import Lazy
from taskhand.service.list_tasks import list_tasks


class SlowPagesBackend:
    """A backend whose lists take `seconds` each, and end with an error after `pages`."""

    def __init__(self, backend: object, seconds: float, pages: int) -> None:
        self._backend, self._seconds, self._pages, self.now = backend, seconds, pages, 0.0

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """A page, or the error of a list that is too long."""
        self._pages -= 1
        self.now += self._seconds
        if self._pages < 0:
            raise UpstreamError("HubSpot shows only the first 10,000.", code="too_many_tasks", next_step="Narrow it.")
        page: TaskPage = await self._backend.list_tasks(query)  # type: ignore[attr-defined]  # the store's
        return page


@pytest.mark.parametrize(
    ("short", "counted", "why"),
    [
        ((1.0, 9), 7, None),
        ((8.0, 9), 7, None),
        ((9.0, 9), 7, None),
        ((16.0, 9), 4, "The call's time ran out."),
        ((1.0, 2), 4, "HubSpot shows only the first 10,000."),
    ],
)
async def test_a_count_that_stops_early_has_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short: tuple[float, int], counted: int, why: str | None
) -> None:
    monkeypatch.setattr("taskhand.service.count_tasks._PAGE_SIZE", 2)
    clock = FixedClock()
    async with open_store(tmp_path / "tasks.sqlite", clock) as store:
        for number in range(7):
            clock.now = NOW + timedelta(minutes=number)
            await create(store, Edit(title=f"{number}", priority=1))
        counting = SlowPagesBackend(store, *short)
        time = CallTime(monotonic=lambda: counting.now)
        app = AppContext(counting, Lazy(lambda: journal_in(tmp_path)), clock, call_time=time)  # type: ignore[arg-type]
        with app.call_deadline():
            count = (await count_tasks(app, TaskFilter(), "priority")).count
        assert (count.total, count.groups, count.why) == (counted, {"medium": counted}, why)


async def test_a_count_of_too_many_tasks_is_partial_and_has_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskhand.service.count_tasks._PAGE_SIZE", 2)
    monkeypatch.setattr("taskhand.service.count_tasks._MAX_COUNTED", 4)
    async with open_store(tmp_path / "tasks.sqlite") as store:
        for number in range(5):
            await create(store, Edit(title=f"{number}", priority=1))
        app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), FixedClock())
        count = (await count_tasks(app, TaskFilter(), "priority")).count
    assert (count.total, count.why) == (4, "There are more tasks than one call counts.")


async def test_a_count_of_nothing_fails_as_a_list_does(tmp_path: Path) -> None:
    async with open_store(tmp_path / "tasks.sqlite") as store:
        app = AppContext(SlowPagesBackend(store, 1, 0), Lazy(lambda: journal_in(tmp_path)), FixedClock())  # type: ignore[arg-type]
        with pytest.raises(UpstreamError):
            await count_tasks(app, TaskFilter(), "status")


class UnreadableTaskBackend(SlowPagesBackend):
    """A backend each of whose pages leaves out a task whose id is known, the same on every page, and some others."""

    def __init__(self, backend: object) -> None:
        super().__init__(backend, 0.0, 9)
        self._nameless = iter((3, 5, 4, 4))

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """A page of two tasks, which leaves out others that cannot be read."""
        page = await super().list_tasks(replace(query, limit=2))
        return replace(page, unreadable=("t-9", *[""] * next(self._nameless)))


async def test_a_task_that_cannot_be_read_counts_once_however_many_pages_leave_it_out(tmp_path: Path) -> None:
    async with open_store(tmp_path / "tasks.sqlite") as store:
        for number in range(5):
            await create(store, Edit(title=f"{number}", priority=1))
        app = AppContext(UnreadableTaskBackend(store), Lazy(lambda: journal_in(tmp_path)), FixedClock())  # type: ignore[arg-type]
        count = (await count_tasks(app, TaskFilter(), "priority")).count
    assert (count.total, count.unreadable) == (5, 1 + 5)


async def test_a_filter_that_may_match_a_task_that_cannot_be_read_is_not_called_wrong(tmp_path: Path) -> None:
    by_name = TaskFilter(contact="Leo Soto")
    async with open_store(tmp_path / "tasks.sqlite") as store:
        app = AppContext(UnreadableTaskBackend(store), Lazy(lambda: journal_in(tmp_path)), FixedClock())  # type: ignore[arg-type]
        assert (await count_tasks(app, by_name, "priority")).count.unreadable == 4
        assert (await list_tasks(app, by_name)).tasks == ()
        readable = AppContext(store, Lazy(lambda: journal_in(tmp_path)), FixedClock())
        with refused("invalid_id"):
            await count_tasks(readable, by_name, "priority")
        with refused("invalid_id"):
            await list_tasks(readable, by_name)


class UnusableIdBackend(SlowPagesBackend):
    """A backend that leaves out a task with an id that no tool would take, and one with an id."""

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """A page."""
        return replace(await super().list_tasks(query), unreadable=("no id\n", TASK_ID))


async def test_a_task_with_an_unusable_id_is_left_out_like_a_task_without_an_id(tmp_path: Path) -> None:
    async with open_store(tmp_path / "tasks.sqlite") as store:
        app = AppContext(UnusableIdBackend(store, 0.0, 9), Lazy(lambda: journal_in(tmp_path)), FixedClock())  # type: ignore[arg-type]
        found = (await list_tasks(app, TaskFilter())).unreadable
    assert found == ("", TASK_ID)


class CompletedTasksBackend(SlowPagesBackend):
    """A backend whose tasks were completed by one member."""

    by: str | None = None

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """A page."""
        page = await super().list_tasks(query)
        return replace(page, times={one.id: TaskTimes(completed_by=self.by) for one in page.tasks})


async def test_a_former_member_who_completed_a_task_is_known_by_name(tmp_path: Path) -> None:
    async with open_store(tmp_path / "tasks.sqlite") as store:
        await create(store, Edit(title="Call", priority=1))
        counting = CompletedTasksBackend(store, 0.0, 9)
        counting.by = await store.edit(lambda one: one.add_member("Marta", "marta@example.cl"))
        await store.edit(lambda one: one.add_member("Leo", "leo@example.cl"))
        for name in ("Marta", "Leo"):
            await store.edit(lambda one, name=name: one.remove_member(name))  # type: ignore[misc]
        app = AppContext(counting, Lazy(lambda: journal_in(tmp_path)), FixedClock())  # type: ignore[arg-type]
        found = await list_tasks(app, TaskFilter())
    assert [one.name for one in found.former.values()] == ["Marta"]
