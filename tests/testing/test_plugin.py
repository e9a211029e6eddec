"""The pytest plugin, in projects of its own."""

import os
import subprocess
import sys

import pytest

# What an inner run is the first to import is forgotten after it, and would be imported again and again.
import taskhand.testing.runner  # noqa: F401

pytest_plugins = ["pytester"]

PROJECT = """
import anyio
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
@pytest.mark.taskhand(backend="close", data="small_team", clock="2026-06-01T09:00:00Z")
async def test_the_mark_configures_the_fixture(taskhand):
    task = await taskhand.task("Call Acme")
    assert task.due.startswith("2026-06-02")
    await taskhand.call("complete_task", id=task.id)
    assert [request.method for request in taskhand.sent if request.committed] == ["PUT"]

@pytest.mark.anyio
async def test_without_a_mark_the_fixture_has_the_default_setup(taskhand):
    assert taskhand.populated.backend == "local"
    assert len(await taskhand.state()) == 14

def test_taskhand_open_works_without_a_plugin_for_async_tests(taskhand_open):
    async def work():
        async with taskhand_open(backend="vambe", data="empty") as taskhand:
            assert (await taskhand.client.list_tools()).tools
            assert await taskhand.state() == ()
    anyio.run(work)

@pytest.mark.anyio
async def test_a_failed_scenario_fails_the_test_with_its_reasons(taskhand_scenario):
    from taskhand.testing import shipped
    async def lazy(task, client):
        return ""
    await taskhand_scenario(shipped() / "finish_one.toml", lazy)

@pytest.mark.anyio
@pytest.mark.taskhand(backend="trello")
async def test_an_invalid_mark_fails_the_test(taskhand):
    pass
"""


def test_a_project_uses_the_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PROJECT)
    run = pytester.runpytest_inprocess("-p", "no:xdist", "-W", "error", "--strict-markers")
    run.assert_outcomes(passed=3, failed=1, errors=1)
    run.stdout.fnmatch_lines(["*finish_one [[]local[]] 0 calls, 0 tokens of answers", "*expected done"])


def test_a_project_that_does_not_use_the_plugin_imports_nothing_heavy() -> None:
    code = "import sys, pytest, taskhand.testing.plugin; print(*sorted(sys.modules))"
    # A process that coverage follows imports more than the plugin does.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    run = subprocess.run([sys.executable, "-c", code], env=unmeasured, capture_output=True, text=True, check=True)  # noqa: S603  ours
    heavy = {"mcp", "pydantic", "anyio", "httpx2", "starlette", "sqlite3", "taskhand.config.settings"}
    assert not heavy & set(run.stdout.split())
