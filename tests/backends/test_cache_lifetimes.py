"""How long what is read of each CRM's account is used again, and how long a recent write is read by its id."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from backends.close import sandboxed_app as close
from backends.hubspot import sandboxed_app as hubspot
from backends.vambe import sandboxed_app as vambe
from taskhand.domain.edit import Edit
from taskhand.domain.task_query import TaskQuery
from taskhand.sandbox.server import serve_sandbox
from virtual_time import Time

OPEN = ("burst=0", "searches=0", "search_lag=0")


@dataclass(frozen=True)
class CountedAccount:
    """A backend on the sandbox of its CRM, in one time."""

    backend: Any
    sandbox: Any
    time: Time

    async def count_requests(self, read: Callable[[Any], Awaitable[object]]) -> int:
        """The requests of one more read."""
        self.sandbox.clear_requests()
        await read(self.backend)
        return len(self.sandbox.requests)


@asynccontextmanager
async def open_counted_account(crm: str) -> AsyncIterator[CountedAccount]:
    time = Time()
    if crm == "hubspot":
        async with hubspot.served(hubspot.hubspot(time, spec_variant=OPEN), time) as account:
            yield CountedAccount(account.backend, account.hubspot, time)
        return
    if crm == "close":
        sandbox = close.close()
        async with close.on_close(sandbox, time) as backend:
            yield CountedAccount(backend, sandbox, time)
        return
    vambe_sandbox = vambe.vambe()
    async with serve_sandbox(vambe_sandbox) as url, vambe.sandboxed_app(url, time) as app:
        yield CountedAccount(app.backend, vambe_sandbox, time)


READS: dict[str, tuple[str, float, Callable[[Any], Awaitable[object]]]] = {
    "statuses of HubSpot in a list of them": ("hubspot", 10.0, lambda one: one.statuses()),
    "statuses of HubSpot for a list of tasks": ("hubspot", 300.0, lambda one: one.account.all_statuses()),
    "owners of HubSpot": ("hubspot", 60.0, lambda one: one.account.members()),
    "archived owners of HubSpot": ("hubspot", 60.0, lambda one: one.account.former_members()),
    "properties of HubSpot": ("hubspot", 300.0, lambda one: one.account.task_types()),
    "custom objects of HubSpot": ("hubspot", 300.0, lambda one: one.account.custom_objects()),
    "users of Close": ("close", 30.0, lambda one: one.account.members()),
    "former members of Close": ("close", 300.0, lambda one: one.account.former_members()),
    "a contact of Close": ("close", 60.0, lambda one: one.lead_contacts.check(close.CAROLINA, close.LEAD)),
    "members of Vambe": ("vambe", 5.0, lambda one: one.account.members()),
    "tasks of Vambe": ("vambe", 5.0, lambda one: one.list_tasks(TaskQuery())),
}


@pytest.mark.parametrize("name", READS)
async def test_what_was_read_is_used_again_for_its_lifetime_and_no_longer(name: str) -> None:
    crm, keep_s, read = READS[name]
    async with open_counted_account(crm) as counted:
        await read(counted.backend)
        counted.time.now += keep_s - 0.01
        assert await counted.count_requests(read) == 0
        counted.time.now += 0.01
        assert await counted.count_requests(read) > 0


async def test_a_task_is_read_beside_a_list_of_hubspot_for_a_minute_after_a_write() -> None:
    async with open_counted_account("hubspot") as counted:
        before = await counted.backend.get_task(hubspot.task_id(1))
        await counted.backend.update_task(before, Edit(title="New"))
        counts = []
        for wait_s in (59.99, 0.01):
            counted.time.now += wait_s
            counts.append(await counted.count_requests(lambda one: one.list_tasks(TaskQuery(links=frozenset()))))
    assert counts[0] == counts[1] + 1
