"""The pytest plugin: the fixtures `taskhand*`, and the mark that configures them.

    @pytest.mark.anyio
    @pytest.mark.taskhand(backend="hubspot", data="sales_week", clock="2026-03-02T15:00:00Z")
    async def test_my_agent_finishes_what_it_is_told_to(taskhand):
        await my_agent("The price list is updated.", taskhand.client)
        assert (await taskhand.task("Update the price list")).status_type == "done"
        assert [request.method for request in taskhand.sent if request.committed] == ["PATCH"]

The mark takes the fields of `taskhand.testing.Setup`. The test is run by anyio's plugin, which is installed with the
package, or by pytest-asyncio (`async_plugins`). In a test that is not async, use `taskhand_open`:

    async with taskhand_open(backend="close") as taskhand: ...
"""

# pytest imports this module in every project that has Taskhand installed: import nothing heavy at its top.
# ruff: noqa: PLC0415

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Unpack

import pytest

from taskhand.testing.async_plugins import ANYIO_FIXTURE, fixture_of_test, fixtures_for_asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from taskhand.config.settings import BackendName
    from taskhand.testing.runner import Agent, Report
    from taskhand.testing.scenario import Scenario
    from taskhand.testing.server_under_test import Bench
    from taskhand.testing.setup import SetupOptions

__all__ = ["OpenTaskhand", "RunScenario", "taskhand", "taskhand_open", "taskhand_scenario"]

_MARK = "taskhand"


class OpenTaskhand(Protocol):
    """Opens a server on its own data; the keywords are the fields of `taskhand.testing.Setup`."""

    def __call__(self, **setup: "Unpack[SetupOptions]") -> "AbstractAsyncContextManager[Bench]":
        """The server and its client, open during the block."""
        ...


class RunScenario(Protocol):
    """Runs a scenario, or a scenario file, with an agent; fails the test with the reasons if the run fails."""

    async def __call__(
        self, scenario: "Scenario | Path | str", agent: "Agent", backend: "BackendName | None" = None
    ) -> "Report":
        """The report of a run that passed."""
        ...


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, and the fixture for tests of pytest-asyncio if that is installed."""
    config.addinivalue_line(
        "markers",
        f"{_MARK}(backend='local', data='sales_week', clock=..., faults=(), variants=(), environment={{}}, "
        "person=None, planted=(), mode='auto'): the setup of the fixture `taskhand`",
    )
    if (asyncio_plugin := config.pluginmanager.get_plugin("asyncio")) is not None:
        config.pluginmanager.register(fixtures_for_asyncio(asyncio_plugin, _open_for_test))


@pytest.fixture
def taskhand_open(tmp_path: Path) -> OpenTaskhand:
    """Open servers with `async with`, each on its own data; the keywords are those of the mark."""
    opened = iter(range(1, 1_000_000))

    def open_one(**setup: Any) -> "AbstractAsyncContextManager[Bench]":
        from taskhand.testing.server_under_test import open_bench
        from taskhand.testing.setup import read_setup

        folder = tmp_path / f"taskhand-{next(opened)}"
        folder.mkdir()
        return open_bench(folder, read_setup(setup))

    return open_one


@pytest.fixture
def taskhand(request: pytest.FixtureRequest) -> "Bench":
    """A server on known data with a connected client, configured by the mark `taskhand`."""
    from taskhand.domain.errors import CallerError
    from taskhand.testing.setup import read_setup

    mark = request.node.get_closest_marker(_MARK)
    if mark is not None:
        if mark.args:
            pytest.fail(f"The mark taskhand takes keywords only, such as backend={mark.args[0]!r}.", pytrace=False)
        try:
            read_setup(mark.kwargs)
        except CallerError as error:
            raise pytest.fail.Exception(f"The mark taskhand is wrong: {error}", pytrace=False) from None
    bench: Bench = request.getfixturevalue(fixture_of_test(request))
    return bench


@pytest.fixture(name=ANYIO_FIXTURE)
async def _on_anyio(request: pytest.FixtureRequest) -> "AsyncIterator[Bench]":
    async for bench in _open_for_test(request):
        yield bench


async def _open_for_test(request: pytest.FixtureRequest) -> "AsyncIterator[Bench]":
    """The server with the setup of the test's mark."""
    mark = request.node.get_closest_marker(_MARK)
    taskhand_open: OpenTaskhand = request.getfixturevalue("taskhand_open")
    async with taskhand_open(**(mark.kwargs if mark else {})) as bench:
        yield bench


@pytest.fixture
def taskhand_scenario() -> RunScenario:
    """Run a scenario, or a scenario file, with an agent in this process."""

    async def run(scenario: "Scenario | Path | str", agent: "Agent", backend: "BackendName | None" = None) -> "Report":
        from taskhand.testing.runner import run_scenario
        from taskhand.testing.scenario import Scenario, load_scenario

        loaded = scenario if isinstance(scenario, Scenario) else load_scenario(Path(scenario))
        report = await run_scenario(loaded, agent, backend)
        if not report.passed:
            pytest.fail("\n".join(report.lines()), pytrace=False)
        return report

    return run
