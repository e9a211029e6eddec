"""Three replicas on one CRM and one PostgreSQL database: what is asked of several happens once, whoever is killed."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO

import anyio
import pytest
from anyio import to_thread

from postgres_server import OwnServer, TestDatabase
from safety.crms import CRMS
from safety.gate import Gate
from taskhand.sandbox.server import serve_sandbox
from time_limits import BOUND_S
from virtual_time import Time

VAMBE = next(one for one in CRMS if one.name == "vambe")


class Replica:
    """A process, which is given a call a line."""

    def __init__(self, line: TextIO) -> None:
        self._line = line
        self.pid = 0

    def tell(self, tool: str, **arguments: Any) -> None:
        """Let it call a tool; `stops` is where it stops."""
        job = {"tool": tool, "stops": arguments.pop("stops", ""), "arguments": arguments}
        self._line.write(f"{json.dumps(job)}\n")
        self._line.flush()

    async def answer(self) -> Any:
        """What the call is answered with."""
        return json.loads(await to_thread.run_sync(self._line.readline))

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    async def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool."""
        self.tell(tool, **arguments)
        answered: dict[str, Any] = await self.answer()
        return answered


@dataclass(frozen=True)
class ThreeReplicas:
    """The CRM, what stands in front of it, the database and the replicas."""

    gate: Gate
    postgres: TestDatabase
    replicas: tuple[Replica, ...]

    @property
    def titles(self) -> list[str]:
        """The titles of the tasks as they really are."""
        return sorted(one.title for one in VAMBE.tasks(self.gate.emulator).values())

    async def all(self, tool: str, **arguments: Any) -> list[dict[str, Any]]:
        """What each replica answers that is asked the same at the same moment."""
        for one in self.replicas:
            one.tell(tool, **arguments)
        return [await one.answer() for one in self.replicas]

    async def ended(self, change_id: str, by: Replica) -> str:
        """The outcome of a change, once a replica has ended it."""
        with anyio.fail_after(BOUND_S):
            while True:
                await by("recover")
                sql = "SELECT outcome FROM taskhand_journal.entry WHERE kind = 'ending' AND change_id = %s"
                if found := self.postgres.rows(sql, change_id):
                    assert len(found) == 1
                    return str(found[0][0])

    def open_change(self) -> str:
        """The change that is under way."""
        [(change_id,)] = self.postgres.rows("SELECT change_id FROM taskhand_journal.under_way")
        return str(change_id)


