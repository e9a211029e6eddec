"""The board over both transports, in both protocol eras: its page, and calls of the page by the scopes of a key."""

from pathlib import Path
from typing import Any

import pytest

from server.transports.keyed_server import ERAS, OLDER, KeyCaller, keyed_server
from server.transports.raw_connection import INITIALIZED, RawConnection, connect_raw, newer, older
from server.transports.server_process import HELLO, META
from server.transports.task_calls import DRAFT
from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.server.board.metadata import board_address
from taskhand.server.board.page import board_page
from taskhand.wiring import open_app

READS = {"list_statuses", "list_team_members", "list_tasks", "list_changes"}
PAGES = {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}}
SHOWS_PAGES = {"_meta": META | {"io.modelcontextprotocol/clientCapabilities": PAGES}}


async def ask(connection: RawConnection, method: str, era: str, **params: Any) -> dict[str, Any]:
    """The result of a request of a host that shows pages."""
    message = older(method, method, **params) if era == OLDER else newer(method, method, **params)
    message["params"] |= {} if era == OLDER else SHOWS_PAGES
    result: dict[str, Any] = (await connection.ask(message))["result"]
    return result


@pytest.mark.parametrize("era", ERAS)
async def test_the_board_can_be_found_read_and_used_over_standard_input(store_file: Path, era: str) -> None:
    async with open_app(Settings(db=store_file)) as app, connect_raw(create_server(app)) as connection:
        if era == OLDER:
            await connection.ask(older("initialize", 0, **HELLO | {"capabilities": PAGES}))
            await connection.send(INITIALIZED)
        listed = {tool["name"]: tool["_meta"]["ui"] for tool in (await ask(connection, "tools/list", era))["tools"]}
        assert listed["list_tasks"] == {"resourceUri": board_address(), "visibility": ["model", "app"]}
        assert listed["delete_task"] == {"resourceUri": board_address(), "visibility": ["model"]}
        assert listed["get_task"] == {"visibility": ["model"]}
        [page] = (await ask(connection, "resources/read", era, uri=listed["list_tasks"]["resourceUri"]))["contents"]
        assert (page["mimeType"], page["text"]) == ("text/html;profile=mcp-app", board_page())
        answer = await ask(connection, "tools/call", era, name="list_tasks", arguments={})
        assert "apply_plan" in answer["_meta"]["taskhand/board"]["tools"]


async def tools_for_page(caller: KeyCaller) -> set[str]:
    """What an answer tells the page that it may call."""
    result = (await caller.ask("tools/call", name="list_tasks", arguments={}))["result"]
    return {*result["_meta"]["taskhand/board"]["tools"]}


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_of_the_page_over_http_has_the_scopes_of_the_hosts_key(tmp_path: Path, era: str) -> None:
    async with keyed_server(tmp_path) as server:
        keys = [await server.make_key(scopes=scopes) for scopes in ("read,write,destructive", "read", "write")]
        owner, reader, writer = [await server.caller(key, era, shows_pages=True) for key in keys]
        assert await tools_for_page(reader) == READS
        assert {"complete_task", "apply_plan", "undo_change"} < await tools_for_page(owner)
        task = (await owner.call("create_task", **DRAFT))["task"]
        assert (await reader.call("complete_task", id=task["id"]))["code"] == "not_allowed"
        [shown] = (await owner.call("list_tasks"))["tasks"]
        assert shown["status"] == "Pendiente"
        plan = await owner.call("delete_task", id=task["id"])
        assert {"planId", "difference"} <= plan.keys(), "a call of the page stops at a plan too"
        for caller in (owner, reader, writer):
            [page] = (await caller.ask("resources/read", uri=board_address()))["result"]["contents"]
            assert page["text"] == board_page(), "the page holds nothing that a scope guards"
        nobody = await server.http.post("/mcp", json=owner.request("resources/read", uri=board_address())[0])
        assert nobody.status_code == 401
