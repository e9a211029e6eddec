"""Faults of files: a built-in store or a journal that is locked or cannot be written."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from mcp import Client

from file_stores import locked
from safety.account import Agent, assert_all_is_true, newest_change, observe_call
from safety.cases import CASES, Case, assert_a_second_try_ends_it
from safety.crms import CRMS, SandboxedCrm
from safety.gate import Gate
from safety.killable_server import app_at
from safety.stored import TASKS, stored
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.service.crash_recovery import recover_abandoned
from virtual_time import Time


@contextmanager
def failing(path: Path) -> Iterator[None]:
    """The third task cannot be written, nor the first, nor a new one: as on a disk that is full by then."""
    events = {"UPDATE": "WHEN OLD.title LIKE '%3' OR OLD.title LIKE '%1' OR OLD.title LIKE '%again'"}
    events |= {"INSERT": "", "DELETE": ""}
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        for event, where in events.items():
            other.execute(
                f"CREATE TRIGGER no_{event} BEFORE {event} ON task {where} BEGIN SELECT raise(ABORT, 'full'); END"
            )
        yield
        for event in events:
            other.execute(f"DROP TRIGGER no_{event}")


MISHAPS = {"store_busy": locked, "store_unavailable": failing}


@pytest.mark.parametrize("code", MISHAPS)
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_every_task_is_refused_if_the_store_cannot_be_written(case: Case, code: str, tmp_path: Path) -> None:
    async with stored(tmp_path) as served:
        tool, arguments, effect = await case.ask(served)
        with MISHAPS[code](tmp_path / "tasks.sqlite"):
            seen = await observe_call(served, tool, arguments)
        said = assert_all_is_true(seen, effect, may_be_unknown=False)
        assert set(said.values()) == {"refused"}
        assert seen.change is not None
        assert {result.code for result in seen.change.results.values()} == {code}
        await assert_a_second_try_ends_it(served, case, (tool, arguments, effect), seen, set(said.values()))


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_nothing_is_written_while_the_journal_cannot_be_written(case: Case, tmp_path: Path) -> None:
    async with stored(tmp_path) as served:
        tool, arguments, effect = await case.ask(served)
        await newest_change(served.app)  # the file is there, and all that was done so far is in it
        with locked(tmp_path / "journal.sqlite"):
            seen = await observe_call(served, tool, arguments)
        assert (seen.code, seen.after, seen.change) == ("store_busy", seen.before, None)
        await assert_a_second_try_ends_it(served, case, (tool, arguments, effect), seen, {"refused"})


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_the_next_process_journals_results_that_could_not_be_journaled(crm: SandboxedCrm, tmp_path: Path) -> None:
    sandbox = crm.sandbox(TASKS, Time(), ())
    gate, ids = Gate(sandbox), crm.ids(TASKS)
    async with serve_sandbox(gate) as url:
        async with app_at(crm.name, url, tmp_path, busy_s=0) as app, Client(create_server(app)) as client:
            with ExitStack() as stack:

                def lock(number: int, stack: ExitStack = stack) -> None:
                    if number == 1:
                        stack.enter_context(locked(tmp_path / "journal.sqlite"))

                gate.before_write = lock
                changes = {"responsibleIds": ["Ana Soto"]}
                answer = await Agent(client)("bulk_update_tasks", taskIds=ids, changes=changes)
            assert answer["totals"] == {"applied": TASKS}
        sandbox.clear_requests()
        gate.writes = 0
        async with app_at(crm.name, url, tmp_path) as app:
            await recover_abandoned(app)
            change = await newest_change(app)
    assert change is not None
    assert change.id == answer["changeId"]
    assert {result.task_id: result.outcome for result in change.results.values()} == dict.fromkeys(ids, "applied")
    assert gate.writes == 0
