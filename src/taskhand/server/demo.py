"""The demo: a client walks through the documented use cases with a server in a process of its own."""

import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, get_default_environment, stdio_client
from mcp.types import CallToolResult, TextContent

from taskhand.domain.errors import OperatorError

__all__ = ["STEPS", "Step", "demo_environment", "run_demo", "take_step"]

_UNCONFIGURED = {"TASKHAND_CONFIG": os.devnull, "TASKHAND_USER": "Elisa Mora"}
"""The demo ignores the configuration of the user."""
_WIDTH = 100
_FIRST = ("planId", "count", "difference", "task", "changed", "totals", "matched", "unapplied", "note", "expiresAt")


@dataclass(frozen=True, slots=True)
class Step:
    """A request to an agent, and the tool call that answers it.

    `{new}` stands for the created task, `{contact}` for the found contact, `{tomorrow}` and `{later}` for days,
    `{plan}` for the last plan and `{change}` for the last change. `who` is the person who asks, if there are several.
    """

    request: str
    tool: str
    arguments: Mapping[str, Any]
    refused: bool = False
    who: str | None = None


STEPS: Sequence[Step] = (
    Step("What is open?", "list_tasks", {"status": ["initial", "in_progress"], "limit": 5}),
    Step(
        "Call Acme tomorrow at three, that one is mine.",
        "create_task",
        {
            "title": "Call Acme about the renewal",
            "dueDate": "{tomorrow}",
            "dueTime": "15:00",
            "timezone": "America/Santiago",
            "responsibleIds": ["me"],
            "priority": "1",
        },
    ),
    Step("Mark it as complete.", "complete_task", {"id": "{new}"}),
    Step("No, reopen it.", "update_task", {"id": "{new}", "newStatusName": "en progreso"}),
    Step("Give it to Ana.", "reassign_task", {"id": "{new}", "responsibleIds": ["Ana Soto"]}),
    Step("It is urgent.", "update_task", {"id": "{new}", "priority": "2"}),
    Step("Two days more.", "update_task", {"id": "{new}", "dueDate": "{later}"}),
    Step(
        "Luis should help her.",
        "reassign_task",
        {"id": "{new}", "responsibleIds": ["luis.pereira@example.com"], "mode": "add"},
    ),
    Step(
        "Note what the meeting said.",
        "update_task",
        {"id": "{new}", "description": "They want the annual plan; ask for the new tax id."},
    ),
    Step("Who is our contact there?", "find_contacts", {"query": "acme"}),
    Step("Link the task to her.", "update_task", {"id": "{new}", "aiContactId": "{contact}"}),
    Step(
        "Both ways of naming a status at once are refused:",
        "update_task",
        {"id": "{new}", "newStatusName": "Completado", "newStatusPosition": 3},
        refused=True,
    ),
    Step(
        "So is a name that two people have:",
        "reassign_task",
        {"id": "{new}", "responsibleIds": ["maria rodriguez"]},
        refused=True,
    ),
    Step(
        "Push everything that is late by two days. That is a change by filter, so it stops at a plan:",
        "bulk_update_tasks",
        {"filter": {"overdue": True}, "shiftDueDays": 2, "reason": "the week was short"},
    ),
    Step("Yes, exactly those.", "apply_plan", {"planId": "{plan}"}),
    Step("What did you do last?", "list_changes", {"limit": 2}),
    Step("Take it back.", "undo_change", {"changeId": "{change}"}),
)
"""The use cases of https://docs.vambe.me/reference/tasks/update-task, in words; then a bulk change, and its undo."""


async def run_demo(
    write_line: Callable[[str], object], *, brief: bool, today: date | None = None, flags: Sequence[str] = ()
) -> None:
    """Run every step and write the call and its answer; RuntimeError if a step fails.

    `brief` writes the outcome of each call in words. `flags` are options of the command, and `today` is its current
    day.
    """
    with TemporaryDirectory(prefix="taskhand-demo-") as folder:
        launch = ["-m", "taskhand", "--db", str(Path(folder) / "tasks.sqlite"), *flags]
        if not brief:
            write_line(
                f"A store in {folder}, filled by `taskhand seed demo`; the server runs as a host would start it."
            )
        await _run_command([sys.executable, *launch, "seed", "demo"])
        async with _connect(launch) as client:
            await _print_connection(client, write_line)
            today = today or datetime.now(UTC).date()
            known = {"tomorrow": str(today + timedelta(days=1)), "later": str(today + timedelta(days=3))}
            for step in STEPS:
                await take_step(client, step, known, write_line, brief=brief)


