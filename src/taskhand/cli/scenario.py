"""The command `taskhand scenario`: an agent is given tasks on known data, and the result is checked."""

import sys
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from taskhand.backends.registry import NAMES
from taskhand.cli.terminal import print_json, print_line, print_lines
from taskhand.domain.errors import CallerError

if TYPE_CHECKING:
    from taskhand.config.settings import BackendName
    from taskhand.testing.command import Command
    from taskhand.testing.runner import Report
    from taskhand.testing.scenario import Scenario

__all__ = ["scenario"]

_FILES = click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))


@click.group()
def scenario() -> None:
    """Test an agent on scenarios.

    A scenario has known data, a request in words, and the expected result. FILES may be folders. Without FILES, the
    scenarios that come with Taskhand are used.
    """


@scenario.command("list")
@_FILES
def list_scenarios(files: tuple[Path, ...]) -> None:
    """List scenarios: the name, the backends and the purpose of each."""
    for loaded in _load(files):
        print_line(f"{loaded.name} [{', '.join(loaded.backends)}] {loaded.about}")


@scenario.command("run")
@_FILES
@click.option(
    "--agent",
    help="The command that runs the agent; {task} and {config} become the task and an MCP configuration file.",
)
@click.option("--backend", type=click.Choice(NAMES), help="Only on this backend.")
@click.option("--only", multiple=True, metavar="NAME", help="Only the scenario with this name.")
@click.option(
    "--timeout", default=300.0, show_default=True, help="Time limit of the agent for each scenario, in seconds."
)
@click.option(
    "--prove", is_flag=True, help="Without an agent: each solution has to pass, and each wrong attempt to fail."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, one line for each run.")
def run_scenarios(
    *,
    files: tuple[Path, ...],
    agent: str | None,
    backend: str | None,
    only: tuple[str, ...],
    timeout: float,
    prove: bool,
    as_json: bool,
) -> None:
    """Run scenarios with an agent, each on every backend of its list.

    The exit code is 1 if a scenario fails. The agent reads {"task": ..., "server": {"command", "args", "env"}} as JSON
    from standard input, starts that MCP server, works with it, and prints its final message. Without --agent, each
    scenario's own solution is run.
    """
    from taskhand.testing.command import Command

    if prove and agent:
        raise click.UsageError("--prove runs the scripts of the scenarios, and --agent an agent: choose one.")
    chosen = [loaded for loaded in _load(files) if not only or loaded.name in only]
    if missing := set(only) - {loaded.name for loaded in chosen}:
        raise CallerError(f"There is no scenario {', '.join(sorted(missing))}.", code="unknown_scenario")
    command = Command(agent, timeout) if agent else None
    reports = anyio.run(partial(_run, chosen, backend, command, prove=prove, as_json=as_json))
    passed = sum(report.passed for report in reports)
    if not as_json:
        print_line(f"{passed} of {len(reports)} passed.")
    sys.exit(0 if passed == len(reports) else 1)


def _load(files: Sequence[Path]) -> "Sequence[Scenario]":
    from taskhand.testing.scenario import load_scenarios, shipped

    return load_scenarios(files or [shipped()])


async def _run(
    chosen: "Sequence[Scenario]", backend: str | None, command: "Command | None", *, prove: bool, as_json: bool
) -> "list[Report]":
    reports = []
    for loaded in chosen:
        for name in loaded.backends:
            if backend in (None, name):
                async for report in _reports(loaded, name, command, prove=prove):
                    _print(report, as_json=as_json)
                    reports.append(report)
    return reports


async def _reports(
    scenario: "Scenario", backend: "BackendName", command: "Command | None", *, prove: bool
) -> "AsyncIterator[Report]":
    from taskhand.testing import proof
    from taskhand.testing.runner import run_scenario

    if command:
        yield await run_scenario(scenario, command, backend)
    elif prove:
        async for report in proof.prove(scenario, backend):
            yield report
    else:
        yield await proof.run_solution(scenario, backend)


def _print(report: "Report", *, as_json: bool) -> None:
    if as_json:
        print_json(report.as_json(), indent=None)
    else:
        print_lines(report.lines())
