"""The locks of processes on one database: what cannot be released while the database is away is released later."""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest

from postgres_server import TestDatabase
from taskhand.domain.errors import OperatorError
from taskhand.postgres.database import Database
from taskhand.postgres.lease import SESSIONS, Lease
from taskhand.postgres.store import Store
from taskhand.postgres.task_locks import TaskLocks
from taskhand.sql.connection import SqlConnection

_T = TypeVar("_T")


class AwayStore(Store):
    """A store whose database may be away."""

    is_away = False

    def write_now(self, work: Callable[[SqlConnection], _T], *, durable: bool = True) -> _T:
        if self.is_away:
            raise OperatorError("away", code="store_unavailable")
        return super().write_now(work, durable=durable)


@pytest.fixture
async def processes(postgres: TestDatabase) -> AsyncIterator[list[tuple[TaskLocks, AwayStore]]]:
    """The locks of two processes, each with its store."""
    stores = [AwayStore(Database(postgres.url), SESSIONS) for _ in range(2)]
    leases = [Lease(one) for one in stores]
    yield [(TaskLocks(store, lease), store) for store, lease in zip(stores, leases, strict=True)]
    for store, lease in zip(stores, leases, strict=True):
        lease.release_all()
        await store.aclose()


@pytest.mark.parametrize("then", ["acquires another", "releases another"])
async def test_a_lock_that_could_not_be_released_is_released_with_the_next_one(
    processes: list[tuple[TaskLocks, AwayStore]], then: str
) -> None:
    (locks, store), (others, _) = processes
    assert locks.acquire(["t-1", "t-2"]) == frozenset()
    store.is_away = True
    locks.release(["t-1"])
    store.is_away = False
    assert others.acquire(["t-1"]) is None
    if then == "acquires another":
        assert locks.acquire(["t-3"]) == frozenset()
    else:
        locks.release(["t-2"])
    assert others.acquire(["t-1"]) == frozenset({"t-1"})
    locks.release(["t-2"])
    assert others.acquire(["t-2"]) == frozenset({"t-2"})
    locks.release(["t-1"])
    assert locks.acquire(["t-1"]) is None, "a lock is released by its holder alone"
