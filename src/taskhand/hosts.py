"""What to paste into an AI host so that it starts Taskhand; pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["HOSTS", "Host", "Launch"]


@dataclass(frozen=True, slots=True)
class Launch:
    """How a host starts the server."""

    command: str = "taskhand"
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def entry(self) -> dict[str, object]:
        """The entry that all hosts share."""
        entry: dict[str, object] = {"command": self.command, "args": list(self.args)}
        return entry | ({"env": dict(self.env)} if self.env else {})


@dataclass(frozen=True, slots=True)
class Host:
    """An AI host: its name, where the block goes, and the key its servers are listed under."""

    name: str
    place: str
    key: str
    typed: bool = False

    def block(self, launch: Launch) -> str:
        """The JSON block for this host."""
        entry = ({"type": "stdio"} if self.typed else {}) | launch.entry()
        return json.dumps({self.key: {"taskhand": entry}}, indent=2)


HOSTS = (
    Host("Claude Desktop", "`claude_desktop_config.json` (Settings → Developer → Edit Config)", "mcpServers"),
    Host("Claude Code", "`.mcp.json` in your project", "mcpServers", typed=True),
    Host("Cursor", "`~/.cursor/mcp.json`, or `.cursor/mcp.json` in your project", "mcpServers"),
    Host("VS Code", "`.vscode/mcp.json` in your workspace", "servers", typed=True),
)
