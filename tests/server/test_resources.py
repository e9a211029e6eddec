"""Resources: the same answers as the tools give, and the protocol's own error for what is not there."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS

from backends.vambe.backend_case import vambe_sandbox, vambe_settings
from behaviour.agent import Agent, Refused
from behaviour.backend_cases import BACKEND_CASES
from behaviour.world import BackendCase
from server.listings import read_json, snapshot_files, to_wire
from server.surface import BACKENDS
from service.feed_app import open_feed
from taskhand.config.settings import Settings
from taskhand.domain.event import TaskEvent
from taskhand.domain.receipt import FieldChange
from taskhand.journal.journal import ChangeQuery
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.access import Access
from taskhand.server.app import create_server
from taskhand.server.resources import RESOURCES
from taskhand.server.tools import TOOLS
from taskhand.wiring import open_app

ERAS = ("legacy", "2026-07-28")
BUDGET = 250
"""Tokens of all resources and templates in a list, at four characters to a token."""

ABSENT = "task://99999999-9999-4999-8999-999999999999"


def test_every_resource_equals_its_snapshot() -> None:
    files = {file: text for file, text in snapshot_files().items() if file.parent.name == "resources"}
    assert {file.stem for file in files} == {resource.name for resource in RESOURCES}
    kept = {file: file.read_text(encoding="utf-8") for file in files}
    assert files == kept, "The surface changed: look at it, then run `python tests/documents.py`."


def test_a_resource_names_a_tool_that_reads() -> None:
    reads = {tool.name for tool in TOOLS if tool.kind == "read"}
    assert {resource.like for resource in RESOURCES} - {None} <= reads


@pytest.mark.parametrize("era", ERAS)
async def test_the_lists_are_small_and_may_be_kept_a_while(store_file: Path, era: str) -> None:
    async with open_app(Settings(db=store_file)) as at, Client(create_server(at), mode=era) as client:
        resources, templates = await client.list_resources(), await client.list_resource_templates()
        read = await client.read_resource("taskhand://statuses")
    listed = [to_wire(one) for one in (*resources.resources, *templates.resource_templates)]
    assert [one.get("uri") or one["uriTemplate"] for one in listed] == [resource.uri for resource in RESOURCES]
    assert len(json.dumps(listed, separators=(",", ":"))) / 4 <= BUDGET
    assert {resources.ttl_ms, templates.ttl_ms} == {600_000 if era == ERAS[-1] else 0}
    assert read.ttl_ms == 0, "what is read may be different a moment later"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("backend", BACKEND_CASES, ids=lambda backend: backend.name)
async def test_a_resource_returns_the_same_as_its_tool(backend: BackendCase, era: str, tmp_path: Path) -> None:
    async with backend.open(tmp_path) as at, Client(create_server(at), mode=era) as client:
        agent = Agent(client, backend.needs)
        task = await agent.create("Call \u202eAcme")
        address = f"task://{quote(task['id'], safe='')}"
        assert await read_json(client, address) == await agent("get_task", id=task["id"])
        assert await read_json(client, "taskhand://statuses") == await agent("list_statuses")
        assert await read_json(client, "taskhand://members") == await agent("list_team_members")
        read = await read_json(client, address)
        assert read["task"]["title"] == "Call Acme"
        assert "task.title" in read["untrusted"]["fields"]


async def test_the_address_of_a_task_is_taken_for_its_id_by_every_tool(tmp_path: Path) -> None:
    async with BACKEND_CASES[0].open(tmp_path) as at, Client(create_server(at)) as client:
        agent = Agent(client)
        task = await agent.create(dueDate="2026-03-09")
        address = f"task://{task['id']}"
        assert (await agent("get_task", id=address))["task"]["id"] == task["id"]
        await agent("update_task", id=address, priority="2")
        await agent("bulk_update_tasks", taskIds=[address], shiftDueDays=1)
        listed = await agent("list_changes", taskId=address)
        assert [one["tool"] for one in listed["changes"]] == ["bulk_update_tasks", "update_task", "create_task"]
        assert (await agent("delete_task", ids=[address]))["difference"][0]["id"] == task["id"]
        for wrong in (f"task://north/{task['id']}", f"tasks://{task['id']}", "task://"):
            assert await agent.refusal("get_task", id=wrong) == "invalid_id"


async def test_the_title_of_a_task_as_its_id_is_answered_with_how_to_find_it(tmp_path: Path) -> None:
    async with BACKEND_CASES[0].open(tmp_path) as at, Client(create_server(at)) as client:
        agent = Agent(client)
        with pytest.raises(Refused) as refused:
            await agent("complete_task", id="Call Acme")
    assert (refused.value.code, str(refused.value)) == ("invalid_id", "'Call Acme' is not a task id.")
    assert refused.value.next == "If it is a title, call list_tasks with text to find the task, then send its id."


@pytest.mark.parametrize("era", ERAS)
async def test_the_latest_changes_are_read_as_the_tool_lists_them(era: str, tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed, Client(create_server(feed.app), mode=era) as client:
        agent = Agent(client)
        assert (await read_json(client, "taskhand://events"))["events"] == []
        await agent("list_events")
        for number in range(51):
            await feed.others.create(f"Call {number}")
        feed.clock.move(minutes=1)
        read = await read_json(client, "taskhand://events")
        told = await agent("list_events", limit=100)
        assert read["events"] == told["events"][1:], "the latest 50, which reading has not marked as shown"
        assert "events.title" in read["untrusted"]["fields"]
        await feed.others.create("One more")
        feed.clock.move(minutes=1)
        after = await agent("list_events", cursor=read["nextCursor"])
        assert [row["title"] for row in after["events"]] == ["One more"]


async def test_a_long_list_of_the_latest_changes_leaves_the_older_ones_out(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed, Client(create_server(feed.app)) as client:
        await read_json(client, "taskhand://events")
        fields = ("title", "description", "ai_contact_id", "ai_customer_id")
        changed = tuple(FieldChange(field, "before " * 40, "after " * 40) for field in fields)
        feed.source.log += [
            TaskEvent(f"log {number}", f"t-{number}", "updated", feed.clock(), changed=changed) for number in range(50)
        ]
        feed.clock.move(minutes=1)
        read = await read_json(client, "taskhand://events")
        assert len(json.dumps(read)) < 36_000
        assert 10 < len(read["events"]) < 50
        assert read["events"][-1]["id"] == "t-49"
        feed.source.log.append(TaskEvent("log 50", "t-50", "updated", feed.clock()))
        feed.clock.move(minutes=1)
        after = await Agent(client)("list_events", cursor=read["nextCursor"])
        assert [row["id"] for row in after["events"]] == ["t-50"]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "uri",
    [ABSENT, "task://nothing", "task://..%2Fmembers", "task://%00", "task://", "taskhand://nothing", "other://place"],
)
async def test_an_unknown_resource_is_not_found(era: str, uri: str, store_file: Path) -> None:
    async with open_app(Settings(db=store_file)) as at, Client(create_server(at), mode=era) as client:
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
    assert (refused.value.code, refused.value.data) == (INVALID_PARAMS, {"uri": uri})


async def test_reading_a_missing_task_names_the_tool_that_lists_ids(store_file: Path) -> None:
    async with open_app(Settings(db=store_file)) as at, Client(create_server(at)) as client:
        with pytest.raises(MCPError, match=r"There is no task 9{8}.*list_tasks"):
            await client.read_resource(ABSENT)


async def test_an_unreadable_resource_names_the_setting_to_correct(tmp_path: Path) -> None:
    async with serve_sandbox(vambe_sandbox()) as url:
        settings = vambe_settings(url, vambe_api_key="wrong", journal=tmp_path / "journal.sqlite")
        async with open_app(settings) as at, Client(create_server(at)) as client:
            with pytest.raises(MCPError, match="VAMBE_API_KEY") as refused:
                await client.read_resource("taskhand://members")
    assert (refused.value.code, refused.value.data) == (INTERNAL_ERROR, {"uri": "taskhand://members"})


async def _capabilities(backend: str, folder: Path, **settings: Any) -> dict[str, Any]:
    chosen = Settings(db=folder / "tasks.sqlite", **BACKENDS[backend], **settings)
    async with open_app(chosen) as at, Client(create_server(at)) as client:
        return await read_json(client, "taskhand://capabilities")


async def test_the_capabilities_of_close_are_shown(tmp_path: Path) -> None:
    told = await _capabilities("close", tmp_path, timezone="America/Santiago")
    assert told["backend"] == "close"
    assert told["fields"]["description"] == "not here"
    assert told["fields"]["aiCustomerId"] == "create (required)"
    assert told["fields"]["newStatusName"] == "update"
    assert told["priority"] == {"1": "medium", "2": "high"}
    assert told["responsibles"] == "A task has exactly 1."
    assert told["dueTime"] == "It keeps no zone of its own. Without timezone, America/Santiago is meant."


async def test_the_capabilities_of_hubspot_are_shown(tmp_path: Path) -> None:
    told = await _capabilities("hubspot", tmp_path)
    assert told["fields"]["dueDate"] == "create (required), update"
    assert told["responsibles"] == "A task has 0 to 1."
    assert "may be a little behind" in told["lists"]
    assert "statusEffects" not in told
    assert "automated actions" in (await _capabilities("vambe", tmp_path))["statusEffects"]


async def test_the_plan_threshold_is_shown(tmp_path: Path) -> None:
    told = await _capabilities("local", tmp_path, plan_over=3)
    assert told["bulk"] == "Up to 1000 tasks in one call. More than 3, or any filter, stop at a plan."
    assert told["lists"] == "A list shows a write at once."


@pytest.mark.parametrize("backend", BACKENDS)
async def test_the_capabilities_name_every_field_that_a_backend_lacks(backend: str, tmp_path: Path) -> None:
    async with open_app(Settings(db=tmp_path / "tasks.sqlite", **BACKENDS[backend])) as at:
        can = at.backend.capabilities
    fields = (await _capabilities(backend, tmp_path))["fields"]
    several = {"addResponsibleIds", "removeResponsibleIds"} if can.most_responsibles == 1 else set()
    assert {name for name, use in fields.items() if use == "not here"} == can.absent | several


async def test_a_caller_who_may_not_read_reads_no_resource(store_file: Path) -> None:
    access = Access(scopes=frozenset({"write"}))
    async with open_app(Settings(db=store_file)) as at, Client(create_server(at, access=access)) as client:
        uris = ("taskhand://capabilities", "taskhand://statuses", ABSENT)
        for uri in uris:
            with pytest.raises(MCPError, match="not allowed"):
                await client.read_resource(uri)
        refused = [(one.opening.tool, one.opening.arguments) for one in (await at.journal.page(ChangeQuery())).changes]
    tools = ("resource capabilities", "list_statuses", "get_task")
    arguments = [{"uri": uri} for uri in uris]
    arguments[2] |= {"id": ABSENT.removeprefix("task://")}
    assert refused[::-1] == [*zip(tools, arguments, strict=True)]


async def test_a_resource_is_offered_only_with_its_tool(store_file: Path) -> None:
    settings = Settings(db=store_file, tools="list_tasks,list_statuses")
    async with open_app(settings) as at, Client(create_server(at)) as client:
        names = [resource.name for resource in (await client.list_resources()).resources]
        assert names == ["statuses", "capabilities"]
        assert (await client.list_resource_templates()).resource_templates == []
        with pytest.raises(MCPError):
            await client.read_resource("taskhand://members")
