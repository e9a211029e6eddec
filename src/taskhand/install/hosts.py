"""The AI hosts as data: all that differs between them; pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

from taskhand.install import host_paths, jsonc_edit, toml_edit
from taskhand.install.file_format import FileFormat, Path
from taskhand.install.host_paths import Machine
from taskhand.install.launch_command import Launch

__all__ = ["ANY_HOST", "HOSTS", "SERVER", "Host", "find_host"]

SERVER = "taskhand"
"""The name of the server in a host's file, unless a person gives another."""


@dataclass(frozen=True, slots=True)
class Host:
    """An AI host: its names, its configuration file, and the format of a server's entry.

    `file_location` describes the file for people. `key` is the member that lists the servers, and `server` the name of
    ours in it. A `typed` entry names its transport. A host that `inherits` passes its whole environment on. A host that
    `asks` prompts for secrets and stores them (`inputs`). `expands` is the format of a reference to an environment
    variable; a host that `forwards` lists in `env_vars` the variables that it passes on. `limits` are fields for how
    long the host waits. `call_s` is TASKHAND_CALL_S if it waits longer than most: these waited 130 s when tried.
    `afterwards` is what the user does after a change.
    """

    slug: str
    name: str
    file_location: str
    key: str
    user_file: Callable[[Machine], FilePath]
    project_file: str | None = None
    typed: bool = False
    inherits: bool = True
    asks: bool = False
    expands: str | None = None
    forwards: bool = False
    limits: Mapping[str, object] = field(default_factory=dict)
    call_s: int | None = None
    afterwards: str = "Restart it."
    format: FileFormat = jsonc_edit
    server: str = SERVER

    def with_server(self, name: str) -> "Host":
        """The same host with an entry of this name, so that several stand side by side."""
        return replace(self, server=name)

    @property
    def path(self) -> Path:
        """The path of the entry in the file."""
        return (self.key, self.server)

    def entry(self, launch: Launch) -> dict[str, object]:
        """The server's entry."""
        return ({"type": "stdio"} if self.typed else {}) | launch.entry() | dict(self.limits)

    @property
    def call_variables(self) -> dict[str, str]:
        """The variables that let a call take as long as the host waits; a person's own value stays."""
        return {"TASKHAND_CALL_S": str(self.call_s)} if self.call_s else {}

    def block(self, launch: Launch) -> str:
        """A whole file that holds only the entry."""
        return self.format.put_value("", self.path, self.entry(launch)).rstrip("\n")

    def keyring_name(self, variable: str) -> str:
        """The name of a credential in the keyring: entries of different names have keys of their own."""
        return variable if self.server == SERVER else f"{self.server}/{variable}"

    def input_for(self, variable: str, description: str) -> Mapping[str, object]:
        """The input by which a host that `asks` prompts for a secret.

        https://code.visualstudio.com/docs/copilot/reference/mcp-configuration#_input-variables-for-sensitive-data
        """
        return {"type": "promptString", "id": self.input_id(variable), "description": description, "password": True}

    def input_id(self, variable: str) -> str:
        """The id of the input for a variable."""
        name = "" if self.server == SERVER else f"{self.server}-"
        return f"{SERVER}-{name}{variable.lower().replace('_', '-')}"

    def input_reference(self, variable: str) -> str:
        """The reference to that input in an entry."""
        return f"${{input:{self.input_id(variable)}}}"

    def variable_reference(self, variable: str) -> str | None:
        """The reference to a variable of the host's environment in an entry; None if the host has none."""
        return self.expands.format(variable) if self.expands else None


HOSTS = (
    Host(
        "claude-desktop",
        "Claude Desktop",
        "`claude_desktop_config.json` (Settings → Developer → Edit Config)",
        "mcpServers",
        host_paths.claude_desktop,
        inherits=False,
        afterwards="Quit Claude Desktop completely (closing its window is not enough) and start it again.",
    ),
    Host(
        "claude-code",
        "Claude Code",
        "`.mcp.json` in your project",
        "mcpServers",
        host_paths.claude_code,
        project_file=".mcp.json",
        typed=True,
        # https://code.claude.com/docs/en/mcp#environment-variable-expansion-in-mcp-json: without the default, an
        # unset variable makes the whole file invalid.
        expands="${{{}:-}}",
        call_s=120,
        afterwards="Start a new session of Claude Code; /mcp shows the server.",
    ),
    Host(
        "cursor",
        "Cursor",
        "`~/.cursor/mcp.json`, or `.cursor/mcp.json` in your project",
        "mcpServers",
        host_paths.cursor,
        project_file=".cursor/mcp.json",
        expands="${{env:{}}}",  # https://cursor.com/docs/mcp#config-interpolation
        afterwards="Cursor picks it up by itself; Settings → Tools & MCP shows the server.",
    ),
    Host(
        "vscode",
        "VS Code",
        "`.vscode/mcp.json` in your workspace",
        "servers",
        host_paths.vscode,
        project_file=".vscode/mcp.json",
        typed=True,
        asks=True,
        expands="${{env:{}}}",  # https://code.visualstudio.com/docs/reference/variables-reference
        afterwards="Start it from the view of MCP servers.",
    ),
    Host(
        "windsurf",
        "Windsurf",
        "`~/.codeium/windsurf/mcp_config.json`",
        "mcpServers",
        host_paths.windsurf,
        expands="${{env:{}}}",  # https://docs.windsurf.com/windsurf/cascade/mcp#config-interpolation
        afterwards="Press refresh in Windsurf's MCP panel.",
    ),
    Host(
        "gemini",
        "Gemini CLI",
        "`~/.gemini/settings.json`, or `.gemini/settings.json` in your project",
        "mcpServers",
        host_paths.gemini,
        project_file=".gemini/settings.json",
        expands="${{{}}}",  # https://geminicli.com/docs/reference/configuration
        call_s=120,
        afterwards="Start a new session of Gemini CLI; /mcp shows the server.",
    ),
    Host(
        "codex",
        "Codex",
        "`~/.codex/config.toml`, or `.codex/config.toml` in your project, if you trust it",
        "mcp_servers",
        host_paths.codex,
        project_file=".codex/config.toml",
        forwards=True,
        inherits=False,
        # https://developers.openai.com/codex/mcp: by default Codex waits 10 s for the start, and 60 s for a call.
        limits={"startup_timeout_sec": 30, "tool_timeout_sec": 180},
        call_s=120,
        afterwards="Start a new session of Codex; /mcp shows the server.",
        format=toml_edit,
    ),
)

ANY_HOST = Host(
    "other", "Another host", "the file in which it lists its servers", "mcpServers", host_paths.claude_desktop
)
"""The form of an entry for most hosts; its file is not known."""


def find_host(slug: str) -> Host:
    """The host of this slug. KeyError if there is none."""
    return {host.slug: host for host in HOSTS}[slug]
