"""Which tools are offered: the list and the calls agree, and the instructions speak of nothing else."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent

from builders import refused
from server.surface import tool_names
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.domain.policy import Rules
from taskhand.domain.principal import SCOPES, Principal
from taskhand.server.app import INSTRUCTIONS, create_server
from taskhand.server.offered_tools import choose_tools
from taskhand.server.tools import TOOLS
from taskhand.wiring import open_app

ALL = [tool.name for tool in TOOLS]
READS = [tool.name for tool in TOOLS if tool.kind == "read"]
WRITES = [name for name in ALL if name not in READS]


@asynccontextmanager
async def connected(store: Path, era: str = "2026-07-28", **settings: Any) -> AsyncIterator[Client]:
    """A host on a server of the built-in store, with these settings."""
    chosen = Settings(db=store, user="Elena", **settings)
    async with open_app(chosen) as at, Client(create_server(at), mode=era) as client:
        yield client


async def error_of(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a refused call says."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    [part] = result.content
    assert isinstance(part, TextContent)
    error: dict[str, Any] = json.loads(part.text)["error"]
    return error


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        (None, ALL),
        ("", ALL),
        ("all", ALL),
        ("read", READS),
        ("write", WRITES),
        ("read, write", ALL),
        ("list_tasks,get_task", ["list_tasks", "get_task"]),
        ("get_task,list_tasks,get_task", ["list_tasks", "get_task"]),
        ("READ , Create_Task", [name for name in ALL if name in {*READS, "create_task"}]),
        ("all,-delete_task", [name for name in ALL if name != "delete_task"]),
        ("-delete_task", [name for name in ALL if name != "delete_task"]),
        ("-delete_task,all", [name for name in ALL if name != "delete_task"]),
        (" - delete_task , all , ", [name for name in ALL if name != "delete_task"]),
        ("-write", READS),
        (",read,", READS),
    ],
)
def test_tools_are_chosen_by_name_and_by_group(chosen: str | None, names: list[str]) -> None:
    assert list(choose_tools(TOOLS, chosen, only_reads=False).names) == names


@pytest.mark.parametrize("chosen", [None, "all", "read,complete_task"])
def test_read_only_leaves_out_every_write(chosen: str | None) -> None:
    assert list(choose_tools(TOOLS, chosen, only_reads=True).names) == READS


@pytest.mark.parametrize("chosen", ["delete_tasks", "read,-delete_tasks", "- delete_tasks"])
def test_a_name_that_no_tool_has_is_refused_with_the_nearest(chosen: str) -> None:
    with refused("configuration", OperatorError) as caught:
        choose_tools(TOOLS, chosen, only_reads=False)
    assert "delete_tasks" in caught.value.message
    assert caught.value.candidates[0].value == "delete_task"
    assert "delete_task" in str(caught.value.next_step)


@pytest.mark.parametrize(("chosen", "only_reads"), [("-all", False), ("write", True), ("read,-read", False)])
def test_a_configuration_that_offers_no_tool_is_refused(chosen: str, *, only_reads: bool) -> None:
    with refused("configuration", OperatorError) as caught:
        choose_tools(TOOLS, chosen, only_reads=only_reads)
    assert "no tool" in caught.value.message


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_a_server_that_only_reads_lists_and_calls_nothing_else(store_file: Path, era: str) -> None:
    async with connected(store_file, era, read_only=True) as client:
        assert await tool_names(client) == READS
        assert not (await client.call_tool("list_tasks", {})).is_error
        for name in WRITES:
            error = await error_of(client, name, {})
            assert error["code"] == "read_only"
            assert "TASKHAND_READ_ONLY" in error["next"]


async def test_a_read_only_server_runs_no_write(store_file: Path) -> None:
    body = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1"}
    async with connected(store_file, read_only=True) as client:
        assert (await error_of(client, "create_task", body))["code"] == "read_only"
        assert (await error_of(client, "create_task", body | {"dryRun": True}))["code"] == "read_only"
        answer = await client.call_tool("list_tasks", {})
    assert answer.structured_content is not None
    assert answer.structured_content["tasks"] == []


async def test_a_tool_that_is_not_enabled_is_not_listed_and_cannot_be_called(store_file: Path) -> None:
    async with connected(store_file, tools="all,-find_contacts,-delete_task") as client:
        assert await tool_names(client) == [name for name in ALL if name not in {"find_contacts", "delete_task"}]
        for name in ("find_contacts", "delete_task"):
            error = await error_of(client, name, {})
            assert error["code"] == "tool_not_enabled"
            assert "TASKHAND_TOOLS" in error["next"]


def test_a_read_that_was_not_chosen_is_not_refused_as_a_write() -> None:
    offered = choose_tools(TOOLS, "all,-find_contacts", only_reads=True)
    assert offered.refusal("find_contacts").code == "tool_not_enabled"
    assert offered.refusal("create_task").code == "read_only"


async def test_a_plan_of_a_tool_that_is_not_offered_cannot_be_applied(store_file: Path) -> None:
    body = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1", "dryRun": True}
    async with connected(store_file) as client:
        plan = (await client.call_tool("create_task", body)).structured_content
    assert plan is not None
    async with connected(store_file, tools="read,apply_plan") as client:
        error = await error_of(client, "apply_plan", {"planId": plan["planId"]})
        assert error["code"] == "tool_not_enabled"
        answer = await client.call_tool("list_tasks", {})
    assert answer.structured_content is not None
    assert answer.structured_content["tasks"] == []


async def test_a_tool_that_does_not_exist_is_answered_with_those_that_are_offered(store_file: Path) -> None:
    async with connected(store_file, read_only=True) as client:
        error = await error_of(client, "make_coffee", {})
    assert error["code"] == "unknown_tool"
    assert [candidate["value"] for candidate in error["candidates"]] == READS


@pytest.mark.parametrize(("called", "next_step"), [("updat_task", "Call update_task."), ("rename_task", "one of the")])
async def test_only_a_mistyped_name_of_a_tool_is_answered_with_one_tool(
    store_file: Path, called: str, next_step: str
) -> None:
    async with connected(store_file) as client:
        error = await error_of(client, called, {})
    assert next_step in error["next"]
    assert (len(error["candidates"]) == 1) == (called == "updat_task")


async def test_a_wrong_choice_keeps_the_server_from_starting(store_file: Path) -> None:
    async with open_app(Settings(db=store_file, tools="everything")) as at:
        with pytest.raises(TaskhandError, match="everything"):
            create_server(at)


@pytest.mark.parametrize(
    "settings",
    [{"read_only": True}, {"tools": "read,create_task"}, {"tools": "update_task"}, {"tools": "-apply_plan,-list_tasks"}]
    + [{"tools": f"-{name}"} for name in ALL],
    ids=str,
)
async def test_the_instructions_name_no_tool_that_is_not_offered(store_file: Path, settings: dict[str, Any]) -> None:
    async with connected(store_file, "legacy", **settings) as client:
        assert client.instructions
        named = set(re.findall(r"\w+", client.instructions)) & set(ALL)
        assert named <= set(await tool_names(client))


async def test_the_instructions_are_whole_where_all_tools_are_offered(store_file: Path) -> None:
    async with connected(store_file, "legacy") as client:
        assert client.instructions == INSTRUCTIONS
        assert {name for name in ALL if name in INSTRUCTIONS} >= {"list_tasks", "apply_plan", "undo_change"}


def test_a_rule_may_name_a_tool_that_this_server_leaves_out() -> None:
    offered = choose_tools(TOOLS, "-delete_task", only_reads=False)
    caller = Principal(None, SCOPES, Rules(tools="list_tasks,get_task,-delete_task"))
    assert offered.for_principal(caller).names == ("list_tasks", "get_task")


@pytest.mark.parametrize(("chosen", "offers"), [("get_task", True), ("list_events", True), ("list_tasks", False)])
async def test_subscriptions_are_offered_with_either_tool_that_reads_what_they_are_about(
    store_file: Path, chosen: str, *, offers: bool
) -> None:
    async with connected(store_file, "legacy", tools=chosen) as client:
        resources = client.server_capabilities.resources
    assert bool(resources and resources.subscribe) is offers
