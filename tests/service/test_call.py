"""What the journal has of a call that fails."""

from pathlib import Path

from behaviour.arms import NOW
from builders import TASK_ID, task
from safety.victim import journal_in, store_in
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Intent, Result
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call


async def test_a_failure_keeps_the_results_of_tasks_that_were_written_before_it(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), journal_in(tmp_path), lambda: NOW)
    intent = Intent("update", Snapshot(task()), Edit(priority=2))
    call = Call(app, "bulk_update_tasks", arguments={})
    await call.begin(call.new_opening(), [intent, intent])
    await call.settle_some([Result(0, "applied", TASK_ID)])
    await call.failed(OperatorError("The disk is full."))
    assert call.change is not None
    found = await app.journal.find(call.change.id)
    assert found is not None
    assert {index: result.outcome for index, result in found.results.items()} == {0: "applied", 1: "refused"}
    await app.aclose()


async def test_after_a_bug_the_outcome_of_a_write_is_unknown(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), journal_in(tmp_path), lambda: NOW)
    call = Call(app, "update_task", arguments={})
    await call.begin(call.new_opening(), [Intent("update", Snapshot(task()), Edit(priority=2))])
    await call.failed(TaskhandError("Something went wrong.", code="internal_error"))
    assert call.change is not None
    found = await app.journal.find(call.change.id)
    assert found is not None
    assert found.outcome == "unknown"
    await app.aclose()
