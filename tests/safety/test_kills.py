"""kill -9 at every step of a bulk change of a hundred tasks: recovery is true, and nothing is sent twice."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from anyio import to_thread
from mcp import Client

from backends.vambe import sandboxed_app as on_vambe
from behaviour.agent import Refused
from behaviour.world import NOW
from file_stores import store_in
from safety.account import Agent
from safety.crms import CRMS, SandboxedCrm, TaskSummary
from safety.gate import Gate
from safety.killable_server import Death, Job, app_at
from taskhand.domain.edit import Edit
from taskhand.domain.outcome import VOID
from taskhand.domain.task_query import TaskQuery
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext
from taskhand.service.crash_recovery import recover_abandoned
from time_limits import BOUND_S
from virtual_time import Time

HUNDRED = 100
ANA = {"responsibleIds": ["Ana Soto"]}
BY_CRM = {crm.name: crm for crm in CRMS}


@dataclass(frozen=True)
class Step:
    """When it is killed: as a write `arrives` or when it is `done` and not answered, the `nth`; or where it `dies`.

    `applied` is how many of the hundred are so by then, None where that is not the point.
    """

    applied: int | None
    at: Literal["before_write", "after_write", ""] = ""
    nth: int = 0
    dies: Death = ""
    changes: dict[str, Any] = field(default_factory=lambda: ANA)
    spec_variant: tuple[str, ...] = ()
    tick_s: float = 1.0

    def __str__(self) -> str:
        what = "" if self.changes == ANA else " of " + " and ".join(self.changes)
        return f"{self.dies or self.at} {self.nth or ''}{what}{' '.join(('', *self.spec_variant))}".strip()


OF_ANY = (Step(0, "before_write", 1), Step(HUNDRED, dies="answered"))
LOST = ("lost_input=3", "lost_effect=undone")
LINKED = {"aiContactId": "101"} | ANA
STEPS = {
    "vambe": (
        *OF_ANY,
        Step(0, dies="begun"),
        *(Step(count, "after_write", count) for count in (1, 2, 99, 100)),
        Step(25, "after_write", 25, tick_s=0.001),
        Step(49, "before_write", 50),
        Step(HUNDRED, dies="written"),
    ),
    "close": (
        *OF_ANY,
        Step(HUNDRED, "after_write", 1),
        Step(30, "after_write", 30, changes={"title": "Call again"}),
        Step(41, "after_write", 2, spec_variant=("bulk_fails_after=40",)),
    ),
    "hubspot": (
        *OF_ANY,
        Step(HUNDRED, "after_write", 1),
        Step(99, "after_write", 1, spec_variant=LOST),
        Step(99, "before_write", 2, spec_variant=LOST),
        Step(None, "after_write", 1, changes=LINKED),
        Step(HUNDRED, "after_write", 2, changes=LINKED),
    ),
}
CASES = [(BY_CRM[name], step) for name, steps in STEPS.items() for step in steps]


@dataclass(frozen=True)
class ProcessParent:
    """The parent of the processes that are killed."""

    process: "subprocess.Popen[str]"

    async def begin(self, job: Job) -> int:
        """Start a process; its id."""
        assert self.process.stdin
        self.process.stdin.write(job.line)
        self.process.stdin.flush()
        return int(await self._line())

    async def ended(self) -> int:
        """The exit code of the process, once it has ended."""
        return int(await self._line())

    async def _line(self) -> str:
        assert self.process.stdout
        return await to_thread.run_sync(self.process.stdout.readline)


@pytest.fixture(scope="module")
def reaper() -> Iterator[ProcessParent]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "safety.killable_server"]
    with subprocess.Popen(  # noqa: S603  our own program
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        yield ProcessParent(process)
        process.communicate()


async def kill_at(reaper: ProcessParent, job: Job, step: Step, gate: Gate | None = None) -> None:
    """Let a process work until the step, and kill it there."""
    reached = anyio.Event()
    if gate is not None and step.at:
        at = step.at

        def stop(number: int) -> None:
            if number == step.nth:
                gate.is_shut = True
                reached.set()

        setattr(gate, at, stop)
    with anyio.fail_after(BOUND_S):
        pid = await reaper.begin(job)
        if step.at:
            await reached.wait()
            os.kill(pid, signal.SIGKILL)
        assert await reaper.ended() == -signal.SIGKILL


@asynccontextmanager
async def next_process(crm: str, url: str, folder: Path) -> AsyncIterator[tuple[AppContext, Agent]]:
    """A server that starts on the same journal."""
    async with app_at(crm, url, folder) as app, Client(create_server(app)) as client:
        yield app, Agent(client)


async def changes(app: AppContext) -> tuple[Change, Change]:
    """The plan that was made, and the change that carried it out."""
    done, plan = (await app.journal.page(ChangeQuery())).changes
    assert done.opening.plan_id == plan.id
    return plan, done


def assert_it_is_so(
    change: Change, before: dict[str, TaskSummary], now: dict[str, TaskSummary], asked: dict[str, TaskSummary]
) -> int:
    """Check that every task has an outcome that is true; the number of applied ones."""
    assert change.ending is not None
    results = {str(result.task_id): result.outcome for result in change.results.values()}
    assert set(results) == set(before) == set(now)
    for task_id, outcome in results.items():
        match outcome:
            case "applied":
                assert now[task_id] == asked[task_id]
            case "not_applied":
                assert now[task_id] == before[task_id]
            case _:
                assert outcome == "unknown"
                assert now[task_id] != asked[task_id]
    return list(results.values()).count("applied")


@pytest.mark.parametrize(("crm", "step"), CASES, ids=str)
async def test_a_killed_bulk_is_recovered_truly_not_sent_again_and_can_be_undone(
    crm: SandboxedCrm, step: Step, reaper: ProcessParent, tmp_path: Path
) -> None:
    sandbox = crm.sandbox(HUNDRED, Time(), step.spec_variant)
    gate = Gate(sandbox)
    async with serve_sandbox(gate) as url:
        before = crm.tasks(sandbox)
        asks = {"taskIds": crm.ids(HUNDRED), "changes": step.changes}
        job = Job(crm.name, url, str(tmp_path), "bulk_update_tasks", asks, step.dies, tick_s=step.tick_s)
        await kill_at(reaper, job, step, gate)
        now, gate.is_shut, gate.before_write, gate.after_write = (
            crm.tasks(sandbox),
            False,
            lambda _: None,
            lambda _: None,
        )
        sandbox.clear_requests()
        gate.writes = 0
        async with next_process(crm.name, url, tmp_path) as (app, agent):
            await recover_abandoned(app)
            plan, change = await changes(app)
            asked = {task_id: _asked(summary, step, crm) for task_id, summary in before.items()}
            applied = assert_it_is_so(change, before, now, asked)
            assert step.applied in {None, applied}
            assert await app.journal.abandoned_changes() == ()
            results = {str(result.task_id): result.outcome for result in change.results.values()}
            left = [one for one, outcome in results.items() if outcome == "not_applied"]
            await assert_the_plan_goes_on_with_the_rest(agent, plan, applied, len(left))
            now |= {one: asked[one] for one in left}
            assert crm.tasks(sandbox) == now
            if change.outcome in VOID:
                return
            assert bool(gate.writes) == bool(left)
            await undone(agent, change, applied + len(left))
            back = {one: now[one] if outcome == "unknown" else before[one] for one, outcome in results.items()}
            assert crm.tasks(sandbox) == back


def _asked(summary: TaskSummary, step: Step, crm: SandboxedCrm) -> TaskSummary:
    return TaskSummary(
        step.changes.get("title", summary.title),
        (crm.ana,) if step.changes.get("responsibleIds") else summary.responsible_ids,
    )


async def assert_the_plan_goes_on_with_the_rest(agent: Agent, plan: Change, applied: int, left: int) -> None:
    """Check that the same planId carries out what was not written, and that nothing is left of it then."""
    if left:
        done = await agent("apply_plan", planId=plan.id)
        unknown = HUNDRED - applied - left
        assert done["totals"] == {"applied": applied + left} | ({"unknown": unknown} if unknown else {})
    with pytest.raises(Refused) as refused:
        await agent("apply_plan", planId=plan.id)
    assert refused.value.code == "plan_used"


async def undone(agent: Agent, change: Change, applied: int) -> None:
    """Undo the change."""
    if not applied:
        with pytest.raises(Refused) as refused:
            await agent("undo_change", changeId=change.id)
        assert refused.value.code == "nothing_to_undo"
        return
    answer = await agent("undo_change", changeId=change.id)
    if "planId" in answer:
        assert answer["count"] == applied
        answer = await agent("apply_plan", planId=answer["planId"])
    assert answer.get("totals", {"applied": 1}) == {"applied": applied}


# One task.

BODY = {"title": "Send it", "responsibleIds": ["me"], "priority": "1", "idempotencyKey": "one"}
ONE = [(crm, at) for crm in CRMS for at in ("before_write", "after_write")]


@pytest.mark.parametrize(("crm", "at"), ONE, ids=str)
async def test_a_killed_create_makes_one_task_however_often_it_is_repeated(
    crm: SandboxedCrm, at: Literal["before_write", "after_write"], reaper: ProcessParent, tmp_path: Path
) -> None:
    sandbox = crm.sandbox(2, Time(), ())
    gate, step = Gate(sandbox), Step(None, at, 1)
    async with serve_sandbox(gate) as url:
        before = crm.tasks(sandbox)
        await kill_at(reaper, Job(crm.name, url, str(tmp_path), "create_task", crm.needs | BODY), step, gate)
        gate.is_shut, gate.before_write, gate.after_write, gate.writes = False, lambda _: None, lambda _: None, 0
        async with next_process(crm.name, url, tmp_path) as (app, agent):
            with anyio.fail_after(BOUND_S):
                answer = await again(agent, crm)
            change = (await app.journal.page(ChangeQuery())).changes[-1]
            shows_all = app.backend.capabilities.lists_are_current
        made = [summary for task_id, summary in crm.tasks(sandbox).items() if task_id not in before]
        assert made == [TaskSummary("Send it", (crm.me,))]
    # Where lists may be behind, that a task is not in them says nothing just after it was asked for.
    assert change.outcome == {"before_write": "not_applied" if shows_all else "unknown", "after_write": "applied"}[at]
    assert answer.get("replayed", False) is (at == "after_write")
    assert gate.writes == (0 if at == "after_write" else 1)


async def again(agent: Agent, crm: SandboxedCrm) -> dict[str, Any]:
    """Repeat the create; where its outcome is unknown, list the tasks and create it with another key."""
    try:
        return await agent("create_task", **crm.needs | BODY)
    except Refused as refused:
        if refused.code != "outcome_unknown":
            raise
    assert (await agent("list_tasks", text="Send it"))["tasks"] == []
    return await agent("create_task", **crm.needs | BODY | {"idempotencyKey": "another"})


async def test_a_killed_create_is_recovered_if_the_clock_of_the_crm_is_a_second_behind(
    reaper: ProcessParent, tmp_path: Path
) -> None:
    crm = BY_CRM["vambe"]
    sandbox = on_vambe.vambe(clock=lambda: NOW - timedelta(seconds=1))
    gate = Gate(sandbox)
    async with serve_sandbox(gate) as url:
        await kill_at(
            reaper, Job(crm.name, url, str(tmp_path), "create_task", BODY), Step(None, "after_write", 1), gate
        )
        gate.is_shut, gate.after_write = False, lambda _: None
        async with next_process(crm.name, url, tmp_path) as (app, agent):
            answer = await agent("create_task", **BODY)
            (change,) = (await app.journal.page(ChangeQuery())).changes
    assert change.outcome == "applied"
    assert answer["replayed"] is True


MANY: dict[str, Any] = {"responsibleIds": ["me"], "priority": "1"}


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_killed_creates_make_each_task_once_however_often_they_are_repeated(
    crm: SandboxedCrm, reaper: ProcessParent, tmp_path: Path
) -> None:
    sandbox = crm.sandbox(2, Time(), ())
    gate, step = Gate(sandbox), Step(None, "after_write", 1 if crm.creates_in_batches else 3)
    tasks = [crm.needs | MANY | {"title": f"Send it {number}"} for number in range(5)]
    asks = {"tasks": tasks, "idempotencyKey": "one"}
    async with serve_sandbox(gate) as url:
        before = crm.tasks(sandbox)
        await kill_at(reaper, Job(crm.name, url, str(tmp_path), "create_tasks", asks), step, gate)
        gate.is_shut, gate.after_write, gate.writes = False, (lambda _: None), 0
        made = Counter(summary.title for task_id, summary in crm.tasks(sandbox).items() if task_id not in before)
        async with next_process(crm.name, url, tmp_path) as (app, agent):
            again = await agent("create_tasks", **asks)
            (change,) = (await app.journal.page(ChangeQuery())).changes
            assert again["replayed"] is True
            unmade = "not_applied" if app.backend.capabilities.lists_are_current else "unknown"
        assert gate.writes == 0
        assert Counter(summary.title for one, summary in crm.tasks(sandbox).items() if one not in before) == made
    assert set(made.values()) == {1}
    applied = {str((change.intents[index].edit or Edit()).title) for index, one in change.results.items() if one.after}
    assert applied == made.keys()
    assert all(result.outcome in {"applied", unmade} for result in change.results.values())


@pytest.mark.parametrize(("crm", "at"), ONE, ids=str)
async def test_a_killed_deletion_is_recovered_truly(
    crm: SandboxedCrm, at: Literal["before_write", "after_write"], reaper: ProcessParent, tmp_path: Path
) -> None:
    sandbox = crm.sandbox(2, Time(), ())
    gate, step, task_id = Gate(sandbox), Step(None, at, 1), crm.task_id(1)
    async with serve_sandbox(gate) as url:
        before = crm.tasks(sandbox)
        await kill_at(reaper, Job(crm.name, url, str(tmp_path), "delete_task", {"id": task_id}), step, gate)
        gate.is_shut, gate.before_write, gate.after_write, gate.writes = False, lambda _: None, lambda _: None, 0
        async with next_process(crm.name, url, tmp_path) as (app, agent):
            await recover_abandoned(app)
            plan, change = await changes(app)
            assert change.outcome == {"before_write": "not_applied", "after_write": "applied"}[at]
            assert gate.writes == 0
            if at == "before_write":
                await agent("apply_plan", planId=plan.id)
                assert task_id not in crm.tasks(sandbox)
            else:
                await agent("undo_change", changeId=change.id)
                assert sorted(one.title for one in crm.tasks(sandbox).values()) == sorted(
                    one.title for one in before.values()
                )


# The built-in store.

LOCAL = (
    Step(0, dies="begun"),
    *(Step(0, nth=nth, dies="UPDATE") for nth in (1, 100)),
    Step(0, dies="COMMIT"),
    Step(HUNDRED, dies="answered"),
    Step(HUNDRED, dies="written"),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in store with a hundred tasks in it, to be copied."""
    folder = tmp_path_factory.mktemp("store")

    async def fill() -> None:
        backend = store_in(folder)
        await backend.edit(lambda directory: directory.add_member("Ana Soto", "ana@example.com"))
        me = await backend.account.me()
        for number in range(1, HUNDRED + 1):
            await backend.create_task(Edit(title=f"Call Acme {number}", responsible_ids=(str(me),), priority=1))
        await backend.aclose()

    anyio.run(fill)
    return folder / "tasks.sqlite"


