"""Agents in this process and as commands; what is reported of them."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from mcp import Client

from taskhand.cli.main import command
from taskhand.domain.errors import CallerError
from taskhand.testing import Command, Scenario, Scripted, load_scenario, run_scenario, shipped
from taskhand.testing.scenario import Script
from taskhand.testing.script import ScriptError

FINISH = load_scenario(shipped() / "finish_one.toml")

AGENT = """
import json, sys, anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
told = json.load(sys.stdin)
assert json.load(open(sys.argv[2]))["mcpServers"]["taskhand"] == told["server"]
assert sys.argv[1] == told["task"]
async def main():
    async with Client(StdioServerParameters(**told["server"])) as client:
        found = await client.call_tool("list_tasks", {"text": "proposal"})
        await client.call_tool("complete_task", {"id": found.structured_content["tasks"][0]["id"]})
        await client.call_tool("no_such_tool", {})
    print("Ticked off.")
anyio.run(main)
"""


async def test_an_agent_command_starts_its_server_and_every_call_is_recorded(tmp_path: Path) -> None:
    file = tmp_path / "agent.py"
    file.write_text(AGENT, encoding="utf-8")
    agent = Command(f"'{sys.executable}' '{file}' {{task}} {{config}}", timeout_s=30)
    report = await run_scenario(FINISH, agent, "close", tmp_path)
    assert report.reasons == ()
    assert [called.tool for called in report.calls] == ["list_tasks", "complete_task", "no_such_tool"]
    assert [called.error for called in report.calls] == [None, None, "unknown_tool"]
    assert report.answer == "Ticked off."
    assert report.tokens == sum(len(called.answer) // 4 for called in report.calls) > 100


async def test_an_agent_command_that_fails_or_times_out_fails_the_scenario(tmp_path: Path) -> None:
    failing = Command(f"'{sys.executable}' -c 'raise SystemExit(\"out of tokens\")'", timeout_s=30)
    report = await run_scenario(FINISH, failing, "local", tmp_path)
    assert report.reasons[0] == "the agent ended with exit code 1: out of tokens"
    assert "Send the proposal to Acme: status is En Progreso, expected done" in report.reasons
    slow = Command("sleep 30", timeout_s=0.01)
    report = await run_scenario(FINISH, slow, "local")
    assert report.reasons[0] == "the agent took longer than 0.01 s"


@pytest.mark.parametrize("line", ["/nowhere/agent", "'unclosed", ""])
async def test_an_agent_command_that_cannot_be_started_is_a_caller_error(line: str) -> None:
    with pytest.raises(CallerError, match="cannot be started"):
        await run_scenario(FINISH, Command(line), "local")


async def test_an_agent_in_this_process_gets_the_task_and_a_client() -> None:
    async def agent(task: str, client: Client) -> str:
        await client.call_tool("list_tasks", {})
        return task

    report = await run_scenario(FINISH, agent)
    assert (report.scenario, report.backend, report.answer) == ("finish_one", "local", FINISH.task)
    assert not report.passed
    head, *rest = report.lines()
    assert head.startswith("✗ finish_one [local] 1 calls, ")
    assert rest == [
        "    Send the proposal to Acme: status is En Progreso, expected done",
        "    · list_tasks {}",
    ]
    assert report.as_json()["reasons"] == list(report.reasons)


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([{"tool": "complete_task", "send": {"id": "{id of Nothing}"}}], "no answer so far has {id of Nothing}"),
        ([{"tool": "get_task", "send": {"id": "{candidate x}"}}], "no answer so far has {candidate x}"),
        ([{"tool": "list_tasks", "refused": "nope"}], "list_tasks {} was answered; expected nope"),
        ([{"tool": "get_task"}], "was refused with missing_argument"),
    ],
)
async def test_a_script_stops_at_an_unexpected_answer(calls: list[dict[str, object]], said: str) -> None:
    script = Scripted(Script.model_validate({"calls": calls}))
    with pytest.raises(ScriptError) as stopped:
        await run_scenario(FINISH, script)
    assert said in str(stopped.value)


def test_the_command_line_lists_runs_and_counts() -> None:
    run = CliRunner()
    listed = run.invoke(command, ["scenario", "list"])
    assert "finish_one [local, vambe, close, hubspot] One task is completed" in listed.output
    passed = run.invoke(command, ["scenario", "run", "--only", "create_once"])
    assert passed.exit_code == 0
    assert passed.output.endswith("1 of 1 passed.\n")
    file = str(shipped() / "finish_one.toml")
    told = ["scenario", "run", file, "--agent", "true", "--backend", "local", "--json"]
    failed = run.invoke(command, told)
    assert failed.exit_code == 1
    assert json.loads(failed.output)["reasons"] == ["Send the proposal to Acme: status is En Progreso, expected done"]
    unknown = run.invoke(command, ["scenario", "run", "--only", "nope"])
    assert isinstance(unknown.exception, CallerError)


def test_a_scenario_is_proven_by_its_solution_and_its_wrong_attempts(tmp_path: Path) -> None:
    shipped_one = str(shipped() / "create_once.toml")
    proven = CliRunner().invoke(command, ["scenario", "run", shipped_one, "--prove", "--backend", "local"])
    assert proven.output.splitlines()[-1] == f"{1 + len(load_scenario(Path(shipped_one)).wrong)} of 2 passed."
    assert proven.exit_code == 0
    loose = tmp_path / "loose.toml"
    loose.write_text(
        """
        name = "loose"
        about = "Nothing is expected."
        task = "Wait."
        backends = ["local"]
        unchanged = false
        solution = { calls = [{ tool = "get_task", send = { id = "none" } }] }
        wrong = [{ because = "anything", says = "Done." }, { because = "no task", calls = [{ tool = "get_task" }] }]
        """,
        encoding="utf-8",
    )
    failed = CliRunner().invoke(command, ["scenario", "run", str(loose), "--prove"])
    assert failed.exit_code == 1
    assert failed.output.count("the script cannot go on: get_task") == 2
    assert "loose wrong 1 [local]" in failed.output
    assert "the wrong attempt passes the scenario" in failed.output
    assert "no reason has 'no task':" in failed.output
    both = CliRunner().invoke(command, ["scenario", "run", "--prove", "--agent", "true"])
    assert both.exit_code == 2


def test_one_failed_scenario_among_passed_ones_fails_the_command(tmp_path: Path) -> None:
    idle = tmp_path / "idle.toml"
    idle.write_text(
        """
        name = "idle"
        about = "Nothing is to be done."
        task = "Wait."
        backends = ["local"]
        solution = { calls = [], says = "I waited." }
        """,
        encoding="utf-8",
    )
    files = [str(idle), str(shipped() / "finish_one.toml")]
    done = CliRunner().invoke(command, ["scenario", "run", *files, "--agent", "true", "--backend", "local"])
    assert done.output.endswith("1 of 2 passed.\n")
    assert done.exit_code == 1


def test_a_dumped_scenario_validates_to_an_equal_one() -> None:
    assert Scenario.model_validate(FINISH.model_dump()) == FINISH
