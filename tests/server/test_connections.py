"""Several connections in one server: the connection of a call, and a caller's permissions."""

from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import MCPError
from pydantic import SecretStr

from server.listings import read_json
from server.store_connections import NAMES, answer_of, client_of, open_store_connections, settings_in
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.policy import Policy
from taskhand.journal.journal import ChangeQuery
from taskhand.wiring import open_connections

TASK = {"title": "Llamar", "responsibleIds": []}


async def test_a_call_names_its_connection(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        made = await answer_of(client, "create_task", connection="north", **TASK)
        assert made["task"]["title"] == "Llamar"
        assert len((await answer_of(client, "list_tasks", connection="North"))["tasks"]) == 1
        assert (await answer_of(client, "list_tasks", connection="south"))["tasks"] == []


@pytest.mark.parametrize("name", ["", None, "nor t", "default", ["north", "south"]])
async def test_a_call_that_may_mean_either_connection_is_refused_and_not_journaled(
    tmp_path: Path, name: object
) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        error = await answer_of(client, "create_task", connection=name, **TASK)
        assert error["code"] in {"connection_required", "unknown_connection", "invalid_arguments"}
        assert [one["value"] for one in error["candidates"]] == [*NAMES]
        for app in connections:
            assert (await app.journal.page(ChangeQuery())).changes == ()


async def test_a_plan_and_a_change_name_their_connection(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        plan = await answer_of(client, "create_task", connection="south", dryRun=True, **TASK)
        made = await answer_of(client, "apply_plan", planId=plan["planId"])
        assert len((await answer_of(client, "list_tasks", connection="south"))["tasks"]) == 1
        assert "deleted" in str(await answer_of(client, "undo_change", changeId=made["changeId"]))
        page = await connections.find("south").journal.page(ChangeQuery())
        assert {change.opening.connection for change in page.changes} == {"south"}


async def test_a_connection_that_the_policy_forbids_is_not_used(tmp_path: Path) -> None:
    policy = Policy(everyone={"connections": frozenset({"north"})})
    async with (
        open_store_connections(tmp_path) as connections,
        client_of(connections, "ana@x.test", policy=policy) as client,
    ):
        error = await answer_of(client, "create_task", connection="south", **TASK)
        assert (error["code"], error["rule"]) == ("not_allowed", "connections")
        assert "task" in await answer_of(client, "create_task", **TASK)
        assert not any("connection" in tool.input_schema["properties"] for tool in (await client.list_tools()).tools)


KEY_OF_CLOSE = "api_1a2b3c4d5e6f7g8h"
REFUSED: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("a connection", "list_tasks", {"connection": "south", "text": "x"}, "south", "connections"),
    ("the name in capitals", "list_tasks", {"connection": " SOUTH", "text": "x"}, "south", "connections"),
    ("a tool by its scope", "create_task", {"connection": "close", **TASK}, "close", "scope"),
    ("a tool by its rule", "find_contacts", {"connection": "close", "query": "Ana"}, "close", "tools"),
    ("a tool on a forbidden connection", "find_contacts", {"connection": "south", "query": "Ana"}, "south", "tools"),
    ("an id", "complete_task", {"id": "task_1"}, "close", "scope"),
    ("ids", "delete_task", {"ids": ["a1b2c3d4"]}, "north", "scope"),
    ("nothing tells", "create_task", {**TASK}, "north", "scope"),
    ("no such connection", "create_task", {"connection": "east", **TASK}, "north", "scope"),
    ("ids of several", "delete_task", {"ids": ["a1b2c3d4", "task_1"]}, "north", "scope"),
    (
        "a secret and a host's key",
        "create_task",
        {"title": "the key is close_secret_key", "sessionId": "1"},
        "north",
        "scope",
    ),
]


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_refusal_is_journaled_in_its_connection_with_the_sent_arguments(
    tmp_path: Path, era: Literal["auto", "legacy"]
) -> None:
    settings = [*settings_in(tmp_path)]
    keyed = Settings(
        chosen_backend="close", close_api_key=SecretStr("close_secret_key"), journal=tmp_path / "close.journal.sqlite"
    )
    settings.append(ConnectionSettings("close", keyed, "The shop"))
    policy = Policy(everyone={"connections": frozenset({"north", "close"}), "tools": "all,-find_contacts"})
    async with (
        open_connections(settings) as connections,
        client_of(connections, "ana@x.test", policy=policy, scopes=frozenset({"read"}), mode=era) as client,
    ):
        for what, tool, arguments, place, rule in REFUSED:
            error = await answer_of(client, tool, **arguments)
            assert (error["code"], error["rule"]) == ("not_allowed", rule), what
            changes = [one for app in connections for one in (await app.journal.page(ChangeQuery())).changes]
            newest = max(changes, key=lambda one: one.opening.at).opening
            assert (newest.connection, newest.tool) == (place, tool), what
            kept = {name for name in arguments if name not in ("connection", "sessionId") or arguments[name] == "east"}
            assert {*newest.arguments} == kept, what
            assert KEY_OF_CLOSE not in str(newest)
        with pytest.raises(MCPError, match="not yours"):
            await client.read_resource("taskhand://south/statuses")
        newest_of_south = (await connections.find("south").journal.page(ChangeQuery())).changes[0]
        assert newest_of_south.opening.arguments == {"uri": "taskhand://south/statuses"}


async def test_lists_say_once_that_only_own_tasks_are_shown(tmp_path: Path) -> None:
    policy = Policy(people={"ana@x.test": {"own_tasks_only": True}})
    async with open_store_connections(tmp_path) as connections:
        for person, times in (("ana@x.test", 1), ("ben@x.test", 0)):
            async with client_of(connections, person, policy=policy) as client:
                for tool, arguments in (
                    ("list_tasks", {}),
                    ("list_tasks", {"connection": "south"}),
                    ("list_tasks", {"countBy": "responsible"}),
                    ("list_tasks", {"countBy": "dueDay", "connection": "south"}),
                    ("list_connections", {}),
                ):
                    answer = await answer_of(client, tool, **arguments)
                    assert str(answer).count("Only your own tasks are shown.") == times, (tool, arguments)
                    assert ("note" in answer) == bool(times)
                events = await read_json(client, "taskhand://south/events")
                assert ("Only your own tasks are shown." in events.get("note", "")) == bool(times)


async def test_a_tool_outside_the_scopes_is_not_listed_and_its_call_is_journaled(tmp_path: Path) -> None:
    async with (
        open_store_connections(tmp_path) as connections,
        client_of(connections, "ana@x.test", scopes=frozenset({"read"})) as client,
    ):
        assert all(tool.annotations.read_only_hint for tool in (await client.list_tools()).tools if tool.annotations)
        error = await answer_of(client, "create_task", connection="north", **TASK)
        assert (error["code"], error["rule"]) == ("not_allowed", "scope")
        (refused,) = (await connections.first.journal.page(ChangeQuery())).changes
        assert (refused.opening.tool, refused.opening.caller.subject) == ("create_task", "ana@x.test")
