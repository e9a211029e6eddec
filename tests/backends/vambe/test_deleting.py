"""Deleting at Vambe, whatever goes wrong: how often it is sent, what is told, and that what is gone stays gone."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from backends.vambe.faults_table import EVER, FAILED, LATE_S, LIST, list_fault, status
from backends.vambe.wired import TASK, backend_at, task_id, vambe
from passing import Time
from taskhand.backends.remote.messages import Messages
from taskhand.backends.vambe.adapter import VambeAdapter
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotFound, TaskhandError
from taskhand.domain.query import TaskQuery
from taskhand.domain.task import Task
from taskhand.http.upstream import Limits
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox

DELETE = "DELETE /api/public/tasks/{id}"
VAMBE = Messages("Vambe")


@dataclass(frozen=True)
class Row:
    """What goes wrong, and the outcome: requests as Vambe saw them, then a note, or the code of an error.

    `left` is whether the task is there in the end.
    """

    name: str
    faults: tuple[Fault, ...]
    sent: str
    note: str | None = None
    code: str | None = None
    left: bool = False
    retryable: bool = False
    after: float | None = None
    waits: float | None = None
    read_s: float = 30.0

    def __str__(self) -> str:
        return self.name


def done(name: str, faults: Iterable[Fault], sent: str, note: str | None = None, **more: Any) -> Row:
    return Row(name, tuple(faults), sent, note, **more)


def fails(name: str, faults: Iterable[Fault], sent: str, code: str, **more: Any) -> Row:
    return Row(name, tuple(faults), sent, code=code, left=True, **more)


def doubt(name: str, faults: Iterable[Fault], sent: str, *, left: bool) -> Row:
    return Row(name, tuple(faults), sent, code="outcome_unknown", left=left)


LOOKED = "GET GET"
"""A task that is gone is looked for in both lists; one that is there is in the first."""


def settled() -> Iterator[Row]:
    """What is told at once, after a look."""
    yield done("nothing", [], f"DELETE {LOOKED}")
    yield done("429, Retry-After: 2", [status(429, 2)], f"DELETE DELETE {LOOKED}", waits=2)
    every = [status(429, commit=True, **EVER)]
    yield done("429 after commit, for ever", every, f"DELETE DELETE DELETE DELETE {LOOKED}", VAMBE.removed)
    once = [status(429, 3600, commit=True)]
    yield done("429 after commit, Retry-After: 3600", once, f"DELETE {LOOKED}", VAMBE.removed)
    hour: dict[str, Any] = {"retryable": True, "after": 3600.0}
    yield fails("429, Retry-After: 3600", [status(429, 3600)], "DELETE GET", "rate_limited", **hour)
    yield done("503", [status(503)], f"DELETE DELETE {LOOKED}", waits=0.25)
    yield done("503 after commit", [status(503, commit=True)], "DELETE DELETE", VAMBE.removed)
    yield fails("404", [status(404)], "DELETE", "task_not_found")
    yield replace(done("429, then 404", [status(429), status(404, nth=2)], "DELETE DELETE", VAMBE.removed), left=True)
    yield fails("401", [status(401)], "DELETE", "unauthorized")
    yield fails("403", [status(403)], "DELETE", "forbidden")
    for code in (302, 307):
        redirect = Fault("redirect", status=code)
        yield fails(f"{code} to another host", [redirect], "DELETE GET", "upstream_redirect")


def looked_up() -> Iterator[Row]:
    """An answer that is lost, or that says nothing: the lists tell what came of it."""
    for name, fault, read_s in (
        ("reset before commit", Fault("reset_before"), 30.0),
        ("502", status(502), 30.0),
        ("504", status(504), 30.0),
        ("a proxy's page as 502", Fault("html"), 30.0),
        ("a page as 200", Fault("html", status=200), 30.0),
        ("JSON that confirms nothing", status(200), 30.0),
        ("slow, not committed", Fault("slow", commit=False), LATE_S),
    ):
        yield done(name, [fault], f"DELETE GET DELETE {LOOKED}", VAMBE.sent_again, read_s=read_s)
        again = replace(fault, nth=2, commit=True)
        yield done(
            f"{name}, then committed", [fault, again], f"DELETE GET DELETE {LOOKED}", VAMBE.removed, read_s=read_s
        )
    for name, fault, read_s in (
        ("reset after commit", Fault("reset_after"), 30.0),
        ("502 after commit", status(502, commit=True), 30.0),
        ("504 after commit", status(504, commit=True), 30.0),
        ("500 after commit", status(500, commit=True), 30.0),
        ("empty body", Fault("empty_body"), 30.0),
        ("body that is not JSON", Fault("not_json"), 30.0),
        ("body cut off", Fault("truncated"), 30.0),
        ("JSON of the wrong type, committed", status(200, commit=True), 30.0),
        ("slow, committed", Fault("slow"), LATE_S),
    ):
        yield done(name, [fault], f"DELETE {LOOKED}", VAMBE.removed, read_s=read_s)
    yield fails("500", [status(500)], "DELETE GET", **FAILED)
    yield fails("503, Retry-After: 3600", [status(503, 3600)], "DELETE GET", **FAILED, after=3600.0)
    yield fails("503 for ever", [status(503, **EVER)], "DELETE DELETE DELETE DELETE GET", **FAILED)


def twice() -> Iterator[Row]:
    """Two things that go wrong."""
    lost, kept = Fault("reset_before"), Fault("reset_after")
    yield fails("reset before commit, for ever", [Fault("reset_before", **EVER)], "DELETE GET DELETE GET", **FAILED)
    yield fails("502 for ever", [status(502, **EVER)], "DELETE GET DELETE GET", **FAILED)
    yield fails("reset before commit, then 500", [lost, status(500, nth=2)], "DELETE GET DELETE GET", **FAILED)
    yield fails("reset before commit, then 403", [lost, status(403, nth=2)], "DELETE GET DELETE GET", "forbidden")
    hour = [lost, status(429, 3600, nth=2)]
    limited: dict[str, Any] = {"retryable": True, "after": 3600.0}
    yield fails("reset before commit, then 429 for an hour", hour, "DELETE GET DELETE GET", "rate_limited", **limited)
    somebody = [lost, Fault("status", status=404, nth=2, commit=True)]
    yield done("reset before commit, then somebody else's 404", somebody, "DELETE GET DELETE", VAMBE.removed)
    stale = [kept, list_fault(Fault("stale_list"))]
    yield done("reset after commit, then the list is stale", stale, "DELETE GET DELETE", VAMBE.removed)
    for name, fault, reads in (
        ("the list fails", status(500, **EVER), 4),
        ("the list is reset", Fault("reset_before", **EVER), 4),
        ("the list is not JSON", Fault("not_json", **EVER), 1),
        ("the list asks for an hour", status(429, 3600), 1),
        ("the list is not allowed any more", status(401, **EVER), 1),
        ("the list redirects", Fault("redirect"), 1),
        ("every list is refused in every spelling", status(400, **EVER), 4),
    ):
        sent = " ".join(["DELETE"] + ["GET"] * reads)
        yield doubt(f"reset after commit, then {name}", [kept, list_fault(fault)], sent, left=False)
        yield doubt(f"reset before commit, then {name}", [lost, list_fault(fault)], sent, left=True)


ROWS = (*settled(), *looked_up(), *twice())


@dataclass(frozen=True)
class Stage:
    """A backend that has read the task, Vambe behind it, another host, and the time they are in."""

    backend: VambeAdapter
    there: VambeSandbox
    elsewhere: VambeSandbox
    task: Task
    time: Time

    @property
    def sent(self) -> str:
        return " ".join(request.method for request in self.there.requests)

    def has_it(self) -> bool:
        return TASK in {task["id"] for task in self.there.tasks}

    async def shows_it(self, *, fresh: bool = False) -> list[bool]:
        """Whether the task is in a page, among snapshots, and to be had by itself."""
        page = await self.backend.list_tasks(TaskQuery())
        found = await self.backend.snapshots([TASK], fresh=fresh)
        try:
            await self.backend.get_task(TASK, fresh=fresh)
        except NotFound:
            return [TASK in {task.id for task in page.tasks}, bool(found), False]
        return [TASK in {task.id for task in page.tasks}, bool(found), True]


@asynccontextmanager
async def staged(
    faults: Iterable[Fault] = (), *spec_variants: str, read_s: float = 30.0, **settings: Any
) -> AsyncIterator[Stage]:
    there, elsewhere, time = vambe(spec_variant=SpecVariant.parse(spec_variants)), vambe(), Time()
    async with AsyncExitStack() as stack:
        away = await stack.enter_async_context(serve(elsewhere))
        url = await stack.enter_async_context(serve(there))
        limits = Limits(read_s=read_s)
        backend = await stack.enter_async_context(backend_at(url, time, limits=limits, **settings))
        task = await backend.get_task(TASK)
        if not spec_variants:
            await backend.list_tasks(TaskQuery())
        there.clear_requests()
        there.faults = tuple(replace(one, route=DELETE if one.route == "*" else one.route, to=away) for one in faults)
        yield Stage(backend, there, elsewhere, task, time)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_each_fault_of_a_deletion_has_the_result_of_the_table(row: Row) -> None:
    async with staged(row.faults, read_s=row.read_s) as stage:
        error: TaskhandError | None = None
        note = None
        try:
            note = await stage.backend.delete_task(stage.task)
        except TaskhandError as raised:
            error = raised
        assert stage.sent == row.sent
        assert (error.code if error else None, note) == (row.code, row.note)
        assert stage.has_it() is row.left
        assert len(stage.there.tasks) == 1 + row.left
        if error is not None:
            assert (error.retryable, error.retry_after_s) == (row.retryable, row.after)
            assert error.next_step
        assert row.waits in {None, sum(stage.time.slept)}
        assert stage.elsewhere.requests == ()
        if row.code is None:
            stage.there.faults = ()
            assert await stage.shows_it() == [False, False, False]


# What is gone stays gone.


async def test_a_deleted_task_leaves_the_cached_lists_without_a_request() -> None:
    async with staged() as stage:
        await stage.backend.delete_task(stage.task)
        stage.there.clear_requests()
        page = await stage.backend.list_tasks(TaskQuery())
        assert [task.id for task in page.tasks] == [task_id(2)]
        assert stage.sent == ""


@pytest.mark.parametrize("keep_s", [0, 5, 300])
async def test_a_stale_list_does_not_show_a_deleted_task(keep_s: int) -> None:
    async with staged([Fault("stale_list", LIST, **EVER)], vambe_cache_s=keep_s) as stage:
        await stage.backend.delete_task(stage.task)
        for _ in range(3):
            stage.time.now += 15
            assert await stage.shows_it() == [False, False, False]
            assert await stage.shows_it(fresh=True) == [False, False, False]


async def test_a_write_before_a_deletion_is_forgotten() -> None:
    async with staged() as stage:
        written = await stage.backend.update_task(stage.task, Edit(title="last words"))
        await stage.backend.delete_task(written.task)
        assert await stage.shows_it() == [False, False, False]


async def test_a_task_is_deleted_whatever_the_case_of_its_id() -> None:
    async with staged() as stage:
        await stage.backend.delete_task(stage.task.model_copy(update={"id": TASK.upper()}))
        assert not stage.has_it()
        assert await stage.shows_it() == [False, False, False]


async def test_a_change_of_a_deleted_task_is_not_sent() -> None:
    async with staged() as stage:
        await stage.backend.delete_task(stage.task)
        stage.there.clear_requests()
        with pytest.raises(NotFound):
            await stage.backend.update_task(stage.task, Edit(title="x"))
        assert {request.method for request in stage.there.requests} <= {"GET"}


async def test_a_task_that_is_there_again_after_a_minute_is_shown() -> None:
    async with staged() as stage:
        await stage.backend.delete_task(stage.task)
        stage.there.reset()
        stage.time.now += 66
        assert await stage.shows_it() == [True, True, True]


async def test_a_failed_or_unknown_deletion_hides_no_task() -> None:
    for faults in ([status(500)], [Fault("reset_before", **EVER)]):
        async with staged(faults) as stage:
            with pytest.raises(TaskhandError):
                await stage.backend.delete_task(stage.task)
            assert await stage.shows_it() == [True, True, True]


async def test_a_task_deleted_by_somebody_else_is_hidden_until_the_next_list() -> None:
    async with staged([status(404)]) as stage:
        with pytest.raises(NotFound) as caught:
            await stage.backend.delete_task(stage.task)
        assert caught.value.code == "task_not_found"
        assert await stage.shows_it() == [False, False, False]
        stage.time.now += 5.1
        assert await stage.shows_it() == [True, True, True]


async def test_a_lost_deletion_is_unknown_where_vambe_refuses_the_widest_list() -> None:
    async with staged([Fault("reset_after")], "max_window_days=400") as stage:
        with pytest.raises(TaskhandError) as caught:
            await stage.backend.delete_task(stage.task)
        assert caught.value.code == "outcome_unknown"
        assert TASK in (caught.value.next_step or "")
