"""The four pages of Vambe's documentation row by row: the request for each sample, or its refusal.

https://docs.vambe.me/reference/tasks/update-task and get-tasks, create-task and delete-task beside it.
"""

from dataclasses import dataclass
from typing import Any

from backends.vambe.sandboxed_app import ANA, KEY, LUIS, TASK, status, vambe
from backends.vambe.vambe_agent import connected
from behaviour.agent import Agent
from behaviour.world import CAROLINA, CUSTOMER
from taskhand.sandbox.vambe import VambeSandbox

SANTIAGO = "America/Santiago"


@dataclass(frozen=True)
class Row:
    """A sentence or sample of a page: the arguments, and the body that is `sent` (None: nothing), or the `code`."""

    says: str
    asks: dict[str, Any]
    sent: dict[str, Any] | None = None
    code: str | None = None
    tool: str = "update_task"


ROWS = (
    # update-task, "Example Request" and "Common Use Cases".
    Row("mark as complete", {"newStatusName": "Completado"}, {"newStatusName": "Completado"}),
    Row(
        "several fields",
        {"title": "Updated", "description": "Discussed", "dueDate": "2025-10-26T15:00:00.000Z", "dueTime": "15:00"}
        | {"timezone": SANTIAGO, "priority": "2", "responsibleIds": [ANA, LUIS]},
        {"title": "Updated", "description": "Discussed", "dueDate": "2025-10-26", "dueTime": "15:00"}
        | {"timezone": SANTIAGO, "priority": "2", "responsibleIds": [ANA, LUIS]},
    ),
    Row("reassign", {"responsibleIds": [LUIS]}, {"responsibleIds": [LUIS]}),
    Row("priority", {"priority": "0"}, {"priority": "0"}),
    Row(
        "extend the deadline",
        {"dueDate": "2025-10-28T14:00:00.000Z", "dueTime": "14:00", "timezone": SANTIAGO},
        {"dueDate": "2025-10-28", "dueTime": "14:00", "timezone": SANTIAGO},
    ),
    Row("add members", {"addResponsibleIds": [ANA]}, {"responsibleIds": [LUIS, ANA]}),
    Row("description", {"description": "More context"}, {"description": "More context"}),
    Row("link to a contact", {"aiContactId": CAROLINA["id"]}, {"aiContactId": CAROLINA["id"]}),
    Row("unlink", {"aiContactId": None}, {"aiContactId": None}),
    Row(
        "bulk status",
        {"taskIds": [TASK], "changes": {"newStatusName": "Pendiente"}},
        {"newStatusName": "Pendiente"},
        tool="bulk_update_tasks",
    ),
    # "Validation Rules" and "Best Practices".
    Row("status by position", {"newStatusPosition": 2}, {"newStatusName": "En Progreso"}),
    Row("a position that there is not", {"newStatusPosition": 7}, code="unknown_status"),
    Row("a name that there is not", {"newStatusName": "Archivado"}, code="unknown_status"),
    Row("one of both, not both", {"newStatusName": "Pendiente", "newStatusPosition": 1}, code="both_statuses"),
    Row("at least one character", {"title": ""}, code="invalid_title"),
    Row("a UUID", {"id": "task-uuid-1", "title": "x"}, code="invalid_id"),
    Row("an existing task", {"id": TASK.replace("1", "2"), "title": "x"}, code="task_not_found"),
    Row("valid users", {"responsibleIds": ["228d7a0d-9072-4ca8-939b-959b75cc606a"]}, code="unknown_member"),
    Row("a contact that there is not", {"aiContactId": "contact-uuid-789"}, {"aiContactId": "contact-uuid-789"}),
    Row("no priority words", {"priority": "high"}, code="invalid_priority"),
    Row("only real changes", {"description": "More context"}),
    Row("only what is to be updated", {}, code="nothing_to_change"),
    Row("remove the due date", {"dueDate": None}, {"dueDate": None}),
    Row("a time needs a date", {"dueTime": "14:30", "timezone": SANTIAGO}, code="due_date_required"),
    *(
        Row("immutable", {name: "2025-01-01", "title": "x"}, code="immutable_field")
        for name in ("created_at", "creator_id")
    ),
    # create-task.
    Row(
        "a day",
        {"title": "New", "dueDate": "2025-11-26T00:00:00.000Z", "responsibleIds": [ANA], "priority": "1"},
        {"title": "New", "dueDate": "2025-11-26", "responsibleIds": [ANA], "priority": "1"},
        tool="create_task",
    ),
    Row(
        "every field",
        {"title": "Whole", "description": "Offer", "dueDate": "2025-11-26", "dueTime": "14:30", "timezone": SANTIAGO}
        | {"responsibleIds": [ANA, LUIS], "aiContactId": CAROLINA["id"], "aiCustomerId": CUSTOMER, "priority": "2"},
        {"title": "Whole", "description": "Offer", "dueDate": "2025-11-26", "dueTime": "14:30", "timezone": SANTIAGO}
        | {"responsibleIds": [ANA, LUIS], "aiContactId": CAROLINA["id"], "aiCustomerId": CUSTOMER, "priority": "2"},
        tool="create_task",
    ),
    Row(
        "a zone with every time",
        {"title": "New", "dueDate": "2025-11-26", "dueTime": "14:30", "responsibleIds": [ANA], "priority": "1"},
        code="timezone_required",
        tool="create_task",
    ),
    Row("title is required", {"responsibleIds": [ANA], "priority": "1"}, code="missing_argument", tool="create_task"),
    Row("people are required", {"title": "New", "priority": "1"}, code="missing_argument", tool="create_task"),
)
UNKNOWN = "a contact that there is not"
"""Only Vambe knows that: it is sent, and refused with 404."""


async def refusal(agent: Agent, row: Row) -> str | None:
    """The code of the refusal, None where there was none."""
    of_one = {"id": TASK} if row.tool == "update_task" else {}
    return await agent.refusal(row.tool, **of_one | row.asks)


def written_bodies(sandbox: VambeSandbox) -> list[Any]:
    """The bodies of the writes."""
    return [one.body for one in sandbox.requests if one.method != "GET"]


async def test_every_documented_request_is_sent_as_documented_or_refused_before_sending() -> None:
    sandbox = vambe(1, key=KEY)
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        for row in ROWS:
            sandbox.clear_requests()
            code = await refusal(agent, row)
            assert (row.says, code) == (row.says, "unknown_reference" if row.says == UNKNOWN else row.code)
            assert (row.says, written_bodies(sandbox)) == (row.says, [] if row.sent is None else [row.sent])


async def test_every_documented_error_status_gets_its_error_code() -> None:
    codes = {400: "upstream_refused", 401: "unauthorized", 404: "task_not_found", 500: "upstream_error"}
    sandbox = vambe(1, key=KEY)
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        for code, means in codes.items():
            sandbox.faults = (status(code, route="PUT /api/public/tasks/{id}"),)
            assert (code, await refusal(agent, Row("error", {"title": f"Error {code}"}))) == (code, means)


async def test_a_deletion_is_confirmed_hides_the_task_and_cannot_be_repeated() -> None:
    sandbox = vambe(2, key=KEY)
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        plan = await agent("delete_task", id=TASK)
        await agent("apply_plan", planId=plan["planId"])
        assert await agent.listed(responsibleIds=[], fromDate="2025-01-01", toDate="2026-12-31") == ["Call Acme 2"]
        assert await refusal(agent, Row("again", {"id": TASK}, tool="delete_task")) == "task_not_found"
