"""The pytest plugin, in projects of its own."""

import os
import subprocess
import sys

import pytest

# What an inner run is the first to import is forgotten after it, and would be imported again and again.
import taskhand.testing.runner  # noqa: F401
from taskhand.backends.registry import NAMES

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
    run = pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:asyncio", "-W", "error", "--strict-markers")
    run.assert_outcomes(passed=3, failed=1, errors=1)
    run.stdout.fnmatch_lines(["*finish_one [[]local[]] 0 calls, 0 tokens of answers", "*expected done"])


USE = """
    task = await taskhand.task("Send the welcome kit")
    await taskhand.call("complete_task", id=task.id)
    assert (await taskhand.client.list_tools()).tools
"""
AGENTS = f"""
import pytest

@pytest.fixture
async def started(taskhand):
    await taskhand.call("list_statuses")
    return taskhand

async def test_unmarked(taskhand):{USE}
async def test_of_an_own_fixture(started):
    taskhand = started{USE}
@pytest.mark.asyncio
async def test_asyncio(taskhand):{USE}
@pytest.mark.asyncio(loop_scope="module")
async def test_asyncio_of_the_module(taskhand):{USE}
"""
ANYIO = f"""
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_anyio(taskhand):{USE}
"""
TRIO = ANYIO.replace('"asyncio"', '"trio"')
SYNC = "def test_sync(taskhand): pass"
QUIET = ("-p", "no:xdist", "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")
BOTH = "Both pytest-asyncio and anyio would run this test"


@pytest.mark.parametrize(
    ("project", "settings", "outcomes", "says"),
    [
        (AGENTS, ["asyncio_mode=auto"], {"passed": 4}, ""),
        (AGENTS, ["asyncio_mode=strict"], {"passed": 2, "errors": 2}, "No plugin runs this async test. Mark it with"),
        (ANYIO, ["asyncio_mode=strict"], {"passed": 1}, ""),
        (ANYIO.replace("@pytest.mark.anyio", ""), ["anyio_mode=auto"], {"passed": 1}, ""),
        (ANYIO, ["asyncio_mode=auto"], {"errors": 1}, BOTH),
        (ANYIO + AGENTS, ["anyio_mode=auto", "asyncio_mode=strict"], {"passed": 3, "errors": 2}, BOTH),
        (TRIO, [], {"errors": 1}, 'Let the fixture `anyio_backend` return "asyncio".'),
        (SYNC, [], {"errors": 1}, "is for async tests. In any other test, use `taskhand_open`."),
    ],
    ids=["auto", "strict", "anyio", "anyio auto", "anyio mark in auto", "both", "trio", "sync"],
)
def test_a_test_runs_under_each_async_plugin_or_fails_with_the_setting_to_change(
    pytester: pytest.Pytester, project: str, settings: list[str], outcomes: dict[str, int], says: str
) -> None:
    pytester.makepyfile(project)
    chosen = [argument for one in settings for argument in ("-o", one)]
    run = pytester.runpytest_inprocess(*QUIET, *chosen)
    run.assert_outcomes(**outcomes)
    assert says in run.stdout.str()


def test_a_server_of_another_event_loop_is_refused_instead_of_waiting_forever(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest, pytest_asyncio

        @pytest_asyncio.fixture(loop_scope="module")
        async def server(taskhand_open):
            async with taskhand_open() as opened:
                yield opened

        @pytest.mark.asyncio
        async def test_it(server):
            with pytest.raises(RuntimeError, match="runs in another event loop"):
                await server.call("list_statuses")
        """
    )
    pytester.runpytest_inprocess(*QUIET).assert_outcomes(passed=1)


MARKS = {
    '"hubspot"': "The mark taskhand takes keywords only, such as backend='hubspot'.",
    'backnd="hubspot"': "There is no 'backnd'; the keywords are backend, data, clock,",
    'backend="trello"': f"backend is 'trello'; it must be one of {', '.join(map(repr, NAMES))}.",
    'clock="tomorrow"': "clock is 'tomorrow'; it must be a time such as '2026-03-02T15:00:00Z'.",
    'clock="2026-03-02T15:00"': "it must be a time with its offset",
    'person="maybe"': "person is 'maybe'; it must be one of None, 'yes', 'no', 'nothing'.",
    'data="nothing"': "There is no data set 'nothing'",
}


def test_a_wrong_mark_is_an_error_and_never_the_built_in_store(pytester: pytest.Pytester) -> None:
    marks = "".join(f"    pytest.param(marks=pytest.mark.taskhand({mark})),\n" for mark in MARKS)
    pytester.makepyfile(
        f"import pytest\n@pytest.mark.asyncio\n@pytest.mark.parametrize((), [\n{marks}])\n"
        "async def test_it(taskhand): pass\n"
    )
    run = pytester.runpytest_inprocess(*QUIET)
    run.assert_outcomes(errors=len(MARKS))
    for says in MARKS.values():
        assert says in run.stdout.str()
    run.stdout.no_fnmatch_line("*During handling of*")
    run.stdout.no_fnmatch_line("*CallerError*")


def test_a_project_that_does_not_use_the_plugin_imports_nothing_heavy() -> None:
    code = "import sys, pytest, taskhand.testing.plugin; print(*sorted(sys.modules))"
    # A process that coverage follows imports more than the plugin does.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    run = subprocess.run([sys.executable, "-c", code], env=unmeasured, capture_output=True, text=True, check=True)  # noqa: S603  ours
    heavy = {"mcp", "pydantic", "anyio", "httpx2", "starlette", "sqlite3", "taskhand.config.settings"}
    assert not heavy & set(run.stdout.split())
