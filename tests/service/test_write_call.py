"""The journal entry of a call that fails."""

from pathlib import Path

import pytest

from behaviour.world import NOW
from builders import TASK_ID, task
from file_stores import journal_in, store_in
from journals import numbered
from taskhand.call.change_ownership import check_ownership
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotAttempted, OperatorError, OutcomeUnknown, TaskhandError
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import ChangeQuery, Ending, Intent, Result
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import Call


async def test_a_failure_keeps_the_results_of_tasks_that_were_written_before_it(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    intent = Intent("update", Snapshot(task()), Edit(priority=2))
    call = Call(app, "bulk_update_tasks", arguments={})
    await call.begin(call.new_opening(), [intent, intent])
    await call.settle_some([Result(0, "applied", TASK_ID)])
    await call.record_failure(OperatorError("The disk is full."))
    assert call.change is not None
    found = await app.journal.find(call.change.id)
    assert found is not None
    assert {index: result.outcome for index, result in found.results.items()} == {0: "applied", 1: "refused"}
    await app.aclose()


async def test_a_failure_after_the_end_of_a_change_alters_nothing_of_it(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    call = Call(app, "update_task", arguments={})
    await call.begin(call.new_opening(), [Intent("update", Snapshot(task()), Edit(priority=2))])
    await call.settle([Result(0, "applied", TASK_ID)], "applied")
    await call.record_failure(TaskhandError("The answer could not be written.", code="internal_error"))
    [ended] = (await app.journal.page(ChangeQuery())).changes
    assert (ended.outcome, ended.results[0].outcome) == ("applied", "applied")
    await app.aclose()


@pytest.mark.parametrize(
    ("is_revised", "error"),
    [
        (False, TaskhandError("It is a bug.", code="internal_error")),
        (True, TaskhandError("It was too much.", code="rate_limited")),
        (False, OutcomeUnknown("No answer came.", code="rate_limited")),
    ],
    ids=["a bug", "after a first request", "a lost answer"],
)
async def test_the_outcome_of_a_write_is_unknown_where_it_may_have_been_sent_in_part(
    tmp_path: Path, *, is_revised: bool, error: TaskhandError
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    call, intents = Call(app, "update_task", arguments={}), [Intent("update", Snapshot(task()), Edit(priority=2))]
    await call.begin(call.new_opening(), intents)
    if is_revised:
        await call.revise(intents)
    await call.record_failure(error)
    assert call.change is not None
    found = await app.journal.find(call.change.id)
    assert found is not None
    assert found.outcome == "unknown"
    await app.aclose()


async def test_a_resumed_change_includes_earlier_requests_time_and_results(
    tmp_path: Path,
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    intent = Intent("update", Snapshot(task()), Edit(priority=2))
    change = await app.journal.record(
        Call(app, "bulk_update_tasks").new_opening(),
        Ending("applied", requests=("PATCH /1",), took_s=5.0),
        [intent, intent],
        [Result(0, "applied", TASK_ID), Result(1, "not_attempted")],
    )
    call = Call(app, "apply_plan", requests=["PATCH /2"])
    await call.resume(change, [1])
    await call.record_failure(CallerError("It is closed.", code="closed"))
    found = await app.journal.find(change.id)
    assert found is not None
    assert found.ending is not None
    assert [one.outcome for one in found.results.values()] == ["applied", "refused"]
    assert (found.ending.outcome, found.ending.code) == ("applied", "closed")
    assert found.ending.requests == ("PATCH /1", "PATCH /2")
    assert found.ending.took_s >= 5.0
    await app.aclose()


class LostJournal(SqliteJournal):
    """A journal whose changes another process ends."""

    is_lost = False

    async def is_held(self, session: str) -> bool:
        """Whether they are still those of this process."""
        return not self.is_lost and await super().is_held(session)


@pytest.mark.parametrize("is_resumed", [False, True])
async def test_a_change_that_another_process_has_ended_sends_nothing_more(tmp_path: Path, *, is_resumed: bool) -> None:
    journal = LostJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=lambda: NOW, new_id=numbered)
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal), lambda: NOW)
    call, intents = Call(app, "bulk_update_tasks", arguments={}), [Intent("update", Snapshot(task()), Edit(priority=2))]
    if is_resumed:
        ended = [Result(0, "not_attempted", TASK_ID)]
        await call.resume(await journal.record(call.new_opening(), Ending("not_attempted"), intents, ended), [0])
    else:
        await call.begin(call.new_opening(), intents)
    await check_ownership()
    journal.is_lost = True
    with pytest.raises(NotAttempted):
        await check_ownership()
    await app.aclose()


async def test_subscribers_are_notified_of_each_written_task_at_once(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    told: list[str] = []
    app.updates.subscribe(told.append)
    intent = Intent("update", Snapshot(task()), Edit(priority=2))
    call = Call(app, "bulk_update_tasks", arguments={})
    await call.begin(call.new_opening(), [intent] * 3)
    await call.settle_some([Result(0, "applied", "t-1")])
    assert told == ["t-1"]
    await call.settle([Result(1, "unknown", "t-2"), Result(2, "refused", "t-3")], "unknown")
    assert told == ["t-1", "t-2"]
    await app.aclose()


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"id": TASK_ID}, [TASK_ID]),
        ({"taskIds": [TASK_ID, TASK_ID, "no id", 7]}, [TASK_ID]),
        ({"id": TASK_ID, "idProperty": "order"}, []),
        ({"ids": [f"{number:08}{TASK_ID[8:]}" for number in range(101)]}, [f"{n:08}{TASK_ID[8:]}" for n in range(100)]),
    ],
)
async def test_a_refused_call_is_found_by_the_tasks_that_it_names(
    tmp_path: Path, arguments: dict[str, object], found: list[str]
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    call = Call(app, "update_task", arguments=arguments)
    await call.record_failure(CallerError("It is closed.", code="closed"))
    assert call.change is not None
    change = await app.journal.find(call.change.id)
    assert change is not None
    assert [(one.task_id, one.code) for one in change.results.values()] == [(one, "closed") for one in found]
    await app.aclose()
