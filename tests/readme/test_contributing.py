"""The recipes of docs/contributing.md, followed word for word in a copy of the sources."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import taskhand
from documents import ROOT

PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")


class Copy:
    """A copy of the sources, and the program that runs from it."""

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

    def run(self, *arguments: str, **variables: str) -> str:
        """What `taskhand` prints with these arguments; AssertionError where it fails."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TASKHAND_CONFIG": os.devnull,
            "TASKHAND_DB": str(self.folder / "tasks.sqlite"),
            "PYTHONPATH": str(self.folder / "src"),
        }
        command = [sys.executable, "-m", "taskhand", *arguments]
        run = subprocess.run(  # noqa: S603  our own program
            command, env=environment | variables, capture_output=True, text=True, timeout=60, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def call(self, tool: str, /, **arguments: Any) -> Any:
        """The answer of a tool."""
        return json.loads(self.run("call", tool, json.dumps(arguments)))

    def tools(self, **variables: str) -> list[str]:
        """The names of the tools that are offered."""
        return [tool["name"] for tool in json.loads(self.run("tools", **variables))]


def _blocks(section: str) -> Iterator[tuple[str, str, str]]:
    """The code blocks of a section, with the path that is named last before each, and the block's language."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    path = ""
    for named, language, block in re.findall(r"`(src/[\w/]+\.py)`|```(python|diff)\n(.*?)```", text, re.DOTALL):
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


def test_the_recipe_of_a_new_tool_adds_a_tool(copy: Copy) -> None:
    copy.follow("A new tool")
    assert "reopen_task" in copy.tools()
    assert "reopen_task" not in copy.tools(TASKHAND_READ_ONLY="true")
    task = copy.call("create_task", title="Call Acme", responsibleIds=[], priority="1")["task"]
    copy.call("complete_task", id=task["id"])
    planned = copy.call("reopen_task", id=task["id"], dryRun=True)
    assert planned["count"] == 1
    reopened = copy.call("reopen_task", id=task["id"])
    assert reopened["changed"]["status_config"] == {"from": "Completado", "to": "Pendiente"}
    assert copy.call("undo_change", changeId=reopened["changeId"])["task"]["status_config"]["name"] == "Completado"
    changes = copy.call("list_changes", taskId=task["id"])["changes"]
    assert [change["tool"] for change in changes] == [
        "undo_change",
        "reopen_task",
        "reopen_task",
        "complete_task",
        "create_task",
    ]
