"""A replica that was paused, and alone knows that nothing was sent: the same call is sent when it is repeated."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from backends.vambe.backend_case import vambe_settings
from backends.vambe.sandboxed_app import KEY
from behaviour.agent import Refused
from behaviour.world import NOW
from journals import numbered
from monotonic_clocks import UptimeClock
from postgres_server import TestDatabase
from safety.account import Agent
from safety.crms import VAMBE
from safety.gate import Gate
from taskhand.journal.journal import Change, Intent, Opening
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.postgres import PostgresJournal
from taskhand.postgres.database import Database
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext
from taskhand.service.crash_recovery import recover_abandoned
from taskhand.service.lazy import Lazy
from taskhand.wiring import open_app
from virtual_time import Time


class PausedJournal(PostgresJournal):
    """A journal that may pause after the intents are on disk, until it `goes_on`."""

    pauses = False

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.paused, self.goes_on = anyio.Event(), anyio.Event()

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> tuple[Change, bool]:
        """Pause after the intents are on disk."""
        begun = await super().begin(opening, intents)
        if self.pauses:
            self.pauses = False
            self.paused.set()
            await self.goes_on.wait()
        return begun


@dataclass(frozen=True)
class PausableReplicas:
    """Two replicas, the first of which is paused by a test."""

    gate: Gate
    postgres: TestDatabase
    journal: PausedJournal
    first: Agent
    other: Agent
    other_app: AppContext
    uptime: UptimeClock

    def titles(self) -> list[str]:
        """The titles of the tasks as they really are."""
        return sorted(one.title for one in VAMBE.tasks(self.gate.emulator).values())

    async def ask_paused(self, tool: str, **arguments: Any) -> dict[str, Any] | Refused:
        """What the first replica answers that is paused before it sends, and whose change another ends meanwhile."""
        answers: list[dict[str, Any] | Refused] = []

        async def ask() -> None:
            answers.append(await answer_of(self.first, tool, arguments))

        self.journal.pauses, self.journal.paused, self.journal.goes_on = True, anyio.Event(), anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await self.journal.paused.wait()
            self.postgres.run("UPDATE taskhand_sessions.session SET seen_at = seen_at - interval '1 minute'")
            self.uptime.seconds += 60
            await recover_abandoned(self.other_app)
            self.journal.goes_on.set()
        return answers[0]


async def answer_of(agent: Agent, tool: str, arguments: dict[str, Any]) -> dict[str, Any] | Refused:
    """What a call is answered with."""
    try:
        return await agent(tool, **arguments)
    except Refused as refused:
        return refused


@asynccontextmanager
async def replica_at(
    url: str, state: str, kind: type[PostgresJournal], uptime: Callable[[], float]
) -> AsyncIterator[AppContext]:
    minutes = count(step=60.0)  # what others left open is looked for at each call
    owner = AccountOwner(Path(), "vambe")
    journal = kind(
        Database(state), owner=owner, clock=lambda: NOW, new_id=numbered, uptime=uptime, monotonic=lambda: next(minutes)
    )
    async with open_app(vambe_settings(url, vambe_api_key=KEY)) as opened:
        yield replace(opened, lazy_journal=Lazy(lambda: journal))
    await journal.aclose()


@pytest.fixture
async def replicas(postgres: TestDatabase) -> AsyncIterator[PausableReplicas]:
    """Two replicas in front of a CRM without tasks."""
    gate, uptime = Gate(VAMBE.sandbox(0, Time(), ())), UptimeClock()
    async with (
        serve_sandbox(gate) as url,
        replica_at(url, postgres.url, PausedJournal, uptime) as one,
        replica_at(url, postgres.url, PostgresJournal, UptimeClock()) as other,
        Client(create_server(one)) as first,
        Client(create_server(other)) as second,
    ):
        assert isinstance(one.journal, PausedJournal)
        yield PausableReplicas(gate, postgres, one.journal, Agent(first), Agent(second), other, uptime)


async def test_a_call_that_was_paused_and_sent_nothing_is_sent_when_it_is_repeated(replicas: PausableReplicas) -> None:
    task = {"responsibleIds": ["me"], "priority": "1"}
    plan = await replicas.first("create_task", title="Of a plan", dryRun=True, **task)
    two = [{"title": f"{one} of two", **task} for one in ("First", "Second")]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("create_task", {"title": "With a key", "idempotencyKey": "k-1", **task}),
        ("create_task", {"title": "Without one", **task}),
        ("apply_plan", {"planId": plan["planId"]}),
        ("create_tasks", {"tasks": two, "idempotencyKey": "k-2"}),
    ]
    for tool, arguments in calls:
        writes = replicas.gate.writes
        answer = await replicas.ask_paused(tool, **arguments)
        code = answer.code if isinstance(answer, Refused) else [*answer["totals"]]
        assert (code, replicas.gate.writes) == (
            ["not_attempted"] if tool == "create_tasks" else "not_attempted",
            writes,
        )
        [change] = (await replicas.other("list_changes", limit=1))["changes"]
        assert (change["outcome"] in {"refused", "not_attempted"}, change["code"]) == (True, "not_attempted")
        again = await replicas.other(tool, **arguments)
        assert not again.get("replayed")
        once_more = await answer_of(replicas.first, tool, arguments)
        assert once_more.code == "plan_used" if isinstance(once_more, Refused) else once_more["replayed"]
    assert replicas.titles() == sorted(["With a key", "Without one", "Of a plan", "First of two", "Second of two"])
