"""How Vambe writes due times is learned from the first write, or configured."""

from typing import Any

import pytest

from backends.vambe.backend_case import WORLD
from backends.vambe.expected_tasks import WINDOW, due_shown, expected_task, sandbox_of, stored_task
from backends.vambe.sandboxed_app import KEY
from backends.vambe.scenario import (
    KIRITIMATI,
    MADRID,
    OLD,
    SANTIAGO,
    all_day,
    timed,
)
from backends.vambe.vambe_agent import connected
from behaviour.agent import Agent, Refused
from taskhand.sandbox.faults import Fault

DUE_AT = ("utc", "wall", "echo")
UNTIMED = {"responsibleIds": ["me"], "priority": "1"}


def due_of(task: dict[str, Any]) -> dict[str, Any]:
    return {name: task[name] for name in ("due_at", "is_all_day", "due_timezone")}


@pytest.mark.parametrize("spec_variant", DUE_AT)
@pytest.mark.parametrize(
    ("asked", "becomes"),
    [
        ({"dueDate": "2026-03-12"}, timed("2026-03-12T15:00", SANTIAGO)),
        ({"timezone": MADRID}, timed("2026-03-10T15:00", MADRID)),
        ({"dueTime": "09:05"}, timed("2026-03-10T09:05", SANTIAGO)),
        ({"dueTime": "12:00"}, timed("2026-03-10T12:00", SANTIAGO)),
        ({"dueTime": "12:00", "title": "older"}, timed("2026-03-10T12:00", SANTIAGO) | {"title": "older"}),
        ({"dueTime": None}, all_day("2026-03-10", SANTIAGO)),
        ({"dueDate": "2026-03-12", "dueTime": None}, all_day("2026-03-12", SANTIAGO)),
    ],
    ids=["day", "zone", "time", "time as misread", "time as misread and title", "all-day", "another all-day"],
)
async def test_the_first_write_changes_only_the_requested_fields_of_an_older_task(
    spec_variant: str, asked: dict[str, Any], becomes: dict[str, Any]
) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        answer = await agent("update_task", id=OLD, **asked)
        assert stored_task(sandbox, OLD) == stored_task(sandbox, OLD) | becomes
        assert answer["task"] == expected_task(sandbox, OLD)
        assert answer["unapplied"] == []


async def refusal_of(agent: Agent, **asked: Any) -> str | None:
    """The code with which an update is refused, None where it is not."""
    try:
        await agent("update_task", **asked)
    except Refused as refused:
        return str(refused.code)
    return None


@pytest.mark.parametrize("spec_variant", DUE_AT)
@pytest.mark.parametrize("clock", ["00:30", "23:30"])
@pytest.mark.parametrize("zone", [SANTIAGO, KIRITIMATI])
async def test_a_first_write_that_makes_a_task_all_day_leaves_it_on_its_day(
    spec_variant: str, clock: str, zone: str
) -> None:
    row = {"id": OLD, "title": "old", "dueDate": "2026-03-10", "dueTime": clock, "timezone": zone}
    sandbox = sandbox_of(f"due_at={spec_variant}", seed=WORLD | {"tasks": [row]})
    before = stored_task(sandbox, OLD)
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        refusal = await refusal_of(agent, id=OLD, dueTime=None)
        assert refusal in (None, "due_unsure")
        kept = all_day("2026-03-10", zone) if refusal is None else due_of(before)
        assert due_of(stored_task(sandbox, OLD)) == kept
        answer = await agent("update_task", id=OLD, dueDate="2026-03-10", dueTime=None)
    assert due_of(stored_task(sandbox, OLD)) == all_day("2026-03-10", zone)
    assert answer["task"] == expected_task(sandbox, OLD)


@pytest.mark.parametrize("spec_variant", DUE_AT)
async def test_the_change_of_a_first_write_starts_from_the_time_that_really_was(spec_variant: str) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        answer = await agent("update_task", id=OLD, dueDate="2026-03-12")
    assert answer["changed"] == {"due_at": {"from": "2026-03-10T18:00:00.000Z", "to": "2026-03-12T18:00:00.000Z"}}


