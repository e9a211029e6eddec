"""The values that an undo of a deletion cannot restore, as a plan names them."""

import pytest

from builders import task
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.unrestorable_values import describe_loss

_PLAIN = Snapshot(task())
_WITH_DEAL = Snapshot(task(), unknown=frozenset({"priority"}), lost=("deal", "reminder"))
_AUTOMATIC = Snapshot(task(), cannot_recreate="The CRM makes it by itself.")


@pytest.mark.parametrize(
    ("deleted", "said"),
    [
        ([], ""),
        ([_PLAIN], "Undo cannot bring back: id, created_at, creator_id."),
        ([_WITH_DEAL], "Undo cannot bring back: id, created_at, creator_id, priority, deal, reminder."),
        ([_AUTOMATIC], "Undo cannot make it again: The CRM makes it by itself."),
        (
            [_AUTOMATIC, _PLAIN, _WITH_DEAL],
            f"{describe_loss([_AUTOMATIC]).replace('make it', 'make 1 of them')} {describe_loss([_WITH_DEAL])}",
        ),
    ],
)
def test_a_value_that_undo_cannot_restore_is_named_once_for_all_tasks(deleted: list[Snapshot], said: str) -> None:
    assert describe_loss(deleted) == said
