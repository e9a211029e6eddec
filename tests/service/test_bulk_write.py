"""What a repeated bulk change is answered with."""

from behaviour.arms import NOW
from taskhand.journal.journal import Caller, Change, Ending, Opening, Result
from taskhand.service.bulk_write import replay_bulk


def test_a_task_that_recovery_found_unwritten_may_be_sent_again() -> None:
    results = {0: Result(0, "applied", "1"), 1: Result(1, "not_applied", "2"), 2: Result(2, "open", "3")}
    change = Change("chg_1", Opening("bulk_update_tasks", Caller(), NOW), (), results, Ending("applied", "recovered"))
    receipt = replay_bulk(change)
    assert receipt.totals == {"applied": 1, "not_attempted": 1, "unknown": 1}
    assert receipt.retry_ids == ("2",)
