"""A real server on a backend with known data, a real client of it, and a record of everything that happens."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.server import Server as McpServer
from mcp.types import ElicitRequestParams, ElicitResult, Implementation, TextContent

from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.errors import CallerError
from taskhand.http.upstream import Runtime
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.request_log import Logged
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext
from taskhand.testing.background_context import in_own_task
from taskhand.testing.clock import Clock
from taskhand.testing.command import Server, recording_command
from taskhand.testing.data import ZONE
from taskhand.testing.http_endpoint import serve_on_loopback
from taskhand.testing.populated.backend import PopulatedBackend
from taskhand.testing.populated.open import open_populated
from taskhand.testing.recorded_calls import Called, read_calls, record_calls
from taskhand.testing.setup import Says, Setup
from taskhand.testing.stored_task import StoredTask
from taskhand.wiring import open_app, open_journal

__all__ = ["Bench", "Refused", "changes_of", "environment_of", "open_bench"]

_NAME = "taskhand-testing"
_ALL = 2**31 - 1
"""The largest limit of every engine, in place of no limit."""


class Refused(Exception):
    """A tool answered with an error: `error` is the object that the agent reads, `code` is stable."""

    def __init__(self, tool: str, error: Mapping[str, Any]) -> None:
        super().__init__(f"{tool}: {error.get('message')}")
        self.error = dict(error)
        self.code = str(error.get("code"))

    @property
    def candidates(self) -> list[str]:
        """The values that could have been sent instead."""
        return [str(candidate["value"]) for candidate in self.error.get("candidates", ())]


class Bench:
    """A server under test, its client, and the record of their calls."""

    clock: Clock
    """The time of the server and the CRM; `advance` moves it."""
    populated: PopulatedBackend
    """The backend with its data; `sandbox` is the emulated CRM, None for the built-in store."""
    settings: Settings
    """The settings of the server."""
    questions: list[str]
    """The questions that the person was asked."""
    server: Server
    """Starts another server on the same data: `command`, `args` and `env`, for a client in another process."""

    def __init__(self, app: AppContext, populated: PopulatedBackend, clock: Clock, setup: Setup, folder: Path) -> None:
        """`app` is the application behind the server, `folder` has its files."""
        environment = environment_of(setup, populated, folder)
        self.populated = populated
        self.settings = Settings.from_env(environment)
        self.clock = clock
        self._received = folder / "calls.jsonl"
        self.server = recording_command(environment, self._received)
        self.questions = []
        self._app = app
        self._calls: list[Called] = []
        self._loop = asyncio.get_running_loop()
        person = None if setup.person is None else _FixedAnswer(setup.person, self.questions)
        self._client = Client(
            self._recording_server(),
            mode=setup.mode,
            client_info=Implementation(name=_NAME, version="1"),
            elicitation_callback=None if person is None else person.answer,
        )

    @property
    def client(self) -> Client:
        """A connected MCP client; RuntimeError outside of the server's event loop, because it would wait forever."""
        self._check_loop()
        return self._client

    @property
    def calls(self) -> list[Called]:
        """Every tool call so far: those of this process, then those that `server` received."""
        return [*self._calls, *read_calls(self._received)]

    @asynccontextmanager
    async def serve_http(self) -> AsyncIterator[str]:
        """Serve on loopback while the block is open; the URL for a client over Streamable HTTP."""
        self._check_loop()
        async with serve_on_loopback(self._recording_server()) as url:
            yield url

    def _recording_server(self) -> McpServer[Any]:
        return record_calls(create_server(self._app), self._calls.append)

    def _check_loop(self) -> None:
        if _running_loop() not in (None, self._loop):
            raise RuntimeError(
                "The server runs in another event loop than this code. Open it in the loop that uses it: with "
                "`taskhand_open` inside the test, or in a fixture of the same loop scope."
            )

    async def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool; its structured answer, or Refused."""
        result = await self.client.call_tool(tool, arguments)
        text = "".join(part.text for part in result.content if isinstance(part, TextContent))
        if result.is_error:
            raise Refused(tool, json.loads(text)["error"])
        answer: dict[str, Any] = json.loads(text)
        return answer

    async def state(self) -> tuple[StoredTask, ...]:
        """All tasks as the backend stores them, oldest first, read without the server."""
        return await self.populated.read()

    async def task(self, title: str) -> StoredTask:
        """The only stored task with that title; LookupError unless there is exactly one."""
        tasks = [task for task in await self.state() if task.title == title]
        if len(tasks) != 1:
            raise LookupError(f"{len(tasks)} tasks have the title {title!r}")
        return tasks[0]

    @property
    def sent(self) -> tuple[Logged, ...]:
        """The requests that the CRM received, oldest first; none on the built-in store."""
        return self.populated.sent

    async def changes(self) -> tuple[Change, ...]:
        """The changes in the journal, oldest first."""
        return await changes_of(self.settings)

    def faults(self, *faults: Fault | Mapping[str, Any]) -> None:
        """Inject these faults from now on, instead of the earlier ones; no arguments removes all faults."""
        self.populated.script(faults)


async def changes_of(settings: Settings) -> tuple[Change, ...]:
    """The changes in the journal of these settings, oldest first."""
    journal = open_journal(ConnectionSettings.of(settings))
    try:
        page = await journal.page(ChangeQuery(limit=_ALL))
    finally:
        await journal.aclose()
    return tuple(reversed(page.changes))


def environment_of(setup: Setup, populated: PopulatedBackend, folder: Path) -> dict[str, str]:
    """The variables of a server that works on that backend, with its journal in `folder`."""
    own = {
        "TASKHAND_CLOCK": setup.start.isoformat(),
        "TASKHAND_IDS": "sequential",
        "TASKHAND_TIMEZONE": ZONE,
        "TASKHAND_JOURNAL": str(folder / "journal.sqlite"),
    }
    return own | dict(populated.environment) | dict(setup.environment)


@asynccontextmanager
async def open_bench(folder: Path, setup: Setup | None = None) -> AsyncIterator[Bench]:
    """A server and a client of it, its files in `folder`; the same setup gives the same ids, times and answers.

    CallerError for a setup that is not possible.
    """
    _check_asyncio()
    async with in_own_task(_open(folder, setup or Setup())) as bench:
        yield bench


@asynccontextmanager
async def _open(folder: Path, setup: Setup) -> AsyncIterator[Bench]:
    clock = Clock(setup.start)
    async with open_populated(setup.backend, setup.data_set, clock, folder, setup.variants) as populated:
        settings = Settings.from_env(environment_of(setup, populated, folder))
        populated.script(setup.faults)
        async with open_app(settings, clock.now, _runtime(clock)) as app:
            bench = Bench(app, populated, clock, setup, folder)
            async with bench.client:
                yield bench


def _check_asyncio() -> None:
    if _running_loop() is None:
        raise CallerError(
            "Taskhand's server runs on asyncio, and this code on another event loop.",
            code="no_asyncio",
            next_step='With anyio\'s plugin, let the fixture `anyio_backend` return "asyncio".',
        )


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class _FixedAnswer:
    """A person at the client who always gives the same answer."""

    def __init__(self, says: Says, questions: list[str]) -> None:
        self._says = says
        self.questions = questions

    async def answer(self, context: Any, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG002
        """The answer to a question."""
        self.questions.append(params.message)
        if self._says == "yes":
            return ElicitResult(action="accept", content={"confirm": True})
        return ElicitResult(action="decline" if self._says == "no" else "cancel")


def _runtime(clock: Clock) -> Runtime:
    """A runtime whose time is the clock's and whose jitter is fixed."""
    numbers = itertools.count(1)
    return Runtime(
        monotonic=clock.monotonic,
        wall=clock.posix,
        sleep=clock.sleep,
        jitter=lambda: 0.5,
        new_reference=lambda: f"request-{next(numbers)}",
    )
