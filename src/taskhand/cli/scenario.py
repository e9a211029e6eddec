"""The command `taskhand scenario`: what a person says to an agent, and what must and must not come of it."""

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from taskhand.backends.registry import NAMES
from taskhand.domain.errors import CallerError

if TYPE_CHECKING:
    from taskhand.testing.command import Command
    from taskhand.testing.runner import Report
    from taskhand.testing.scenario import Scenario

__all__ = ["scenario"]

_FILES = click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))


@click.group()
def scenario() -> None:
    """Test an agent on scenarios: known data, a task in words, and what must come of it. FILES may be folders.

    Without FILES the scenarios that come with Taskhand are meant.
    """


@scenario.command("list")
@_FILES
def list_scenarios(files: tuple[Path, ...]) -> None:
    """List scenarios: name, backends, and what each is about."""
    for one in _loaded(files):
        click.echo(f"{one.name} [{', '.join(one.backends)}] {one.about}")


@scenario.command("run")
@_FILES
@click.option("--agent", help="A command; {task} and {config} in it stand for the task and an MCP configuration file.")
@click.option("--backend", type=click.Choice(NAMES), help="Only on this one.")
@click.option("--only", multiple=True, metavar="NAME", help="Only the scenario of this name.")
@click.option("--timeout", default=300.0, show_default=True, help="Seconds that the agent may take for each.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, a line for each.")
def run_scenarios(
    *,
    files: tuple[Path, ...],
    agent: str | None,
    backend: str | None,
    only: tuple[str, ...],
    timeout: float,
    as_json: bool,
) -> None:
    """Run scenarios with an agent, each on every backend that it is for; exit code 1 where one is not met.

    The agent reads {"task": ..., "server": {"command", "args", "env"}} as JSON from standard input, works with the MCP
    server that it starts so, and prints its last words. Without --agent each file's own solution is run.
    """
    from taskhand.testing.command import Command

    chosen = [one for one in _loaded(files) if not only or one.name in only]
    if missing := set(only) - {one.name for one in chosen}:
        raise CallerError(f"There is no scenario {', '.join(sorted(missing))}.", code="unknown_scenario")
    command = Command(agent, timeout) if agent else None
    reports = anyio.run(partial(_run, chosen, backend, command, as_json=as_json))
    passed = sum(report.passed for report in reports)
    if not as_json:
        click.echo(f"{passed} of {len(reports)} passed.")
    sys.exit(0 if passed == len(reports) else 1)


def _loaded(files: Sequence[Path]) -> "Sequence[Scenario]":
    from taskhand.testing.scenario import load_scenarios, shipped

    return load_scenarios(files or [shipped()])


async def _run(
    chosen: "Sequence[Scenario]", backend: str | None, command: "Command | None", *, as_json: bool
) -> "list[Report]":
    from taskhand.testing.runner import run_scenario
    from taskhand.testing.script import Scripted

    reports = []
    for one in chosen:
        for place in one.backends:
            if backend in (None, place):
                report = await run_scenario(one, command or Scripted(one.solution), place)
                click.echo(json.dumps(report.as_json(), ensure_ascii=False) if as_json else "\n".join(report.lines()))
                reports.append(report)
    return reports
