"""Tests of an agent with Taskhand's pytest plugin.

Run `pip install '.[testing]'` in the folder of Taskhand's source, then `pytest test_my_agent.py`.

`my_agent` stands for yours: it is given what a person says and a connected MCP client, and answers with its last words.
"""

import json
from pathlib import Path

import pytest
from mcp import Client
from mcp.types import TextContent

from taskhand.testing import Bench, Refused
from taskhand.testing.plugin import OpenTaskhand, RunScenario

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the server runs on."""
    return "asyncio"


async def my_agent(said: str, client: Client) -> str:
    """Finish the task whose words the person said."""
    words = said.removeprefix("Finish: ")
    found = await client.call_tool("list_tasks", {"text": words})
    task = json.loads("".join(part.text for part in found.content if isinstance(part, TextContent)))["tasks"][0]
    await client.call_tool("complete_task", {"id": task["id"]})
    return f"Finished {task['title']}."


@pytest.mark.taskhand(backend="hubspot", data="sales_week", clock="2026-03-02T15:00:00Z")
async def test_it_finishes_what_it_is_told_to_and_nothing_else(taskhand: Bench) -> None:
    """Look at the final state, at the journal, and at what was really sent upstream."""
    before = await taskhand.state()
    assert "welcome kit" in await my_agent("Finish: welcome kit", taskhand.client)
    changed = [task for task in await taskhand.state() if task not in before]
    assert [(task.title, task.status_type) for task in changed] == [("Send the welcome kit", "done")]
    assert [change.opening.tool for change in await taskhand.changes()] == ["complete_task"]
    (write,) = [request for request in taskhand.sent if request.committed]
    assert (write.method, write.body) == ("PATCH", {"properties": {"hs_task_status": "COMPLETED"}})


@pytest.mark.taskhand(backend="vambe", faults=[{"route": "update", "kind": "reset_after"}])
async def test_a_lost_answer_is_no_second_write(taskhand: Bench) -> None:
    """Let the connection break after the CRM has done its work."""
    await my_agent("Finish: welcome kit", taskhand.client)
    assert sum(request.committed for request in taskhand.sent) == 1


async def test_two_servers_in_one_test(taskhand_open: OpenTaskhand) -> None:
    """Open what you need: each has data, a clock and a journal of its own."""
    async with taskhand_open(backend="local") as here, taskhand_open(backend="close") as there:
        for taskhand in (here, there):
            task = await taskhand.task("Send the welcome kit")
            with pytest.raises(Refused) as refused:
                await taskhand.call("reassign_task", id=task.id, responsibleIds=["Maria Rodriguez"])
            assert len(refused.value.candidates) == 2  # noqa: PLR2004  two people have that name


async def test_a_scenario_from_a_file(taskhand_scenario: RunScenario) -> None:
    """A task in words, the calls that may be made, and the state that must come of it."""
    await taskhand_scenario(Path(__file__).parent / "one_finished.toml", my_agent)
