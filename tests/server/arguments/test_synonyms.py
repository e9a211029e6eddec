"""Argument names of other task managers: each tool answers with its own argument, or with the tool to use."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent

from behaviour.backend_cases import BACKEND_CASES
from taskhand.server.app import create_server

NAMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("assignee", "owner", "user", "assigned_to", "members"), ("responsibleIds", "people")),
    **dict.fromkeys(("deadline", "due", "due_at"), ("dueDate", "fromDate", "since")),
    **dict.fromkeys(("notes", "comment"), ("addNote", "description", "text")),
    "details": ("description", "addNote", "text"),
    **dict.fromkeys(("query", "search", "q"), ("text", "query")),
    **dict.fromkeys(("name", "subject"), ("title", "query", "text")),
    **dict.fromkeys(("status", "state"), ("newStatusName", "status", "outcome")),
    **dict.fromkeys(("id", "task_id", "identifier"), ("id", "planId", "changeId", "taskId", "taskIds")),
    **dict.fromkeys(("ids", "task_ids"), ("taskIds", "ids", "taskId")),
    **dict.fromkeys(("contact", "contactId"), ("aiContactId", "contact", "query")),
    **dict.fromkeys(("company", "customer", "lead"), ("aiCustomerId", "contact", "query")),
    **dict.fromkeys(("from", "start_date"), ("fromDate", "since")),
    **dict.fromkeys(("to", "end_date"), ("toDate", "until")),
    **dict.fromkeys(("page", "offset"), ("cursor",)),
    **dict.fromkeys(("max", "page_size"), ("limit",)),
    "sort_by": ("order",),
    "importance": ("priority",),
    "days": ("shiftDueDays",),
    "type": ("taskType", "kinds"),
}
"""The arguments of any tool that a wrong name may mean."""


def _names_in(schema: dict[str, Any], within: str = "") -> Iterator[str]:
    """The dotted names of all arguments, also of those in objects and lists."""
    for name, node in schema.get("properties", {}).items():
        yield f"{within}{name}"
        for branch in node.get("anyOf", [node]):
            yield from _names_in(branch, f"{within}{name}.")
            yield from _names_in(branch.get("items", {}), f"{within}{name}[].")


@pytest.mark.parametrize("backend", BACKEND_CASES, ids=lambda backend: backend.name)
async def test_a_usual_name_of_an_argument_is_answered_with_the_argument_of_the_tool(
    backend: Any, tmp_path: Path
) -> None:
    async with backend.open(tmp_path) as app, Client(create_server(app)) as client:
        for tool in (await client.list_tools()).tools:
            known = {*_names_in(tool.input_schema)}
            for name, meant in NAMES.items():
                if name in tool.input_schema.get("properties", {}):
                    continue
                result = await client.call_tool(tool.name, {name: "x"})
                text = "".join(part.text for part in result.content if isinstance(part, TextContent))
                error = json.loads(text)["error"]
                called = f"{tool.name}({name}): {error['message']} {error['next']}"
                assert error["code"] in {"unknown_argument", "immutable_field"}, called
                values = [one["value"] for one in error.get("candidates", ())]
                assert {*values} <= known, called
                possible = [one for one in known if one.rpartition(".")[2] in meant]
                if possible and "Call " not in error["next"]:
                    assert values, called
                    assert values[0].rpartition(".")[2] in meant, called
                    assert error["next"].startswith(f"Send {values[0]} "), called
                else:
                    assert error["next"].startswith(("The arguments are: ", "Leave ", "Call ", "A new task ")) or (
                        values or "takes one task" in error["next"] or "cannot change" in error["next"]
                    ), called


@pytest.mark.parametrize(
    ("tool", "name", "instead"),
    [
        ("list_tasks", "id", "Call get_task instead"),
        ("list_tasks", "dueDate", "Send fromDate and toDate; for one day the same day in both."),
        ("apply_plan", "except", "make another plan with their ids"),
        ("apply_plan", "taskIds", "make another plan with their ids"),
        ("get_task", "query", "Call list_tasks with text"),
        ("complete_task", "name", "Call list_tasks with text"),
        ("delete_task", "text", "Call list_tasks with text to find the task, then send its id."),
        ("delete_task", "filter", "Call list_tasks with text"),
        ("complete_task", "text", "Send addNote instead."),
        ("bulk_update_tasks", "except", "send taskIds of those that are meant"),
        ("bulk_update_tasks", "tasks", "Call update_task for each task if their values differ"),
        ("create_task", "status", "send newStatusName with update_task"),
        ("list_statuses", "name", "this takes no arguments"),
        ("bulk_update_tasks", "assignee", "filter.responsibleIds or changes.responsibleIds"),
        ("bulk_update_tasks", "status", "filter.status or changes.newStatusName"),
        ("create_tasks", "title", "Send tasks[].title instead."),
        ("list_events", "ids", "Send taskId instead."),
        ("list_changes", "completed", "Send outcome instead."),
    ],
)
async def test_a_name_that_asks_for_another_tool_or_place_is_answered_with_it(
    tmp_path: Path, tool: str, name: str, instead: str
) -> None:
    async with BACKEND_CASES[0].open(tmp_path) as app, Client(create_server(app)) as client:
        result = await client.call_tool(tool, {name: "x"})
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    assert instead in json.loads(text)["error"]["next"]


async def test_one_error_names_all_unknown_arguments_and_all_other_faults(tmp_path: Path) -> None:
    async with BACKEND_CASES[0].open(tmp_path) as app, Client(create_server(app)) as client:

        async def error_of(tool: str, **arguments: Any) -> dict[str, Any]:
            [part] = (await client.call_tool(tool, arguments)).content
            assert isinstance(part, TextContent)
            error: dict[str, Any] = json.loads(part.text)["error"]
            return error

        error = await error_of("create_task", name="Call", assignee="me", deadline="tomorrow", dryRun="maybe")
        assert error["message"] == (
            "There are no arguments 'name', 'assignee' and 'deadline'. dryRun must be true or false."
        )
        assert [one["value"] for one in error["candidates"]] == ["title", "responsibleIds", "dueDate"]
        assert error["next"] == (
            "name: Send title instead. assignee: Send responsibleIds instead. deadline: Send dueDate instead."
        )
        error = await error_of("create_task", title="Call", foo=1)
        assert error["message"].startswith("There is no argument 'foo'. responsibleIds is required: ")
        error = await error_of("update_task", id="1", created_at="today", foo=1)
        assert error["message"] == (
            "created_at cannot be set: it never changes after a task is created. There is no argument 'foo'."
        )
        error = await error_of("bulk_update_tasks", taskIds=["1"], changes={"deadline": "x", "assignee": "me"})
        assert error["message"] == "There are no arguments 'changes.deadline' and 'changes.assignee'."
        for names, rest in (("abcde", ""), ("abcdefg", " 2 more are unknown.")):
            error = await error_of("list_tasks", **dict.fromkeys(names, 1))
            assert error["message"] == f"There are no arguments 'a', 'b', 'c', 'd' and 'e'.{rest}"
        error = await error_of("create_tasks", tasks=[{"name": "Call", "owner": "me"}])
        assert error["message"] == "tasks[0]: There are no arguments 'name' and 'owner'."


@pytest.mark.parametrize(
    ("tool", "step"),
    [
        ("update_task", "Call bulk_update_tasks with taskIds and shiftDueDays, or send the new day as dueDate."),
        ("complete_task", "Call bulk_update_tasks with taskIds and shiftDueDays."),
    ],
)
async def test_days_to_shift_by_are_answered_with_the_tool_that_shifts(tool: str, step: str, tmp_path: Path) -> None:
    async with BACKEND_CASES[0].open(tmp_path) as app, Client(create_server(app)) as client:
        [part] = (await client.call_tool(tool, {"id": "1", "shiftDueDays": 2})).content
    assert isinstance(part, TextContent)
    assert json.loads(part.text)["error"]["next"] == step
