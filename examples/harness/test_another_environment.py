"""A test of an agent that runs in an environment of its own: it is given a URL, and its own Python runs it.

`taskhand.server` is the other way: the command, the arguments and the variables of a server over standard input and
output, for an agent that starts its servers.
"""

import sys
from pathlib import Path

import anyio
import pytest

from taskhand.testing import Bench

AGENT = Path(__file__).with_name("other_agent.py")
OTHER_PYTHON = sys.executable
"""The Python of the agent's environment, such as `../agent/.venv/bin/python`."""


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the server runs on."""
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.taskhand(backend="vambe")
async def test_it_finishes_what_it_is_told_to(taskhand: Bench) -> None:
    """The calls of the agent are recorded as those of a client in this process are."""
    async with taskhand.serve_http() as url:
        run = await anyio.run_process([OTHER_PYTHON, str(AGENT), url, "Finish: welcome kit"])
    assert b"Finished Send the welcome kit." in run.stdout
    assert [called.tool for called in taskhand.calls] == ["list_tasks", "complete_task"]
    assert (await taskhand.task("Send the welcome kit")).status_type == "done"
