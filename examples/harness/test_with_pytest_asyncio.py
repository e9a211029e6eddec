"""Tests of an agent in a project that uses pytest-asyncio, in its mode "auto" or "strict".

Run `pip install '.[testing]' pytest-asyncio` in the folder of Taskhand's source, then
`pytest test_with_pytest_asyncio.py`. In mode "auto" the marks `asyncio` are not needed.
"""

import pytest
from mcp import Client

from taskhand.testing import Bench
from taskhand.testing.plugin import OpenTaskhand

pytestmark = pytest.mark.asyncio


async def my_agent(said: str, client: Client) -> str:
    """Finish the task whose words the person said."""
    found = await client.call_tool("list_tasks", {"text": said.removeprefix("Finish: ")})
    task = (found.structured_content or {})["tasks"][0]
    await client.call_tool("complete_task", {"id": task["id"]})
    return f"Finished {task['title']}."


@pytest.mark.taskhand(backend="hubspot", data="sales_week")
async def test_it_finishes_what_it_is_told_to(taskhand: Bench) -> None:
    """The server and the test share pytest-asyncio's event loop."""
    assert "welcome kit" in await my_agent("Finish: welcome kit", taskhand.client)
    assert (await taskhand.task("Send the welcome kit")).status_type == "done"


@pytest.mark.asyncio(loop_scope="module")
async def test_it_runs_in_a_longer_lived_loop_too(taskhand: Bench) -> None:
    """The server follows the loop scope of the test."""
    await taskhand.call("list_statuses")


async def test_a_server_opened_in_the_test(taskhand_open: OpenTaskhand) -> None:
    """Works under every plugin, because the test itself opens the server."""
    async with taskhand_open(backend="close") as taskhand:
        await my_agent("Finish: welcome kit", taskhand.client)
        assert sum(request.committed for request in taskhand.sent) == 1
