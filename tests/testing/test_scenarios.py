"""Every scenario is proven: its solution meets it on all of its backends, its wrong agent does not."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from taskhand.backends.registry import NAMES
from taskhand.config.settings import BackendName
from taskhand.server.tools import TOOLS
from taskhand.testing import Clock, Scenario, Scripted, load_scenario, run_scenario, shipped
from taskhand.testing.evaluation import RunRecord, unmet_reasons
from taskhand.testing.populated.open import open_populated
from taskhand.testing.scenario import Wrong

FILES = sorted(shipped().glob("*.toml"))
POPULATED = [name for name in NAMES if find_spec(f"taskhand.testing.populated.{name}")]
"""The backends that the pytest plugin can put data into."""
SCENARIOS = {file.stem: load_scenario(file) for file in FILES}
SOLUTIONS = [(scenario, backend) for scenario in SCENARIOS.values() for backend in scenario.backends]
WRONGS = [(scenario, wrong) for scenario in SCENARIOS.values() for wrong in scenario.wrong]


def _id(value: Any) -> str:
    return value.name if isinstance(value, Scenario) else value if isinstance(value, str) else ""


@pytest.mark.parametrize(("scenario", "backend"), SOLUTIONS, ids=_id)
async def test_the_solution_of_each_scenario_passes(scenario: Scenario, backend: BackendName) -> None:
    report = await run_scenario(scenario, Scripted(scenario.solution), backend)
    assert report.passed, "\n".join(report.lines())


@pytest.mark.parametrize(("scenario", "wrong"), WRONGS, ids=_id)
async def test_each_wrong_script_fails_for_its_reason(scenario: Scenario, wrong: Wrong) -> None:
    report = await run_scenario(scenario, Scripted(wrong))
    assert any(wrong.because in reason for reason in report.reasons), report.reasons


async def test_an_agent_that_does_nothing_passes_no_scenario(tmp_path: Path) -> None:
    for name, scenario in SCENARIOS.items():
        folder = tmp_path / name
        folder.mkdir()
        setup = scenario.setup(scenario.backends[0])
        async with open_populated(setup.backend, setup.data_set, Clock(setup.start), folder) as populated:
            state = await populated.read()
        assert unmet_reasons(scenario, RunRecord(state, state, (), (), (), "Done.", None)), name


def test_at_least_thirty_scenarios_exist_in_files_with_their_names() -> None:
    assert len(SCENARIOS) >= 30
    assert {scenario.name for scenario in SCENARIOS.values()} == set(SCENARIOS)


def test_the_scenarios_use_every_tool_and_every_backend() -> None:
    used = {call.tool for scenario in SCENARIOS.values() for call in scenario.solution.calls}
    assert used == {tool.name for tool in TOOLS}
    for backend in POPULATED:
        assert sum(backend in scenario.backends for scenario in SCENARIOS.values()) >= 15
