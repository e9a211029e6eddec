"""The log: every line has its time, libraries have a level of their own, and no credential is in it."""

import re
from pathlib import Path

import pytest

from server.transports.server_process import run

SECRET = "s3cr3t-value-4711"  # noqa: S105  a stand-in that must not be seen
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) ([\w.]+): .+")


def logged(store: Path, tool: str, **more: str) -> list[tuple[str, str]]:
    """The level and the logger of every line that a call of a tool logs; each line has its time."""
    done = run(store, "call", tool, VAMBE_API_KEY=SECRET, VAMBE_BASE_URL="http://127.0.0.1:9", **more)
    assert SECRET not in done.stderr
    lines = [LINE.fullmatch(line) for line in done.stderr.splitlines()]
    assert None not in lines
    return [(line[1], line[2].partition(".")[0]) for line in lines if line]


def test_debug_of_taskhand_is_not_debug_of_the_libraries(store_file: Path) -> None:
    assert logged(store_file, "nonsense") == []
    assert {logger for _, logger in logged(store_file, "nonsense", TASKHAND_LOG_LEVEL="DEBUG")} == {"taskhand"}


def test_the_libraries_have_a_level_of_their_own(store_file: Path) -> None:
    found = logged(store_file, "nonsense", TASKHAND_LIBRARY_LOG_LEVEL="DEBUG")
    assert ("DEBUG", "mcp") in found
    assert "taskhand" not in {logger for _, logger in found}


@pytest.mark.parametrize("text", [SECRET, "czNjcjN0LXZhbHVlLTQ3MTE6"])
def test_a_credential_is_masked_in_the_log_wherever_it_comes_from(store_file: Path, text: str) -> None:
    done = run(store_file, "call", f"tool-{text}", VAMBE_API_KEY=SECRET, TASKHAND_LOG_LEVEL="DEBUG")
    assert "tool-***" in done.stderr
    assert text not in done.stderr
