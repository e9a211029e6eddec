"""Servers in processes of their own renew a credential once, and one that is killed at it costs a new link at most."""

import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from child_process import die, exit_code, fork
from fixed_clock import FixedClock
from server.signed_in_account import BEN, CRMS, SignedInAccount, open_signed_in_account
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.principal import Person, Principal
from taskhand.vault.sqlite import SqliteLinkStore
from taskhand.wiring import open_connections
from vault.vaults import links_at

CALLS, PROCESSES = 4, 2


@pytest.fixture(params=list(CRMS))
def crm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def call(file: Path, settings: Settings, now: datetime, task: str) -> None:
    """Read a task in several calls at once, as a server of its own."""
    clock = FixedClock(now)
    links = links_at(file, clock=clock, sleep=anyio.sleep)
    async with open_connections([ConnectionSettings("default", settings)], clock, links=links) as connections:
        principal = Principal(Person.parse(BEN))
        async with concurrent_tasks() as group:
            for _ in range(CALLS):
                group.start_soon(connections.first.of_principal(principal).backend.get_task, task)


async def run_processes(account: SignedInAccount, number: int, before: Callable[[], None] | None = None) -> list[int]:
    """Let so many processes call at the moment that it is; the exit code of each."""
    file, settings, now, task = account.file, account.settings, account.clock(), account.crm.task

    def work() -> None:
        if before is not None:
            before()
        anyio.run(call, file, settings, now, task)

    def running() -> list[int]:
        return [exit_code(child) for child in [fork(work) for _ in range(number)]]

    return await anyio.to_thread.run_sync(running)


async def test_processes_renew_once_for_each_generation(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        for generation in (1, 2):
            account.clock.move(hours=2)
            assert await run_processes(account, PROCESSES) == [0] * PROCESSES
            assert [one.user for one in account.renewals()] == [account.user(BEN)] * generation
        assert {one.status for one in account.sandbox.requests} == {200}
        link = await account.links.find(BEN, "default")
        assert link is not None
        assert link.generation == 3


def _die_at_the_save() -> None:
    pytest.MonkeyPatch().setattr(SqliteLinkStore, "put", lambda *_, **__: die())


async def test_a_server_that_is_killed_with_the_answer_costs_a_new_link_at_most(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        account.clock.move(hours=2)
        assert await run_processes(account, 1, _die_at_the_save) == [-signal.SIGKILL]
        assert len(account.renewals()) == 1
        account.clock.move(seconds=31)  # the claim of the process that was killed has ended
        [code] = await run_processes(account, 1)
        assert (code == 0) == (crm == "hubspot")  # Close has replaced the refresh token
        expected = "linked" if crm == "hubspot" else "ended"
        assert (await account.states())[BEN] == expected
        assert (await account.states())["cat@example.com"] == "linked"
