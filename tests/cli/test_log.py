"""The log: every line has its time, libraries have a level of their own, and no credential is in it."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from server.transports.server_process import Pipe, Process, Web, run
from server.transports.task_calls import create_task
from taskhand.cli.log import configure_log
from time_limits import BOUND_S

SECRET = "s3cr3t-value-4711"  # noqa: S105  a stand-in that must not be seen
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) ([\w.]+): .+")


def log_lines(store: Path, tool: str, **more: str) -> list[tuple[str, str]]:
    """The level and the logger of every line that a call of a tool logs; each line has its time."""
    done = run(store, "call", tool, VAMBE_API_KEY=SECRET, VAMBE_BASE_URL="http://127.0.0.1:9", **more)
    assert SECRET not in done.stderr
    lines = [LINE.fullmatch(line) for line in done.stderr.splitlines()]
    assert None not in lines
    return [(line[1], line[2].partition(".")[0]) for line in lines if line]


def test_the_debug_level_of_taskhand_does_not_apply_to_the_libraries(store_file: Path) -> None:
    assert log_lines(store_file, "nonsense") == []
    assert {logger for _, logger in log_lines(store_file, "nonsense", TASKHAND_LOG_LEVEL="DEBUG")} == {"taskhand"}


def test_the_libraries_have_a_level_of_their_own(store_file: Path) -> None:
    found = log_lines(store_file, "nonsense", TASKHAND_LIBRARY_LOG_LEVEL="DEBUG")
    assert ("DEBUG", "mcp") in found
    assert "taskhand" not in {logger for _, logger in found}


@pytest.mark.parametrize("text", [SECRET, "czNjcjN0LXZhbHVlLTQ3MTE6"])
def test_a_credential_is_masked_in_the_log_wherever_it_comes_from(store_file: Path, text: str) -> None:
    done = run(store_file, "call", f"tool-{text}", VAMBE_API_KEY=SECRET, TASKHAND_LOG_LEVEL="DEBUG")
    assert "tool-***" in done.stderr
    assert text not in done.stderr


def test_the_key_of_a_caller_is_masked_but_for_its_id(store_file: Path) -> None:
    done = run(store_file, "call", f"tool-thk_1a2b3c4d5e_{64 * 'f'}", TASKHAND_LOG_LEVEL="DEBUG")
    assert "tool-thk_1a2b3c4d5e_***" in done.stderr
    assert "ffff" not in done.stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"GET /link/{43 * 'A'}?lang=es: 200", "GET /link/***?lang=es: 200"),
        ("pass and own, of which own is too short", "*** and own, of which own is too short"),
    ],
)
def test_the_path_of_a_page_to_link_a_credential_and_a_secret_of_four_characters_are_masked(
    text: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root, ours = logging.getLogger(), logging.getLogger("taskhand")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    root.handlers.clear()
    try:
        configure_log("INFO", secrets=["pass", "own"])
        ours.info("%s", text)
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
    assert capsys.readouterr().err.endswith(f": {shown}\n")


CALLS: list[tuple[str, Any, str]] = [
    ("get_task", {"id": "7"}, "get_task refused: invalid_id"),
    ("make \u202e\ncoffee" + 100 * "!", {}, f"make  coffee{47 * '!'} refused: unknown_tool"),
    ("list_tasks", {"limit": "many"}, "list_tasks refused: invalid_arguments"),
    ("update_task", "no object", "update_task refused: -32602"),
    ("delete_task", {"ids": ["aaaaaaaa"]}, "delete_task refused: task_not_found"),
]
"""Calls that are refused at several places, and what is logged."""


def test_each_refused_call_logs_one_line_with_its_tool_and_code(store_file: Path) -> None:
    with Pipe(store_file, TASKHAND_LOG_LEVEL="INFO") as pipe:
        for tool, arguments, _ in CALLS:
            pipe.call(tool, arguments)
        create_task(pipe)
        pipe.stdin.close()
        pipe.ends_within(BOUND_S)
        lines = [line.split(" ", 3)[1:] for line in "".join(pipe.err.all()).splitlines()]
    assert [line[2] for line in lines] == [line for _, _, line in CALLS]
    assert {(line[0], line[1]) for line in lines} == {("INFO", "taskhand.server.refusal_log:")}


def test_the_log_is_an_object_a_line_where_that_is_set(store_file: Path) -> None:
    set_ = {"TASKHAND_LOG_FORMAT": "json", "TASKHAND_LOG_LEVEL": "INFO", "VAMBE_API_KEY": SECRET}
    with Process(store_file, "serve", "--http", "--port", "0", TASKHAND_BACKEND="local", **set_) as process:
        first = json.loads(str(process.err.next()))
        web = Web(process, int(first["message"].removesuffix("/mcp").rpartition(":")[2]))
        web.call("get_task", {"id": "7"})
        web.close()
        second = json.loads(str(process.err.next()))
    assert set(first) == {"at", "level", "logger", "message"}
    assert {**second, "at": ""} == {
        "at": "",
        "level": "INFO",
        "logger": "taskhand.server.refusal_log",
        "message": "get_task refused: invalid_id",
        "tool": "get_task",
        "code": "invalid_id",
    }
    line = json.loads(run(store_file, "call", f"x\n{SECRET}\u202e", **set_).stderr)
    assert (line["tool"], line["code"]) == ("x\n***\u202e", "unknown_tool")
