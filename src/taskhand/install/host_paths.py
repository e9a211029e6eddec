"""The path of each host's configuration file on this operating system.

The machine is passed in as a value. The disk is read only for a host that has two possible folders.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["Machine", "System", "claude_code", "claude_desktop", "codex", "cursor", "gemini", "vscode", "windsurf"]

System = Literal["Darwin", "Windows", "Linux"]


@dataclass(frozen=True, slots=True)
class Machine:
    """The operating system, the user's home folder and the environment, which determine the paths."""

    system: System
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def folder_in(self, variable: str) -> Path | None:
        """The folder in an environment variable; None unless it is an absolute path."""
        folder = Path(self.environment.get(variable, ""))
        return folder if folder.is_absolute() else None

    def applications(self) -> Path:
        """The folder of Electron applications' user files (`appData`).

        https://www.electronjs.org/docs/latest/api/app#appgetpathname
        """
        match self.system:
            case "Darwin":
                return self.home / "Library" / "Application Support"
            case "Windows":
                return self.folder_in("APPDATA") or self.home / "AppData" / "Roaming"
            case "Linux":
                return self.folder_in("XDG_CONFIG_HOME") or self.home / ".config"


def claude_desktop(machine: Machine) -> Path:
    """Claude Desktop: https://modelcontextprotocol.io/docs/develop/connect-local-servers .

    Its packaged Windows application reads a folder of its own instead of the documented one:
    https://github.com/anthropics/claude-code/issues/26073 .
    """
    name = "claude_desktop_config.json"
    if machine.system == "Windows":
        local = machine.folder_in("LOCALAPPDATA") or machine.home / "AppData" / "Local"
        packaged = sorted(local.glob("Packages/Claude_*/LocalCache/Roaming/Claude"))
        written = [folder for folder in packaged if (folder / name).exists()]
        for folder in written or packaged:
            return folder / name
    return machine.applications() / "Claude" / name


def claude_code(machine: Machine) -> Path:
    """Claude Code, user scope: https://code.claude.com/docs/en/mcp#mcp-installation-scopes ."""
    return (machine.folder_in("CLAUDE_CONFIG_DIR") or machine.home) / ".claude.json"


def cursor(machine: Machine) -> Path:
    """Cursor: https://cursor.com/docs/mcp ."""
    return machine.home / ".cursor" / "mcp.json"


def vscode(machine: Machine) -> Path:
    """VS Code, the default profile: https://code.visualstudio.com/docs/copilot/reference/mcp-configuration .

    The User folder: https://code.visualstudio.com/docs/configure/settings#_settings-file-locations .
    """
    return machine.applications() / "Code" / "User" / "mcp.json"


def windsurf(machine: Machine) -> Path:
    """Windsurf: https://docs.windsurf.com/windsurf/cascade/mcp ."""
    return machine.home / ".codeium" / "windsurf" / "mcp_config.json"


def gemini(machine: Machine) -> Path:
    """Gemini CLI, user settings: https://geminicli.com/docs/reference/configuration ."""
    return machine.home / ".gemini" / "settings.json"


def codex(machine: Machine) -> Path:
    """Codex: https://developers.openai.com/codex/mcp ."""
    return (machine.folder_in("CODEX_HOME") or machine.home / ".codex") / "config.toml"
