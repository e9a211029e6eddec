"""Lists of Vambe that lag behind writes, changes by others meanwhile, and the rate of many changes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client

from backends.sandboxed_app import TRUST
from backends.vambe.sandboxed_app import KEY, LIST, TASK, Time, Witness, backend_at, sandboxed_app, task_id, vambe
from behaviour.agent import Agent, Refused
from behaviour.world import NOW
from journals import numbered
from taskhand.backends.vambe.adapter import VambeAdapter
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotFound
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy

PUT, TEAM = "PUT /api/public/tasks/{id}", "GET /api/public/team-members/all"
LATE = Fault("stale_list", LIST, nth="every")


@dataclass(frozen=True)
class VambeAccount:
    """A Vambe, an agent in front of it that has read the task and the team, and the time they are in."""

    vambe: VambeSandbox
    agent: Agent
    time: Time
    url: str
    app: AppContext

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.vambe.requests]

    @property
    def task(self) -> dict[str, Any]:
        return next(task for task in self.vambe.tasks if task["id"] == TASK)


@asynccontextmanager
async def open_account(*faults: Fault) -> AsyncIterator[VambeAccount]:
    sandbox, time = vambe(), Time()
    async with serve_sandbox(sandbox) as url, sandboxed_app(url, time) as app, Client(create_server(app)) as client:
        agent = Agent(client)
        await agent("list_team_members")
        await agent("get_task", id=TASK)
        sandbox.clear_requests()
        sandbox.faults = faults
        yield VambeAccount(sandbox, agent, time, url, app)


async def test_one_call_waits_less_than_a_minute_however_many_requests_it_needs() -> None:
    patient = [Fault("status", route, status=429, retry_after=25) for route in (TEAM, LIST, PUT)]
    async with open_account(*patient) as account:
        account.time.now += 100
        with suppress(Refused):
            await account.agent("update_task", id=TASK, title="New", responsibleIds=["Ana Soto"])
    assert 25 <= sum(account.time.slept) < 60


async def test_after_a_wait_of_an_hour_was_asked_for_nothing_is_sent() -> None:
    async with open_account(Fault("status", PUT, status=429, retry_after=3600)) as account:
        for _ in range(2):
            with pytest.raises(Refused) as refused:
                await account.agent("update_task", id=TASK, title="New")
            assert refused.value.code == "rate_limited"
            assert 0 < refused.value.error["retry_after_s"] <= 3600
        assert account.methods.count("PUT") == 1
        account.time.now += 900
        await account.agent("update_task", id=TASK, title="New")
        assert account.task["title"] == "New"


async def test_a_deleted_task_is_gone_however_its_id_is_written_while_lists_lag() -> None:
    async with open_account(LATE) as account:
        await account.app.backend.delete_task(await account.app.backend.get_task(TASK))
        for named in (TASK, TASK.upper()):
            with pytest.raises(NotFound):
                await account.app.backend.get_task(named)


async def test_a_stale_list_does_not_make_a_write_seem_applied() -> None:
    async with open_account(Fault("stale_list", LIST)) as account:
        await somebody_else_renames(account, "Call Acme 7")
        account.time.now += 60
        answer = await account.agent("update_task", id=TASK, title="Call Acme 1")
        assert account.task["title"] == "Call Acme 1"
    assert answer["changed"]["title"] == {"from": "Call Acme 7", "to": "Call Acme 1"}


@pytest.mark.parametrize("tool", ["list_tasks", "get_task"])
async def test_a_stale_list_does_not_hide_a_recent_write(tool: str) -> None:
    async with open_account(LATE) as account:
        account.time.now += 3
        await account.agent("update_task", id=TASK, title="New")
        account.time.now += 3  # what was read before the write is forgotten, the write is not
        account.vambe.clear_requests()
        answer = await account.agent(tool, **({"id": TASK} if tool == "get_task" else {}))
        assert "GET" in account.methods
    tasks = answer.get("tasks") or [answer["task"]]
    assert [task["title"] for task in tasks if task["id"] == TASK] == ["New"]


async def test_two_people_added_in_succession_are_both_kept_while_the_list_lags() -> None:
    async with open_account(LATE) as account:
        for person in ("Ana Soto", "Luis Pereira"):
            account.time.now += 3
            await account.agent("reassign_task", id=TASK, responsibleIds=[person], mode="add")
        assert len(account.task["task_responsibles"]) == 3


async def test_a_write_that_was_lost_and_that_a_list_is_behind_with_is_sent_again() -> None:
    async with open_account(Fault("reset_after", PUT), Fault("stale_list", LIST)) as account:
        answer = await account.agent("update_task", id=TASK, title="New")
        assert (account.task["title"], account.methods) == ("New", ["PUT", "GET", "PUT"])
    assert "sent again" in answer["note"]


async def somebody_else_renames(account: VambeAccount, title: str) -> None:
    """A write to the task that does not come through Taskhand."""
    async with httpx2.AsyncClient(verify=TRUST) as client:
        url = f"{account.url}/api/public/tasks/{TASK}"
        assert (await client.put(url, json={"title": title}, headers={"x-api-key": KEY})).is_success


@pytest.mark.parametrize(("rate", "in_flight"), [(10, 4), (3, 8), (40, 1)])
async def test_a_hundred_changes_at_once_keep_to_the_rate_and_are_each_made_once(rate: int, in_flight: int) -> None:
    time = Time()
    watched = Witness(time)
    slow = Fault("slow", "PUT /api/public/tasks/{id}", nth="every", seconds=0.005)  # so that they overlap
    sandbox = vambe(100, [slow])
    settings: dict[str, Any] = {"vambe_rate": rate, "vambe_in_flight": in_flight}
    async with serve_sandbox(sandbox) as url, backend_at(url, time, transport=watched, **settings) as backend:
        tasks = await backend.snapshots([task_id(number) for number in range(1, 101)])
        async with anyio.create_task_group() as group:
            for number, before in enumerate(tasks.values(), start=1):
                group.start_soon(backend.update_task, before.task, Edit(title=f"Changed {number}"))
    left = watched.left_at
    assert all(later - first >= 1 - 1e-6 for first, later in zip(left, left[rate:], strict=False))
    assert watched.most_under_way == in_flight
    changes = [request.path for request in sandbox.requests if request.method == "PUT"]
    assert sorted(changes) == sorted(f"/api/public/tasks/{task_id(number)}" for number in range(1, 101))
    assert {task["title"] for task in sandbox.tasks} == {f"Changed {number}" for number in range(1, 101)}


async def test_a_change_that_somebody_reverted_meanwhile_is_written_again() -> None:
    sandbox = vambe(1)
    async with (
        serve_sandbox(sandbox) as url,
        sandboxed_app(url, Time(), vambe_cache_s=30) as ours,
        sandboxed_app(url, Time()) as theirs,
        Client(create_server(ours)) as client,
    ):
        agent, before = Agent(client), sandbox.tasks[0]["title"]
        await agent("update_task", id=TASK, title="Ours")
        seen = (await theirs.backend.snapshots([TASK]))[TASK]
        await theirs.backend.update_task(seen.task, Edit(title=before))
        again = await agent("update_task", id=TASK, title="Ours")
        assert again["task"]["title"] == sandbox.tasks[0]["title"] == "Ours"


@pytest.mark.parametrize("is_looked_at", [True, False])
async def test_a_change_by_another_user_between_two_writes_is_not_reported_as_ours(*, is_looked_at: bool) -> None:
    async with open_account() as account:
        await account.agent("list_tasks")
        await account.agent("update_task", id=TASK, title="Mine")
        await somebody_else_renames(account, "Theirs")
        account.time.now += 1
        if is_looked_at:
            await account.app.backend.snapshots([TASK], fresh=True)
        answer = await account.agent("update_task", id=TASK, priority=2)
        assert answer["changed"] == {"priority": {"from": 1, "to": 2}}
        assert (answer["task"]["title"], account.methods.count("PUT")) == ("Theirs", 3)
        undone = await account.agent("undo_change", changeId=answer["changeId"])
        assert undone["changed"] == {"priority": {"from": 2, "to": 1}}
        assert account.task["title"] == "Theirs"


async def test_a_lost_create_claims_no_task_that_a_list_has_shown_before_it() -> None:
    async with open_account() as account:
        new = {"title": "Send it", "responsibleIds": [], "priority": "1"}
        async with httpx2.AsyncClient(verify=TRUST) as client:
            url = f"{account.url}/api/public/tasks"
            assert (await client.post(url, json=new, headers={"x-api-key": KEY})).is_success
        listed = await account.agent("list_tasks", responsibleIds=[])
        assert "Send it" in [task["title"] for task in listed["tasks"]]
        account.vambe.faults = (Fault("reset_before", "POST /api/public/tasks", nth="every"),)
        with pytest.raises(Refused) as refused:
            await account.agent("create_task", **new)
        assert refused.value.code == "outcome_unknown"


async def test_a_list_that_is_two_writes_behind_hides_neither() -> None:
    async with open_account(LATE) as account:
        for title in ("First", "Second"):
            await account.agent("update_task", id=TASK, title=title)
        answer = await account.agent("update_task", id=TASK, priority=2)
    assert answer["changed"] == {"priority": {"from": 1, "to": 2}}


async def test_a_task_that_another_process_has_written_is_not_shown_as_before(tmp_path: Path) -> None:
    sandbox, time = vambe(), Time()

    @asynccontextmanager
    async def process(url: str) -> AsyncIterator[Agent]:
        journal = SqliteJournal(AccountOwner(tmp_path / "journal.sqlite", "one"), clock=lambda: NOW, new_id=numbered)
        async with (
            sandboxed_app(url, time) as app,
            Client(create_server(replace(app, lazy_journal=Lazy(lambda: journal)))) as client,
        ):
            assert isinstance(app.backend, VambeAdapter)
            app.updates.on_foreign_write(app.backend.forget)
            yield Agent(client)
        await journal.aclose()

    async with serve_sandbox(sandbox) as url, process(url) as ours, process(url) as theirs:
        told = []
        for number in range(6):
            time.now += 0.1
            answer = await (ours, theirs)[number % 2]("update_task", id=TASK, title=f"{number}")
            told.append(answer["changed"]["title"]["from"])
    assert told[1:] == ["0", "1", "2", "3", "4"]


async def test_a_lost_answer_to_a_change_back_is_read_back_once_a_list_has_shown_the_change() -> None:
    async with open_account() as account:
        former = account.task["title"]
        await account.agent("update_task", id=TASK, title="Another")
        await account.agent("list_tasks", responsibleIds=[])
        account.vambe.clear_requests()
        account.vambe.faults = (Fault("reset_after", PUT),)
        answer = await account.agent("update_task", id=TASK, title=former)
        assert answer["task"]["title"] == former
        assert account.methods.count("PUT") == 1


async def test_a_lost_change_back_is_not_called_unapplied_while_a_list_may_still_show_the_state_before_both() -> None:
    async with open_account() as account:
        before = account.task["title"]
        account.time.now += 3
        await account.agent("update_task", id=TASK, title="New")
        account.vambe.faults = (Fault("reset_after", PUT, times=2),)
        with pytest.raises(Refused) as refused:
            await account.agent("update_task", id=TASK, title=before)
    assert account.task["title"] == before
    assert refused.value.code == "outcome_unknown"
