"""What a refused write is said to be refused for."""

import pytest

from taskhand.backends.remote.refusals import explain_refusal
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound

REFERRING = Edit(title="Send it", responsible_ids=("ana",), deal_id="7")
PLAIN = Edit(title="Send it")


@pytest.mark.parametrize(
    ("edit", "task_id", "code", "named"),
    [
        (REFERRING, "t1", "unknown_reference", "list_team_members or find_contacts"),
        (REFERRING, None, "unknown_reference", "list_team_members or find_contacts"),
        (PLAIN, "t1", "task_not_found", "get_task"),
        (Edit(responsible_ids=()), "t1", "task_not_found", "get_task"),
        (PLAIN, None, NotFound.default_code, ""),
    ],
)
def test_a_404_is_about_what_was_referred_to_else_about_the_task(
    edit: Edit, task_id: str | None, code: str, named: str
) -> None:
    told = explain_refusal(NotFound("There is no such thing."), "Close", edit, task_id)
    assert isinstance(told, NotFound)
    assert told.code == code
    assert named in (told.next_step or "")


@pytest.mark.parametrize("refused", [NotFound("The task is gone.", code="task_not_found"), CallerError("No.")])
def test_a_refusal_that_says_what_it_is_about_is_told_as_it_is(refused: CallerError) -> None:
    assert explain_refusal(refused, "Close", REFERRING, "t1") is refused