@contextmanager
def replicas_of(url: str, state: str) -> Iterator[tuple[Replica, ...]]:
    """Three replicas, which are killed at the end."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(3)]
        for own, _ in pairs:
            own.settimeout(BOUND_S)
        ends = [str(theirs.fileno()) for _, theirs in pairs]
        replicas = [Replica(stack.enter_context(own.makefile("rw", encoding="utf-8"))) for own, _ in pairs]
        command = [sys.executable, "-m", "safety.replica", url, state, *ends]
        passed = [theirs.fileno() for _, theirs in pairs]
        parent = stack.enter_context(subprocess.Popen(command, env=environment, pass_fds=passed))  # noqa: S603  our own
        for own, theirs in pairs:
            stack.callback(own.close)
            theirs.close()
        yield tuple(replicas)
        for one in replicas:
            with suppress(ProcessLookupError):
                one.signal(signal.SIGKILL)
        parent.wait()


@pytest.fixture
async def three(postgres: TestDatabase) -> AsyncIterator[ThreeReplicas]:
    """Three replicas in front of three tasks."""
    gate = Gate(VAMBE.sandbox(3, Time(), ()))
    async with serve_sandbox(gate) as url:
        with replicas_of(url, postgres.url) as replicas:
            for one in replicas:
                one.pid = await one.answer()
            yield ThreeReplicas(gate, postgres, replicas)


async def ask_several_replicas_for_the_same(three: ThreeReplicas) -> None:
    made = await three.all("create_task", title="One and only", responsibleIds=["me"])
    assert three.titles.count("One and only") == 1, made
    ids = {one["task"]["id"] for one in made}
    assert len(ids) == 1
    first, task_id = three.replicas[0], ids.pop()
    plan = await first("update_task", id=task_id, title="Planned", dryRun=True)
    applied = await three.all("apply_plan", planId=plan["planId"])
    assert sorted(one.get("refused", "applied") for one in applied) == ["applied", "plan_used", "plan_used"]
    assert three.titles.count("Planned") == 1
    [change] = [one["changeId"] for one in applied if "changeId" in one]
    # The replica that has applied it takes a list that shows the task as it was before to be behind.
    others = [one for one, answered in zip(three.replicas, applied, strict=True) if "changeId" not in answered]
    writes = three.gate.writes
    for one in others:
        one.tell("undo_change", changeId=change)
    undone = [await one.answer() for one in others]
    assert (three.gate.writes, [one for one in undone if "refused" in one]) == (writes + 1, [])
    assert sum("title" in one.get("changed", {}) for one in undone) == 1
    assert three.titles.count("One and only") == 1
    verified = three.postgres.rows("SELECT count(*), max(seq) FROM taskhand_journal.entry")
    assert verified[0][0] == verified[0][1]


async def kill_two_replicas(three: ThreeReplicas) -> None:
    killed, other, last = three.replicas
    reached = anyio.Event()

    def kill(_: int) -> None:
        three.gate.is_shut = True
        killed.signal(signal.SIGKILL)
        reached.set()

    for number, at, outcome in ((2, "after_write", "applied"), (3, "before_write", "not_applied")):
        three.gate.is_shut = False
        three.gate.before_write = three.gate.after_write = lambda _: None
        setattr(three.gate, at, kill)
        killed.tell("update_task", id=VAMBE.task_id(number), title=f"Killed {at}")
        with anyio.fail_after(BOUND_S):
            await reached.wait()
        three.gate.is_shut, writes = False, three.gate.writes
        three.gate.before_write = three.gate.after_write = lambda _: None
        assert await three.ended(three.open_change(), other) == outcome
        assert three.gate.writes == writes
        killed, other, reached = other, last, anyio.Event()


async def pause_a_replica(three: ThreeReplicas) -> None:
    paused, other, _ = three.replicas
    paused.tell("update_task", id=VAMBE.task_id(1), title="Too late", stops="begun")
    assert await paused.answer() == "stops"
    change = three.open_change()
    assert await three.ended(change, other) == "not_applied"
    done = await other("update_task", id=VAMBE.task_id(1), title="In time")
    assert done["task"]["title"] == "In time"
    writes = three.gate.writes
    paused.signal(signal.SIGCONT)
    assert (await paused.answer())["refused"] == "not_attempted"
    assert (three.gate.writes, three.titles.count("In time")) == (writes, 1)
    sql = "SELECT outcome FROM taskhand_journal.entry WHERE change_id = %s AND kind = 'late'"
    late = three.postgres.rows(sql, change)
    assert late == [("refused",)]
    again = await paused("update_task", id=VAMBE.task_id(1), title="Again")
    assert again["task"]["title"] == "Again"


async def cut_connections_and_restart(three: ThreeReplicas, server: OwnServer) -> None:
    disturbances: tuple[Callable[[], None], ...] = (
        three.postgres.cut_connections,
        partial(server.stop, signal.SIGINT),
        partial(server.stop, signal.SIGQUIT),
    )
    for number, disturb in enumerate(disturbances):
        for index, one in enumerate(three.replicas):
            one.tell("update_task", id=VAMBE.task_id(index + 1), title=f"{number} {index}")
        disturb()
        if number:
            server.start()
        answered = [await one.answer() for one in three.replicas]
        assert [one.get("task", {}).get("title") for one in answered] == [f"{number} {index}" for index in range(3)], (
            answered
        )
    assert three.postgres.rows("SELECT count(*) FROM taskhand_journal.under_way") == [(0,)]
    assert (await three.all("recover")) == [{}] * 3


async def test_equal_calls_to_several_replicas_have_one_effect_even_while_postgres_restarts(
    three: ThreeReplicas,
) -> None:
    await ask_several_replicas_for_the_same(three)
    if three.postgres.server is not None:
        await cut_connections_and_restart(three, three.postgres.server)


async def test_changes_of_a_paused_or_killed_replica_are_ended_truly_by_another(three: ThreeReplicas) -> None:
    await pause_a_replica(three)
    await kill_two_replicas(three)
