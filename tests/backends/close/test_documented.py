"""Close's page of the bulk update and its schemas, sentence by sentence: the sent requests, and the refused ones.

https://developer.close.com/api/resources/tasks/bulk-update, with create, update and list.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mcp import Client

from backends.close.sandboxed_app import (
    ANA,
    CAROLINA,
    ELENA,
    LEAD,
    LUIS,
    OTHER_LEAD,
    TASK,
    Time,
    close,
    row,
    sandboxed_app,
    task_id,
)
from behaviour.agent import Agent
from behaviour.world import SANTIAGO
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server

IDS = [task_id(number) for number in range(1, 5)]
BY_ID: dict[str, Any] = {"_params": {"id__in": ",".join(IDS), "_type": "all"}}
BULK, ONE, LIST = "PUT /api/v1/task", "PUT /api/v1/task/{id}", "GET /api/v1/task"
NEW: dict[str, Any] = {"title": "New", "responsibleIds": [ANA], "aiCustomerId": LEAD, "priority": "1"}
UNKNOWN = "user_that_there_is_not"


@dataclass(frozen=True)
class Row:
    """A sentence: the arguments of the tool, and the bodies that are `sent`, or the `code` of a refusal before that."""

    says: str
    asks: dict[str, Any]
    sent: tuple[dict[str, Any], ...] = ()
    code: str | None = None
    tool: str = "update_task"


def of_many(says: str, changes: dict[str, Any], *sent: dict[str, Any], code: str | None = None) -> Row:
    return Row(says, {"taskIds": IDS, "changes": changes}, sent, code, "bulk_update_tasks")


def of_new(says: str, more: dict[str, Any], *sent: dict[str, Any], code: str | None = None) -> Row:
    return Row(says, NEW | more, sent, code, "create_task")


ROWS = (
    # "Only the assigned_to, date and is_complete fields may be updated": those together, the others one by one.
    of_many("is_complete", {"newStatusName": "Completed"}, {"is_complete": True} | BY_ID),
    of_many("is_complete: false", {"newStatusPosition": 1}, {"is_complete": False} | BY_ID),
    of_many("a date", {"dueDate": "2026-04-01"}, {"date": "2026-04-01"} | BY_ID),
    of_many("a datetime", {"dueDate": "2026-04-01T12:30:00-03:00"}, {"date": "2026-04-01T15:30:00+00:00"} | BY_ID),
    of_many("assigned_to", {"responsibleIds": ["Luis Pereira"]}, {"assigned_to": LUIS} | BY_ID),
    of_many(
        "all three",
        {"responsibleIds": [ANA], "dueDate": "2026-04-02", "dueTime": None, "newStatusName": "done"},
        {"assigned_to": ANA, "date": "2026-04-02", "is_complete": True} | BY_ID,
    ),
    of_many("what is so already", {"responsibleIds": [ANA]}),
    of_many("text", {"title": "Same"}, *({"text": "Same"},) * 4),
    of_many("priority", {"priority": "2"}, *({"priority": "high"},) * 4),
    of_many("resolution", {"newStatusName": "done", "resolution": "skipped"}, *({"resolution": "skipped"},) * 4),
    of_many("no date", {"dueDate": None}, *({"is_dateless": True},) * 4),
    of_many("organization_id", {"organization_id": "orga_1"}, code="unknown_argument"),
    of_many("contact", {"aiContactId": CAROLINA}, *({"contact_id": CAROLINA},) * 4),
    of_many("lead", {"aiCustomerId": OTHER_LEAD}, code="unknown_argument"),
    of_many("null is no assigned_to", {"responsibleIds": None}, code="nothing_to_change"),
    of_many("one assigned_to", {"responsibleIds": [ANA, LUIS]}, code="too_many_responsibles"),
    Row(
        "one assigned_to",
        {"id": IDS[0], "responsibleIds": [ANA, LUIS]},
        code="too_many_responsibles",
        tool="reassign_task",
    ),
    of_many("a priority of the enum", {"priority": "0"}, code="invalid_priority"),
    of_many("a resolution of the enum", {"newStatusName": "done", "resolution": "lost"}, code="invalid_arguments"),
    of_many("nothing", {}, code="nothing_to_change"),
    # A filter that Close ignores would change every task.
    *(
        Row("a filter", {"filter": sent, "changes": {"newStatusName": "Open"}}, code=code, tool="bulk_update_tasks")
        for sent, code in (
            ({}, "empty_filter"),
            ({"organization_id": "orga_1"}, "unknown_argument"),
            ({"view": "inbox"}, "unknown_argument"),
            ({"responsibleIds": [UNKNOWN]}, "unknown_member"),
            ({"taskType": "fax"}, "unknown_task_type"),
            ({"fromDate": "2026-13-01"}, "invalid_date"),
        )
    ),
    Row(
        "no ids",
        {"taskIds": [], "changes": {"newStatusName": "Open"}},
        code="nothing_to_change",
        tool=of_many("", {}).tool,
    ),
    # PUT /task/{id}/
    Row("text is not empty", {"title": ""}, code="invalid_title"),
    Row("text is not null", {"title": None}, code="nothing_to_change"),
    Row("one id", {"id": f"{TASK},{task_id(2)}", "title": "x"}, code="invalid_id"),
    Row("an existing task", {"id": task_id(77), "title": "x"}, code="task_not_found"),
    Row("an existing user", {"responsibleIds": [UNKNOWN]}, code="unknown_member"),
    Row("assigned_to is not cleared", {"responsibleIds": []}, code="responsible_required"),
    Row("the contract's names", {"is_complete": False}, code="unknown_argument"),
    Row("date_created", {"created_at": "2026-01-01", "title": "x"}, code="immutable_field"),
    Row("created_by", {"creator_id": ANA, "title": "x"}, code="immutable_field"),
    Row("no description", {"description": "x"}, code="unknown_argument"),
    # POST /task/
    of_new(
        "a lead task",
        {"aiContactId": CAROLINA, "dueDate": "2026-03-10", "priority": "2"},
        {"_type": "lead", "lead_id": LEAD, "contact_id": CAROLINA, "text": "New", "assigned_to": ANA}
        | {"date": "2026-03-10", "is_dateless": False, "priority": "high"},
    ),
    of_new(
        "a lead task without a date",
        {"title": "Undated"},
        {"_type": "lead", "lead_id": LEAD, "text": "Undated", "assigned_to": ANA, "is_dateless": True}
        | {"priority": "medium"},
    ),
    of_new(
        "an outgoing call",
        {"title": "Call", "taskType": "outgoing_call", "aiContactId": CAROLINA},
        {"_type": "outgoing_call", "lead_id": LEAD, "contact_id": CAROLINA, "text": "Call", "assigned_to": ANA},
    ),
    of_new(
        "the plan of a call has no priority",
        {"taskType": "outgoing_call", "aiContactId": CAROLINA, "priority": "2", "dryRun": True},
        code="invalid_priority",
    ),
    of_new("a call has a contact", {"taskType": "outgoing_call"}, code="missing_argument"),
    of_new("the rest is made by Close", {"taskType": "voicemail"}, code="unknown_task_type"),
    of_new("text is required", {"title": ""}, code="invalid_title"),
    of_new("lead_id is required", {"aiCustomerId": None}, code="invalid_arguments"),
    of_new("is_complete", {"newStatusName": "Completed"}, code="unknown_argument"),
)


@asynccontextmanager
async def agent_at(sandbox: CloseSandbox) -> AsyncIterator[Agent]:
    async with (
        serve_sandbox(sandbox) as url,
        sandboxed_app(url, Time(), timezone=SANTIAGO) as app,
        Client(create_server(app)) as client,
    ):
        yield Agent(client)


async def refusal(agent: Agent, row: Row) -> str | None:
    """The code of the refusal, None where there was none."""
    of_one = {"id": TASK} if row.tool == "update_task" else {}
    return await agent.refusal(row.tool, **of_one | row.asks)


def written_bodies(sandbox: CloseSandbox) -> tuple[Any, ...]:
    """The bodies of the writes."""
    return tuple(one.body for one in sandbox.requests if one.method != "GET")


async def test_every_documented_request_is_sent_as_documented_or_refused_before_sending() -> None:
    sandbox = close(4)
    async with agent_at(sandbox) as agent:
        for each in ROWS:
            sandbox.clear_requests()
            code = await refusal(agent, each)
            assert (each.says, code) == (each.says, each.code)
            assert (each.says, written_bodies(sandbox)) == (each.says, each.sent)


async def test_any_of_the_documented_filters_finds_the_tasks_that_are_updated_by_their_ids() -> None:
    rows = [row(number, date="2026-03-01", _type="lead") for number in range(1, 5)]
    sandbox = close([*rows, row(5, date="2026-05-01", assigned_to=LUIS), row(6, is_complete=True, assigned_to=ANA)])
    asked: dict[str, Any] = {
        "responsibleIds": [ELENA],
        "status": ["Open"],
        "toDate": "2026-03-31",
        "taskType": "lead",
        "contact": LEAD,
    }
    asked |= {"includeTasksWithoutDates": False}
    async with agent_at(sandbox) as agent:
        plan = await agent("bulk_update_tasks", filter=asked, changes={"newStatusName": "Completed"})
        query, *_ = [one.query for one in sandbox.requests if one.route == LIST]
        assert {name: values[0] for name, values in query.items()}.items() >= {
            "assigned_to": ELENA,
            "is_complete": "false",
            "lead_id": LEAD,
            "_type": "lead",
        }.items()
        assert any(name.startswith("date__lt") for name in query)
        assert (plan["count"], written_bodies(sandbox)) == (4, ())
        await agent("apply_plan", planId=plan["planId"])
    (body,) = written_bodies(sandbox)
    assert (body["is_complete"], sorted(body["_params"]["id__in"].split(","))) == (True, IDS)


async def test_every_documented_error_status_gets_its_error_code() -> None:
    codes = {400: "upstream_refused", 401: "unauthorized"}  # the 404 of a task that is gone is among the rows
    sandbox = close(4)
    async with agent_at(sandbox) as agent:
        for status, means in codes.items():
            sandbox.faults = tuple(Fault("status", route, nth="every", status=status) for route in (BULK, ONE))
            assert (status, await refusal(agent, Row("error", {"title": f"Error {status}"}))) == (status, means)
            many = await agent("bulk_update_tasks", taskIds=IDS, changes={"dueDate": f"2026-05-0{status % 9 + 1}"})
            assert (status, {one["code"] for one in many["outcomes"]}) == (status, {means})
