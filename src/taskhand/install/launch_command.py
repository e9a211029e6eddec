"""The command with which a host starts the server; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["LAUNCH_FROM_INDEX", "Launch", "launch_by_interpreter"]


@dataclass(frozen=True, slots=True)
class Launch:
    """The command, arguments and variables with which a host starts the server.

    `forwarded` are the names of variables that the host passes on from its own environment.
    """

    command: str = "taskhand"
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    forwarded: Sequence[str] = ()

    def entry(self) -> dict[str, object]:
        """The part of a server's entry that all hosts share."""
        entry: dict[str, object] = {"command": self.command, "args": list(self.args)}
        entry |= {"env_vars": list(self.forwarded)} if self.forwarded else {}
        return entry | ({"env": dict(self.env)} if self.env else {})


LAUNCH_FROM_INDEX = Launch("uvx", ("taskhand",))
"""For a machine without Taskhand: uv fetches the published package, as in server.json."""


def launch_by_interpreter(interpreter: str, env: Mapping[str, str]) -> Launch:
    """Start with the interpreter's absolute path, because a host's PATH may be empty.

    `-P` prevents imports from the host's working folder.
    """
    return Launch(interpreter, ("-P", "-m", "taskhand"), env)
