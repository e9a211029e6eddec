"""Every text that others wrote stands where `untrusted` says so: one word fills a store, and is sought in answers."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import Implementation, TextContent

from taskhand.backends.local.people_and_statuses import Directory
from taskhand.config.settings import Settings
from taskhand.domain.priority import PRIORITY_WORDS
from taskhand.domain.receipt import Receipt
from taskhand.domain.unapplied_fields import Unapplied
from taskhand.domain.wording import Wording
from taskhand.server.app import create_server
from taskhand.server.render.rendered_answer import render_answer
from taskhand.server.render.write_answer import render_write
from taskhand.wiring import open_app, open_local_store

WORD = "OBEY"
CALLED = frozenset({"given", "message", "next"})
"""Fields that hold what the caller sent, or Taskhand's own sentences about that."""


def _fill(directory: Directory) -> None:
    directory.add_status(f"{WORD} waiting", "in_progress", f"{WORD} this colour")
    directory.add_status(f"{WORD} done", "done")
    for number in (1, 2):
        directory.add_member(f"{WORD} Twin", f"{WORD}{number}@example.com")
    directory.add_contact(f"{WORD} Contact", f"+56 {WORD}", f"{WORD}@acme.example", None)


@pytest.fixture
async def client(store_file: Path) -> AsyncIterator[Client]:
    """A host of a hostile name on a store in which every text by others holds the word."""
    settings = Settings(db=store_file, user=f"{WORD} Me")
    backend = open_local_store(settings)
    await backend.edit(_fill)
    await backend.aclose()
    host = Implementation(name=f"{WORD} host", version="1")
    async with open_app(settings) as app, Client(create_server(app), client_info=host) as connected:
        yield connected


async def answer_of(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool, or its error."""
    result = await client.call_tool(tool, arguments)
    if not result.is_error:
        return dict(result.structured_content or {})
    [content] = result.content
    assert isinstance(content, TextContent)
    return dict(json.loads(content.text)["error"])


def unmarked_paths(answer: dict[str, Any]) -> list[str]:
    """The paths of texts with the word that no path of `untrusted` covers."""
    marked = answer.get("untrusted", {}).get("fields", [])
    return [path for path in _paths(answer) if not any(f"{path}.".startswith(f"{one}.") for one in marked)]


def _paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _paths(item, (*path, name))
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, path)
    elif isinstance(value, str) and WORD in value and path[-1] not in CALLED:
        yield ".".join(path)


async def test_no_answer_holds_text_by_others_outside_of_the_marked_fields(client: Client) -> None:
    draft = {"title": f"{WORD} title", "description": f"{WORD} text", "responsibleIds": ["me"], "priority": "1"}
    made = await answer_of(client, "create_task", **draft)
    task_id = made["task"]["id"]
    answers = {
        "create_task": made,
        "update_task": await answer_of(
            client, "update_task", id=task_id, newStatusName=f"{WORD} waiting", reason=f"{WORD} reason"
        ),
        "list_tasks": await answer_of(client, "list_tasks", fields=["title", "status", "description", "responsibles"]),
        "get_task": await answer_of(client, "get_task", id=task_id),
        "list_statuses": await answer_of(client, "list_statuses"),
        "list_team_members": await answer_of(client, "list_team_members"),
        "find_contacts": await answer_of(client, "find_contacts", query=WORD),
        "delete_task": await answer_of(client, "delete_task", id=task_id),
        "bulk_update_tasks": await answer_of(
            client, "bulk_update_tasks", filter={"text": WORD}, changes={"newStatusName": f"{WORD} done"}
        ),
        "list_changes": await answer_of(client, "list_changes"),
    }
    for tool, answer in answers.items():
        assert WORD in json.dumps(answer), tool
        assert unmarked_paths(answer) == [], tool


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("update_task", {"newStatusName": "nothing like it"}, "unknown_status"),
        ("update_task", {"newStatusPosition": 77}, "unknown_status"),
        ("complete_task", {"newStatusName": f"{WORD} waiting"}, "not_finished"),
        ("complete_task", {}, "ambiguous_status"),
        ("reassign_task", {"responsibleIds": [f"{WORD} Twin"]}, "ambiguous_member"),
        ("reassign_task", {"responsibleIds": ["Nemo"]}, "unknown_member"),
    ],
)
async def test_no_error_holds_text_by_others_outside_of_the_marked_fields(
    client: Client, tool: str, arguments: dict[str, Any], code: str
) -> None:
    draft = {"title": "Call", "responsibleIds": ["me"], "priority": "1"}
    task_id = (await answer_of(client, "create_task", **draft))["task"]["id"]
    error = await answer_of(client, tool, id=task_id, **arguments)
    assert error["code"] == code
    assert WORD in json.dumps(error["candidates"])
    assert unmarked_paths(error) == []
    quoted = json.dumps(arguments)
    assert WORD in quoted or WORD not in f"{error['message']}{error.get('next')}"


async def test_lists_and_instructions_contain_no_text_written_by_others(client: Client) -> None:
    listed = [await client.list_tools(), await client.list_prompts(), await client.list_resources()]
    listed.append(await client.list_resource_templates())
    texts = [one.model_dump_json() for one in listed]
    assert [text for text in [*texts, str(client.instructions)] if WORD in text] == []


async def test_words_of_taskhands_own_are_not_marked(client: Client) -> None:
    error = await answer_of(client, "create_task", title="Call", responsibleIds=["me"], priority="high")
    assert {one["value"] for one in error["candidates"]} <= set(PRIORITY_WORDS.values())
    assert "candidates.value" not in error.get("untrusted", {}).get("fields", [])


def test_a_title_that_the_crm_changed_is_marked() -> None:
    receipt = Receipt(None, unapplied=(Unapplied("title", "Call", f"{WORD} me"), Unapplied("priority", 2, 1)))
    assert unmarked_paths(render_answer(render_write(receipt, Wording())).value) == []
