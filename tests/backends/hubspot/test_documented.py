"""HubSpot's pages of the batch update and of tasks, row by row: the sent requests, and the refused ones.

https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks and crm-tasks-v3/guide. The statuses
of an answer (`PENDING`, `CANCELED`) are in test_bulk, a unique `idProperty` in test_own_properties.
"""

from dataclasses import dataclass
from typing import Any

from mcp import Client

from backends.hubspot.sandboxed_app import ANA, ELENA, Account, Time, hubspot, seed, served, task_id
from behaviour.agent import Agent
from taskhand.sandbox.faults import Fault
from taskhand.server.app import create_server

OPEN = ("burst=0", "searches=0", "settle_ms=0", "search_lag=0")
UPDATE, PATCH = "POST /crm/v3/objects/tasks/batch/update", "PATCH /crm/v3/objects/tasks/{id}"
IDS = [task_id(1), task_id(2)]
GONE = "99999999999"
LONG = "&" * 13_108
"""Longer as HTML than HubSpot takes."""
NEW: dict[str, Any] = {"title": "New", "dueDate": "2026-03-10", "responsibleIds": [ANA], "priority": "1"}
MADE = {
    "hs_task_subject": "New",
    "hs_timestamp": "2026-03-10T15:00:00.000Z",
    "hs_task_is_all_day": "true",
    "hubspot_owner_id": ANA,
    "hs_task_priority": "MEDIUM",
    "hs_task_status": "NOT_STARTED",
}
OWN: list[dict[str, Any]] = [
    {"name": "region", "type": "enumeration", "options": [{"value": "latam", "label": "Latin America"}]},
    {"name": "visit", "type": "date"},
    {"name": "score", "type": "number", "readOnlyValue": True},
]


@dataclass(frozen=True)
class Row:
    """A row: the arguments of the tool, and the `properties` that are sent (None: none), or the `code` of a refusal."""

    says: str
    asks: dict[str, Any]
    properties: dict[str, str] | None = None
    code: str | None = None
    tool: str = "update_task"


def of_many(
    says: str, changes: dict[str, Any], properties: dict[str, str] | None = None, code: str | None = None
) -> Row:
    return Row(says, {"taskIds": IDS, "changes": changes}, properties, code, "bulk_update_tasks")


def of_new(says: str, more: dict[str, Any], properties: dict[str, str] | None = None, code: str | None = None) -> Row:
    return Row(says, NEW | more, properties, code, "create_task")


