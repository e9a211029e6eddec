"""A real server on a backend with known data, a real client of it, and a record of all that happened."""

import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult, Implementation, TextContent

from taskhand.config.settings import BackendName, Settings
from taskhand.http.upstream import Runtime
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.request_log import Logged
from taskhand.server.app import create_server
from taskhand.testing.clock import Clock
from taskhand.testing.data import NOW, ZONE, DataSet, PlannedTask, find_data
from taskhand.testing.populated.backend import PopulatedBackend
from taskhand.testing.populated.open import open_populated
from taskhand.testing.recorded_calls import Called, record_calls
from taskhand.testing.stored_task import StoredTask
from taskhand.wiring import open_app, open_journal

__all__ = ["Bench", "Refused", "Setup", "changes_of", "environment_of", "open_bench"]

Says = Literal["yes", "no", "nothing"]
"""A person's answer to a question; "nothing" closes the question without an answer."""

_NAME = "taskhand-testing"
_MOST_CHANGES = 50


@dataclass(frozen=True, slots=True)
class Setup:
    """The start of a run.

    `data` names a data set, to which `planted` adds tasks. `clock` is an aware datetime or ISO 8601 text. `faults` are
    tables as the sandboxes take them, whose `route` may be `create`, `update`, `bulk`, `delete`, `list` or `read`.
    `reading` are `name=value` switches of the sandbox. `environment` are further variables for the server. `person` is
    the answer of the person whom the client asks; None is a client that cannot ask. `mode` is the client's era of the
    protocol; "legacy" is the older one.
    """

    backend: BackendName = "local"
    data: str = "sales_week"
    clock: datetime | str = NOW
    planted: Sequence[PlannedTask] = ()
    faults: Sequence[Fault | Mapping[str, Any]] = ()
    reading: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    person: Says | None = None
    mode: Literal["auto", "legacy"] = "auto"

    @property
    def start(self) -> datetime:
        """The time at which the run starts."""
        return self.clock if isinstance(self.clock, datetime) else datetime.fromisoformat(self.clock)

    @property
    def data_set(self) -> DataSet:
        """The data set with the planted tasks; CallerError where there is no such data set."""
        return find_data(self.data).with_tasks(self.planted)


class Refused(Exception):
    """A tool answered with an error: `error` is the object that the agent reads, `code` is stable."""

    def __init__(self, tool: str, error: Mapping[str, Any]) -> None:
        super().__init__(f"{tool}: {error.get('message')}")
        self.error = dict(error)
        self.code = str(error.get("code"))

    @property
    def candidates(self) -> list[str]:
        """The values that could have been sent instead."""
        return [str(one["value"]) for one in self.error.get("candidates", ())]


class Bench:
    """A server under test, its client, and the record of what they did.

    `client` is a connected MCP client, `clock` the time of the server and the CRM, `populated` the backend with its
    data, `calls` every tool call so far, `questions` the questions that the person was asked.
    """

    def __init__(
        self, populated: PopulatedBackend, settings: Settings, clock: Clock, client: Client, questions: list[str]
    ) -> None:
        self.populated = populated
        self.settings = settings
        self.clock = clock
        self.client = client
        self.questions = questions
        self.calls: list[Called] = []

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
        found = [one for one in await self.state() if one.title == title]
        if len(found) != 1:
            raise LookupError(f"{len(found)} tasks have the title {title!r}")
        return found[0]

    @property
    def sent(self) -> tuple[Logged, ...]:
        """The requests that the CRM received, oldest first; none on the embedded store."""
        return self.populated.sent

    async def changes(self) -> tuple[Change, ...]:
        """The changes in the journal, oldest first."""
        return await changes_of(self.settings)

    def faults(self, *faults: Fault | Mapping[str, Any]) -> None:
        """Inject these faults from now on, instead of the earlier ones; no arguments removes all faults."""
        self.populated.script(faults)


async def changes_of(settings: Settings) -> tuple[Change, ...]:
    """The changes in the journal of these settings, oldest first."""
    journal = open_journal(settings)
    found: list[Change] = []
    try:
        page = await journal.page(ChangeQuery(limit=_MOST_CHANGES))
        found += page.changes
        while page.cursor:
            page = await journal.page(ChangeQuery(limit=_MOST_CHANGES, after=page.cursor))
            found += page.changes
    finally:
        await journal.aclose()
    return tuple(reversed(found))


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
    setup = setup or Setup()
    clock = Clock(setup.start)
    async with open_populated(setup.backend, setup.data_set, clock, folder, setup.reading) as populated:
        settings = Settings.from_env(environment_of(setup, populated, folder))
        populated.script(setup.faults)
        async with open_app(settings, clock.now, _runtime(clock)) as at:
            server = create_server(at)
            person = _Person(setup.person)
            client = Client(
                server,
                mode=setup.mode,
                client_info=Implementation(name=_NAME, version="1"),
                elicitation_callback=None if setup.person is None else person.asked,
            )
            bench = Bench(populated, settings, clock, client, person.questions)
            record_calls(server, bench.calls.append)
            async with client:
                yield bench


class _Person:
    """A person at the client who always gives the same answer."""

    def __init__(self, says: Says | None) -> None:
        self._says = says
        self.questions: list[str] = []

    async def asked(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        """The answer to a question."""
        del context
        self.questions.append(params.message)
        if self._says == "yes":
            return ElicitResult(action="accept", content={"confirm": True})
        return ElicitResult(action="decline" if self._says == "no" else "cancel")


def _runtime(clock: Clock) -> Runtime:
    """A runtime whose time is the clock's and whose jitter is fixed."""
    numbers = itertools.count(1)
    return Runtime(
        clock=clock.monotonic,
        wall=clock.posix,
        sleep=clock.sleep,
        jitter=lambda: 0.5,
        new_reference=lambda: f"request-{next(numbers)}",
    )
