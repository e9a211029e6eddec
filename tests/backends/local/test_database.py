"""The built-in store in a PostgreSQL database: replicas that write at the same moment, and connections that break."""

import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from backends.local.open_store import create, empty_database, open_database
from fixed_clock import FixedClock
from postgres_proxy import open_postgres_proxy
from taskhand.backends.base import Misread
from taskhand.backends.factory import OpenContext
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.factory import open_store
from taskhand.call.change_ownership import own_writes
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAttempted, OperatorError, OutcomeUnknown
from taskhand.domain.task_query import TaskQuery
from taskhand.sql.store_address import INSTALL_DRIVER, StoreAddress

if TYPE_CHECKING:
    from postgres_server import TestDatabase

REPLICAS = 3


async def test_replicas_that_open_a_new_store_at_once_make_it_once(postgres: "TestDatabase") -> None:
    async with AsyncExitStack() as stack:
        replicas = await open_replicas(stack, postgres)
        assert not await replicas[0].exists()
        identities: set[str] = set()

        async def look(replica: LocalBackend) -> None:
            identities.add((await replica.identity()).id)

        await of_all(replicas, look)
        assert len(identities) == 1
        assert len((await replicas[0].statuses()).statuses) == 3
        assert len(await replicas[1].account.members()) == 1


async def test_only_one_replica_wins_a_simultaneous_change_of_the_same_value(
    postgres_database: "TestDatabase",
) -> None:
    empty_database(postgres_database)
    async with AsyncExitStack() as stack:
        replicas = await open_replicas(stack, postgres_database)
        before = await create(replicas[0], Edit(title="Call", priority=0))
        done: list[str] = []

        async def change(replica: LocalBackend) -> None:
            title = f"Call {replicas.index(replica)}"
            try:
                done.append((await replica.update_task(before, Edit(title=title))).task.title or "")
            except Misread:
                return

        await of_all(replicas, change)
        assert len(done) == 1
        assert (await replicas[0].get_task(before.id)).title == done[0]


async def test_tasks_of_many_replicas_have_ids_of_their_own(postgres_database: "TestDatabase") -> None:
    empty_database(postgres_database)
    async with AsyncExitStack() as stack:
        replicas = await open_replicas(stack, postgres_database)

        async def add(replica: LocalBackend) -> None:
            for result in await replica.create_tasks([Edit(title="Call", priority=0)] * 5):
                assert result.error is None

        await of_all(replicas, add)
        assert len({task.id for task in (await replicas[0].list_tasks(TaskQuery(limit=100))).tasks}) == 5 * REPLICAS


async def test_a_store_works_again_after_its_connections_were_cut(postgres_database: "TestDatabase") -> None:
    empty_database(postgres_database)
    async with open_database(postgres_database.url) as backend:
        task = await create(backend, Edit(title="Call", priority=0))
        postgres_database.cut_connections()
        assert await backend.get_task(task.id) == task
        postgres_database.cut_connections()
        changed = await backend.update_task(task, Edit(title="Call Acme"))
        assert changed.task.title == "Call Acme"
        [result] = await backend.account.check_health(writes=True)
        assert result.found == "The task store in the database postgres at " + result.found.partition(" at ")[2]
        assert result.found.endswith(": can be written; tasks: 1.")


async def test_a_write_whose_commit_was_not_answered_has_an_unknown_outcome(
    postgres_database: "TestDatabase",
) -> None:
    empty_database(postgres_database)
    with open_postgres_proxy(postgres_database.url) as proxy:
        async with open_database(proxy.url, sleep=lambda _: None) as backend:
            task = await create(backend, Edit(title="Call", priority=0))
            with proxy.cut_after_commit(), pytest.raises(OutcomeUnknown) as unknown:
                await backend.update_task(task, Edit(title="Call Acme"))
            assert "Check with get_task or list_tasks" in str(unknown.value.next_step)


async def test_a_store_that_cannot_be_written_is_no_healthy_one(postgres_database: "TestDatabase") -> None:
    empty_database(postgres_database)
    async with open_database(postgres_database.url) as backend:
        await create(backend, Edit(title="Call", priority=0))
        postgres_database.run("ALTER TABLE taskhand_tasks.task RENAME TO gone")
        [result] = await backend.account.check_health(writes=True)
        postgres_database.run("ALTER TABLE taskhand_tasks.gone RENAME TO task")
    assert (result.subject, result.outcome) == ("store", "failed")


async def test_nothing_is_written_for_a_change_that_another_replica_has_ended(
    postgres_database: "TestDatabase",
) -> None:
    async def is_own() -> bool:
        return False

    empty_database(postgres_database)
    async with open_database(postgres_database.url) as backend:
        task = await create(backend, Edit(title="Call", priority=0))
        own_writes(is_own)
        with pytest.raises(NotAttempted):
            await backend.update_task(task, Edit(title="Late"))
        assert await backend.get_task(task.id) == task


async def test_a_new_task_gets_the_first_initial_status_wherever_its_row_is(postgres_database: "TestDatabase") -> None:
    empty_database(postgres_database)
    async with open_database(postgres_database.url) as backend:
        await backend.edit(lambda directory: directory.add_status("Nueva", "initial"))
        await backend.edit(lambda directory: directory.rename_status("Pendiente", "Por hacer"))
        task = await create(backend, Edit(title="Call", priority=0))
        assert task.status_config is not None
        assert task.status_config.name == "Por hacer"


def test_a_database_without_its_driver_is_refused_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "taskhand.postgres.database", None)
    with pytest.raises(OperatorError, match="the PostgreSQL driver is not installed") as missing:
        open_store(OpenContext(FixedClock(), None, StoreAddress("postgresql://tasks.example.com/tasks")))
    assert INSTALL_DRIVER in str(missing.value.next_step)


async def open_replicas(stack: AsyncExitStack, database: "TestDatabase") -> Sequence[LocalBackend]:
    """Stores on one database, as separate processes open it."""
    return [await stack.enter_async_context(open_database(database.url)) for _ in range(REPLICAS)]


async def of_all(replicas: Sequence[LocalBackend], work: Callable[[LocalBackend], Coroutine[Any, Any, None]]) -> None:
    """Do the work on all replicas at the same time."""
    async with anyio.create_task_group() as group:
        for replica in replicas:
            group.start_soon(work, replica)
