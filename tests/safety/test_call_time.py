"""A CRM that accepts requests and does not answer: every call is answered in time, with exactly the known facts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import PromptReference

from backends.slow_transport import NetworkTime
from behaviour.agent import Refused
from behaviour.conftest import ERAS
from safety.account import Agent
from safety.crms import CRMS, SandboxedCrm
from safety.silent_transport import NEVER, SilentTransport
from taskhand.journal.journal import ChangeQuery
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.routing import find_route
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext, WritePolicy

CALL_S = 45.0
TASKS = 12


@dataclass(frozen=True)
class SilentAccount:
    """A CRM that can fall silent, and a server on it."""

    crm: SandboxedCrm
    sandbox: Emulator
    transport: SilentTransport
    time: NetworkTime
    app: AppContext
    client: Client

    async def outcome(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The answer or the error of a tool; it comes in time."""
        try:
            answer: dict[str, Any] = await self.in_time(Agent(self.client, self.crm.needs)(tool, **arguments))
        except Refused as refused:
            return dict(refused.error)
        return answer

    async def in_time(self, answer: Awaitable[Any]) -> Any:
        """What is awaited, which takes no longer than a call may."""
        began = self.time.now
        try:
            return await answer
        finally:
            assert self.time.now - began < CALL_S

    @property
    def is_write(self) -> Callable[[httpx2.Request], bool]:
        """Whether a request is one of the CRM's writes of tasks."""
        routes = {route.partition("{")[0].partition("/batch/update")[0] for route in self.crm.routes.values()}
        paths = {route.partition(" ")[2].rstrip("/") for route in routes}

        def is_write(request: httpx2.Request) -> bool:
            found = find_route(self.sandbox.routes, request.method, request.url.raw_path.decode().partition("?")[0])
            reads = request.method == "GET" or (found is not None and found.key in self.sandbox.harmless)
            return not reads and any(path in request.url.path for path in paths)

        return is_write

    async def newest(self) -> tuple[str, str]:
        """The tool and the outcome of the newest change in the journal."""
        change = (await self.app.journal.page(ChangeQuery())).changes[0]
        return change.opening.tool, change.outcome


@asynccontextmanager
async def open_silent_account(crm: SandboxedCrm, era: str = ERAS[-1]) -> AsyncIterator[SilentAccount]:
    time = NetworkTime()
    sandbox, transport = crm.sandbox(TASKS, time, ()), SilentTransport(time)
    async with serve_sandbox(sandbox) as url, crm.sandboxed_app(url, time, transport=transport) as app:
        app = replace(app, policy=WritePolicy(plan_over=TASKS))  # noqa: PLW2901  the same with another policy
        async with Client(create_server(app), mode=era) as client:
            yield SilentAccount(crm, sandbox, transport, time, app, client)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("delay_s", [NEVER, 44.0])
@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_no_call_waits_longer_for_a_silent_crm_and_a_read_may_be_repeated(
    crm: SandboxedCrm, delay_s: float, era: str
) -> None:
    async with open_silent_account(crm, era) as account:
        one, other = crm.ids(2)
        account.transport.is_silent, account.transport.delay_s, account.transport.arrives = (
            lambda _: True,
            delay_s,
            True,
        )
        calls: list[tuple[str, dict[str, Any]]] = [
            ("list_tasks", {}),
            ("get_task", {"id": one}),
            ("list_team_members", {}),
            ("find_contacts", {"query": "Carolina"}),
            ("update_task", {"id": one, "title": "Again"}),
            ("complete_task", {"id": other}),
            ("create_task", {"title": "New", "responsibleIds": ["Ana Soto"], "priority": "1"}),
            ("delete_task", {"id": other}),
            ("bulk_update_tasks", {"taskIds": [one, other], "changes": {"title": "Again"}}),
            ("bulk_update_tasks", {"filter": {"text": "Acme"}, "changes": {"title": "Again"}, "dryRun": True}),
        ]
        for tool, arguments in calls:
            error = await account.outcome(tool, **arguments)
            assert (tool, error["code"], error["retryable"]) == (tool, "upstream_error", True)
        for asked in (
            account.client.read_resource(f"task://{one}"),
            account.client.read_resource("taskhand://members"),
            account.client.complete(PromptReference(name="hand_over"), {"name": "from", "value": "Ana"}),
        ):
            with pytest.raises(MCPError):
                await account.in_time(asked)
        assert not any(one["title"] in {"Again", "New"} for one in account.sandbox.tasks if "title" in one)


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_write_whose_answer_never_comes_is_unknown_and_journaled(crm: SandboxedCrm) -> None:
    async with open_silent_account(crm) as account:
        one, *_ = ids = crm.ids(TASKS)
        plan = await account.outcome("delete_task", id=one)
        account.transport.is_silent = account.is_write
        new = {"title": "New", "responsibleIds": ["me"], "priority": "1"}
        calls: list[tuple[str, dict[str, Any]]] = [
            ("update_task", {"id": one, "title": "Again"}),
            ("create_task", new),
            ("apply_plan", {"planId": plan["planId"]}),
        ]
        for tool, arguments in calls:
            error = await account.outcome(tool, **arguments)
            assert (tool, error["code"]) == (tool, "outcome_unknown")
            assert await account.newest() == (tool, "unknown")
        many = await account.outcome("bulk_update_tasks", taskIds=ids, changes={"responsibleIds": ["Ana Soto"]})
        assert many["totals"]["unknown"] > 0
        assert sum(many["totals"].values()) == TASKS
        assert await account.newest() == ("bulk_update_tasks", "unknown")
        account.transport.is_silent = lambda _: False
        # What is unknown is looked at, what is not there is sent.
        done = await account.outcome("apply_plan", planId=many["planId"])
        assert done["totals"] == {"applied": TASKS}


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_write_that_was_carried_out_without_an_answer_is_found(crm: SandboxedCrm) -> None:
    async with open_silent_account(crm) as account:
        one, *_ = ids = crm.ids(TASKS)
        account.transport.is_silent, account.transport.arrives = account.is_write, True
        assert "changed" in await account.outcome("update_task", id=one, title="Again")
        many = await account.outcome("bulk_update_tasks", taskIds=ids, changes={"responsibleIds": ["Ana Soto"]})
        while "planId" in many:
            many = await account.outcome("apply_plan", planId=many["planId"])
        assert many["totals"] == {"applied": TASKS}


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_no_write_is_sent_without_time_to_read_it_back(crm: SandboxedCrm) -> None:
    async with open_silent_account(crm) as account:
        one, *_ = crm.ids(1)
        account.transport.delay_s, account.transport.arrives = 20.0, True
        account.transport.is_silent = lambda request: not account.is_write(request)
        account.sandbox.clear_requests()
        error = await account.outcome("reassign_task", id=one, responsibleIds=["Ana Soto"])
        assert (error["code"], error["retryable"]) in {("not_attempted", True), ("upstream_error", True)}
        assert crm.tasks(account.sandbox)[one].responsible_ids == (crm.me,)
