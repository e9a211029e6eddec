"""The type of a task is set, read, found and put back; a type that the account does not have is refused."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from mcp import Client

from backends.hubspot.wired import Stage, Time, hubspot, row, seed, staged, task_id
from behaviour.agent import Agent, Refused
from taskhand.server.app import create_server

OPEN = ("burst=0", "searches=0", "settle_ms=0", "search_lag=0")


@asynccontextmanager
async def agent_at() -> AsyncIterator[tuple[Stage, Agent]]:
    time = Time()
    async with AsyncExitStack() as stack:
        rows = [row(1, hs_task_type="CALL"), row(2, hs_task_type="TODO"), row(3, hs_task_type="EMAIL")]
        stage = await stack.enter_async_context(staged(hubspot(time, seed(rows=rows), spec_variant=OPEN), time))
        yield stage, Agent(await stack.enter_async_context(Client(create_server(stage.app))), {"dueDate": "2026-03-09"})


async def test_a_type_is_set_on_new_and_existing_tasks_one_or_many_and_put_back() -> None:
    async with agent_at() as (stage, agent):
        made = await agent.create(taskType="MEETING")
        assert (await agent("get_task", id=made["id"]))["task"]["task_type"] == "MEETING"
        changed = await agent("update_task", id=task_id(1), taskType="EMAIL")
        assert not changed.get("unapplied")
        assert stage.true(1)["hs_task_type"] == "EMAIL"
        await agent("undo_change", changeId=changed["changeId"])
        assert stage.true(1)["hs_task_type"] == "CALL"
        await agent("bulk_update_tasks", taskIds=[task_id(1), task_id(2)], changes={"taskType": "EMAIL"})
        assert [stage.true(number)["hs_task_type"] for number in (1, 2, 3)] == ["EMAIL"] * 3


async def test_tasks_are_found_by_their_type() -> None:
    async with agent_at() as (stage, agent):
        listed = await agent("list_tasks", taskType="CALL")
        assert [one["id"] for one in listed["tasks"]] == [task_id(1)]
        (search,) = [one.body for one in stage.hubspot.requests if one.path.endswith("/tasks/search")]
        assert {"propertyName": "hs_task_type", "operator": "EQ", "value": "CALL"} in search["filterGroups"][0][
            "filters"
        ]
        plan = await agent("bulk_update_tasks", filter={"taskType": "EMAIL"}, changes={"priority": "2"})
        assert plan["count"] == 1


async def test_an_unknown_type_is_refused_before_sending_with_those_that_there_are() -> None:
    async with agent_at() as (stage, agent):
        new = {"title": "New", "dueDate": "2026-03-09", "responsibleIds": [], "taskType": "call"}
        many = {"taskIds": [task_id(1), task_id(2)], "changes": {"taskType": "call"}}
        for tool, sent in (
            ("update_task", {"id": task_id(1), "taskType": "call"}),
            ("create_task", new),
            ("bulk_update_tasks", many),
            ("bulk_update_tasks", {"filter": {"taskType": "call"}, "changes": {"priority": "2"}}),
            ("list_tasks", {"taskType": "call"}),
        ):
            for plan in ({}, {"dryRun": True}) if tool != "list_tasks" else ({},):
                with pytest.raises(Refused) as refused:
                    await agent(tool, **sent | plan)
                assert (tool, refused.value.code) == (tool, "unknown_task_type")
                assert {"CALL", "EMAIL", "TODO"} <= set(refused.value.values)
        made = await agent("create_tasks", tasks=[new, new | {"taskType": "CALL"}])
        assert made["totals"] == {"refused": 1, "applied": 1}
        assert [one.path for one in stage.hubspot.requests if one.committed] == ["/crm/v3/objects/tasks"]
