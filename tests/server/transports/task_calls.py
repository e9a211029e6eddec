"""Calls about tasks for both transports, and checks of the store that they leave."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from server.example_calls import DRAFT
from server.transports.server_process import Caller, Message
from taskhand.backends.local.mapping import searchable

__all__ = ["DRAFT", "answer_of", "code_of", "contents", "create_task", "draft", "error_of", "titles_of_whole_tasks"]


def draft(title: str, *people: str) -> dict[str, Any]:
    """A body with something in every table: people, a due date, a description."""
    return {
        "title": title,
        "description": f"About {title}: mañana.",
        "dueDate": "2026-03-01",
        "responsibleIds": [*people],
        "priority": "1",
    }


def create_task(caller: Caller, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """A task created through a transport."""
    task: dict[str, Any] = caller.call("create_task", arguments or DRAFT)["result"]["structuredContent"]["task"]
    return task


def error_of(message: Message) -> dict[str, Any]:
    """The error that a tool call was refused with."""
    result = message["result"]
    assert result["isError"] is True
    assert "structuredContent" not in result
    [part] = result["content"]
    error: dict[str, Any] = json.loads(part["text"])["error"]
    return error


def code_of(message: Message) -> str:
    """The code of a refusal."""
    return str(error_of(message)["code"])


def contents(store: Path) -> list[str]:
    """Everything that is in a store but the index of texts, which a restored store has not before it is opened."""
    with closing(sqlite3.connect(store)) as connection:
        return [line for line in connection.iterdump() if not re.search("task_fts|task_group|writable_schema", line)]


def titles_of_whole_tasks(store: Path, people: int) -> list[str]:
    """The titles in a sound store, each task made by `draft` for so many people and nothing of any missing."""
    with closing(sqlite3.connect(store)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        same = "r.task_id = t.id AND r.due_key = t.due_key AND r.status_id = t.status_id"
        named = f"(SELECT count(*) FROM task_responsible r WHERE {same})"  # noqa: S608  as below
        sql = f"SELECT title, description, searchable, {named} FROM task t ORDER BY title"  # noqa: S608  constants
        rows = connection.execute(sql).fetchall()
    for title, description, text, count in rows:
        assert description == draft(title)["description"]
        assert text == searchable(title, description)
        assert count == people
    return [row[0] for row in rows]


def answer_of(message: Message) -> dict[str, Any]:
    """The structured answer of a call that was not refused."""
    answer: dict[str, Any] = message["result"]["structuredContent"]
    return answer
