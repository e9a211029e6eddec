"""The AI hosts as data: everything that differs from one to the next; pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from taskhand.install import config_paths as place
from taskhand.install.config_paths import Machine
from taskhand.install.launch import Launch

__all__ = ["HOSTS", "SERVER", "Host", "find_host"]

SERVER = "taskhand"
"""The name under which a host lists the server."""


@dataclass(frozen=True, slots=True)
class Host:
    """An AI host: how it is called, where its file is, and what an entry of it looks like.

    `key` is what its servers are listed under; `typed` where an entry names its transport; `asks` where it asks for
    secrets itself and keeps them (`inputs`); `expands` how a value of its file names a variable of its environment.
    """

    slug: str
    name: str
    place: str
    key: str
    user_file: Callable[[Machine], Path]
    project_file: str | None = None
    typed: bool = False
    asks: bool = False
    expands: str | None = None
    afterwards: str = "Restart it."

    def entry(self, launch: Launch) -> dict[str, object]:
        """The entry of the server."""
        return ({"type": "stdio"} if self.typed else {}) | launch.entry()

    def block(self, launch: Launch) -> str:
        """A whole file with nothing but the entry, as JSON."""
        return json.dumps({self.key: {SERVER: self.entry(launch)}}, indent=2)

    def asking(self, variable: str, meaning: str) -> Mapping[str, object]:
        """The input by which a host that `asks` learns a secret.

        https://code.visualstudio.com/docs/copilot/reference/mcp-configuration#_input-variables-for-sensitive-data
        """
        return {"type": "promptString", "id": input_id(variable), "description": meaning, "password": True}

    def asked(self, variable: str) -> str:
        """What stands in an entry for what the person was asked."""
        return f"${{input:{input_id(variable)}}}"

    def expanded(self, variable: str) -> str | None:
        """What stands in an entry for a variable of the host's own environment; None where a host knows no such."""
        return self.expands.format(variable) if self.expands else None


def input_id(variable: str) -> str:
    """The id of the input that asks for a variable."""
    return f"{SERVER}-{variable.lower().replace('_', '-')}"


HOSTS = (
    Host(
        "claude-desktop",
        "Claude Desktop",
        "`claude_desktop_config.json` (Settings → Developer → Edit Config)",
        "mcpServers",
        place.claude_desktop,
        afterwards="Quit Claude Desktop completely (closing its window is not enough) and start it again.",
    ),
    Host(
        "claude-code",
        "Claude Code",
        "`.mcp.json` in your project",
        "mcpServers",
        place.claude_code,
        project_file=".mcp.json",
        typed=True,
        # https://code.claude.com/docs/en/mcp#environment-variable-expansion-in-mcp-json: without the default, a
        # variable that is not set makes the whole file unusable.
        expands="${{{}:-}}",
        afterwards="Start a new session of Claude Code; /mcp shows the server.",
    ),
    Host(
        "cursor",
        "Cursor",
        "`~/.cursor/mcp.json`, or `.cursor/mcp.json` in your project",
        "mcpServers",
        place.cursor,
        project_file=".cursor/mcp.json",
        expands="${{env:{}}}",  # https://cursor.com/docs/mcp#config-interpolation
        afterwards="Cursor picks it up by itself; Settings → Tools & MCP shows the server.",
    ),
    Host(
        "vscode",
        "VS Code",
        "`.vscode/mcp.json` in your workspace",
        "servers",
        place.vscode,
        project_file=".vscode/mcp.json",
        typed=True,
        asks=True,
        expands="${{env:{}}}",  # https://code.visualstudio.com/docs/reference/variables-reference
        afterwards="Start it from the view of MCP servers; VS Code asks for the keys then and keeps them.",
    ),
    Host(
        "windsurf",
        "Windsurf",
        "`~/.codeium/windsurf/mcp_config.json`",
        "mcpServers",
        place.windsurf,
        expands="${{env:{}}}",  # https://docs.windsurf.com/windsurf/cascade/mcp#config-interpolation
        afterwards="Press refresh in Windsurf's MCP panel.",
    ),
    Host(
        "gemini",
        "Gemini CLI",
        "`~/.gemini/settings.json`, or `.gemini/settings.json` in your project",
        "mcpServers",
        place.gemini,
        project_file=".gemini/settings.json",
        expands="${{{}}}",  # https://geminicli.com/docs/reference/configuration
        afterwards="Start a new session of Gemini CLI; /mcp shows the server.",
    ),
)


def find_host(slug: str) -> Host:
    """The host of this short name. KeyError for one that is not known."""
    return {host.slug: host for host in HOSTS}[slug]
