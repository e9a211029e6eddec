"""The tasks of a bulk change that may be sent again, its journal, and the answer to a repeated one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

import pytest

from behaviour.world import NOW
from builders import TASK_ID, task
from file_stores import journal_in, store_in
from taskhand.backends.base import Backend, ItemResult, Written
from taskhand.domain.bulk_receipt import BulkReceipt, SkippedTasks, TaskResult
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAttempted, OutcomeUnknown, TaskhandError, UpstreamError
from taskhand.domain.outcome import Outcome, overall_outcome
from taskhand.domain.plan import Verb
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Caller, Change, Ending, Intent, Opening, Result
from taskhand.service.app_context import AppContext
from taskhand.service.bulk_write import bulk_resume, bulk_write, replay_bulk
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import AlreadyClaimed, Call

ERRORS: dict[Outcome, TaskhandError] = {
    "refused": UpstreamError("The CRM refused it.", code="upstream_refused"),
    "unknown": OutcomeUnknown("No answer came."),
    "not_attempted": NotAttempted("Not sent: the call's time ran out."),
}
PAIRS: list[tuple[Outcome, Outcome]] = [
    ("applied", "applied"),
    ("applied", "refused"),
    ("applied", "unknown"),
    ("unknown", "unknown"),
    ("applied", "not_attempted"),
    ("not_attempted", "not_attempted"),
]
SKIPPED = SkippedTasks(
    refused={"gone": UpstreamError("It is gone.", code="task_not_found")},
    others=(TaskResult("", "unknown", "outcome_unknown", title="Left out"),),
)
EDIT = Edit(title="New title")


class ScriptedBackend:
    """The built-in store, which answers writes of many tasks with these outcomes."""

    def __init__(self, store: object, outcomes: Sequence[Outcome]) -> None:
        self._store = store
        self.outcomes = outcomes

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def update_tasks(self, given: Sequence[object], _progress: object = None) -> tuple[ItemResult, ...]:
        """A result of each outcome."""
        assert len(given) == len(self.outcomes)
        return tuple(_result(one, Written(task(title=EDIT.title))) for one in self.outcomes)

    async def delete_tasks(self, given: Sequence[object], _progress: object = None) -> tuple[ItemResult, ...]:
        """A result of each outcome."""
        assert len(given) == len(self.outcomes)
        return tuple(_result(one, None) for one in self.outcomes)

    create_tasks = update_tasks


def _result(outcome: Outcome, written: Written | None) -> ItemResult:
    return ItemResult(TASK_ID, None if outcome in ERRORS else written, ERRORS.get(outcome))


def intent_to(verb: Verb) -> Intent:
    """The intent of a write of this kind."""
    return Intent(verb, None if verb == "create" else Snapshot(task()), None if verb == "delete" else EDIT, asked=EDIT)


def check_note(receipt: BulkReceipt, verb: Verb, outcomes: Sequence[Outcome]) -> None:
    """Check that the note names a deletion, unsent tasks, and a way to resume, exactly where there are any."""
    note = receipt.note or ""
    is_unsent = "not_attempted" in outcomes
    is_deletion = verb == "delete" and "applied" in outcomes and not is_unsent
    assert ("undo_change" in note) == is_deletion
    assert ("The tasks are deleted" in note) == (is_deletion and {*outcomes} == {"applied"})
    assert note.startswith("Not sent: ") == is_unsent
    assert ("call apply_plan" in note) == (is_unsent or "unknown" in outcomes)


@pytest.mark.parametrize("verb", get_args(Verb))
async def test_the_journal_and_the_answer_agree_on_each_task_before_and_after_a_change_is_resumed(
    verb: Verb, tmp_path: Path
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    backend = ScriptedBackend(app.backend, ())
    app = replace(app, backend=cast("Backend", backend))
    for pair in PAIRS:
        backend.outcomes, intents = pair, [intent_to(verb)] * 2
        call = Call(app, "bulk_update_tasks")
        receipt = await bulk_write(call, intents, call.new_opening(), SKIPPED)
        assert [one.outcome for one in receipt.results] == [*pair, "refused", "unknown"]
        change = await app.journal.find(receipt.change_id or "")
        assert change is not None
        assert [one.outcome for _, one in sorted(change.results.items())] == [*pair, "refused", "unknown"]
        assert change.outcome == overall_outcome(pair), "skipped tasks do not count"
        check_note(receipt, verb, [*pair, "refused"])
        assert replay_bulk(change).results == receipt.results

        left = {index: intents[index] for index, one in enumerate(pair) if one == "not_attempted"}
        found = [Result(index, "refused", TASK_ID) for index, one in enumerate(pair) if one == "unknown"]
        backend.outcomes = ["applied"] * len(left)
        resumed = await bulk_resume(Call(app, "apply_plan"), change, left, found)
        after = ["refused" if one == "unknown" else "applied" if one == "not_attempted" else one for one in pair]
        assert [one.outcome for one in resumed.results[:2]] == after
        change_after = await app.journal.find(change.id)
        assert change_after is not None
        assert [change_after.results[index].outcome for index in range(2)] == after
        if left or found:
            with pytest.raises(AlreadyClaimed):
                await bulk_resume(Call(app, "apply_plan"), change, left, found)
    await app.aclose()


async def test_a_requested_value_that_the_write_itself_has_changed_is_reported_though_it_was_not_sent(
    tmp_path: Path,
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    app = replace(app, backend=cast("Backend", ScriptedBackend(app.backend, ["applied"])))
    call = Call(app, "bulk_update_tasks")
    intent = Intent("update", Snapshot(task(priority=2)), EDIT, asked=replace(EDIT, priority=2))
    receipt = await bulk_write(call, [intent], call.new_opening())
    assert [(one.outcome, [row.field for row in one.unapplied]) for one in receipt.results] == [
        ("applied", ["priority"])
    ]
    await app.aclose()


def test_a_task_that_recovery_found_unwritten_may_be_sent_again() -> None:
    results = {0: Result(0, "applied", "1"), 1: Result(1, "not_applied", "2"), 2: Result(2, "open", "3")}
    change = Change("chg_1", Opening("bulk_update_tasks", Caller(), NOW), (), results, Ending("applied", "recovered"))
    receipt = replay_bulk(change)
    assert receipt.totals == {"applied": 1, "not_attempted": 1, "unknown": 1}
    assert receipt.retry_ids == ("2",)


@pytest.mark.parametrize(
    ("code", "may_be_retried"),
    [
        *((code, True) for code in ("rate_limited", "upstream_error", "conflict", "store_busy")),
        *((code, True) for code in ("link_required", "link_broken")),
        *((code, False) for code in ("not_applied", "task_not_found", "upstream_refused", "not_allowed")),
    ],
)
def test_a_refused_task_may_be_sent_again_where_the_reason_passes(code: str, *, may_be_retried: bool) -> None:
    assert TaskResult("1", "refused", code).may_be_retried is may_be_retried


def test_a_replay_says_of_each_task_what_the_call_said_of_sending_it_again() -> None:
    codes: list[tuple[str, bool | None]] = [("conflict", False), ("conflict", None), ("task_not_there_yet", True)]
    results = {
        index: Result(index, "refused", str(index), code=code, is_passing=is_passing)
        for index, (code, is_passing) in enumerate(codes)
    }
    change = Change("chg_1", Opening("bulk_update_tasks", Caller(), NOW), (), results, Ending("refused"))
    assert replay_bulk(change).retry_ids == ("1", "2")


def test_nothing_is_sent_again_for_a_task_that_was_or_may_have_been_written() -> None:
    of_code = {outcome: TaskResult("1", outcome, "rate_limited").may_be_retried for outcome in get_args(Outcome)}
    assert {outcome for outcome, may_be in of_code.items() if may_be} == {"refused", "not_attempted"}


async def test_a_task_that_the_crm_left_as_it_was_is_refused_with_the_fields_that_it_lacks(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    app = replace(app, backend=cast("Backend", ScriptedBackend(app.backend, ["applied"])))
    call, high = Call(app, "bulk_update_tasks"), Edit(priority=2)
    intent = Intent("update", Snapshot(task(title=EDIT.title)), high, high)
    [result] = (await bulk_write(call, [intent], call.new_opening())).results
    assert (result.outcome, result.code, result.message) == (
        "refused",
        "not_applied",
        "The CRM left the task unchanged.",
    )
    assert [one.field for one in result.unapplied] == ["priority"]
    await app.aclose()
