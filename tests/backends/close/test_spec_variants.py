"""The same scenario under every spec variant of Close: each answer agrees with the sandbox."""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import pytest
from mcp import Client

from backends.close.sandboxed_app import ANA, ELENA, LEAD, Time, close, sandboxed_app
from behaviour.agent import Agent, Refused
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server

SANTIAGO = "America/Santiago"
EVENING = {"dueDate": "2026-03-10", "dueTime": "22:30", "timezone": SANTIAGO}


@dataclass(frozen=True)
class Step:
    """One call on the task, what must then be so in Close, and what the answer must say of the due date."""

    name: str
    asks: dict[str, Any]
    becomes: dict[str, Any]
    due: tuple[str | None, bool] | None = None
    tool: str = "update_task"


STORY = (
    Step(
        "create with a time",
        {"title": "Call Acme", "responsibleIds": ["me"], "priority": "2", "aiCustomerId": LEAD} | EVENING,
        {"text": "Call Acme", "date": "2026-03-11T01:30:00+00:00", "assigned_to": ELENA, "priority": "high"},
        ("2026-03-11T01:30:00.000Z", False),
        "create_task",
    ),
    Step(
        "move the day only",
        {"dueDate": "2026-04-10"},
        {"date": "2026-04-11T02:30:00+00:00"},  # daylight saving has ended: the clock stays
        ("2026-04-11T02:30:00.000Z", False),
    ),
    Step(
        "move the time only",
        {"dueTime": "09:05"},
        {"date": "2026-04-10T13:05:00+00:00"},
        ("2026-04-10T13:05:00.000Z", False),
    ),
    Step("make it all-day", {"dueTime": None}, {"date": "2026-04-10"}, ("2026-04-10T00:00:00.000Z", True)),
    Step("move the whole day", {"dueDate": "2026-04-12"}, {"date": "2026-04-12"}, ("2026-04-12T00:00:00.000Z", True)),
    Step("clear the due date", {"dueDate": None}, {"is_dateless": True}, (None, False)),
    Step(
        "a day from nothing",
        {"dueDate": "2026-05-03"},
        {"date": "2026-05-03", "is_dateless": False},
        ("2026-05-03T00:00:00.000Z", True),
    ),
    Step(
        "midnight in UTC",
        {"dueDate": "2026-05-03", "dueTime": "20:00", "timezone": SANTIAGO},
        {"date": "2026-05-04T00:00:00+00:00"},
        ("2026-05-04T00:00:00.000Z", False),
    ),
    Step("complete", {}, {"is_complete": True, "view": "archive"}, tool="complete_task"),
    Step("complete again", {}, {"is_complete": True}, tool="complete_task"),
    Step("reopen by name", {"newStatusName": "open"}, {"is_complete": False}),
    Step("complete by position", {"newStatusPosition": 2}, {"is_complete": True}),
    Step("reopen by position", {"newStatusPosition": 1}, {"is_complete": False}),
    Step("reassign", {"responsibleIds": ["Ana Soto"]}, {"assigned_to": ANA}, tool="reassign_task"),
    Step("reword", {"title": "Llamar a Ácme 🐦"}, {"text": "Llamar a Ácme 🐦"}),
    Step("calm down", {"priority": "1"}, {"priority": "medium"}),
)

VALUES = [
    f"{name}={value}"
    for name, values in SpecVariant.allowed().items()
    for value in values
    if not name.startswith("oauth_")  # nobody signs in here
    if not value.startswith(("a whole", "any")) and SpecVariant.parse([f"{name}={value}"]) != SpecVariant()
]
THIRD = (len(VALUES) + 2) // 3
GROUPS = [tuple(filter(None, one)) for one in zip_longest(*(VALUES[at : at + THIRD] for at in (0, THIRD, 2 * THIRD)))]
READINGS = [SpecVariant(), *map(SpecVariant.parse, GROUPS)]
"""The defaults, and every other value, three of different switches at a time."""
NUMBERED = [
    SpecVariant(delete_lag=30),
    SpecVariant(list_lag=30),
    SpecVariant(max_limit=100),
    SpecVariant(max_url=2_000),
    SpecVariant(throttle=3),
    SpecVariant(bulk_fails_after=1),
    SpecVariant(rates="enforced", rate_limit=1_000),
]


@pytest.mark.parametrize("spec_variant", [*READINGS, *NUMBERED], ids=str)
async def test_each_answer_of_the_scenario_is_true_under_every_spec_variant(spec_variant: SpecVariant) -> None:
    sandbox = close(1, spec_variant=spec_variant)
    async with (
        serve_sandbox(sandbox) as url,
        sandboxed_app(url, Time(), timezone=SANTIAGO) as app,
        Client(create_server(app)) as client,
    ):
        agent, task = Agent(client), {"id": ""}
        for step in STORY:
            on = {} if step.tool == "create_task" else {"id": task["id"]}
            answer = await agent(step.tool, **on, **step.asks)
            task = answer["task"]
            kept = next(row for row in sandbox.tasks if row["id"] == task["id"])
            assert kept | step.becomes == kept, step.name
            assert step.due in {None, (task["due_at"], task["is_all_day"])}, step.name
            assert [one["field"] for one in answer["unapplied"]] == [], step.name
            assert await count_listed(agent, task) == 1, step.name
            read = (await agent("get_task", id=task["id"]))["task"]
            assert read == task, step.name
        await assert_deleted_and_made_again(agent, sandbox, task)
    assert len(sandbox.tasks) == 2


async def assert_deleted_and_made_again(agent: Agent, sandbox: CloseSandbox, task: dict[str, Any]) -> None:
    """Delete the task, which is gone at once; then take that back."""
    plan = await agent("delete_task", id=task["id"])
    gone = await agent("apply_plan", planId=plan["planId"])
    assert task["id"] not in {row["id"] for row in sandbox.tasks}
    assert await count_listed(agent, task) == 0
    with pytest.raises(Refused, match="There is no task"):
        await agent("get_task", id=task["id"])
    back = (await agent("undo_change", changeId=gone["changeId"]))["task"]
    own = {"id", "created_at", "creator_id"}
    assert back | dict.fromkeys(own) == task | dict.fromkeys(own)
    assert await count_listed(agent, back) == 1


async def count_listed(agent: Agent, task: dict[str, Any]) -> int:
    """How often a list shows the task as it is."""
    rows = (await agent("list_tasks", status=[task["status_config"]["name"]], limit=100))["tasks"]
    return sum(row["id"] == task["id"] and row["title"] == task["title"] for row in rows)
