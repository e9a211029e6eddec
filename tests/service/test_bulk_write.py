"""The tasks of a bulk change that may be sent again, and the answer to a repeated one."""

from typing import get_args

import pytest

from behaviour.world import NOW
from taskhand.domain.bulk_receipt import TaskResult
from taskhand.domain.outcome import Outcome
from taskhand.journal.journal import Caller, Change, Ending, Opening, Result
from taskhand.service.bulk_write import replay_bulk


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


def test_nothing_is_sent_again_for_a_task_that_was_or_may_have_been_written() -> None:
    of_code = {outcome: TaskResult("1", outcome, "rate_limited").may_be_retried for outcome in get_args(Outcome)}
    assert {outcome for outcome, may_be in of_code.items() if may_be} == {"refused", "not_attempted"}
