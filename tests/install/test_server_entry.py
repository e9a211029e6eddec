"""Taskhand in a host's file and out of it again, host by host."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from taskhand.config.environment_variables import SECRETS
from taskhand.install import HOSTS, Host, find_host
from taskhand.install.file_format import Unsuitable
from taskhand.install.jsonc_edit import find_value, put_value
from taskhand.install.launch_command import launch_by_interpreter
from taskhand.install.server_entry import MASK, WantedEntry, add_server, mask_keys, remove_server

VSCODE, CURSOR, CODEX = find_host("vscode"), find_host("cursor"), find_host("codex")
JSON_HOSTS = [host for host in HOSTS if host.format.LANGUAGE == "json"]
LAUNCH = launch_by_interpreter("/opt/taskhand/bin/python", {"TASKHAND_BACKEND": "vambe"})
IDS = sorted(map(VSCODE.input_id, SECRETS))
ASKED = VSCODE.input_for("VAMBE_API_KEY", "The key.")


def _ours(text: str, host: Host) -> Mapping[str, object]:
    entry = host.format.find_value(text, (host.key, "taskhand"))
    assert isinstance(entry, dict)
    return entry


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.slug)
def test_a_host_without_a_file_gets_the_block_that_the_readme_shows(host: Host) -> None:
    assert add_server("", host, WantedEntry(LAUNCH)) == host.block(LAUNCH) + "\n"


TEXTS = {
    "no_servers_yet": '{\n    // colours\n    "theme": "dark",\n}\n',
    "an_empty_list": '{"mcpServers": {}, "servers": {}}',
    "an_empty_list_on_two_lines": '{\n  "mcpServers": {\n  },\n  "servers": {\n  }\n}',
    "others": '{\r\n\t"mcpServers": { "a": {} },\r\n\t"servers": { "a": {} } // mine\r\n}\r\n',
    "nothing": "{}",
    "inputs_of_others": '{\n  "inputs": [\n    {"id": "gh"}\n  ],\n  "servers": {},\n  "mcpServers": {}\n}',
}


@pytest.mark.parametrize("host", JSON_HOSTS, ids=lambda host: host.slug)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_uninstalling_restores_the_earlier_text_exactly(host: Host, text: str) -> None:
    first = add_server(text, host, WantedEntry(LAUNCH, [ASKED] if host.asks else []))
    again = add_server(
        first, host, WantedEntry(launch_by_interpreter("/elsewhere/python", {}), [ASKED] if host.asks else [])
    )
    assert remove_server(first, host, IDS, ["not json", "{}x", text]) == text
    assert remove_server(again, host, IDS, [first, text]) == text


TOML_TEXTS = {
    "nothing": "",
    "a_model": '# mine\nmodel = "o"',
    "others": '[mcp_servers.gh]\r\ncommand = "npx"\r\n\r\n\r\n[projects."/p"]\r\n',
    "others_in_braces": "mcp_servers = { gh = {} }\n",
}


@pytest.mark.parametrize("text", TOML_TEXTS.values(), ids=TOML_TEXTS)
def test_uninstalling_restores_the_earlier_toml_exactly(text: str) -> None:
    first = add_server(text, CODEX, WantedEntry(LAUNCH))
    again = add_server(first, CODEX, WantedEntry(launch_by_interpreter("/elsewhere/python", {})))
    assert remove_server(first, CODEX, IDS, ["[", "mcp_servers = 1", text]) == text
    assert remove_server(again, CODEX, IDS, [first, text]) == text
    assert remove_server(first, CODEX, IDS, []).split() == text.split()


def test_in_codex_the_limits_that_a_person_set_and_further_variables_stay() -> None:
    text = """[mcp_servers.taskhand]
url = "http://127.0.0.1:8000/mcp" # the shared one
bearer_token_env_var = "T"
oauth_resource = "r"
tool_timeout_sec = 600.5
env_vars = ["PROXY", "CLOSE_API_KEY"]
enabled_tools = ["list_tasks"]

