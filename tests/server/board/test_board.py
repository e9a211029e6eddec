"""The board is given to hosts that say that they show pages, and costs every other host nothing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.types import CallToolResult, Implementation, TextResourceContents

from server.store_connections import client_of, open_store_connections
from taskhand.config.settings import Settings
from taskhand.domain.policy import Policy
from taskhand.domain.principal import Person
from taskhand.server.access import Access
from taskhand.server.app import create_server
from taskhand.server.board.metadata import BOARD, board_address
from taskhand.server.board.page import board_page
from taskhand.server.tools import TOOLS
from taskhand.wiring import open_app

ERAS = ("legacy", "2026-07-28")
PAGE_TYPE = "text/html;profile=mcp-app"
SHOWS_PAGES = [advertise("io.modelcontextprotocol/ui", {"mimeTypes": [PAGE_TYPE]})]
READS = {"list_statuses", "list_team_members", "list_tasks", "list_changes"}
CALLED = READS | {"update_task", "complete_task", "reassign_task", "apply_plan", "undo_change"}


@asynccontextmanager
async def host(store: Path, era: str = ERAS[1], access: Access | None = None, **settings: Any) -> AsyncIterator[Client]:
    """A host that shows pages, on a built-in store with these settings."""
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(Settings(db=store, **settings)))
        server = create_server(app, access=access or Access())
        yield await stack.enter_async_context(Client(server, mode=era, extensions=SHOWS_PAGES))


def board_metadata(result: CallToolResult) -> dict[str, Any]:
    """What an answer tells the page."""
    assert result.meta is not None
    found: dict[str, Any] = result.meta["taskhand/board"]
    return found


async def tools_of(client: Client) -> dict[str, dict[str, Any]]:
    listed = (await client.list_tools()).tools
    return {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed}


@pytest.mark.parametrize("era", ERAS)
async def test_a_host_that_shows_pages_gets_the_page_its_tools_and_the_callable_tools(
    store_file: Path, era: str
) -> None:
    async with host(store_file, era) as client:
        tools = await tools_of(client)
        interfaces = {name: tool["_meta"]["ui"] for name, tool in tools.items()}
        [page] = [one for one in (await client.list_resources()).resources if one.uri.startswith("ui:")]
        assert page.uri == board_address()
        assert page.mime_type == PAGE_TYPE
    shown = {name for name, one in interfaces.items() if "resourceUri" in one}
    assert shown == {tool.name for tool in TOOLS if tool.kind != "read"} | {"list_tasks", "list_changes"}
    assert {interfaces[name]["resourceUri"] for name in shown} == {page.uri}
    assert {name for name, tool in tools.items() if tool["_meta"].get("ui/resourceUri") == page.uri} == shown
    assert {name for name, one in interfaces.items() if one["visibility"] == ["model", "app"]} == CALLED
    assert {tuple(one["visibility"]) for one in interfaces.values()} == {("model", "app"), ("model",)}


@pytest.mark.parametrize("era", ERAS)
async def test_a_host_that_shows_no_pages_gets_no_metadata_of_the_board(store_file: Path, era: str) -> None:
    others = [[], [advertise("io.modelcontextprotocol/ui")], [advertise("x.test/pages", {"mimeTypes": [PAGE_TYPE]})]]
    async with host(store_file, era) as shows_pages, open_app(Settings(db=store_file)) as app:
        server, rich = create_server(app), await tools_of(shows_pages)
        for extensions in others:
            async with Client(server, mode=era, extensions=extensions) as client:
                plain = await tools_of(client)
                assert plain == {name: {k: v for k, v in tool.items() if k != "_meta"} for name, tool in rich.items()}
                assert "ui:" not in {one.uri[:3] for one in (await client.list_resources()).resources}
                assert "taskhand/board" not in ((await client.call_tool("list_tasks", {})).meta or {})
                [read] = (await client.read_resource(BOARD)).contents
                assert isinstance(read, TextResourceContents), "who asks is answered"


@pytest.mark.parametrize("era", ERAS)
async def test_an_answer_is_as_long_for_a_host_that_shows_pages_as_for_any_other(store_file: Path, era: str) -> None:
    async with host(store_file, era) as rich, open_app(Settings(db=store_file)) as app:
        made = await rich.call_tool("create_task", {"title": "Llamar", "responsibleIds": [], "dueDate": "2026-03-09"})
        assert board_metadata(made)["tools"]
        async with Client(create_server(app), mode=era) as plain:
            for tool in ("list_tasks", "list_statuses", "list_changes"):
                answers = [await client.call_tool(tool, {}) for client in (rich, plain)]
                texts = [(one.content, one.structured_content) for one in answers]
                assert texts[0] == texts[1]
        refused = await rich.call_tool("complete_task", {"id": "no such id"})
        assert refused.is_error
        assert {*board_metadata(refused)["tools"]} == CALLED


@pytest.mark.parametrize("era", ERAS)
async def test_every_address_of_the_board_leads_to_its_page_as_it_is(store_file: Path, era: str) -> None:
    async with host(store_file, era) as client:
        for address in (board_address(), BOARD, f"{BOARD}@0123456789ab", f"{BOARD}@", f"{BOARD}%40abc"):
            read = await client.read_resource(address)
            [page] = read.contents
            assert isinstance(page, TextResourceContents)
            assert (page.uri, page.mime_type, page.text) == (address, PAGE_TYPE, board_page())
            assert page.meta is not None
            assert page.meta["ui"]["prefersBorder"] is True
            assert {*map(len, page.meta["ui"]["csp"].values())} == {0}
            kept = 86_400_000 if address == board_address() else 0
            assert read.ttl_ms == (kept if era == ERAS[1] else 0), "the page at another address may change"
        for address in (f"{BOARD}s", "ui://taskhand/", "ui://other/board", f"{BOARD}@1/2"):
            with pytest.raises(Exception, match="There is no resource"):
                await client.read_resource(address)


@pytest.mark.parametrize(
    ("settings", "called"),
    [
        ({}, CALLED),
        ({"read_only": True}, READS),
        ({"tools": "list_tasks,complete_task,create_task"}, {"list_tasks", "complete_task"}),
        ({"tools": "get_task"}, set()),
    ],
)
async def test_the_page_may_call_only_offered_tools(
    store_file: Path, settings: dict[str, Any], called: set[str]
) -> None:
    async with host(store_file, **settings) as client:
        tools = await tools_of(client)
        assert {name for name, tool in tools.items() if "app" in tool["_meta"]["ui"]["visibility"]} == called
        result = await client.call_tool(next(iter(tools)), {})
        assert {*board_metadata(result)["tools"]} == called
        pages = [one.uri for one in (await client.list_resources()).resources if one.uri.startswith("ui:")]
        assert bool(pages) == any("resourceUri" in tool["_meta"]["ui"] for tool in tools.values())


async def test_the_rules_of_a_person_hold_for_the_page(store_file: Path) -> None:
    rules = {"ana": {"tools": "read,complete_task"}}
    access = Access(lambda: Policy(people=rules), Person.parse("ana"), frozenset({"read", "write"}))
    async with host(store_file, access=access) as client:
        assert {*board_metadata(await client.call_tool("list_tasks", {}))["tools"]} == READS | {"complete_task"}
        rules["ana"] = {"tools": "read"}
        assert {*board_metadata(await client.call_tool("list_tasks", {}))["tools"]} == READS
        refused = await client.call_tool("complete_task", {"id": "any"})
        assert refused.is_error
        assert {*board_metadata(refused)["tools"]} == READS


async def test_the_page_gets_only_the_connections_that_the_caller_may_use(tmp_path: Path) -> None:
    policy = Policy(people={"ben": {"connections": ("south",)}})
    async with open_store_connections(tmp_path) as connections:
        async with client_of(connections, "ana", policy=policy, extensions=SHOWS_PAGES) as client:
            assert board_metadata(await client.call_tool("list_tasks", {}))["connections"] == ["north", "south"]
            assert "resourceUri" not in (await tools_of(client))["list_connections"]["_meta"]["ui"]
        async with client_of(connections, "ben", policy=policy, extensions=SHOWS_PAGES) as client:
            assert "connections" not in board_metadata(await client.call_tool("list_tasks", {}))


@pytest.mark.parametrize("era", ERAS)
async def test_a_server_with_the_setting_ui_off_has_no_board(store_file: Path, era: str) -> None:
    async with host(store_file, era, ui="off") as client:
        assert not [name for name, tool in (await tools_of(client)).items() if "_meta" in tool]
        assert not [one for one in (await client.list_resources()).resources if one.uri.startswith("ui:")]
        assert "taskhand/board" not in ((await client.call_tool("list_tasks", {})).meta or {})
        with pytest.raises(Exception, match="There is no resource"):
            await client.read_resource(BOARD)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", ["Anthropic", "Anthropic/ClaudeAI", "claude-ai"])
async def test_a_host_known_by_name_to_show_pages_gets_the_board(store_file: Path, era: str, name: str) -> None:
    async with open_app(Settings(db=store_file)) as app:
        named = Implementation(name=name, version="1")
        async with Client(create_server(app), mode=era, client_info=named) as client:
            assert (await tools_of(client))["list_tasks"]["_meta"]["ui"]["resourceUri"] == board_address()
            assert {*board_metadata(await client.call_tool("list_tasks", {}))["tools"]} == CALLED


@pytest.mark.parametrize("ui", ["auto", "off"])
@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_a_server_advertises_its_pages_in_both_eras(store_file: Path, era: str, ui: str) -> None:
    async with host(store_file, era, ui=ui) as client:
        told = client.server_capabilities.extensions
        assert told == (None if ui == "off" else {"io.modelcontextprotocol/ui": {"mimeTypes": [PAGE_TYPE]}})
