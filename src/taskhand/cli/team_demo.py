"""The demo of a team: two people, each with a key of their own, work on three CRM accounts, which are sandboxes."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory
from typing import Final

import anyio
from anyio.streams.text import TextReceiveStream

from taskhand.domain.errors import OperatorError
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.demo import Step, demo_environment, take_step
from taskhand.testing.keyed_client import connect_with_key, is_key_refused

__all__ = ["TEAM_STEPS", "run_team_demo"]

_MARIA, _CAMILA = "maria.rodriguez@company.example", "camila.soto@company.example"
_NAMES: Final = {_MARIA: "María", _CAMILA: "Camila"}
_SCOPES: Final = {_MARIA: "read,write,destructive", _CAMILA: "read,write"}
_PEOPLE: Final = f"""\
["{_MARIA}"]
partners = "kenneth@northwind.example"

["{_CAMILA}"]
partners = "sarah@northwind.example"
"""
_POLICY: Final = f"""\
[groups.sales]
people = ["{_CAMILA}"]
connections = ["north", "partners"]
most_tasks = 5
"""
_TASKHAND: Final = (sys.executable, "-m", "taskhand")
_SERVES: Final = " serves "
_START_S: Final = 30.0

_LATE: Final = {"responsibleIds": ["me"], "overdue": True, "limit": 4}
_CALL: Final = {
    "connection": "north",
    "title": "Call Viña Los Robles",
    "dueDate": "{tomorrow}",
    "responsibleIds": ["me"],
    "priority": "1",
    "idempotencyKey": "monday",
}

TEAM_STEPS: Sequence[Step] = (
    Step("What of mine is late, everywhere?", "list_tasks", _LATE, who=_MARIA),
    Step("What of mine is late, everywhere?", "list_tasks", _LATE, who=_CAMILA),
    Step("Call the vineyard tomorrow.", "create_task", _CALL, who=_MARIA),
    Step(
        "Delete it again. A deletion stops at a plan:",
        "delete_task",
        {"connection": "north", "id": "{new}"},
        who=_MARIA,
    ),
    Step("Apply that plan. It is not hers:", "apply_plan", {"planId": "{plan}"}, refused=True, who=_CAMILA),
    Step("Call the vineyard tomorrow. The same idempotency key is another one:", "create_task", _CALL, who=_CAMILA),
    Step(
        "Delete it. Her key does not have that scope:",
        "delete_task",
        {"connection": "north", "id": "{new}"},
        refused=True,
        who=_CAMILA,
    ),
    Step(
        "What is in the south? The policy keeps her out:",
        "list_tasks",
        {"connection": "south"},
        refused=True,
        who=_CAMILA,
    ),
    Step("What have I done?", "list_changes", {"connection": "north", "limit": 3}, who=_CAMILA),
)
"""The calls of the two people, in order."""


@dataclass(frozen=True, slots=True)
class _TeamFolder:
    """The folder of the demo, with its configuration; `environment` is that of the programs that it starts."""

    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that lead to the files in the folder, and to nothing that the user has configured."""
        names = {"CONFIG": "taskhand.toml", "KEYS": "keys.sqlite", "JOURNAL": "journal.sqlite"}
        return demo_environment({f"TASKHAND_{name}": str(self.folder / file) for name, file in names.items()})

    def write(self, accounts: Mapping[str, str]) -> None:
        """Write the configuration: the tables of the connections, the people and the policy."""
        files = {"taskhand.toml": "\n".join(accounts.values()), "people.toml": _PEOPLE, "policy.toml": _POLICY}
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    async def run(self, *words: str) -> str:
        """The output of a command; OperatorError with the last line of its output if it fails."""
        done = await anyio.run_process([*_TASKHAND, *words], env=self.environment, check=False)
        if done.returncode:
            message = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise OperatorError(f"The demo cannot run `taskhand {' '.join(words)}`: {message or 'it ended at once'}.")
        return done.stdout.decode()


