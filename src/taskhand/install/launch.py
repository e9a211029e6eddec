"""How a host starts the server; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

__all__ = ["LAUNCH_FROM_INDEX", "Launch", "launch_by_interpreter", "launch_here"]


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


LAUNCH_FROM_INDEX = Launch("uvx", ("taskhand",))
"""For a machine on which Taskhand is not installed yet: uv fetches the published package, as server.json says."""


def launch_by_interpreter(interpreter: str, env: Mapping[str, str]) -> Launch:
    """Started by an interpreter's absolute path: a host's own PATH may be empty, and does not matter.

    `-P` keeps what lies in the host's working folder from being imported instead of the libraries of the same name.
    """
    return Launch(interpreter, ("-P", "-m", "taskhand"), env)


def launch_here(interpreter: str, uv: str | None, env: Mapping[str, str], extra: str = "") -> Launch:
    """Started as the program that asks was: by its interpreter, but by uv where that one lies in uv's cache.

    What `uvx` runs lives there, until the cache is cleaned; `uv` is the path that uv tells what it runs
    (https://docs.astral.sh/uv/reference/environment/), and `extra` what the package is to bring besides.
    """
    if uv and any(part.startswith("archive-v") for part in PurePath(interpreter).parts):
        return Launch(uv, ("tool", "run", "--from", f"taskhand{extra}", "taskhand"), env)
    return launch_by_interpreter(interpreter, env)
