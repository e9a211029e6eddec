"""The modules that a start has loaded when the host asks for the tools."""

import subprocess
import sys
from pathlib import Path

import taskhand.service
from taskhand.backends.registry import NAMES
from taskhand.server.tools import TOOLS

_MAX_MODULES = 106
"""Of Taskhand's own besides those of `_EXPECTED`, with the built-in store open.

To raise it, say what a start needs the new one for.

An event, the answer of list_events and the resource of the latest ones: the lists have their kinds and fields.

The principal and the rules of a caller, and the connections: no call runs without them. The connection of `sql`: each
statement of the journal and of the built-in store is a function of one, whichever engine it is of.
"""
_EXPECTED = {f"taskhand.backends.{name}{part}" for name in NAMES for part in ("", ".factory")} | {
    f"taskhand.server.tools.{tool.name}" for tool in TOOLS
}
"""What each backend and each tool adds to a start: the backend's package and its factory, the tool's module."""
_START = """
import sys
from pathlib import Path
import anyio
import taskhand.cli.main
from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.wiring import open_app

async def start():
    async with open_app(Settings(db=Path(sys.argv[1]))) as app:
        create_server(app)
        print(*(name for name in sys.modules if name.startswith("taskhand.")))

anyio.run(start)
"""
_UNBUILT = """
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.task import Task
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.tools import TOOLS
for tool in TOOLS:
    input_schema(tool.arguments, Capabilities())
models = (Task, *(model for tool in TOOLS for model in (tool.arguments, tool.answer)))
print(*(model.__name__ for model in models if model.__pydantic_complete__))
"""
"""Lists the tools, and prints the models whose validators are built."""
_LATER = """
from taskhand.server.late_imports import load_use_cases
anyio.run(load_use_cases)
print(*sys.modules)
"""


def test_a_start_loads_no_use_case_and_builds_no_validator(store_file: Path) -> None:
    done = subprocess.run(  # noqa: S603  our own code
        [sys.executable, "-c", _START + _UNBUILT + _LATER, str(store_file)], capture_output=True, text=True, check=True
    )
    started, built, later = (line.split() for line in done.stdout.splitlines())
    folder = Path(taskhand.service.__file__).parent
    files = (file.relative_to(folder).with_suffix("") for file in folder.rglob("[!_]*.py"))
    use_cases = {".".join(("taskhand.service", *file.parts)) for file in files}
    assert {"taskhand.service.update_task", "taskhand.service.list_tasks"} <= use_cases - {*started}
    assert not {name for name in started if name.startswith(("taskhand.domain.html", "taskhand.domain.date_words"))}
    never = {"taskhand.cli.install", "taskhand.cli.sandbox", "taskhand.cli.backup", "taskhand.postgres"}
    never |= {"taskhand.config.connection_tables", "taskhand.journal.journal", "taskhand.journal.sqlite"}
    assert not never & {*started}
    assert {*started} >= _EXPECTED
    others = {*started} - _EXPECTED
    assert len(others) <= _MAX_MODULES, len(others)
    assert built == []
    observers = ("prometheus_client", "opentelemetry.sdk", "taskhand.telemetry", "taskhand.server.call_observer")
    unused = (*observers, "jwt", "taskhand.tokens", "taskhand.server.transports")
    assert not [name for name in later if name.startswith(unused)], "what is not asked for costs nothing"
    parts = (
        "arguments.connection",
        "schemas.shortened",
        "schemas.merged",
        "render.several_connections",
        "render.connections",
    )
    use_cases |= {f"taskhand.server.{part}" for part in parts}
    assert use_cases <= {*later}, "a version that is installed over a running server would be loaded in part"