async def read_summaries(app: AppContext, ids: list[str]) -> dict[str, TaskSummary]:
    """The tasks as the store has them."""
    found = await app.backend.snapshots(ids)
    return {task_id: TaskSummary(str(one.task.title), one.task.responsible_ids) for task_id, one in found.items()}


@pytest.mark.parametrize("step", LOCAL, ids=str)
async def test_a_killed_bulk_in_the_built_in_store_is_applied_wholly_or_not_at_all(
    step: Step, reaper: ProcessParent, store: Path, tmp_path: Path
) -> None:
    shutil.copy(store, tmp_path)
    backend = store_in(tmp_path)
    members = {member.name: member.id for member in await backend.account.members()}
    ids = [task.id for task in (await backend.list_tasks(TaskQuery(order="created", limit=HUNDRED))).tasks]
    await backend.aclose()
    async with app_at("local", "", tmp_path) as app:
        before = await read_summaries(app, ids)
    asks = {"taskIds": ids, "changes": ANA}
    await kill_at(reaper, Job("local", "", str(tmp_path), "bulk_update_tasks", asks, step.dies, step.nth), step)
    async with next_process("local", "", tmp_path) as (app, agent):
        now = await read_summaries(app, ids)
        await recover_abandoned(app)
        plan, change = await changes(app)
        asked = {task_id: TaskSummary(summary.title, (members["Ana Soto"],)) for task_id, summary in before.items()}
        applied = assert_it_is_so(change, before, now, asked)
        assert applied == step.applied
        assert await read_summaries(app, ids) == now
        await assert_the_plan_goes_on_with_the_rest(agent, plan, applied, HUNDRED - applied)
        if applied:
            await undone(agent, change, applied)
        assert await read_summaries(app, ids) == (before if applied else asked)