ROWS = (
    # The properties of the guide's table, each in a batch.
    of_many("hs_task_subject", {"title": "New"}, {"hs_task_subject": "New"}),
    of_many("hs_task_body", {"description": "a < b\nc"}, {"hs_task_body": "a &lt; b<br>c"}),
    of_many("an empty text clears", {"description": None}, {"hs_task_body": ""}),
    of_many("hs_timestamp", {"dueDate": "2026-04-01T12:00:00-03:00"}, {"hs_timestamp": "2026-04-01T15:00:00.000Z"}),
    of_many("hs_timestamp is required", {"dueDate": None}, code="invalid_arguments"),
    of_many("no seconds since 1970", {"dueDate": "1775044800"}, code="invalid_due_date"),
    of_many("hs_task_status", {"newStatusName": "Completado"}, {"hs_task_status": "COMPLETED"}),
    of_many("hs_task_status by position", {"newStatusPosition": 2}, {"hs_task_status": "IN_PROGRESS"}),
    of_many("an option of the account", {"newStatusName": "WAITING"}, code="unknown_status"),
    of_many("one way to say it", {"newStatusName": "done", "newStatusPosition": 1}, code="both_statuses"),
    of_many("LOW", {"priority": "0"}, {"hs_task_priority": "LOW"}),
    of_many("HIGH", {"priority": "2"}, {"hs_task_priority": "HIGH"}),
    of_many("no priority words", {"priority": "HIGH"}, code="invalid_priority"),
    of_many("hs_task_type", {"taskType": "CALL"}, {"hs_task_type": "CALL"}),
    of_many("a type of the account", {"taskType": "FAX"}, code="unknown_task_type"),
    of_many("hubspot_owner_id", {"responsibleIds": ["Ana Soto"]}, {"hubspot_owner_id": ANA}),
    of_many("nobody", {"clear": ["responsibleIds"]}, {"hubspot_owner_id": ""}),
    of_many("one owner", {"responsibleIds": [ANA, ELENA]}, code="too_many_responsibles"),
    Row(
        "one owner", {"id": IDS[0], "responsibleIds": [ANA, ELENA]}, code="too_many_responsibles", tool="reassign_task"
    ),
    of_many("an id, not a userId", {"responsibleIds": ["98499706"]}, code="unknown_member"),
    of_many(
        "a reminder",
        {"properties": {"hs_task_reminders": "2026-03-05T10:00:00Z"}},
        {"hs_task_reminders": "1772704800000"},
    ),
    # `properties`: any that can be written, each by the one way there is.
    of_many("own", {"properties": {"region": "Latin America"}}, {"region": "latam"}),
    of_many("a day", {"properties": {"visit": "2026-05-01"}}, {"visit": "2026-05-01"}),
    of_many("cleared", {"properties": {"region": ""}}, {"region": ""}),
    of_many("no option", {"properties": {"region": "apac"}}, code="invalid_property_value"),
    of_many("no property", {"properties": {"missing": "1"}}, code="unknown_property"),
    *(
        of_many("read-only", {"properties": {name: "1"}}, code="read_only_property")
        for name in ("score", "hs_object_id", "hs_createdate", "hs_lastmodifieddate", "hs_task_is_completed")
    ),
    *(
        of_many("has an argument", {"properties": {name: "1"}}, code="property_has_argument")
        for name in ("hs_task_subject", "hs_timestamp", "hs_pipeline_stage", "hubspot_owner_id", "hs_task_priority")
    ),
    of_many("no properties", {"properties": {}}, code="nothing_to_change"),
    of_many("no change", {}, code="nothing_to_change"),
    *(
        of_many("ours to set", {name: "x", "title": "x"}, code="unknown_argument")
        for name in ("objectWriteTraceId", "hs_task_subject", "archived")
    ),
    of_many("created_at", {"created_at": "2026-01-01"}, code="immutable_field"),
    # `inputs` with their ids.
    *(
        Row("inputs", sent | {"changes": {"title": "Never"}}, code=code, tool="bulk_update_tasks")
        for sent, code in (
            ({"taskIds": []}, "nothing_to_change"),
            ({"taskIds": ["call-1"]}, "invalid_id"),
            ({"taskIds": ["latam"], "idProperty": "region"}, "property_not_unique"),
            ({"taskIds": ["1"], "idProperty": "missing"}, "unknown_property"),
            ({"filter": {}}, "empty_filter"),
        )
    ),
    # One task.
    Row("a PATCH", {"title": "One", "priority": "1"}, {"hs_task_subject": "One", "hs_task_priority": "MEDIUM"}),
    Row("what is so already", {"title": "One"}),
    Row("a title", {"title": ""}, code="invalid_title"),
    Row("an existing task", {"id": GONE, "title": "x"}, code="task_not_found"),
    Row("a numeric id", {"id": "call-1", "title": "x"}, code="invalid_id"),
    Row("creator", {"creator_id": ELENA, "title": "x"}, code="immutable_field"),
    Row("what HubSpot keeps", {"description": LONG}, code="text_too_long"),
    Row("its plan", {"description": LONG, "dryRun": True}, code="text_too_long"),
    *(Row("an id", {name: "Rosa", "dryRun": True}, code="invalid_id") for name in ("aiContactId", "aiCustomerId")),
    of_many("an id for each", {"aiContactId": "Rosa"}, code="invalid_id"),
    # A new one.
    of_new("a day", {}, MADE),
    of_new("the plan of a long one", {"description": LONG, "dryRun": True}, code="text_too_long"),
    of_new("an id of a contact", {"aiContactId": "Rosa", "dryRun": True}, code="invalid_id"),
    of_new(
        "every field",
        {"title": "Whole", "description": "Offer", "taskType": "EMAIL", "properties": {"region": "latam"}},
        MADE | {"hs_task_subject": "Whole", "hs_task_body": "Offer", "hs_task_type": "EMAIL", "region": "latam"},
    ),
    of_new("hs_timestamp is required", {"dueDate": None}, code="invalid_arguments"),
    of_new("a type of the account", {"taskType": "FAX"}, code="unknown_task_type"),
    of_new("a status", {"newStatusName": "Completado"}, code="unknown_argument"),
)


async def refusal(agent: Agent, row: Row) -> str | None:
    """The code of the refusal, None where there was none."""
    of_one = {"id": IDS[0]} if row.tool == "update_task" else {}
    return await agent.refusal(row.tool, **of_one | row.asks)


def written_properties(crm: Account) -> list[Any]:
    """The properties of each task that was written."""
    bodies = [one.body or {} for one in crm.hubspot.requests if one.committed and "/objects/tasks" in one.path]
    return [one["properties"] for body in bodies for one in body.get("inputs", [body])]


async def test_every_documented_request_is_sent_as_documented_or_refused_before_sending() -> None:
    time = Time()
    world = seed(2) | {"properties": OWN}
    async with (
        served(hubspot(time, world, spec_variant=OPEN), time) as crm,
        Client(create_server(crm.app)) as client,
    ):
        agent = Agent(client)
        for each in ROWS:
            crm.hubspot.clear_requests()
            assert (each.says, await refusal(agent, each)) == (each.says, each.code)
            times = 2 if each.tool == "bulk_update_tasks" else 1
            assert (each.says, written_properties(crm)) == (
                each.says,
                [] if each.properties is None else [each.properties] * times,
            )


async def test_every_documented_error_status_gets_its_error_code() -> None:
    codes = {400: "upstream_refused", 401: "unauthorized", 403: "forbidden", 404: "task_not_found", 409: "conflict"}
    codes |= dict.fromkeys((423, 429, 477), "rate_limited") | dict.fromkeys((524, 530), "upstream_error")
    time = Time()
    async with served(hubspot(time, spec_variant=OPEN), time) as crm, Client(create_server(crm.app)) as client:
        agent = Agent(client)
        for status, means in codes.items():
            crm.hubspot.faults = tuple(Fault("status", one, nth="every", status=status) for one in (PATCH, UPDATE))
            assert (status, await refusal(agent, Row("error", {"title": f"Error {status}"}))) == (status, means)
            many = await agent("bulk_update_tasks", taskIds=IDS, changes={"title": f"Error {status}"})
            assert (status, {one["code"] for one in many["outcomes"]}) == (status, {means})
