"""A replica does not use its cached values of a task after another replica has written the task."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mcp import Client
from pydantic import SecretStr

from backends.close import sandboxed_app as on_close
from backends.vambe import sandboxed_app as on_vambe
from backends.vambe.backend_case import vambe_settings
from behaviour.world import NOW
from postgres_server import TestDatabase
from safety.account import Agent
from safety.crms import CLOSE, VAMBE, SandboxedCrm
from safety.gate import Gate
from taskhand.config.settings import Settings
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.wiring import open_app
from virtual_time import Time


@dataclass(frozen=True)
class Replicas:
    """Two replicas in front of one CRM, and the CRM."""

    gate: Gate
    one: Agent
    other: Agent


def settings_at(crm: SandboxedCrm, url: str, state: str) -> Settings:
    """The settings of a replica that remembers for as long as the test takes."""
    shared = {"state": SecretStr(state)}
    if crm is VAMBE:
        return vambe_settings(url, vambe_api_key=SecretStr(on_vambe.KEY), vambe_cache_s=300, **shared)
    close = {"close_api_key": SecretStr(on_close.KEY), "close_base_url": f"{url}/api/v1", "clock": NOW}
    return Settings(**close | shared)


@asynccontextmanager
async def two_replicas(crm: SandboxedCrm, postgres: TestDatabase, *, hears: bool) -> AsyncIterator[Replicas]:
    """Two replicas; `hears` is whether the first is told what the other changes."""
    gate = Gate(crm.sandbox(2, Time(), ()))
    async with serve_sandbox(gate) as url:
        settings = settings_at(crm, url, postgres.url)
        async with open_app(settings) as one, open_app(settings) as other:
            if hears:
                other.updates.relay(one.updates.announce_here)
            async with Client(create_server(one)) as first, Client(create_server(other)) as second:
                yield Replicas(gate, Agent(first, crm.needs), Agent(second, crm.needs))


async def test_only_one_of_two_undos_at_two_replicas_is_sent(postgres: TestDatabase) -> None:
    async with two_replicas(VAMBE, postgres, hears=False) as at:
        task_id = VAMBE.task_id(1)
        change = (await at.one("update_task", id=task_id, title="Planned"))["changeId"]
        undone = await at.other("undo_change", changeId=change)
        assert undone["task"]["title"] == "Call Acme 1"
        writes = at.gate.writes
        again = await at.one("undo_change", changeId=change)
        assert (at.gate.writes, again["task"]["title"], again.get("changed", {})) == (writes, "Call Acme 1", {})


async def test_the_replaced_value_of_a_change_is_the_one_that_another_replica_wrote(postgres: TestDatabase) -> None:
    async with two_replicas(VAMBE, postgres, hears=False) as at:
        task_id = VAMBE.task_id(1)
        await at.one("get_task", id=task_id)
        await at.other("update_task", id=task_id, title="In between")
        change = await at.one("update_task", id=task_id, title="Last")
        assert change["changed"]["title"] == {"from": "In between", "to": "Last"}
        assert (await at.one("undo_change", changeId=change["changeId"]))["task"]["title"] == "In between"


async def test_a_task_that_another_replica_has_made_is_found(postgres: TestDatabase) -> None:
    async with two_replicas(VAMBE, postgres, hears=False) as at:
        await at.one("list_tasks")
        made = (await at.other("create_task", title="New", responsibleIds=["me"], priority="1"))["task"]["id"]
        assert (await at.one("get_task", id=made))["task"]["title"] == "New"
        assert (await at.one("update_task", id=made, title="Newer"))["task"]["title"] == "Newer"


async def test_tasks_that_another_replica_announces_are_read_again(postgres: TestDatabase) -> None:
    async with two_replicas(VAMBE, postgres, hears=True) as at:
        task_id = VAMBE.task_id(1)
        await at.one("update_task", id=task_id, title="Mine")
        await at.one("list_tasks")
        await at.other("update_task", id=task_id, title="Theirs")
        await at.other("create_task", title="New", responsibleIds=["me"], priority="1")
        assert (await at.one("get_task", id=task_id))["task"]["title"] == "Theirs"
        listed = await at.one("list_tasks")
        assert sorted(row["title"] for row in listed["tasks"]) == ["Call Acme 2", "New", "Theirs"]


async def test_a_task_of_ours_that_another_replica_has_deleted_is_gone(postgres: TestDatabase) -> None:
    async with two_replicas(CLOSE, postgres, hears=True) as at:
        made = await at.one("create_task", title="Mine", responsibleIds=[on_close.ELENA], priority="1")
        plan = await at.other("delete_task", id=made["task"]["id"], dryRun=True)
        await at.other("apply_plan", planId=plan["planId"])
        listed = await at.one("list_tasks")
        assert "Mine" not in [row["title"] for row in listed["tasks"]]
        error = await at.one.client.call_tool("get_task", {"id": made["task"]["id"]})
        assert error.is_error
        assert "task_not_found" in error.content[0].text  # type: ignore[union-attr]
