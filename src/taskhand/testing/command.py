"""An agent as a command: it receives the task and the command of its MCP server, and prints its final message.

On standard input it reads one JSON document, `{"task": ..., "server": {"command": ..., "args": [...], "env": {...}}}`.
In the command line, `{task}` becomes the task, and `{config}` the path of a file with
`{"mcpServers": {"taskhand": ...}}`, as most hosts read one: `my-agent --mcp-config {config} --prompt {task}`.
"""

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

import anyio

from taskhand.domain.errors import CallerError

__all__ = ["Command", "CommandFailed", "Server", "recording_command"]

_LAST_LINES = 3


@dataclass(frozen=True, slots=True)
class Server:
    """The command that starts a server."""

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]

    def entry(self) -> dict[str, object]:
        """The entry of the server in a host's configuration."""
        return {"command": self.command, "args": list(self.args), "env": dict(self.env)}


def recording_command(environment: Mapping[str, str], calls: Path) -> Server:
    """The command of a server with these variables that writes the received calls to a file."""
    return Server(sys.executable, ("-m", "taskhand.testing.recording_server", str(calls)), environment)


class CommandFailed(Exception):
    """The command failed or took too long; the text says which."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, and its time limit in seconds."""

    line: str
    timeout_s: float = 300.0

    async def __call__(self, task: str, server: Server, folder: Path) -> str:
        """Run the agent and return what it printed. `folder` holds the files that it reads.

        CommandFailed if it fails or exceeds its time limit, CallerError if it cannot be started.
        """
        config = folder / "mcp.json"
        config.write_text(json.dumps({"mcpServers": {"taskhand": server.entry()}}), encoding="utf-8")
        request = folder / "task.json"
        request.write_text(json.dumps({"task": task, "server": server.entry()}), encoding="utf-8")
        try:
            words = [word.replace("{config}", str(config)).replace("{task}", task) for word in shlex.split(self.line)]
            # A file, not a pipe: an agent that reads only its command line would leave a pipe unread.
            with request.open("rb") as stdin, anyio.fail_after(self.timeout_s):
                run = await anyio.run_process(words or [""], stdin=stdin, stderr=PIPE, check=False)
        except TimeoutError:
            raise CommandFailed(f"the agent took longer than {self.timeout_s:g} s") from None
        except (OSError, ValueError) as error:
            raise CallerError(f"The agent {self.line!r} cannot be started: {error}.", code="no_agent") from None
        if run.returncode:
            last = " ".join(run.stderr.decode(errors="replace").strip().splitlines()[-_LAST_LINES:])
            raise CommandFailed(f"the agent ended with exit code {run.returncode}: {last}")
        return run.stdout.decode(errors="replace").strip()
