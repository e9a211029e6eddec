"""Each tool that takes an idempotency key carries out a call with one key once."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from behaviour.agent import Agent
from server.example_calls import DUE_DATE, TASK, VALID, fill_in
from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.server.tool import Tool
from taskhand.server.tools import TOOLS
from taskhand.service.call_options import RepeatableOptions
from taskhand.wiring import open_app

KEYED = [tool for tool in TOOLS if issubclass(tool.arguments, RepeatableOptions)]


@pytest.mark.parametrize("tool", KEYED, ids=lambda tool: tool.name)
async def test_a_second_call_with_the_same_key_is_not_carried_out(tool: Tool[Any], tmp_path: Path) -> None:
    settings = Settings(db=tmp_path / "tasks.sqlite", user="Elena")
    async with open_app(settings) as app, Client(create_server(app)) as client:
        agent = Agent(client)
        task = await agent.create("Write to Acme", dueDate=DUE_DATE)
        sent = fill_in(VALID[tool.name], {TASK: task["id"]}) | {"idempotencyKey": "one"}
        first = await agent(tool.name, **sent)
        again = await agent(tool.name, **sent)
        assert "replayed" not in first
        assert (again["replayed"], again["changeId"]) == (True, first["changeId"])
