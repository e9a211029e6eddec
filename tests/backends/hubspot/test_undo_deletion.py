"""Undo recreates a deleted task with everything that HubSpot takes; the plan names the rest before the deletion."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from mcp import Client

from backends.hubspot.sandboxed_app import CAROLINA, COMPANY, KEY, Account, Time, hubspot, row, seed, served, task_id
from behaviour.agent import Agent, Refused
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.hubspot.auth import SCOPES
from taskhand.sandbox.messages import ReceivedRequest, Response
from taskhand.server.app import create_server

OPEN = ("burst=0", "searches=0", "settle_ms=0", "search_lag=0")
POST = "POST /crm/v3/objects/tasks"
FURTHER = {
    "hs_task_reminders": "1772805600000",
    "hs_queue_membership_ids": "11;12",
    "hs_task_type": "CALL",
    "hs_repeat_status": "WEEKLY",  # an account may have it as a property of its own
    "region": "south",
}
LINKS = {
    "contacts": [CAROLINA],
    "companies": [COMPANY],
    "deals": ["301", "302"],
    "tickets": ["401"],
    "vehicles": ["501"],
}
WORLD = {
    "properties": [
        {"name": "region", "type": "enumeration", "options": [{"value": "south", "label": "South"}]},
        {"name": "order_number", "hasUniqueValue": True},
        {"name": "hs_repeat_status"},
    ],
    "deals": [{"id": "301", "properties": {"dealname": "Plan"}}, {"id": "302", "properties": {"dealname": "Other"}}],
    "vehicles": [{"id": "501", "properties": {"name": "Truck"}}],
    "tickets": [{"id": "401", "properties": {"subject": "Broken"}}],
}


@asynccontextmanager
async def agent_at(rows: list[dict[str, Any]], **options: Any) -> AsyncIterator[tuple[Account, Agent]]:
    time = Time()
    async with AsyncExitStack() as stack:
        sandbox = hubspot(time, seed(rows=rows) | WORLD, spec_variant=OPEN, **options)
        crm = await stack.enter_async_context(served(sandbox, time))
        client = await stack.enter_async_context(Client(create_server(crm.app)))
        yield crm, Agent(client)


def links_of(crm: Account, record_id: str) -> set[tuple[str, str]]:
    state = crm.hubspot.state()["links"]
    return {(one["other"], one["other_id"]) for one in state if one["task_id"] == record_id}


@pytest.mark.parametrize(
    ("count", "faults"),
    [(1, ()), (2, ()), (1, (Fault("status", "POST /crm/v3/objects/tasks", status=404, commit=True),))],
)
async def test_undo_brings_back_every_link_and_every_writable_property(count: int, faults: tuple[Fault, ...]) -> None:
    rows = [row(number, LINKS, **FURTHER) for number in range(1, count + 1)]
    async with agent_at(rows) as (crm, agent):
        ids = [task_id(number) for number in range(1, count + 1)]
        was = links_of(crm, ids[0])
        plan = await agent("delete_task", **({"id": ids[0]} if count == 1 else {"ids": ids}))
        assert "Undo cannot bring back: id, created_at, creator_id." in plan["note"]
        deleted = await agent("apply_plan", planId=plan["planId"])
        assert crm.hubspot.tasks == []
        crm.hubspot.faults = faults
        undone = await agent("undo_change", changeId=deleted["changeId"])
        assert "HubSpot did not restore" not in str(undone)
        assert len(crm.hubspot.tasks) == count
        for task in crm.hubspot.tasks:
            assert {name: task["properties"].get(name) for name in FURTHER} == FURTHER
            assert links_of(crm, task["id"]) == was


async def test_the_plan_of_a_deletion_names_the_data_that_undo_cannot_restore() -> None:
    scopes = [one for one in SCOPES if one not in {"crm.objects.tickets.read", "crm.schemas.custom.read"}]
    done = {"hs_task_status": "COMPLETED"}
    async with agent_at([row(1, LINKS, **done)], scopes=scopes) as (crm, agent):
        crm.hubspot.faults = (
            Fault("status", "POST /crm/v4/associations/{kind}/{to}/batch/read", status=403, nth="every"),
        )
        plan = await agent("delete_task", id=task_id(1))
        assert "completion date" in plan["note"]
        assert "links to tickets, which the token may not read" in plan["note"]
        assert "links to custom objects, which the token may not list" in plan["note"]
        assert "links to contacts" not in plan["note"]


async def test_undo_does_not_write_the_key_by_which_hubspot_recognizes_a_repeated_create() -> None:
    async with agent_at([row(1, hs_unique_creation_key="key-1")]) as (crm, agent):
        plan = await agent("delete_task", id=task_id(1))
        deleted = await agent("apply_plan", planId=plan["planId"])
        await agent("undo_change", changeId=deleted["changeId"])
        [task] = crm.hubspot.tasks
        assert task["properties"].get("hs_unique_creation_key") != "key-1"


class Paged(HubSpotSandbox):
    """Has more links of each task than an answer shows."""

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        """What a request is answered."""
        found = super().answer(call, stale=stale)
        if not call.path.endswith("/deals/batch/read") or "associations" not in call.path:
            return found
        body = json.loads(found.body)
        rows = [one | {"paging": {"next": {"after": "x"}}} for one in body["results"]]
        return Response.of_json(found.status, body | {"results": rows})


async def test_the_plan_names_links_that_the_answer_cannot_list() -> None:
    time, world = Time(), seed(rows=[row(1, LINKS)]) | WORLD
    sandbox = Paged(seed=world, token=KEY, clock=time.moment, spec_variant=SpecVariant.parse(OPEN))
    async with served(sandbox, time) as crm, Client(create_server(crm.app)) as client:
        plan = await Agent(client)("delete_task", id=task_id(1))
        assert "creator_id, some of the links to deals." in plan["note"]


def archive(crm: Account, path: str) -> None:
    bearer = (("authorization", f"Bearer {KEY}"),)
    assert crm.hubspot.answer(ReceivedRequest("DELETE", path, headers=bearer), stale=False).status == 204


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("lost", "note"),
    [
        ("value", "order_number"),
        ("deal", "deals 302"),
        ("ticket", "tickets 401"),
        ("truck", "2-7654321 501"),
        ("value, deal, ticket", "order_number, deals 302, tickets 401"),
        ("nothing, at the first two times", None),
    ],
)
async def test_undo_restores_the_parts_that_hubspot_accepts_if_it_refuses_others(
    count: int, lost: str, note: str | None
) -> None:
    numbers = range(1, count + 1)
    rows = [row(number, LINKS, **FURTHER, order_number=f"A-{number}") for number in numbers]
    async with agent_at([*rows, row(7), row(8)]) as (crm, agent):
        was = links_of(crm, task_id(1))
        ids = {"id": task_id(1)} if count == 1 else {"ids": [task_id(number) for number in numbers]}
        deleted = await agent("apply_plan", planId=(await agent("delete_task", **ids))["planId"])
        for number in numbers if "value" in lost else ():
            crm.hubspot.edit(task_id(number + 6), order_number=f"A-{number}")
        for name, path in (("deal", "deals/302"), ("ticket", "tickets/401"), ("truck", "vehicles/501")):
            if name in lost:
                archive(crm, f"/crm/v3/objects/{path}")
        route = POST if count == 1 else f"{POST}/batch/create"
        crm.hubspot.faults = (Fault("status", route, status=400, times=2),) if note is None else ()
        undone = str(await agent("undo_change", changeId=deleted["changeId"]))
        assert undone.count("did not restore") == undone.count(f"did not restore: {note}.")
        assert ("did not restore" in undone) == (note is not None)
        made = [task for task in crm.hubspot.tasks if task["id"] not in {task_id(7), task_id(8)}]
        assert len(made) == count
        for task in made:
            assert {name: task["properties"].get(name) for name in FURTHER} == FURTHER
            assert (task["properties"].get("order_number") is None) == ("value" in lost)
            gone = {tuple(one.split()) for one in (note or "").split(", ")}
            kept = {(kind, one) for kind, one in was if (kind.replace("vehicles", "2-7654321"), one) not in gone}
            assert links_of(crm, task["id"]) == kept


@pytest.mark.parametrize(("is_taken", "links"), [(True, LINKS), (False, LINKS), (False, {})])
async def test_undo_restores_a_task_with_a_unique_property_that_hubspot_refuses_as_a_whole(
    links: dict[str, list[str]], *, is_taken: bool
) -> None:
    rows = [row(1, links, **FURTHER, ref="REF-1", order_number="A-1"), row(7, ref="REF-7")]
    time = Time()
    sandbox = hubspot(time, seed(rows=rows) | WORLD, spec_variant=(*OPEN, "unique_property=ref"))
    async with served(sandbox, time, hubspot_id_property="ref") as crm, Client(create_server(crm.app)) as client:
        agent, was = Agent(client), links_of(crm, task_id(1))
        deleted = await agent("apply_plan", planId=(await agent("delete_task", id="REF-1"))["planId"])
        crm.hubspot.faults = (Fault("status", POST, status=400, times=2 if links else 1),)
        if is_taken:
            crm.hubspot.edit(task_id(7), order_number="A-1")
        undone = await agent("undo_change", changeId=deleted["changeId"])
        assert ("did not restore: order_number." in str(undone)) == is_taken
        assert len([one for one in crm.sent if one.startswith("PATCH")]) == (7 if is_taken else 1)
        linking = [one.body for one in crm.hubspot.requests if one.method == "PUT"]
        assert bool(linking) == bool(links)
        assert all(isinstance(one, list) and "associationTypeId" in one[0] for one in linking)
        [made] = [task for task in crm.hubspot.tasks if task["id"] != task_id(7)]
        assert {name: made["properties"].get(name) for name in FURTHER} == FURTHER
        assert links_of(crm, made["id"]) == was


async def test_undo_restores_the_other_links_and_names_the_one_that_failed() -> None:
    async with agent_at([row(1, LINKS, **FURTHER)]) as (crm, agent):
        was = links_of(crm, task_id(1))
        deleted = await agent("apply_plan", planId=(await agent("delete_task", id=task_id(1)))["planId"])
        failing = Fault("status", "PUT /crm/v4/objects/{kind}/{id}/associations/{to}/{toId}", status=500)
        crm.hubspot.faults = (Fault("status", POST, status=400, times=2), failing)
        undone = await agent("undo_change", changeId=deleted["changeId"])
        assert f"HubSpot did not restore: contacts {CAROLINA}." in undone["note"]
        assert links_of(crm, crm.hubspot.tasks[0]["id"]) == was - {("contacts", CAROLINA)}


async def test_undo_restores_the_links_and_names_the_properties_whose_write_failed() -> None:
    async with agent_at([row(1, LINKS, **FURTHER)]) as (crm, agent):
        was = links_of(crm, task_id(1))
        deleted = await agent("apply_plan", planId=(await agent("delete_task", id=task_id(1)))["planId"])
        failing = Fault("status", "PATCH /crm/v3/objects/tasks/{id}", nth="every", status=500)
        crm.hubspot.faults = (Fault("status", POST, status=400, times=2), failing)
        undone = await agent("undo_change", changeId=deleted["changeId"])
        further = ", ".join(name for name in FURTHER if name != "hs_task_type")  # an argument of ours has the type
        assert f"HubSpot did not restore: {further}." in undone["note"]
        assert links_of(crm, crm.hubspot.tasks[0]["id"]) == was


async def test_an_undo_whose_new_task_cannot_be_read_back_says_so() -> None:
    async with agent_at([row(1, LINKS, **FURTHER)]) as (crm, agent):
        deleted = await agent("apply_plan", planId=(await agent("delete_task", id=task_id(1)))["planId"])
        unread = Fault("status", "POST /crm/v4/associations/{kind}/{to}/batch/read", nth="every", status=500)
        crm.hubspot.faults = (unread,)
        undone = await agent("undo_change", changeId=deleted["changeId"])
        assert "Its links and further properties could not be read back; some may not be restored." in undone["note"]
        assert len(crm.hubspot.tasks) == 1


async def test_reading_and_changing_a_task_sends_no_requests_that_only_a_deletion_needs() -> None:
    async with agent_at([row(1, LINKS, **FURTHER)]) as (crm, agent):
        await agent("get_task", id=task_id(1))
        await agent("update_task", id=task_id(1), title="New")
        assert not [one for one in crm.sent if "/associations/" in one or one.endswith("/properties/tasks")]


@pytest.mark.parametrize("status", [400, 404])
async def test_an_account_without_custom_objects_has_no_links_to_them(status: int) -> None:
    fault = Fault("status", "GET /crm-object-schemas/v3/schemas", status=status, nth="every")
    async with agent_at([row(1, LINKS)], faults=(fault,)) as (_, agent):
        plan = await agent("delete_task", id=task_id(1))
        assert "Undo cannot bring back: id, created_at, creator_id." in plan["note"]


READS = (
    "POST /crm/v4/associations/{kind}/{to}/batch/read",
    "GET /crm-object-schemas/v3/schemas",
    "GET /crm/v3/properties/{kind}",
    "POST /crm/v3/objects/tasks/batch/read",
)
FAULTS = (
    (Fault("status", "", status=500, nth="every"), "upstream_error"),
    (Fault("status", "", status=503, nth="every"), "upstream_error"),
    (Fault("status", "", status=429, nth="every"), "rate_limited"),
    (Fault("status", "", status=423, nth="every"), "rate_limited"),
    (Fault("status", "", status=401, nth="every"), "unauthorized"),
    (Fault("status", "", status=530, nth="every"), "upstream_error"),
    (Fault("reset_before", "", nth="every"), "upstream_error"),
    (Fault("html", "", status=200, nth="every"), "upstream_invalid"),
    (Fault("without_field", "", field="results", nth="every"), "upstream_invalid"),
)


@pytest.mark.parametrize("route", READS)
async def test_a_fault_while_reading_for_a_deletion_is_reported_as_itself(route: str) -> None:
    async with agent_at([row(1, LINKS), row(2)]) as (crm, agent):
        for fault, code in FAULTS:
            for call in ({"id": task_id(1)}, {"ids": [task_id(1), task_id(2)]}):
                crm.hubspot.faults = (replace(fault, route=route),)
                crm.time.now += 1_000
                with pytest.raises(Refused) as failed:
                    await agent("delete_task", **call)
                assert (failed.value.code, fault) == (code, fault)
        assert len(crm.hubspot.tasks) == 2


@pytest.mark.parametrize(
    ("status", "why"), [(403, "which the token may not read"), (404, "which HubSpot does not list")]
)
async def test_further_properties_that_cannot_be_read_are_named_with_the_reason(status: int, why: str) -> None:
    async with agent_at([row(1, LINKS)]) as (crm, agent):
        crm.hubspot.faults = (Fault("status", "GET /crm/v3/properties/{kind}", status=status, nth="every"),)
        plan = await agent("delete_task", id=task_id(1))
        assert f"further properties, {why}" in plan["note"]
