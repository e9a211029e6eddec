"""Runs a scenario with an agent, and reports the result."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mcp import Client

from taskhand.config.settings import BackendName, Settings
from taskhand.testing.clock import Clock
from taskhand.testing.command import Command, CommandFailed, recording_command
from taskhand.testing.evaluation import RunRecord, unmet_reasons
from taskhand.testing.populated.backend import PopulatedBackend
from taskhand.testing.populated.open import open_populated
from taskhand.testing.recorded_calls import Called, read_calls
from taskhand.testing.scenario import Scenario
from taskhand.testing.server_under_test import changes_of, environment_of, open_bench
from taskhand.testing.stored_task import StoredTask

__all__ = ["Agent", "Report", "run_scenario"]

Agent = Callable[[str, Client], Awaitable[str]]
"""An agent in this process: it gets the task and a connected client, and returns its final message."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a scenario on a backend: the `reasons` of a failure, and the agent's final message (`answer`)."""

    scenario: str
    backend: BackendName
    reasons: tuple[str, ...]
    calls: tuple[Called, ...]
    answer: str

    @property
    def passed(self) -> bool:
        """Whether the run met the scenario."""
        return not self.reasons

    @property
    def tokens(self) -> int:
        """The size of all answers, at four characters per token."""
        return sum(called.tokens for called in self.calls)

    def lines(self) -> tuple[str, ...]:
        """The report as text: one line if the run passed, else the reasons and the calls too."""
        mark = "✓" if self.passed else "✗"
        head = f"{mark} {self.scenario} [{self.backend}] {len(self.calls)} calls, {self.tokens} tokens of answers"
        if self.passed:
            return (head,)
        return (head, *(f"    {reason}" for reason in self.reasons), *(f"    · {called}" for called in self.calls))

    def as_json(self) -> dict[str, Any]:
        """The report as JSON."""
        calls = [{"tool": call.tool, "arguments": dict(call.arguments), "error": call.error} for call in self.calls]
        return {
            "scenario": self.scenario,
            "backend": self.backend,
            "passed": self.passed,
            "reasons": list(self.reasons),
            "calls": calls,
            "tokens": self.tokens,
            "answer": self.answer,
        }


async def run_scenario(
    scenario: Scenario, agent: Agent | Command, backend: BackendName | None = None, folder: Path | None = None
) -> Report:
    """Run an agent on a scenario, by default on the scenario's first backend. Exceptions of the agent are raised.

    `folder` holds the run's files; None is a temporary folder. CallerError for a scenario that cannot be set up, or a
    command that cannot be started.
    """
    chosen = backend or scenario.backends[0]
    with ExitStack() as stack:
        at = folder or Path(stack.enter_context(TemporaryDirectory(prefix="taskhand-scenario-")))
        run = _run_command if isinstance(agent, Command) else _run_here
        record, failed = await run(scenario, agent, chosen, at)  # type: ignore[arg-type]  # it fits the agent's type
    why = (*failed, *unmet_reasons(scenario, record))
    return Report(scenario.name, chosen, why, tuple(record.calls), record.answer)


async def _run_here(
    scenario: Scenario, agent: Agent, backend: BackendName, folder: Path
) -> tuple[RunRecord, tuple[str, ...]]:
    async with open_bench(folder, scenario.setup(backend)) as bench:
        before = await bench.state()
        answer = await agent(scenario.task, bench.client)
        return await _record(bench.populated, bench.settings, before, bench.calls, answer), ()


async def _run_command(
    scenario: Scenario, agent: Command, backend: BackendName, folder: Path
) -> tuple[RunRecord, tuple[str, ...]]:
    """Run a command, which starts the server in another process; that server writes its calls to a file."""
    setup, calls, answer = scenario.setup(backend), folder / "calls.jsonl", ""
    failed: tuple[str, ...] = ()
    async with open_populated(backend, setup.data_set, Clock(setup.start), folder, setup.variants) as populated:
        environment = environment_of(setup, populated, folder)
        server = recording_command(environment, calls)
        before = await populated.read()
        populated.script(setup.faults)
        try:
            answer = await agent(scenario.task, server, folder)
        except CommandFailed as error:
            failed = (str(error),)
        return await _record(populated, Settings.from_env(environment), before, read_calls(calls), answer), failed


async def _record(
    populated: PopulatedBackend, settings: Settings, before: Sequence[StoredTask], calls: Sequence[Called], answer: str
) -> RunRecord:
    """The record of a finished run."""
    return RunRecord(
        before=before,
        after=await populated.read(),
        calls=tuple(calls),
        sent=populated.sent,
        changes=await changes_of(settings),
        answer=answer,
        create_route=populated.routes.get("create"),
    )
