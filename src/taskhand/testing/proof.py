"""The proof of a scenario: its solution passes, and each wrong attempt fails for the reason that it names."""

from collections.abc import AsyncIterator
from dataclasses import replace

from taskhand.config.settings import BackendName
from taskhand.testing.runner import Report, run_scenario
from taskhand.testing.scenario import Scenario, Script, Wrong
from taskhand.testing.script import Scripted, ScriptError

__all__ = ["prove", "run_solution"]


async def prove(scenario: Scenario, backend: BackendName) -> AsyncIterator[Report]:
    """The report of the solution, and one of each wrong attempt, which passes if the attempt fails for its reason.

    Wrong attempts run on the scenario's first backend: their reasons use its words.
    """
    yield await run_solution(scenario, backend)
    if backend == scenario.backends[0]:
        for number, wrong in enumerate(scenario.wrong, start=1):
            report = await _run(scenario, wrong, backend)
            yield replace(report, scenario=f"{scenario.name} wrong {number}", reasons=_reasons(wrong, report))


async def run_solution(scenario: Scenario, backend: BackendName) -> Report:
    """The report of the scenario's own solution."""
    return await _run(scenario, scenario.solution, backend)


async def _run(scenario: Scenario, script: Script, backend: BackendName) -> Report:
    """The report of a script; an answer that differs from the script is a reason of failure."""
    try:
        return await run_scenario(scenario, Scripted(script), backend)
    except ScriptError as error:
        return Report(scenario.name, backend, (f"the script cannot go on: {error}",), (), script.says)


def _reasons(wrong: Wrong, report: Report) -> tuple[str, ...]:
    """The reasons why a wrong attempt proves nothing; empty if it failed for its reason."""
    if any(wrong.because in reason for reason in report.reasons):
        return ()
    if report.passed:
        return ("the wrong attempt passes the scenario",)
    return (f"no reason has {wrong.because!r}:", *report.reasons)
