"""What the journal has of a call that fails."""

from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("is_revised", "code"), [(False, "internal_error"), (True, "rate_limited")], ids=["a bug", "after a first request"]
)
async def test_the_outcome_of_a_write_is_unknown_where_it_may_have_been_sent_in_part(
    tmp_path: Path, *, is_revised: bool, code: str
) -> None:
    app = AppContext(store_in(tmp_path), journal_in(tmp_path), lambda: NOW)
    call, intents = Call(app, "update_task", arguments={}), [Intent("update", Snapshot(task()), Edit(priority=2))]
    await call.begin(call.new_opening(), intents)
    if is_revised:
        await call.revise(intents)
    await call.failed(TaskhandError("Something went wrong.", code=code))
    assert call.change is not None
    found = await app.journal.find(call.change.id)
    assert found is not None
    assert found.outcome == "unknown"
    await app.aclose()
