"""The recipes of docs/contributing.md, followed word for word in a copy of the sources."""

import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

import taskhand
from documents import ROOT
from server.surface import tool_names
from taskhand.backends.factory import BackendFactory
from taskhand.server.tool import Tool

PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")


class Copy:
    """A copy of the sources, and the servers that run from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(taskhand.__file__).parent, folder / "src" / "taskhand", ignore=ignored)

    def follow(self, section: str) -> None:
        """Write the files and the added lines of a section of the page."""
        for path, language, block in _blocks(section):
            file = self.folder / path
            if language == "python":
                file.parent.mkdir(exist_ok=True)
                file.write_text(block, encoding="utf-8")
            else:
                text = file.read_text(encoding="utf-8")
                before, after = _before_and_after(block)
                assert text.count(before) == 1, f"{path} has no unique place for:\n{block}"
                file.write_text(text.replace(before, after), encoding="utf-8")

    def copy_example_backend(self, name: str) -> None:
        """Copy the example backend under another name, as the page says."""
        folder = self.folder / "src" / "taskhand" / "backends" / name
        shutil.copytree(ROOT / "tests" / "backends" / "example", folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file in folder.glob("*.py"):
            text = file.read_text(encoding="utf-8").replace("backends.example", f"taskhand.backends.{name}")
            for spelled in (str.lower, str.title, str.upper):
                text = text.replace(spelled("example"), spelled(name))
            file.write_text(text, encoding="utf-8")

    @asynccontextmanager
    async def serve(self, **variables: str) -> AsyncIterator[Client]:
        """A client of a server that runs from the copy."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TASKHAND_CONFIG": os.devnull,
            "TASKHAND_DB": str(self.folder / "tasks.sqlite"),
            "PYTHONPATH": str(self.folder / "src"),
        }
        command = StdioServerParameters(command=sys.executable, args=["-m", "taskhand"], env=environment | variables)
        async with Client(stdio_client(command), mode="legacy") as client:
            yield client


def _section(title: str) -> str:
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


def _fields_named_after(intro: str, section: str) -> list[str]:
    """The names in the first column of the table that follows a sentence."""
    table = section.partition(intro)[2].lstrip().partition("\n\n")[0]
    return re.findall(r"^ *\| `(\w+)` \|", table, re.MULTILINE)


def test_the_page_has_every_field_of_a_tool_and_of_a_backend() -> None:
    assert sorted(_fields_named_after("The parts of a `Tool`:", _section("A new tool"))) == sorted(Tool._fields)
    named = _fields_named_after("`FACTORY` is a `BackendFactory`:", _section("A fifth backend"))
    assert named == [field.name for field in fields(BackendFactory)]


def test_the_page_has_every_folder_of_tests() -> None:
    named = re.findall(r"^\| `tests/(\w+)` \|", PAGE, re.MULTILINE)
    sources = {one.name for one in Path(taskhand.__file__).parent.iterdir()}
    folders = {one.name for one in (ROOT / "tests").iterdir() if one.is_dir() and one.name != "__pycache__"}
    assert sorted(named) == sorted(folders - sources)


async def _call(client: Client, tool: str, /, **arguments: Any) -> Any:
    """The structured answer of a tool."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


def _blocks(section: str) -> Iterator[tuple[str, str, str]]:
    """The code blocks of a section, with the path that is named last before each, and the block's language."""
    path = ""
    blocks = re.findall(r"`(src/[\w/]+\.py)`|```(python|diff)\n(.*?)```", _section(section), re.DOTALL)
    for named, language, block in blocks:
        path = named or path
        if language:
            yield path, language, dedent(block)


def _before_and_after(diff: str) -> tuple[str, str]:
    """The text that a diff expects, and the text that it leaves."""
    lines = [(line[:1], line[1:]) for line in diff.splitlines()]
    return tuple(  # type: ignore[return-value]
        "".join(f"{text}\n" for mark, text in lines if mark in marks) for marks in (" -", " +")
    )


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


async def test_the_recipe_of_a_new_tool_adds_a_tool(copy: Copy) -> None:
    copy.follow("A new tool")
    async with copy.serve(TASKHAND_READ_ONLY="true") as client:
        assert "flag_task" not in await tool_names(client)
    async with copy.serve() as client:
        assert "flag_task" in await tool_names(client)
        created = await _call(client, "create_task", title="Call Acme", responsibleIds=[], priority="1")
        task_id = created["task"]["id"]
        assert (await _call(client, "flag_task", id=task_id, dryRun=True))["count"] == 1
        flagged = await _call(client, "flag_task", id=task_id)
        assert "Needs attention." in flagged["changed"]["description"]["to"]
        undone = await _call(client, "undo_change", changeId=flagged["changeId"])
        assert undone["changed"].keys() == {"description"}
        [change] = (await _call(client, "list_changes", tool="flag_task", outcome="applied"))["changes"]
        assert change["changeId"] == flagged["changeId"]


async def test_the_recipe_of_a_fifth_backend_adds_a_backend(copy: Copy) -> None:
    copy.copy_example_backend("globex")
    copy.follow("A fifth backend")
    async with copy.serve(GLOBEX_API_KEY="key") as client:
        created = await _call(client, "create_task", title="Call Initech", responsibleIds=[], priority="1")
        completed = await _call(client, "complete_task", id=created["task"]["id"])
        undone = await _call(client, "undo_change", changeId=completed["changeId"])
        assert undone["task"] == created["task"]
        plan = await _call(client, "delete_task", id=created["task"]["id"])
        await _call(client, "apply_plan", planId=plan["planId"])
        missing = await client.call_tool("get_task", {"id": created["task"]["id"]})
        assert "in Globex" in str(missing.content)
