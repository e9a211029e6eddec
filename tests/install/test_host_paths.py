"""Where each host keeps its file, on the three systems."""

from pathlib import Path

import pytest

from taskhand.cli.install import HOST_NAMES
from taskhand.install import HOSTS, find_host
from taskhand.install.host_paths import Machine, System

FILES: dict[str, str | dict[System, str]] = {
    "claude-desktop": {
        "Darwin": "Library/Application Support/Claude/claude_desktop_config.json",
        "Windows": "AppData/Roaming/Claude/claude_desktop_config.json",
        "Linux": ".config/Claude/claude_desktop_config.json",
    },
    "claude-code": ".claude.json",
    "cursor": ".cursor/mcp.json",
    "vscode": {
        "Darwin": "Library/Application Support/Code/User/mcp.json",
        "Windows": "AppData/Roaming/Code/User/mcp.json",
        "Linux": ".config/Code/User/mcp.json",
    },
    "windsurf": ".codeium/windsurf/mcp_config.json",
    "gemini": ".gemini/settings.json",
    "codex": ".codex/config.toml",
}
SYSTEMS: tuple[System, ...] = ("Darwin", "Windows", "Linux")


def test_every_host_is_tested_here_and_is_a_choice_of_the_command() -> None:
    assert tuple(host.slug for host in HOSTS) == tuple(FILES) == HOST_NAMES


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("slug", FILES)
def test_a_host_file_is_where_the_host_documents_it(tmp_path: Path, slug: str, system: System) -> None:
    expected = FILES[slug]
    where = expected if isinstance(expected, str) else expected[system]
    assert find_host(slug).user_file(Machine(system, tmp_path)) == tmp_path / where


@pytest.mark.parametrize("slug", ["claude-desktop", "vscode"])
@pytest.mark.parametrize(("system", "variable"), [("Windows", "APPDATA"), ("Linux", "XDG_CONFIG_HOME")])
def test_a_moved_system_folder_is_used(tmp_path: Path, slug: str, system: System, variable: str) -> None:
    moved = Machine(system, tmp_path / "home", {variable: str(tmp_path / "moved")})
    assert find_host(slug).user_file(moved).is_relative_to(tmp_path / "moved")
    nowhere = Machine(system, tmp_path / "home", {variable: "moved"})
    assert find_host(slug).user_file(nowhere).is_relative_to(tmp_path / "home")


def test_the_configured_folder_of_claude_code_is_used(tmp_path: Path) -> None:
    machine = Machine("Darwin", tmp_path, {"CLAUDE_CONFIG_DIR": str(tmp_path / "work")})
    assert find_host("claude-code").user_file(machine) == tmp_path / "work" / ".claude.json"


def test_the_configured_folder_of_codex_is_used(tmp_path: Path) -> None:
    machine = Machine("Linux", tmp_path, {"CODEX_HOME": str(tmp_path / "work")})
    assert find_host("codex").user_file(machine) == tmp_path / "work" / "config.toml"


def test_the_packaged_claude_desktop_of_windows_has_a_folder_of_its_own(tmp_path: Path) -> None:
    machine = Machine("Windows", tmp_path, {"LOCALAPPDATA": str(tmp_path / "Local")})
    packages = tmp_path / "Local" / "Packages"
    first, second = (packages / f"Claude_{name}" / "LocalCache" / "Roaming" / "Claude" for name in ("aaa", "bbb"))
    first.mkdir(parents=True)
    second.mkdir(parents=True)
    assert find_host("claude-desktop").user_file(machine).parent == first
    (second / "claude_desktop_config.json").touch()
    assert find_host("claude-desktop").user_file(machine).parent == second
