"""Locks: writes to the same name come one after the other, several names are locked in one order, and what is known.

What was remembered of a task counts no longer once another process, or another person's credential, has written it.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import anyio
import pytest

from behaviour.world import NOW
from builders import refused, task
from file_stores import journal_in, store_in
from taskhand.call.deadline import call_deadline
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.principal import ANYONE, Person
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Intent, Result
from taskhand.service.app_context import AppContext, OwnCredentials
from taskhand.service.change_announcements import TaskUpdates
from taskhand.service.lazy import Lazy
from taskhand.service.task_locks import TaskLocks
from taskhand.service.write_call import Call

if TYPE_CHECKING:
    from taskhand.service.own_credential_backend import OwnBackends

NAMES = "abcdefghij"


class NotedLocks:
    """The locks that are held, as replicas share them."""

    def __init__(self) -> None:
        self.held: list[str] = []

    async def acquire(self, names: Collection[str], *, has_cache: bool = True) -> frozenset[str] | None:  # noqa: ARG002  it tells of none
        self.held += names
        return frozenset()

    async def release(self, names: Collection[str]) -> None:
        self.held = [one for one in self.held if one not in names]


async def test_locks_several_names_in_alphabetical_order(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    passed: list[str] = []

    async def take_all() -> None:
        async with app.lock_all(reversed(NAMES)):
            pass

    async def take(name: str) -> None:
        async with app.lock(name):
            passed.append(name)

    async with anyio.create_task_group() as calls, app.lock("f"):
        calls.start_soon(take_all)
        await anyio.wait_all_tasks_blocked()
        for name in NAMES:
            calls.start_soon(take, name)
        await anyio.wait_all_tasks_blocked()
        assert sorted(passed) == list("ghij")
    assert sorted(passed) == list(NAMES)


async def test_a_failing_call_releases_its_locks() -> None:
    shared = NotedLocks()
    locks = TaskLocks(shared, TaskUpdates(), 2.0, anyio.sleep)

    async def fail() -> None:
        async with locks.hold(["T-2", "T-1"], None):
            assert shared.held == ["t-1", "t-2"]
            raise CallerError("It is refused.")

    with pytest.raises(CallerError):
        await fail()
    assert shared.held == []


async def test_the_memory_of_a_task_that_another_process_wrote_is_cleared_at_its_lock(tmp_path: Path) -> None:
    one, other = (AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW) for _ in range(2))
    call = Call(other, "update_task")
    await call.begin(call.new_opening(), [Intent("update", Snapshot(task(id="T-1")), Edit(priority=2))])
    await call.settle([Result(0, "applied", "T-1")], "applied")
    await one.journal.find("chg_0")
    forgotten: list[set[str]] = []
    one.updates.on_foreign_write(lambda ids: forgotten.append({*(ids or ())}))
    for name in ("T-2", "T-1", "T-1"):
        async with one.lock(name):
            pass
    assert forgotten == [{"t-1"}]
    await one.aclose()
    await other.aclose()


async def test_names_read_with_an_own_credential_are_remembered_for_that_person_only(tmp_path: Path) -> None:
    own = cast("OwnBackends", object())  # which is not opened here
    app = AppContext(
        store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW, own_credentials=OwnCredentials(own)
    )
    ana, bea = (app.of_principal(replace(ANYONE, person=Person.parse(one))) for one in ("ana@x.test", "bea@x.test"))
    ana.remember_names({"1": "Ana Soto"})
    assert (dict(ana.last_names), dict(bea.last_names)) == ({"1": "Ana Soto"}, {})
    forgotten: list[set[str]] = []
    app.updates.on_foreign_write(lambda ids: forgotten.append({*(ids or ())}))
    for person in (ana, ana, bea, bea, ana):
        async with person.lock_all(["T-1", "T-2"] if person is bea else ["T-1"]):
            pass
    assert forgotten == [{"t-1"}, {"t-1"}]
    await app.backend.aclose()
    await app.journal.aclose()


async def test_everything_cached_is_dropped_once_the_last_writers_are_too_many_to_remember() -> None:
    updates, forgotten = TaskUpdates(), list[Collection[str] | None]()
    updates.on_foreign_write(forgotten.append)
    locks = TaskLocks(NotedLocks(), updates, 2.0, anyio.sleep)
    async with locks.hold((f"T-{number}" for number in range(10_001)), "ana"):
        pass
    for writer in ("bea", "ana"):
        async with locks.hold(["T-1"], writer):
            pass
    assert forgotten == [None, ["t-1"]]


@pytest.mark.parametrize(
    ("call_s", "waited_s", "longest_s"), [(30.0, 2.0, 0.5), (1.0, 0.9, 0.32)], ids=["its limit", "the call's time"]
)
async def test_a_call_waits_for_another_replica_as_long_as_it_may_and_no_longer(
    call_s: float, waited_s: float, longest_s: float
) -> None:
    class LockedJournal(NotedLocks):
        """Another replica holds them."""

        async def acquire(self, names: Collection[str], *, has_cache: bool = True) -> None:  # noqa: ARG002  as above
            self.held += names

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    slept = list[float]()
    locks = TaskLocks(LockedJournal(), TaskUpdates(), 2.0, sleep)
    with call_deadline(call_s, lambda: sum(slept)), refused("in_progress"):
        async with locks.hold(["T-1"], None):
            pytest.fail("another replica holds it")
    assert slept[:5] == [0.02, 0.04, 0.08, 0.16, 0.32]
    assert max(slept) == longest_s
    assert sum(slept) == pytest.approx(waited_s)