[mcp_servers.taskhand.tools.delete_task]
approval_mode = "prompt"
"""
    launch = replace(LAUNCH, forwarded=["VAMBE_API_KEY"])
    new = add_server(text, CODEX, WantedEntry(launch, forget=sorted(SECRETS)))
    assert _ours(new, CODEX) == {
        "command": LAUNCH.command,
        "args": list(LAUNCH.args),
        "env_vars": ["PROXY", "VAMBE_API_KEY"],
        "env": {"TASKHAND_BACKEND": "vambe"},
        "startup_timeout_sec": 30,
        "tool_timeout_sec": 600.5,
        "enabled_tools": ["list_tasks"],
        "tools": {"delete_task": {"approval_mode": "prompt"}},
    }
    assert add_server(new, CODEX, WantedEntry(launch, forget=sorted(SECRETS))) == new


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_without_a_backup_only_the_entry_is_removed(text: str) -> None:
    after = remove_server(add_server(text, VSCODE, WantedEntry(LAUNCH, [ASKED])), VSCODE, IDS, [])
    assert find_value(after, ("servers", "taskhand")) is None
    assert "taskhand" not in after
    assert find_value(after, ("theme",)) == find_value(text, ("theme",))


def test_a_backup_that_differs_elsewhere_is_not_restored() -> None:
    before = '{\n  "mcpServers": {}\n}'
    since = put_value(add_server(before, CURSOR, WantedEntry(LAUNCH)), ("mcpServers", "new"), {})
    after = remove_server(since, CURSOR, [], [before])
    assert json.loads(after) == {"mcpServers": {"new": {}}}


def test_other_fields_and_comments_of_a_present_entry_stay() -> None:
    text = """{
  "mcpServers": {
    "taskhand": {
      // moved once
      "command": "/old/python", "args": [],
      "env": {
        "TASKHAND_DB": "/data/tasks.sqlite", // the shared one
        "CLOSE_API_KEY": "old-key"
      },
      "disabledTools": ["delete_task"]
    }
  }
}
"""
    new = add_server(text, CURSOR, WantedEntry(LAUNCH, forget=sorted(SECRETS)))
    assert _ours(new, CURSOR) == {
        "command": LAUNCH.command,
        "args": list(LAUNCH.args),
        "env": {"TASKHAND_DB": "/data/tasks.sqlite", "TASKHAND_BACKEND": "vambe"},
        "disabledTools": ["delete_task"],
    }
    assert "// moved once" in new
    assert "// the shared one" in new


def test_a_key_that_is_replaced_stays_where_it_is() -> None:
    first = add_server(
        "", CURSOR, WantedEntry(launch_by_interpreter("/p", {"CLOSE_API_KEY": "old", "TASKHAND_ASK": "never"}))
    )
    keys = {"CLOSE_API_KEY": "new"}
    again = add_server(first, CURSOR, WantedEntry(launch_by_interpreter("/p", keys), forget=sorted(SECRETS)))
    assert again == first.replace("old", "new")


def test_without_a_backend_present_variables_stay() -> None:
    text = add_server("", CURSOR, WantedEntry(LAUNCH))
    again = add_server(text, CURSOR, WantedEntry(launch_by_interpreter("/new/python", {})))
    assert _ours(again, CURSOR) == {
        "command": "/new/python",
        "args": list(LAUNCH.args),
        "env": {"TASKHAND_BACKEND": "vambe"},
    }


@pytest.mark.parametrize("env", [None, [], "CLOSE_API_KEY"])
def test_an_entry_whose_variables_are_no_object_is_left_to_the_person(env: object) -> None:
    text = json.dumps({"mcpServers": {"taskhand": {"command": "/old/python", "env": env}}})
    wanted = WantedEntry(LAUNCH, forget=sorted(SECRETS))
    with pytest.raises(Unsuitable, match="its parent is not an object"):
        add_server(text, CURSOR, wanted)


def test_a_remote_entry_becomes_a_local_one() -> None:
    text = '{"mcpServers": {"taskhand": {"url": "http://127.0.0.1:8000/mcp", "headers": {}}}}'
    assert set(_ours(add_server(text, CURSOR, WantedEntry(LAUNCH)), CURSOR)) == {"command", "args", "env"}


def test_repeated_installs_add_an_input_once() -> None:
    text = add_server('{"inputs": [{"id": "theirs"}]}', VSCODE, WantedEntry(LAUNCH, [ASKED]))
    again = add_server(text, VSCODE, WantedEntry(LAUNCH, [VSCODE.input_for("VAMBE_API_KEY", "Another meaning.")]))
    inputs = find_value(again, ("inputs",))
    assert [one["id"] for one in inputs] == ["theirs", "taskhand-vambe-api-key"]
    assert inputs[1]["password"] is True


def test_a_backup_holds_the_keys_of_other_servers_but_not_ours() -> None:
    env = {"VAMBE_API_KEY": "sk-1", "CLOSE_API_KEY": "keyring:CLOSE_API_KEY", "TASKHAND_USER": "Ana"}
    text = json.dumps({"mcpServers": {"gh": {"env": {"T": "ghp"}}, "taskhand": {"env": env}}})
    kept = json.loads(mask_keys(text, CURSOR))["mcpServers"]
    assert kept == {"gh": {"env": {"T": "ghp"}}, "taskhand": {"env": env | {"VAMBE_API_KEY": MASK}}}


def test_the_key_of_an_entry_named_taskhand_is_masked_under_any_name_of_ours() -> None:
    remote = {"url": "https://x.example/mcp", "env": {"VAMBE_API_KEY": "s3cret"}}
    text = put_value("{}", ("mcpServers", "taskhand"), remote)
    for host in (CURSOR, CURSOR.with_server("acme")):
        assert "s3cret" not in mask_keys(text, host)
