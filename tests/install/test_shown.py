"""What is shown of a change: enough to judge it by, and no secret of anybody's."""

import json

from taskhand.install import host_named
from taskhand.install.change import Wanted, installed
from taskhand.install.launch import by_interpreter
from taskhand.install.shown import difference

DESKTOP, VSCODE = host_named("claude-desktop"), host_named("vscode")


def test_only_our_lines_are_shown_as_they_are() -> None:
    text = """{
  "apiKey": "s3cret-1",
  // "old": "s3cret-2", 's3cret-3'
  "mcpServers": {
    "gh": {"command": "npx", "args": ["--token=s3cret-4"], "env": {"GH": "s3cret-5"}}
  }
}
"""
    launch = by_interpreter(
        "/opt/python",
        {"VAMBE_API_KEY": "s3cret-6", "TASKHAND_USER": "Ana", "OTHER": "s3cret-7", "CLOSE_API_KEY": "keyring:K"},
    )
    shown = "\n".join(difference(text, installed(text, DESKTOP, Wanted(launch)), DESKTOP))
    assert "s3cret" not in shown
    assert '+        "VAMBE_API_KEY": "********",' in shown
    assert '+        "TASKHAND_USER": "Ana",' in shown
    assert '+        "CLOSE_API_KEY": "keyring:K"' in shown
    assert '+      "command": "/opt/python",' in shown
    assert '"gh": {"command": "…", "args": ["…"], "env": {"GH": "…"}}' in shown


def test_a_key_that_changes_is_not_shown_to_change() -> None:
    old, new = (installed("", DESKTOP, Wanted(by_interpreter("/p", {"VAMBE_API_KEY": key}))) for key in "ab")
    assert difference(old, new, DESKTOP) == []


def test_what_a_host_asks_for_is_shown_and_what_it_asks_for_others_is_not() -> None:
    text = '{\n  "inputs": [\n    {"id": "gh", "default": "s3cret"}\n  ]\n}'
    wanted = Wanted(by_interpreter("/p", {}), [VSCODE.asking("VAMBE_API_KEY", "The key.")])
    shown = "\n".join(difference(text, installed(text, VSCODE, wanted), VSCODE))
    assert "s3cret" not in shown
    assert '"id": "taskhand-vambe-api-key"' in shown


def test_a_file_of_megabytes_is_shown_by_its_few_lines_that_change() -> None:
    text = json.dumps({"projects": {f"/p/{place}": {"history": ["x"] * 20} for place in range(200)}}, indent=2)
    shown = difference(text, installed(text, DESKTOP, Wanted(by_interpreter("/p", {}))), DESKTOP)
    assert len(shown) < 25
