"""The locks of processes on one database: what cannot be released while the database is away is released later."""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest

from postgres_server import TestDatabase
from taskhand.domain.errors import OperatorError
from taskhand.postgres.database import Database
from taskhand.postgres.process_lease import SESSIONS, Lease
from taskhand.postgres.store import PostgresStore
from taskhand.postgres.task_locks import SharedTaskLocks
from taskhand.sql.connection import SqlConnection

_T = TypeVar("_T")


class AwayStore(PostgresStore):
    """A store whose database may be away."""

    is_away = False

    def write_now(self, work: Callable[[SqlConnection], _T], *, durable: bool = True) -> _T:
        if self.is_away:
            raise OperatorError("away", code="store_unavailable")
        return super().write_now(work, durable=durable)


@pytest.fixture
async def processes(postgres: TestDatabase) -> AsyncIterator[list[tuple[SharedTaskLocks, AwayStore]]]:
    """The locks of two processes, each with its store."""
    stores = [AwayStore(Database(postgres.url), SESSIONS) for _ in range(2)]
    leases = [Lease(one) for one in stores]
    yield [(SharedTaskLocks(store, lease), store) for store, lease in zip(stores, leases, strict=True)]
    for store, lease in zip(stores, leases, strict=True):
        lease.release_all()
        await store.aclose()


@pytest.mark.parametrize("then", ["acquires another", "releases another"])
async def test_a_lock_that_could_not_be_released_is_released_with_the_next_one(
    processes: list[tuple[SharedTaskLocks, AwayStore]], then: str
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


@pytest.mark.parametrize("then", ["acquires another", "releases another"])
async def test_a_lock_that_was_released_late_and_acquired_again_is_held(
    processes: list[tuple[SharedTaskLocks, AwayStore]], then: str
) -> None:
    (locks, store), (others, _) = processes
    assert locks.acquire(["t-1", "t-2"]) == frozenset()
    store.is_away = True
    locks.release(["t-1"])
    store.is_away = False
    if then == "acquires another":
        assert locks.acquire(["t-3"]) == frozenset()
    else:
        locks.release(["t-2"])
    assert locks.acquire(["t-1"]) == locks.acquire(["t-4"]) == frozenset()
    assert others.acquire(["t-1"]) is None


async def test_a_process_gets_all_of_several_locks_or_none(
    processes: list[tuple[SharedTaskLocks, AwayStore]],
) -> None:
    (locks, _), (others, _) = processes
    assert others.acquire(["t-2"]) == frozenset()
    assert locks.acquire(["t-1", "t-2"]) is None
    assert others.acquire(["t-1"]) == frozenset(), "the other process has left no trace on it"


async def test_a_process_relies_on_its_lease_for_less_time_than_others_wait(postgres: TestDatabase) -> None:
    now = 100.0
    store = AwayStore(Database(postgres.url), SESSIONS)
    lease = Lease(store, lease_s=60.0, monotonic=lambda: now)
    lease.acquire()
    held: list[bool] = []
    for passed_s in (47.9, 0.2, 11.9):
        now += passed_s
        held.append(lease.is_fresh(lease.session))
    assert held == [True, False, False]
    assert lease.is_held(lease.session), "it is renewed, since nobody has taken it over"
    assert lease.is_fresh(lease.session)
    lease.release_all()
    await store.aclose()


async def test_a_session_that_was_taken_over_can_be_taken_over_again_once_it_is_released(
    postgres: TestDatabase,
) -> None:
    store = AwayStore(Database(postgres.url), SESSIONS)
    dead, second, third = (Lease(store) for _ in range(3))
    for one in (dead, second, third):
        one.acquire()
    long_ago = "seen_at = now() - interval '1 hour'"
    postgres.run(f"UPDATE taskhand_sessions.session SET {long_ago} WHERE session = '{dead.session}'")  # noqa: S608
    assert second.take_over(dead.session)
    assert not third.take_over(dead.session)
    second.release(dead.session)
    assert second.taken_over == frozenset()
    assert third.take_over(dead.session)
    for one in (third, second, dead):
        one.release_all()
    assert third.taken_over == frozenset()
    await store.aclose()


async def test_a_lock_that_was_free_for_ten_minutes_takes_no_place_any_more(
    processes: list[tuple[SharedTaskLocks, AwayStore]], postgres: TestDatabase
) -> None:
    (locks, _), (others, _) = processes
    for name, minutes in (("t-1", 11), ("t-2", 9)):
        assert locks.acquire([name]) == frozenset()
        locks.release([name])
        free = f"free_since = now() - interval '{minutes} minutes'"
        postgres.run(f"UPDATE taskhand_sessions.turn SET {free} WHERE free_since > now() - interval '1 minute'")  # noqa: S608
    assert others.acquire(["t-3"]) == frozenset()
    others.release(["t-3"])
    assert postgres.rows("SELECT count(*) FROM taskhand_sessions.turn") == [(2,)]
