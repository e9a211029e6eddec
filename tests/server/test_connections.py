"""Several connections in one server: which one a call means, and what a caller may use."""

from pathlib import Path

import pytest

from server.offices import NAMES, answer_of, client_of, open_offices
from taskhand.domain.policy import Policy
from taskhand.journal.journal import ChangeQuery

TASK = {"title": "Llamar", "responsibleIds": []}


async def test_a_call_names_its_connection(tmp_path: Path) -> None:
    async with open_offices(tmp_path) as connections, client_of(connections) as client:
        made = await answer_of(client, "create_task", connection="north", **TASK)
        assert made["task"]["title"] == "Llamar"
        assert len((await answer_of(client, "list_tasks", connection="North"))["tasks"]) == 1
        assert (await answer_of(client, "list_tasks", connection="south"))["tasks"] == []


@pytest.mark.parametrize("name", ["", None, "nort", "default", ["north", "south"]])
async def test_a_call_that_could_mean_either_is_refused_and_leaves_no_trace(tmp_path: Path, name: object) -> None:
    async with open_offices(tmp_path) as connections, client_of(connections) as client:
        error = await answer_of(client, "create_task", connection=name, **TASK)
        assert error["code"] in {"connection_required", "unknown_connection", "invalid_arguments"}
        assert [one["value"] for one in error["candidates"]] == [*NAMES]
        for app in connections:
            assert (await app.journal.page(ChangeQuery())).changes == ()


async def test_a_plan_and_a_change_tell_their_connection(tmp_path: Path) -> None:
    async with open_offices(tmp_path) as connections, client_of(connections) as client:
        plan = await answer_of(client, "create_task", connection="south", dryRun=True, **TASK)
        made = await answer_of(client, "apply_plan", planId=plan["planId"])
        assert len((await answer_of(client, "list_tasks", connection="south"))["tasks"]) == 1
        assert "deleted" in str(await answer_of(client, "undo_change", changeId=made["changeId"]))
        page = await connections.find("south").journal.page(ChangeQuery())
        assert {change.opening.connection for change in page.changes} == {"south"}


async def test_a_connection_that_the_policy_forbids_is_not_used(tmp_path: Path) -> None:
    policy = Policy(everyone={"connections": frozenset({"north"})})
    async with open_offices(tmp_path) as connections, client_of(connections, "ana@x.test", policy=policy) as client:
        error = await answer_of(client, "create_task", connection="south", **TASK)
        assert (error["code"], error["rule"]) == ("not_allowed", "connections")
        assert "task" in await answer_of(client, "create_task", **TASK)
        assert not any("connection" in tool.input_schema["properties"] for tool in (await client.list_tools()).tools)


async def test_a_tool_outside_the_scopes_is_not_listed_and_its_call_is_journaled(tmp_path: Path) -> None:
    async with (
        open_offices(tmp_path) as connections,
        client_of(connections, "ana@x.test", scopes=frozenset({"read"})) as client,
    ):
        assert all(tool.annotations.read_only_hint for tool in (await client.list_tools()).tools if tool.annotations)
        error = await answer_of(client, "create_task", connection="north", **TASK)
        assert (error["code"], error["rule"]) == ("not_allowed", "scope")
        (refused,) = (await connections.first.journal.page(ChangeQuery())).changes
        assert (refused.opening.tool, refused.opening.caller.subject) == ("create_task", "ana@x.test")
