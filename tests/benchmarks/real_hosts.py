"""What real hosts give their model: characters of tools and instructions, and which copy of an answer.

An assistant pays for this, and not for what a server sends. `make hosts` installs the hosts.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Measurement
from hosts import two_copies
from hosts.dialects import Json
from hosts.real_host import PROGRAMS, REAL_HOSTS, RealHost, Session
from hosts.scenarios import serve_vambe
from hosts.scripted_model import Script
from taskhand.install import find_host
from taskhand.server.instructions import instructions
from taskhand.server.tools import TOOLS

__all__ = ["measure"]

_LOCK = Path(__file__).parents[1] / "hosts" / "package.json"


@dataclass(frozen=True, slots=True)
class _Given:
    """What one host gave its model."""

    at_start: int
    tools: int
    instructions: int
    around_page: int
    around_error: int
    copies: str
    copies_of_error: int


def measure() -> Measurement:
    """Run each host twice: with Taskhand, and with a server whose text and structure differ.

    No goals: the figures are those of other programs, in the versions that are pinned.
    """
    if not PROGRAMS:
        return Measurement(details="The hosts are not installed here: `make hosts` installs them.")
    given = [_measure(host) for host in REAL_HOSTS.values()]
    versions = json.loads(_LOCK.read_text(encoding="utf-8"))["dependencies"]
    names = [f"{find_host(host.slug).name} {_version(host, versions)}" for host in REAL_HOSTS.values()]
    head = ["| what the model is given | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
    rows = [f"| {label} | " + " | ".join(map(show, given)) + " |" for label, show in _ROWS.items()]
    whole = len(instructions(TOOLS, knows_me=False))
    note = (
        f"Characters, of {len(TOOLS)} tools and {whole:,} characters of instructions, on Vambe, with 25 tasks on a\n"
        "page. Claude Code gives its model the tools after a search. Each model is given an answer once."
    )
    return Measurement(details="\n".join([*head, *rows, "", note]))


_ROWS: Mapping[str, Callable[[_Given], str]] = {
    "the tools, before the model has asked for any": lambda given: f"{given.at_start:,}",
    "the tools, once it may call them": lambda given: f"{given.tools:,}",
    "the instructions": lambda given: f"{given.instructions:,}",
    "of an answer": lambda given: given.copies,
    "added to a page of tasks": lambda given: f"{given.around_page:,}",
    "copies of an error": lambda given: str(given.copies_of_error),
    "added to an error": lambda given: f"{given.around_error:,}",
}


def _version(host: RealHost, versions: Mapping[str, str]) -> str:
    return next(version for package, version in versions.items() if host.program in package)


def _measure(host: RealHost) -> _Given:
    with serve_vambe() as (_, address), TemporaryDirectory() as folder:
        said = Session(host, Path(folder) / "taskhand", address).converse(_script())
        server = [sys.executable, two_copies.__file__]
        [[_, copy]] = Session(host, Path(folder) / "copies", address, server=server).converse(_one_call()).turns
    error = next(answer for (tool, _), answer in said.turns if tool == "get_task")
    page = next(answer for (tool, _), answer in said.turns if tool == "list_tasks")
    dialect = host.dialect
    return _Given(
        at_start=_size(dialect.tools(said.requests[0])),
        tools=_size(dialect.tools(said.requests[-1])),
        instructions=_instructions_in(said.requests[-1]),
        around_page=len(page) - _compact_size(dialect.read(page)),
        around_error=len(error) - _compact_size(dialect.read(error)),
        copies=" and ".join(f"the {name}" for name, text in two_copies.COPIES.items() if text in copy),
        copies_of_error=error.count("Take id from list_tasks"),
    )


def _script() -> Script:
    yield "list_tasks", {"limit": 25}
    yield "get_task", {"id": "nope"}


def _one_call() -> Script:
    yield "list_tasks", {}


def _size(declarations: Sequence[Json]) -> int:
    """The characters of the tools' declarations, without the instructions, which Codex has among them."""
    whole = _compact_size(declarations) if declarations else 0
    return whole - _instructions_in(declarations)


def _compact_size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _instructions_in(request: object) -> int:
    """The characters of the instructions' lines that a request holds."""
    text = json.dumps(request, ensure_ascii=False)
    lines = instructions(TOOLS, knows_me=False).split("\n")
    found = [len(line) for line in lines if json.dumps(line, ensure_ascii=False)[1:-1] in text]
    return sum(found) + max(0, len(found) - 1)
