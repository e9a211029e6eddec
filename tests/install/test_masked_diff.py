"""The diff of a host's file: enough to judge the change, and no secrets."""

import json

from taskhand.install import find_host
from taskhand.install.launch_command import launch_by_interpreter
from taskhand.install.masked_diff import render_diff
from taskhand.install.server_entry import WantedEntry, add_server

DESKTOP, VSCODE, CODEX = find_host("claude-desktop"), find_host("vscode"), find_host("codex")


def test_only_our_lines_are_shown_unmasked() -> None:
    text = """{
  "apiKey": "s3cret-1",
  // "old": "s3cret-2", 's3cret-3'
  "mcpServers": {
    "gh": {"command": "npx", "args": ["--token=s3cret-4"], "env": {"GH": "s3cret-5"}}
  }
}
"""
    launch = launch_by_interpreter(
        "/opt/python",
        {"VAMBE_API_KEY": "s3cret-6", "TASKHAND_USER": "Ana", "OTHER": "s3cret-7", "CLOSE_API_KEY": "keyring:K"},
    )
    shown = "\n".join(render_diff(text, add_server(text, DESKTOP, WantedEntry(launch)), DESKTOP))
    assert "s3cret" not in shown
    assert '+        "VAMBE_API_KEY": "********",' in shown
    assert '+        "TASKHAND_USER": "Ana",' in shown
    assert '+        "CLOSE_API_KEY": "keyring:K"' in shown
    assert '+      "command": "/opt/python",' in shown
    assert '"gh": {"command": "…", "args": ["…"], "env": {"GH": "…"}}' in shown


def test_only_our_lines_of_a_toml_file_are_shown_unmasked() -> None:
    text = """apiKey = "s3cret-1"
# old = "s3cret-2"
[mcp_servers.gh]
args = ["--token=s3cret-3"]
env = { GH = '''s3cret-4
s3cret-5''' }

[mcp_servers.taskhand]
env.CLOSE_API_KEY = "s3cret-6"
"""
    launch = launch_by_interpreter("/opt/python", {"VAMBE_API_KEY": "s3cret-7", "TASKHAND_USER": "Ana"})
    shown = "\n".join(render_diff(text, add_server(text, CODEX, WantedEntry(launch)), CODEX))
    assert "s3cret" not in shown
    assert '+command = "/opt/python"' in shown
    assert '+env.VAMBE_API_KEY = "********"' in shown
    assert '+env.TASKHAND_USER = "Ana"' in shown
    assert ' env.CLOSE_API_KEY = "********"' in shown


def test_a_changed_key_does_not_appear_in_the_diff() -> None:
    old, new = (
        add_server("", DESKTOP, WantedEntry(launch_by_interpreter("/p", {"VAMBE_API_KEY": key}))) for key in "ab"
    )
    assert render_diff(old, new, DESKTOP) == []


def test_our_inputs_are_shown_and_inputs_of_others_are_masked() -> None:
    text = '{\n  "inputs": [\n    {"id": "gh", "default": "s3cret"}\n  ]\n}'
    wanted = WantedEntry(launch_by_interpreter("/p", {}), [VSCODE.input_for("VAMBE_API_KEY", "The key.")])
    shown = "\n".join(render_diff(text, add_server(text, VSCODE, wanted), VSCODE))
    assert "s3cret" not in shown
    assert '"id": "taskhand-vambe-api-key"' in shown


def test_the_diff_of_a_large_file_has_only_its_changed_lines() -> None:
    text = json.dumps({"projects": {f"/p/{place}": {"history": ["x"] * 20} for place in range(200)}}, indent=2)
    shown = render_diff(text, add_server(text, DESKTOP, WantedEntry(launch_by_interpreter("/p", {}))), DESKTOP)
    assert len(shown) < 25
