"""The values that an undo of a deletion cannot restore, as a plan names them."""

import pytest

from builders import task
from taskhand.domain.snapshot import Snapshot, describe_loss

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


def test_a_field_that_cannot_be_read_is_not_known() -> None:
    unreadable = task(description=None, unreadable=("description", "due_at"))
    assert Snapshot(unreadable, unknown=frozenset({"priority"})).unknown == {"description", "due", "priority"}


def test_a_snapshot_takes_over_the_note_that_was_read_at_another_time() -> None:
    plain = Snapshot(task(title="Call"), native={"x": 1}, lost=("deal",))
    assert plain.with_note_of(task()) is plain
    noted = plain.with_note_of(task(title="Older", note="called", note_id="n-1"))
    assert (noted.task, noted.native, noted.lost) == (
        task(title="Call", note="called", note_id="n-1"),
        {"x": 1},
        ("deal",),
    )
    assert plain.with_note_of(task(note=None, note_id=None)).task.note is None
