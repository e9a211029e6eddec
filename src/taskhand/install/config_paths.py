"""Where a host keeps its configuration on this operating system.

The machine is passed in as a value; the disk is asked only where a host has moved its folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["Machine", "System", "claude_code", "claude_desktop", "cursor", "gemini", "vscode", "windsurf"]

System = Literal["Darwin", "Windows", "Linux"]


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides where files are: the operating system, the user's home and the environment."""

    system: System
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def named(self, variable: str) -> Path | None:
        """The absolute folder that a variable names, if it does."""
        named = Path(self.environment.get(variable, ""))
        return named if named.is_absolute() else None

    def applications(self) -> Path:
        """The folder under which Electron applications keep a user's files (`appData`).

        https://www.electronjs.org/docs/latest/api/app#appgetpathname
        """
        match self.system:
            case "Darwin":
                return self.home / "Library" / "Application Support"
            case "Windows":
                return self.named("APPDATA") or self.home / "AppData" / "Roaming"
            case "Linux":
                return self.named("XDG_CONFIG_HOME") or self.home / ".config"


def claude_desktop(machine: Machine) -> Path:
    """Claude Desktop: https://modelcontextprotocol.io/docs/develop/connect-local-servers .

    Its packaged Windows application sees a folder of its own in place of the documented one
    (https://github.com/anthropics/claude-code/issues/26073), and what is written elsewhere stays unread.
    """
    name = "claude_desktop_config.json"
    if machine.system == "Windows":
        local = machine.named("LOCALAPPDATA") or machine.home / "AppData" / "Local"
        packaged = sorted(local.glob("Packages/Claude_*/LocalCache/Roaming/Claude"))
        written = [folder for folder in packaged if (folder / name).exists()]
        for folder in written or packaged:
            return folder / name
    return machine.applications() / "Claude" / name


def claude_code(machine: Machine) -> Path:
    """Claude Code, user scope: https://code.claude.com/docs/en/mcp#mcp-installation-scopes ."""
    return (machine.named("CLAUDE_CONFIG_DIR") or machine.home) / ".claude.json"


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
