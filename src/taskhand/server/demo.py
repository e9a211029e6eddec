"""The demo: the real server in a process of its own, a real client, and the documented use cases in turn."""

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

__all__ = ["STEPS", "Step", "run_demo"]

_UNCONFIGURED = {"TASKHAND_CONFIG": os.devnull}
"""The demo is the same whatever the user has configured."""
_WIDTH = 100
_FIRST = ("planId", "count", "difference", "changed", "totals", "matched", "unapplied", "note", "expiresAt")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing said to an agent, and the call it makes of it.

    `{new}` stands for the task made here, `{contact}` for the contact found, `{tomorrow}` and `{later}` for days,
    `{plan}` for the last plan shown and `{change}` for the last change made.
    """

    said: str
    tool: str
    arguments: Mapping[str, Any]
    refused: bool = False


STEPS: Sequence[Step] = (
    Step("What is there to do this week?", "list_tasks", {"status": ["initial", "in_progress"], "limit": 5}),
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
"""The use cases of https://docs.vambe.me/reference/tasks/update-task, in words; then a change of many, and back."""


async def run_demo(
    say: Callable[[str], object], *, brief: bool, today: date | None = None, flags: Sequence[str] = ()
) -> None:
    """Walk the steps, saying each call and its answer; RuntimeError when one does not go as it should.

    `brief` says what came of each call in words; `flags` are those of the command, and `today` the day it then is.
    """
    with TemporaryDirectory(prefix="taskhand-demo-") as folder:
        launch = ["-m", "taskhand", "--db", str(Path(folder) / "tasks.sqlite"), *flags]
        if not brief:
            say(f"A store in {folder}, filled by `taskhand seed demo`; the server runs as a host would start it.")
        await anyio.run_process(
            [sys.executable, *launch, "seed", "demo"], env=get_default_environment() | _UNCONFIGURED
        )
        async with _connected(launch) as client:
            await _introduce(client, say)
            today = today or datetime.now(UTC).date()
            known = {"tomorrow": str(today + timedelta(days=1)), "later": str(today + timedelta(days=3))}
            for step in STEPS:
                await _walk(client, step, known, say, brief=brief)


@asynccontextmanager
async def _connected(launch: Sequence[str]) -> AsyncIterator[Client]:
    server = StdioServerParameters(command=sys.executable, args=[*launch], env=_UNCONFIGURED)
    async with Client(stdio_client(server)) as client:
        yield client


async def _introduce(client: Client, say: Callable[[str], object]) -> None:
    tools = (await client.list_tools()).tools
    say(f"Connected over a pipe, protocol {client.protocol_version}. Tools: {', '.join(t.name for t in tools)}.")


async def _walk(
    client: Client, step: Step, known: dict[str, str], say: Callable[[str], object], *, brief: bool
) -> None:
    """Make the call of one step, say what went and what came, and remember the ids that later steps need."""
    arguments = {name: _filled(value, known) for name, value in step.arguments.items()}
    result = await client.call_tool(step.tool, arguments)
    answer = _answer(result)
    say(f"\n■ {step.said}")
    if not brief:
        say(f"  → {step.tool} {_short(arguments)}")
    for line in _words(answer) if brief else [_short(_telling(answer))]:
        say(f"  {'✗' if result.is_error else '←'} {line}")
    if result.is_error is not step.refused:
        raise RuntimeError(f"{step.tool} was not expected to answer that")
    if step.tool == "create_task":
        known["new"] = answer["task"]["id"]
    if step.tool == "find_contacts":
        known["contact"] = answer["contacts"][0]["aiContactId"]
    known |= {name: answer[key] for name, key in (("plan", "planId"), ("change", "changeId")) if key in answer}


def _filled(value: Any, known: Mapping[str, str]) -> Any:
    return value.format_map(known) if isinstance(value, str) and value.startswith("{") else value


def _answer(result: CallToolResult) -> dict[str, Any]:
    """The structured answer, or the error that the text holds."""
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    answer: dict[str, Any] = result.structured_content or json.loads(text)
    return answer


def _telling(answer: dict[str, Any]) -> Any:
    """The part of an answer that a reader looks at first: of a write what changed, of an error all."""
    if "changeId" in answer or "planId" in answer:
        return {key: answer[key] for key in _FIRST if answer.get(key)}
    return answer.get("error", {key: value for key, value in answer.items() if key != "untrusted"})


def _words(answer: dict[str, Any]) -> list[str]:
    """What came of a call, in words: of many tasks the first few."""
    if "message" in answer.get("error", {}):
        return [answer["error"]["message"]]
    if "planId" in answer:
        rows = [f"{row['title']}: {_differs(row['changed'])}" for row in answer["difference"]]
        return [f"a plan of {answer['count']} tasks, nothing is written yet:", *_few(rows)]
    if "totals" in answer:
        return [_counted(answer["totals"])]
    if "changed" in answer:
        return [_one(answer)]
    found: list[dict[str, Any]] = next(value for value in answer.values() if isinstance(value, list))
    return _few([" · ".join(_counted(row[key]) for key in _TOLD if row.get(key)) for row in found])


_TOLD = ("title", "name", "status", "due", "email", "at", "tool", "outcome", "totals", "reason")
_MOST_LINES = 3


def _one(answer: dict[str, Any]) -> str:
    """What became of one task: who is on it by name, where somebody was named."""
    task, changed = answer["task"], dict(answer["changed"])
    if changed.get("title", {"from": ""})["from"] is None:
        return f"{task['title']}: made, {task['status_config']['name']}, due {_said(task['due_at'])}"
    people = [match["name"] for match in answer["matched"] if match["argument"] == "responsibleIds"]
    if people and "task_responsibles" in changed:
        return f"{task['title']}: {', '.join(people)} ({_said(changed['task_responsibles']['to'])} in all)"
    return f"{task['title']}: {_differs(changed)}"


def _counted(value: Any) -> str:
    """A value in words; totals as how many became what."""
    return ", ".join(f"{count} {became}" for became, count in value.items()) if isinstance(value, dict) else str(value)


def _few(rows: list[str]) -> list[str]:
    more = [f"and {len(rows) - _MOST_LINES} more"] if len(rows) > _MOST_LINES else []
    return [*rows[:_MOST_LINES], *more]


def _differs(changed: Mapping[str, Any]) -> str:
    return "; ".join(f"{field} {_said(one['from'])} → {_said(one['to'])}" for field, one in changed.items())


def _said(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} {'person' if len(value) == 1 else 'people'}"
    return "nothing" if value is None else str(value).replace(":00.000Z", "Z")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDTH * 6 else f"{text[: _WIDTH * 6]}…"