def demo_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that a demo starts: the variables that every process needs, and its own."""
    return {**get_default_environment(), **variables}


async def _run_command(command: Sequence[str]) -> None:
    """Run a command; OperatorError with the last line of its output if it fails."""
    done = await anyio.run_process(command, env=demo_environment(_UNCONFIGURED), check=False)
    if done.returncode:
        last_line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise OperatorError(f"The demo cannot start the server: {last_line or 'it ended at once'}.")


@asynccontextmanager
async def _connect(launch: Sequence[str]) -> AsyncIterator[Client]:
    server = StdioServerParameters(command=sys.executable, args=[*launch], env=_UNCONFIGURED)
    async with Client(stdio_client(server)) as client:
        yield client


async def _print_connection(client: Client, write_line: Callable[[str], object]) -> None:
    tools = (await client.list_tools()).tools
    write_line(f"Connected over a pipe, protocol {client.protocol_version}. Tools: {', '.join(t.name for t in tools)}.")


async def take_step(
    client: Client, step: Step, stored_ids: dict[str, str], write_line: Callable[[str], object], *, brief: bool
) -> None:
    """Call the tool of one step, write the call and its answer, and store ids for later steps in `stored_ids`."""
    arguments = {name: _fill_in(value, stored_ids) for name, value in step.arguments.items()}
    result = await client.call_tool(step.tool, arguments)
    answer = _read_answer(result)
    write_line("")
    write_line(f"■ {step.who}: {step.request}" if step.who else f"■ {step.request}")
    if not brief:
        write_line(f"  → {step.tool} {_to_short_json(arguments)}")
    for line in _to_lines(answer) if brief else [_to_short_json(_main_part(answer))]:
        write_line(f"  {'✗' if result.is_error else '←'} {line}")
    if result.is_error is not step.refused:
        raise RuntimeError(f"{step.tool} was not expected to answer that")
    if step.tool == "create_task":
        stored_ids["new"] = answer["task"]["id"]
    if step.tool == "find_contacts":
        stored_ids["contact"] = answer["contacts"][0]["aiContactId"]
    stored_ids |= {name: answer[key] for name, key in (("plan", "planId"), ("change", "changeId")) if key in answer}


def _fill_in(value: Any, stored_ids: Mapping[str, str]) -> Any:
    return value.format_map(stored_ids) if isinstance(value, str) and value.startswith("{") else value


def _read_answer(result: CallToolResult) -> dict[str, Any]:
    """The structured answer, or the error in the text."""
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    answer: dict[str, Any] = result.structured_content or json.loads(text)
    return answer


def _main_part(answer: dict[str, Any]) -> Any:
    """The part of an answer to show: the change of a write, the whole of an error."""
    if "changeId" in answer or "planId" in answer:
        return {key: answer[key] for key in _FIRST if answer.get(key)}
    return answer.get("error", {key: value for key, value in answer.items() if key != "untrusted"})


def _to_lines(answer: dict[str, Any]) -> list[str]:
    """The answer in words; only the first few of many tasks."""
    if "message" in answer.get("error", {}):
        return [answer["error"]["message"]]
    if "planId" in answer:
        rows = [
            f"{row['title']}: {_changes_text(row.get('changed', {})) or row['does']}" for row in answer["difference"]
        ]
        tasks = "1 task" if answer["count"] == 1 else f"{answer['count']} tasks"
        return [f"a plan of {tasks}, nothing is written yet:", *_first_lines(rows)]
    if "totals" in answer:
        return [_value_in_words(answer["totals"])]
    if "task" in answer:
        return [_change_line(answer)]
    found: list[dict[str, Any]] = next(value for value in answer.values() if isinstance(value, list))
    return _first_lines([" · ".join(_value_in_words(row[key]) for key in _ROW_FIELDS if row.get(key)) for row in found])


_ROW_FIELDS = ("connection", "title", "name", "status", "due", "email", "at", "tool", "outcome", "totals", "reason")
_MAX_LINES = 3


def _change_line(answer: dict[str, Any]) -> str:
    """The line for the change of one task, or for a new task."""
    task = answer["task"]
    if "changed" not in answer:
        return f"{task['title']}: made, {task['status']}, due {_value_text(task['due'])}"
    return f"{task['title']}: {_changes_text(answer['changed'])}"


def _value_in_words(value: Any) -> str:
    """A value in words; totals as the number for each outcome."""
    return ", ".join(f"{count} {became}" for became, count in value.items()) if isinstance(value, dict) else str(value)


def _first_lines(rows: list[str]) -> list[str]:
    more = [f"and {len(rows) - _MAX_LINES} more"] if len(rows) > _MAX_LINES else []
    return [*rows[:_MAX_LINES], *more]


def _changes_text(changed: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{field} {_value_text(change['from'])} → {_value_text(change['to'])}" for field, change in changed.items()
    )


def _value_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "nobody"
    return "nothing" if value is None else str(value)


def _to_short_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDTH * 6 else f"{text[: _WIDTH * 6]}…"
