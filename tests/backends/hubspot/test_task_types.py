"""The type of a task is set, read, found and put back; a type that the account does not have is refused."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from mcp import Client

from backends.hubspot.sandboxed_app import Account, Time, hubspot, row, seed, served, task_id
from behaviour.agent import Agent, Refused
from taskhand.sandbox.faults import Fault
from taskhand.server.app import create_server

OPEN = ("burst=0", "searches=0", "settle_ms=0", "search_lag=0")


@asynccontextmanager
async def agent_at() -> AsyncIterator[tuple[Account, Agent]]:
    time = Time()
    async with AsyncExitStack() as stack:
        rows = [row(1, hs_task_type="CALL"), row(2, hs_task_type="TODO"), row(3, hs_task_type="EMAIL")]
        crm = await stack.enter_async_context(served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time))
        yield crm, Agent(await stack.enter_async_context(Client(create_server(crm.app))), {"dueDate": "2026-03-09"})


async def test_a_type_is_set_on_new_and_existing_tasks_one_or_many_and_put_back() -> None:
    async with agent_at() as (crm, agent):
        made = await agent.create(taskType="MEETING")
        assert (await agent("get_task", id=made["id"]))["task"]["task_type"] == "MEETING"
        changed = await agent("update_task", id=task_id(1), taskType="EMAIL")
        assert not changed.get("unapplied")
        assert crm.stored_properties(1)["hs_task_type"] == "EMAIL"
        await agent("undo_change", changeId=changed["changeId"])
        assert crm.stored_properties(1)["hs_task_type"] == "CALL"
        await agent("bulk_update_tasks", taskIds=[task_id(1), task_id(2)], changes={"taskType": "EMAIL"})
        assert [crm.stored_properties(number)["hs_task_type"] for number in (1, 2, 3)] == ["EMAIL"] * 3


async def test_tasks_are_found_by_their_type() -> None:
    async with agent_at() as (crm, agent):
        listed = await agent("list_tasks", taskType="CALL")
        assert [one["id"] for one in listed["tasks"]] == [task_id(1)]
        (search,) = [one.body for one in crm.hubspot.requests if one.path.endswith("/tasks/search")]
        assert {"propertyName": "hs_task_type", "operator": "EQ", "value": "CALL"} in search["filterGroups"][0][
            "filters"
        ]
        plan = await agent("bulk_update_tasks", filter={"taskType": "EMAIL"}, changes={"priority": "2"})
        assert plan["count"] == 1


async def test_a_task_type_is_found_by_its_value_or_label_in_any_spelling() -> None:
    async with agent_at() as (crm, agent):
        for given, value, label in (
            ("call", "CALL", "Call"),
            ("E-Mail", "EMAIL", "Email"),
            ("to-do", "TODO", "To Do"),
            ("linked in", "LINKED_IN", "LinkedIn"),
            ("inmail", "LINKED_IN_MESSAGE", "Sales Navigator - InMail"),
        ):
            match = {"argument": "taskType", "given": given, "id": value, "name": label}
            listed = await agent("list_tasks", taskType=given)
            assert match in listed["matched"]
            assert len(listed["tasks"]) == ("LINKED" not in value)
            changed = await agent("update_task", id=task_id(3), taskType=given)
            assert value == "EMAIL" or match in changed["matched"]
            assert crm.stored_properties(3)["hs_task_type"] == value
            if value != "EMAIL":
                await agent("undo_change", changeId=changed["changeId"])
        plan = await agent("bulk_update_tasks", filter={"taskType": "call"}, changes={"taskType": "meeting"})
        assert [one["id"] for one in plan["matched"]] == ["CALL", "MEETING"]
        many = {"taskIds": [task_id(1), task_id(2)], "idempotencyKey": "k"}
        done = await agent("bulk_update_tasks", **many, changes={"taskType": "e-mail"})
        again = await agent("bulk_update_tasks", **many, changes={"taskType": "EMAIL"})
        assert (again["changeId"], again["replayed"]) == (done["changeId"], True)
        made = await agent.create(taskType="Call")
        assert (await agent.create(taskType="CALL"))["id"] == made["id"]


@pytest.mark.parametrize("status", [403, 404])
async def test_without_a_list_of_types_hubspots_own_value_is_taken(status: int) -> None:
    async with agent_at() as (crm, agent):
        crm.hubspot.faults = (Fault("status", "GET /crm/v3/properties/{kind}", status=status, nth="every"),)
        await agent("update_task", id=task_id(1), taskType="EMAIL")
        assert crm.stored_properties(1)["hs_task_type"] == "EMAIL"


async def test_an_unknown_task_type_is_refused_before_sending_with_the_known_types() -> None:
    async with agent_at() as (crm, agent):
        new = {"title": "New", "dueDate": "2026-03-09", "responsibleIds": [], "taskType": "phone"}
        for given, code, candidates in (
            ("phone", "unknown_task_type", {"CALL", "EMAIL", "TODO"}),
            ("...", "unknown_task_type", {"CALL", "EMAIL", "TODO"}),
            ("sales navigator", "ambiguous_task_type", {"LINKED_IN_CONNECT", "LINKED_IN_MESSAGE"}),
        ):
            for tool, sent in (
                ("update_task", {"id": task_id(1), "taskType": given}),
                ("update_task", {"id": task_id(1), "taskType": given, "dryRun": True}),
                ("create_task", new | {"taskType": given}),
                ("create_task", new | {"taskType": given, "dryRun": True}),
                ("bulk_update_tasks", {"taskIds": [task_id(1), task_id(2)], "changes": {"taskType": given}}),
                ("bulk_update_tasks", {"filter": {"taskType": given}, "changes": {"priority": "2"}}),
                ("list_tasks", {"taskType": given}),
                ("list_tasks", {"taskType": given, "countBy": "status"}),
            ):
                with pytest.raises(Refused) as refused:
                    await agent(tool, **sent)
                assert (tool, refused.value.code) == (tool, code)
                assert candidates <= set(refused.value.values)
        assert not [one for one in crm.hubspot.requests if one.path.endswith("/search")]
        made = await agent("create_tasks", tasks=[new, new | {"taskType": "CALL"}])
        assert made["totals"] == {"refused": 1, "applied": 1}
        assert [one.path for one in crm.hubspot.requests if one.committed] == ["/crm/v3/objects/tasks"]