async def test_a_plan_whose_write_shows_that_a_time_was_misread_is_applied_and_not_stale() -> None:
    sandbox = sandbox_of("due_at=wall")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        plan = await agent("update_task", id=OLD, dueTime="09:05", dryRun=True)
        answer = await agent("apply_plan", planId=plan["planId"])
    assert answer["changed"] == {"due_at": {"from": "2026-03-10T18:00:00.000Z", "to": "2026-03-10T12:05:00.000Z"}}
    assert stored_task(sandbox, OLD) == stored_task(sandbox, OLD) | timed("2026-03-10T09:05", SANTIAGO)


@pytest.mark.parametrize("spec_variant", DUE_AT)
async def test_a_timed_write_to_one_task_teaches_how_all_others_are_read(spec_variant: str) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        await agent.create(dueDate="2026-03-20", dueTime="10:00", timezone=SANTIAGO)
        assert (await agent("get_task", id=OLD))["task"] == expected_task(sandbox, OLD)
        rows = (await agent("list_tasks", **WINDOW))["tasks"]
        assert {row["id"]: row["due"] for row in rows} == {task["id"]: due_shown(task) for task in sandbox.tasks}


@pytest.mark.parametrize("spec_variant", DUE_AT)
async def test_a_timed_write_whose_answer_is_lost_teaches_it_too_and_is_sent_once(spec_variant: str) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    sandbox.faults = (Fault("reset_after", "PUT /api/public/tasks/{id}"),)
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        answer = await agent("update_task", id=OLD, dueDate="2026-03-20", dueTime="10:00", timezone=SANTIAGO)
        assert (answer["task"], answer["unapplied"]) == (expected_task(sandbox, OLD), [])
    assert [request.method for request in sandbox.requests].count("PUT") == 1


async def test_a_new_task_with_a_time_teaches_it_too_if_the_answer_is_lost() -> None:
    sandbox = sandbox_of("due_at=wall")
    sandbox.faults = (Fault("reset_after", "POST /api/public/tasks"),)
    due = {"dueDate": "2026-03-20", "dueTime": "10:00", "timezone": SANTIAGO}
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        made = (await agent("create_task", title="new", **due, **UNTIMED))["task"]
        assert made == expected_task(sandbox, made["id"])
    assert [request.method for request in sandbox.requests].count("POST") == 1


@pytest.mark.parametrize("spec_variant", DUE_AT)
@pytest.mark.parametrize(
    "first",
    [
        {"dueDate": "2026-03-20", "dueTime": "10:00", "timezone": "UTC"},
        {"dueDate": "2026-03-20", "timezone": SANTIAGO},
        {},
    ],
    ids=["a time in UTC", "a whole day", "no due date"],
)
async def test_a_write_from_which_nothing_is_learned_changes_no_due_time(
    spec_variant: str, first: dict[str, str]
) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        created = await agent.create(**first)
        assert created == expected_task(sandbox, created["id"])
        await agent("update_task", id=OLD, dueDate="2026-03-12")
        assert due_of(stored_task(sandbox, OLD)) == timed("2026-03-12T15:00", SANTIAGO)


@pytest.mark.parametrize(
    ("spec_variant", "setting"), [("utc", "utc"), ("wall", "wall"), ("echo", "wall"), ("echo", "utc")]
)
async def test_a_configured_reading_counts_from_the_start(spec_variant: str, setting: str) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY, vambe_due_at=setting) as agent:
        assert (await agent("get_task", id=OLD))["task"] == expected_task(sandbox, OLD)
        rows = (await agent("list_tasks", **WINDOW))["tasks"]
        assert {row["id"]: row["due"] for row in rows} == {task["id"]: due_shown(task) for task in sandbox.tasks}
        moved = await agent("update_task", id=OLD, dueDate="2026-03-12")
        assert due_of(moved["task"]) == due_of(stored_task(sandbox, OLD)) == timed("2026-03-12T15:00", SANTIAGO)


async def test_the_documented_sample_is_read_as_its_local_time_where_that_is_configured() -> None:
    sample = {"dueDate": "2026-03-10T15:00:00.000Z", "dueTime": "15:00", "timezone": SANTIAGO}
    sandbox = sandbox_of("due_at=echo", seed=WORLD | {"tasks": [{"id": OLD, "title": "old"} | sample]})
    async with connected(sandbox, vambe_api_key=KEY, vambe_due_at="wall") as agent:
        assert (await agent("get_task", id=OLD))["task"] == expected_task(sandbox, OLD)
