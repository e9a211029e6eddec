"""The receipt of a bulk change."""

import pytest

from builders import ANA, BEN, JUAN
from taskhand.domain.bulk_receipt import BulkReceipt, TaskResult
from taskhand.domain.errors import CallerError, Candidate, UpstreamError
from taskhand.domain.outcome import Outcome
from taskhand.domain.receipt import FieldChange
from taskhand.domain.unapplied_fields import Unapplied

FOUR = [Candidate(f"s{number}", f"Status {number}") for number in range(4)]
MISSED = Unapplied("responsibleIds", (BEN.id,), ())


@pytest.mark.parametrize(
    ("outcome", "code", "may_be_retried"),
    [
        ("not_attempted", None, True),
        ("not_attempted", "not_found", True),
        ("refused", "rate_limited", True),
        ("refused", "upstream_error", True),
        ("refused", "conflict", True),
        ("refused", "not_attempted", True),
        ("refused", "store_busy", True),
        ("refused", "link_required", True),
        ("refused", "link_broken", True),
        ("refused", "not_found", False),
        ("refused", None, False),
        ("unknown", "rate_limited", False),
        ("applied", "conflict", False),
        ("unchanged", None, False),
    ],
)
def test_a_task_may_be_sent_again_if_nothing_was_written_and_the_cause_may_pass(
    outcome: Outcome, code: str | None, *, may_be_retried: bool
) -> None:
    assert TaskResult("1", outcome, code).may_be_retried is may_be_retried


def test_a_bulk_receipt_counts_its_tasks_and_names_people_links_and_unapplied_fields() -> None:
    moved = (
        FieldChange("responsibles", (ANA.id,), (JUAN.id,)),
        FieldChange("ai_contact_id", None, "c-1"),
        FieldChange("title", "a", "b"),
    )
    receipt = BulkReceipt(
        (
            TaskResult("1", "applied", changed=moved),
            TaskResult("2", "applied", unapplied=(MISSED,)),
            TaskResult("", "not_attempted", unapplied=(MISSED,)),
            TaskResult("4", "refused", "rate_limited"),
            TaskResult("5", "refused", "not_found"),
            TaskResult("6", "not_attempted"),
        )
    )
    assert receipt.totals == {"applied": 2, "not_attempted": 2, "refused": 2}
    assert [(one.field, one.task_id) for one in receipt.unapplied] == [
        ("responsibleIds", "2"),
        ("responsibleIds", None),
    ]
    assert receipt.people == {ANA.id, BEN.id, JUAN.id}
    assert receipt.links == {("ai_contact_id", "c-1")}
    assert receipt.retry_ids == ("4", "6")


def test_a_task_that_failed_has_the_code_and_the_message_of_its_error() -> None:
    error = CallerError("That is gone.", code="not_found", next_step="Look.")
    assert TaskResult.of_error("1", "refused", error, "Call") == TaskResult(
        "1", "refused", "not_found", "That is gone. Look.", title="Call", is_passing=False
    )


@pytest.mark.parametrize("code", ["conflict", "upstream_error"])
def test_a_refused_task_may_be_sent_again_if_its_error_says_so_whatever_the_code(code: str) -> None:
    passing = UpstreamError("It failed.", code=code, next_step="Send the same call again later.", retryable=True)
    assert TaskResult.of_error("1", "refused", passing).may_be_retried
    assert TaskResult.of_error("1", "refused", passing).message == "It failed."
    lasting = UpstreamError("It failed.", code=code, next_step="Look.")
    assert not TaskResult.of_error("1", "refused", lasting).may_be_retried


def test_the_error_of_one_of_many_tasks_keeps_its_candidates_and_what_to_do_with_them() -> None:
    error = CallerError("No such status.", candidates=FOUR, next_step="Send the one that is meant.")
    assert TaskResult.of_error("1", "refused", error).message == (
        "No such status. Candidates: Status 0 (s0), Status 1 (s1), Status 2 (s2). Send the one that is meant."
    )
    told = TaskResult.of_error("1", "refused", error.but(candidates=())).message
    assert told == "No such status. Send the one that is meant."
