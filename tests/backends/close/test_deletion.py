"""The deletion of a task: sent once, or again if that is safe; a deleted task is hidden, and a doubt is reported."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from backends.close.late_sandbox import LateSandbox
from backends.close.sandboxed_app import ELENA, KEY, LEAD, TASK, WORLD, Time, close, on_close, row, task_id
from behaviour.world import NOW
from taskhand.backends.close.adapter import CloseAdapter
from taskhand.backends.close.errors import MESSAGES as CLOSE
from taskhand.call.request_log import recorded_requests
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, OutcomeUnknown, TaskhandError, UpstreamError
from taskhand.domain.task_query import TaskQuery
from taskhand.http.upstream import Limits
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.faults import Fault

DELETE, GET, LIST = "DELETE /api/v1/task/{id}", "GET /api/v1/task/{id}", "GET /api/v1/task"
EVER: dict[str, Any] = {"nth": "every"}
NEW = Edit(title="Made", responsible_ids=(ELENA,), ai_customer_id=LEAD, priority=2)
LINGERS = SpecVariant(delete_lag=30, rates="hidden")
LINGERS_BRIEFLY = SpecVariant(delete_lag=5, rates="hidden")
TWICE = "DELETE GET DELETE GET GET GET"
"""A task that is still found after two deletions is read twice more, as it may be shown for some seconds."""


def status(code: int, **more: Any) -> Fault:
    return Fault("status", DELETE, status=code, **more)


def faults_in_turn(*kinds: Any) -> list[Fault]:
    """One after the other."""
    return [Fault(kind, DELETE, nth=number) for number, kind in enumerate(kinds, start=1)]


async def delete_under_faults(
    backend: CloseAdapter, sandbox: CloseSandbox, faults: Sequence[Fault]
) -> tuple[str | None, str]:
    """Delete the first task under these faults: the note or the code of the error, and the methods that were sent."""
    before = await backend.get_task(TASK)
    sandbox.clear_requests()
    sandbox.faults = tuple(faults)
    try:
        told = await backend.delete_task(before)
    except TaskhandError as error:
        told = error.code if error.next_step else "no next step"
    return told, " ".join(one.method for one in sandbox.requests)


def is_there(sandbox: CloseSandbox) -> bool:
    return TASK in {each["id"] for each in sandbox.tasks}


OUTCOMES: list[tuple[str, list[Fault], str | None, str, bool]] = [
    ("nothing", [], None, "DELETE GET", False),
    ("empty body", [Fault("empty_body", DELETE)], None, "DELETE GET GET", False),
    ("429, Retry-After: 2", [status(429, retry_after=2)], None, "DELETE DELETE GET", False),
    ("503", [status(503)], None, "DELETE DELETE GET", False),
    ("503 after commit", [status(503, commit=True)], CLOSE.removed, "DELETE DELETE GET GET", False),
    *(
        (f"{name}, done all the same", [fault], CLOSE.removed, "DELETE GET GET", False)
        for name, fault in (
            ("reset", Fault("reset_after", DELETE)),
            ("cut off", Fault("truncated", DELETE)),
            ("late", Fault("slow", DELETE, seconds=0.3)),
            ("500", status(500, commit=True)),
            ("502", status(502, commit=True)),
            ("a page", Fault("html", DELETE, status=200, commit=True)),
            ("no JSON", Fault("not_json", DELETE)),
            ("another JSON", status(200, commit=True)),
        )
    ),
    *(
        (f"{name}, not done", [fault], CLOSE.sent_again, "DELETE GET DELETE GET", False)
        for name, fault in (
            ("reset", Fault("reset_before", DELETE)),
            ("500", status(500)),
            ("502", status(502)),
            ("a page", Fault("html", DELETE, status=200)),
            ("another JSON", status(200)),
        )
    ),
    ("lost twice", faults_in_turn("reset_before", "reset_after"), CLOSE.removed, "DELETE GET DELETE GET GET", False),
    ("lost for ever", [Fault("reset_before", DELETE, **EVER)], "upstream_error", TWICE, True),
    ("500 for ever", [status(500, **EVER)], "upstream_error", TWICE, True),
    ("lost, then 500", [Fault("reset_before", DELETE), status(500, nth=2)], "upstream_error", TWICE, True),
    ("lost, then 403", [Fault("reset_before", DELETE), status(403, nth=2)], "forbidden", TWICE, True),
    (
        "lost, and unreadable",
        [*faults_in_turn("reset_after"), Fault("html", GET, status=404, **EVER)],
        "outcome_unknown",
        "DELETE GET GET",
        False,
    ),
    ("401", [status(401)], "unauthorized", "DELETE", True),
    ("403", [status(403)], "forbidden", "DELETE", True),
    ("429, Retry-After: 3600", [status(429, retry_after=3600)], "rate_limited", "DELETE GET", True),
    ("elsewhere", [Fault("redirect", DELETE)], CLOSE.sent_again, "DELETE GET DELETE GET", False),
    ("404 of another server", [Fault("html", DELETE, status=404)], "upstream_invalid", "DELETE GET GET GET", True),
]


@pytest.mark.parametrize(
    ("faults", "told", "sent", "kept"), [one[1:] for one in OUTCOMES], ids=[o[0] for o in OUTCOMES]
)
async def test_each_fault_of_a_deletion_has_the_result_of_the_table(
    faults: list[Fault], told: str | None, sent: str, *, kept: bool
) -> None:
    sandbox = close()
    async with on_close(sandbox, limits=Limits(read_s=0.2)) as backend:
        assert await delete_under_faults(backend, sandbox, faults) == (told, sent)
    assert is_there(sandbox) is kept
    assert len(sandbox.tasks) == 1 + kept


LISTED = f"{TWICE} GET"
"""The last read does not find it, and neither does a list."""
LATE: list[tuple[str, list[Fault], str | None, str, bool]] = [
    ("nothing", [], None, "DELETE GET DELETE", False),
    ("reset after commit", faults_in_turn("reset_after"), CLOSE.removed, LISTED, False),
    ("500 after commit", [status(500, commit=True)], CLOSE.removed, LISTED, False),
    ("lost after commit, twice", faults_in_turn("reset_after", "reset_after"), CLOSE.removed, LISTED, False),
    ("reset before commit", faults_in_turn("reset_before"), None, "DELETE GET DELETE GET DELETE", False),
]


@pytest.mark.parametrize(("faults", "told", "sent", "kept"), [one[1:] for one in LATE], ids=[one[0] for one in LATE])
async def test_a_deleted_task_that_close_still_shows_is_read_again(
    faults: list[Fault], told: str | None, sent: str, *, kept: bool
) -> None:
    time = Time()
    sandbox = close(spec_variant=LINGERS_BRIEFLY, clock=time.moment)
    async with on_close(sandbox, time) as backend:
        assert await delete_under_faults(backend, sandbox, faults) == (told, sent)
    assert is_there(sandbox) is kept


async def test_the_message_of_an_unknown_deletion_asks_to_wait_a_minute() -> None:
    sandbox = close(spec_variant=LINGERS)
    async with on_close(sandbox) as backend:
        before = await backend.get_task(TASK)
        sandbox.faults = tuple(faults_in_turn("reset_after"))
        with pytest.raises(OutcomeUnknown) as unknown:
            await backend.delete_task(before)
    assert "wait a minute" in (unknown.value.next_step or "")
    assert TASK in (unknown.value.next_step or "")


async def test_a_write_before_an_unknown_deletion_does_not_prove_that_the_task_exists() -> None:
    time = Time()
    sandbox = close(spec_variant=LINGERS, clock=time.moment)
    async with on_close(sandbox, time) as backend:
        before = await backend.get_task(TASK)
        await backend.update_task(before, Edit(title="Written just now"))
        sandbox.faults = tuple(faults_in_turn("reset_after"))
        with pytest.raises(OutcomeUnknown):
            await backend.delete_task(before)
        time.now += 31
        with pytest.raises(NotFound):
            await backend.get_task(TASK)


async def test_a_task_that_somebody_else_deleted_meanwhile_is_gone() -> None:
    sandbox = close()
    async with on_close(sandbox) as backend, on_close(sandbox) as other:
        before = await backend.get_task(TASK)
        await other.delete_task(before)
        assert await backend.delete_task(before) == CLOSE.removed
        sandbox.clear_requests()
        with pytest.raises(NotFound):
            await backend.delete_task(before)
    assert sandbox.requests == ()


@pytest.mark.parametrize(
    "spec_variant", [LINGERS, SpecVariant(list_lag=60, rates="hidden"), replace(LINGERS, deleted="empty")], ids=str
)
async def test_a_deleted_task_is_not_shown_while_close_still_lists_it(spec_variant: SpecVariant) -> None:
    time = Time()
    sandbox = close(4, spec_variant=spec_variant, clock=time.moment)
    ids = [task_id(number) for number in range(1, 5)]
    async with on_close(sandbox, time) as backend:
        before = await backend.get_task(TASK)
        await backend.update_task(before, Edit(title="Written just now"))
        assert await backend.delete_task(before) is None
        time.now += 20
        for query in (TaskQuery(), TaskQuery(order="created"), TaskQuery(responsible_ids=(ELENA,), limit=3)):
            page = await backend.list_tasks(query)
            assert sorted(task.id for task in page.tasks) == ids[1:]
            assert not page.more
        assert list(await backend.snapshots(ids)) == ids[1:]
        assert await backend.snapshots([TASK], fresh=True) == {}
        with pytest.raises(NotFound, match="There is no task"):
            await backend.get_task(TASK)
        with pytest.raises(NotFound, match="There is no task"):
            await backend.update_task(before, Edit(title="x"))
        outcomes = await backend.update_tasks([(before, Edit(title="x"))])
        assert [one.error.code for one in outcomes if one.error] == ["task_not_found"]
        time.now += 50
        with pytest.raises(NotFound):
            await backend.get_task(TASK)


async def test_a_page_is_full_although_the_list_still_shows_deleted_tasks() -> None:
    time = Time()
    days = [(date(2026, 1, 1) + timedelta(days=number)).isoformat() for number in range(1, 200)]
    rows = [row(number, date=day) for number, day in enumerate(days, start=1)]
    sandbox = close(rows, spec_variant=SpecVariant(list_lag=60, rates="hidden"), clock=time.moment)
    async with on_close(sandbox, time) as backend:
        first = await backend.list_tasks(TaskQuery(limit=96))
        for task in first.tasks[:5]:
            await backend.delete_task(task)
        page = await backend.list_tasks(TaskQuery(limit=96))
    assert [task.id for task in page.tasks] == [task_id(number) for number in range(6, 102)]
    assert page.more


async def test_a_new_task_that_close_does_not_find_yet_is_deleted() -> None:
    sandbox, time = LateSandbox(seed=WORLD, key=KEY, clock=lambda: NOW), Time()
    async with on_close(sandbox, time) as backend:
        made = (await backend.create_task(NEW)).task
        sandbox.missing = 2
        assert await backend.delete_task(made) is None
        assert sandbox.tasks == []
        assert time.slept[-2:] == [2, 5]
        again = (await backend.create_task(NEW)).task
        sandbox.missing = 99
        with pytest.raises(UpstreamError, match="yet") as refused:
            await backend.delete_task(again)
        assert refused.value.retryable
    assert len(sandbox.tasks) == 1


async def test_a_lost_deletion_of_a_task_that_close_does_not_find_yet_is_unknown() -> None:
    sandbox = LateSandbox(seed=WORLD, key=KEY, clock=lambda: NOW)
    async with on_close(sandbox) as backend:
        made = (await backend.create_task(NEW)).task
        sandbox.missing = 99
        sandbox.faults = tuple(faults_in_turn("reset_before"))
        with pytest.raises(OutcomeUnknown):
            await backend.delete_task(made)
    assert len(sandbox.tasks) == 1


async def test_a_lost_create_is_not_matched_with_the_deleted_task() -> None:
    sandbox = close(1, spec_variant=SpecVariant(list_lag=30, rates="hidden"), clock=lambda: NOW)
    async with on_close(sandbox) as backend:
        before = (await backend.snapshots([TASK]))[TASK]
        await backend.delete_task(before.task)
        title, native = before.task.title, before.native
        again = replace(NEW, title=str(title), priority=1, native=native)
        sandbox.faults = (Fault("reset_before", "POST /api/v1/task"),)
        with pytest.raises(OutcomeUnknown) as unknown:
            await backend.create_task(again)
    assert unknown.value.candidates == ()
    assert sandbox.tasks == []


async def test_the_requests_of_a_deletion_are_recorded() -> None:
    sandbox = close()
    async with on_close(sandbox) as backend:
        before = await backend.get_task(TASK)
        with recorded_requests() as sent:
            await backend.delete_task(before)
    assert sent == [f"DELETE /api/v1/task/{TASK}/ 200", f"GET /api/v1/task/{TASK}/ 404"]


async def test_a_deletion_that_close_refuses_raises_upstream_refused() -> None:
    async with on_close(close(faults=[Fault("status", DELETE, status=400)])) as backend:
        before = await backend.get_task(TASK)
        with pytest.raises(CallerError) as refused:
            await backend.delete_task(before)
    assert refused.value.code == "upstream_refused"
