"""Taskhand's entries are found in the files of the hosts on this machine."""

import json
from pathlib import Path

import pytest

from taskhand.install import find_host
from taskhand.install.known_entries import KnownEntry, UnreadFile, find_known_entries


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own."""
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def _write(file: Path, entries: dict[str, object]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"mcpServers": entries}), encoding="utf-8")


OURS: dict[str, object] = {
    "taskhand": {"url": "http://127.0.0.1:8000/mcp"},
    "acme": {"command": "/opt/python", "args": ["-P", "-m", "taskhand"], "env": {"VAMBE_API_KEY": "keyring:acme/K"}},
    "uv": {"command": "uvx", "args": ["--from", "git+https://x", "taskhand"]},
    "pinned": {"command": "uvx", "args": ["taskhand[keyring]==0.1"]},
    "script": {"command": "C:\\Tools\\taskhand.exe"},
    "container": {"command": "docker", "args": ["run", "-i", "example.com/team/taskhand:latest"]},
}
OTHERS: dict[str, object] = {
    "gh": {"command": "npx", "args": ["taskhand-notes"]},
    "folder": {"command": "fs", "args": ["/home/ana/taskhand-files"]},
    "odd": {"command": 7, "args": {}},
    "none": None,
}


def test_entries_are_recognized_by_their_name_or_their_command(home: Path) -> None:
    _write(home / ".cursor" / "mcp.json", OTHERS | OURS)
    found = [one for one in find_known_entries() if isinstance(one, KnownEntry)]
    assert [one.host.server for one in found] == list(OURS)
    assert [str(one) for one in found[:2]] == ["Cursor", "Cursor (acme)"]
    assert found[1].keyring_names == ["acme/K"]


def test_the_files_of_a_project_are_read_if_its_folder_is_given(home: Path) -> None:
    (home / "work").mkdir()
    _write(home / "work" / ".cursor" / "mcp.json", {"taskhand": {}})
    assert list(find_known_entries([find_host("cursor")])) == []
    assert len(list(find_known_entries([find_host("cursor")], home / "work"))) == 1


def test_the_file_of_a_project_in_the_home_folder_is_the_users(home: Path) -> None:
    _write(home / ".cursor" / "mcp.json", {"taskhand": {}})
    (home / "link").symlink_to(home)
    for folder in (home, home / "link"):
        [found] = find_known_entries([find_host("cursor")], folder)
        assert isinstance(found, KnownEntry)
        assert found.file.path == home / ".cursor" / "mcp.json"


def test_a_file_that_cannot_be_read_is_named_with_the_reason(home: Path) -> None:
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text("a =\n", encoding="utf-8")
    (home / ".claude.json").write_bytes(b"\xff")
    why = [one.why for one in find_known_entries() if isinstance(one, UnreadFile)]
    assert why[0].endswith(".claude.json is not text in UTF-8, so nothing is written.")
    assert "config.toml cannot be read (line 1: " in why[1]
