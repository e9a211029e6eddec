from datetime import UTC, datetime, timedelta

import pytest

from builders import task
from taskhand.domain.create_matching import CreateCandidates, is_created_since, match_creates
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.task import Task

SENT_AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def created_after(seconds: float) -> Task:
    """A task created this many seconds after the create was sent."""
    return task(created_at=(SENT_AT + timedelta(seconds=seconds)).isoformat())


@pytest.mark.parametrize("seconds_after", [-2, -1, 0, 30])
def test_claims_the_only_candidate_created_since_allowing_two_seconds_of_clock_skew(seconds_after: float) -> None:
    candidate = created_after(seconds_after)
    assert CreateCandidates([candidate], SENT_AT).made is candidate


@pytest.mark.parametrize("seconds_after", [-2.001, -60, -120])
def test_never_claims_a_task_created_before(seconds_after: float) -> None:
    candidate = created_after(seconds_after)
    assert CreateCandidates([candidate], SENT_AT).made is None


def test_claims_none_of_several_candidates() -> None:
    assert CreateCandidates([created_after(0), created_after(1)], SENT_AT).made is None
    assert CreateCandidates([], SENT_AT).made is None


def test_an_older_candidate_counts_only_if_the_time_is_not_the_crms() -> None:
    new, older = created_after(0), created_after(-60)
    assert CreateCandidates([new, older], SENT_AT).made is new
    assert CreateCandidates([new, older], SENT_AT, is_guess=True).made is None


@pytest.mark.parametrize("created_at", ["", "yesterday", "2026-03-02T15:00:00"])
def test_never_claims_a_task_whose_creation_time_cannot_be_compared(created_at: str) -> None:
    assert CreateCandidates([task(created_at=created_at)], SENT_AT).made is None


def candidates(*tasks: Task) -> CreateCandidates:
    return CreateCandidates(tasks, SENT_AT)


def created_task(title: str, description: str | None = None, number: int = 1) -> Task:
    """A task created just then."""
    return task(
        id=f"00000000-0000-4000-8000-{number:012}",
        title=title,
        description=description,
        created_at=SENT_AT.isoformat(),
    )


def test_matches_creates_that_only_one_of_them_can_have_made() -> None:
    plain, longer = Edit(title="Call"), Edit(title="Call", description="twice")
    one, other = created_task("Call", None, 1), created_task("Call", "twice", 2)
    found = [candidates(one, other), candidates(other)]
    assert match_creates([plain, longer], found) == {0: one, 1: other}
    assert match_creates([longer, plain], found[::-1]) == {0: other, 1: one}


def test_claims_no_task_that_another_create_may_have_made() -> None:
    plain, longer = Edit(title="Call"), Edit(title="Call", description="twice")
    other = created_task("Call", "twice", 2)
    assert match_creates([plain], [candidates(other)], [longer]) == {}
    assert match_creates([longer], [candidates(other)], [plain]) == {0: other}
    assert match_creates([plain, longer], [candidates(other), candidates(other)]) == {1: other}


def test_a_due_time_without_a_zone_may_be_that_of_a_create_with_one() -> None:
    zoned = Due.instant(SENT_AT, "America/Santiago")
    plain = Edit(title="Call", due=Due.instant(SENT_AT, None))
    new = created_task("Call").model_copy(update={"due_at": zoned.due_at, "due_timezone": zoned.zone})
    assert match_creates([plain], [candidates(new)], [Edit(title="Call", due=zoned)]) == {}
    assert match_creates([plain], [candidates(new)], [Edit(title="Call")]) == {0: new}


def test_a_task_is_created_since_the_moment_at_which_it_is_created() -> None:
    assert is_created_since(created_after(0), SENT_AT)
    assert not is_created_since(created_after(-0.001), SENT_AT)
