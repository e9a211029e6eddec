import pytest

from taskhand.domain.outcome import Outcome, overall_outcome


@pytest.mark.parametrize(
    ("outcomes", "overall"),
    [
        ((), "unchanged"),
        (("unchanged",), "unchanged"),
        (("unchanged", "applied", "refused"), "applied"),
        (("applied", "not_attempted", "unknown"), "unknown"),
        (("refused", "not_attempted"), "refused"),
        (("refused", "not_applied"), "not_applied"),
        (("not_attempted", "unchanged"), "not_attempted"),
    ],
)
def test_the_outcome_of_a_change_is_the_most_telling_one_of_its_tasks(
    outcomes: tuple[Outcome, ...], overall: Outcome
) -> None:
    assert overall_outcome(outcomes) == overall