async def run_team_demo(write_line: Callable[[str], object], *, brief: bool) -> None:
    """Run every step and print its call and answer; RuntimeError if a step fails."""
    with TemporaryDirectory(prefix="taskhand-team-") as folder:
        team_folder = _TeamFolder(Path(folder))
        async with AsyncExitStack() as stack:
            team_folder.write(await _open_accounts(stack))
            write_line("Three CRM accounts, which are sandboxes: north and south (HubSpot), partners (Close).")
            write_line(f"policy.toml: {' '.join(_POLICY.split())}")
            keys = {}
            for person, scopes in _SCOPES.items():
                command = ["keys", "create", "--person", person, "--scopes", scopes, "--expires", "1d"]
                write_line(f"$ taskhand {' '.join(command)}")
                keys[person] = (await team_folder.run(*command)).strip()
            url = await stack.enter_async_context(_serve_team(team_folder))
            write_line(f"$ taskhand serve --http --auth keys    → {url}")
            clients = {
                person: await stack.enter_async_context(connect_with_key(url, key, name="demo"))
                for person, key in keys.items()
            }
            known = {"tomorrow": str(datetime.now(UTC).date() + timedelta(days=1))}
            for step in TEAM_STEPS:
                await take_step(clients[step.who or ""], _with_name(step), known, write_line, brief=brief)
            await _revoke(team_folder, url, keys[_CAMILA], write_line)
            await _show_journal(team_folder, write_line)


def _with_name(step: Step) -> Step:
    return Step(step.request, step.tool, step.arguments, step.refused, _NAMES[step.who or ""])


async def _open_accounts(stack: AsyncExitStack) -> dict[str, str]:
    """Serve the sandboxes; the table of each connection in `taskhand.toml`."""

    def now() -> datetime:
        return datetime.now(UTC)

    tables = {}
    for name in ("north", "south"):
        token = f"pat-na1-{name}-sandbox"
        url = await stack.enter_async_context(
            serve_sandbox(HubSpotSandbox(token=token, clock=now, seed="demo"), port=0)
        )
        tables[name] = (
            f'[connections.{name}]\nbackend = "hubspot"\ndescription = "The {name} office"\n'
            f'base_url = "{url}"\naccess_token = "{token}"\n'
        )
    url = await stack.enter_async_context(
        serve_sandbox(CloseSandbox(key="close-sandbox", clock=now, seed="demo"), port=0)
    )
    tables["partners"] = (
        f'[connections.partners]\nbackend = "close"\ndescription = "Partners"\nbase_url = "{url}/api/v1"\n'
        'api_key = "close-sandbox"\n'
    )
    return tables


@asynccontextmanager
async def _serve_team(team_folder: _TeamFolder) -> AsyncIterator[str]:
    """Run a server over HTTP with keys; yields its endpoint. OperatorError if it does not start."""
    command = [*_TASKHAND, "serve", "--http", "--auth", "keys", "--port", "0"]
    async with await anyio.open_process(command, env=team_folder.environment, stdin=DEVNULL, stdout=DEVNULL) as process:
        try:
            yield await _read_address(TextReceiveStream(process.stderr)) if process.stderr else ""
        finally:
            process.terminate()


async def _read_address(stream: TextReceiveStream) -> str:
    """The address that the server announces."""
    text = ""
    with anyio.move_on_after(_START_S):
        async for part in stream:
            text += part
            for line in text.splitlines(keepends=True):
                if _SERVES in line and line.endswith("\n"):
                    return line.partition(_SERVES)[2].split()[0]
    raise OperatorError(
        f"The demo cannot start the server: {text.strip().rpartition(chr(10))[2] or 'it ended at once'}."
    )


async def _revoke(team_folder: _TeamFolder, url: str, key: str, write_line: Callable[[str], object]) -> None:
    """Revoke a key while the server runs, and show that it is refused."""
    command = ["keys", "revoke", "--person", _CAMILA]
    await team_folder.run(*command)
    write_line("")
    write_line(f"$ taskhand {' '.join(command)}")
    if not await is_key_refused(url, key):
        raise RuntimeError("a revoked key was not expected to be accepted")
    write_line("  ✗ Camila's next request is answered with 401.")


async def _show_journal(team_folder: _TeamFolder, write_line: Callable[[str], object]) -> None:
    """Show the changes and who made them, as an operator reads them."""
    command = ["--connection", "north", "journal", "--limit", "6"]
    write_line("")
    write_line(f"$ taskhand {' '.join(command)}")
    for line in (await team_folder.run(*command)).splitlines():
        write_line(f"  {line}")
