"""A task as it was read: unreadable fields, and the note beside it."""

from builders import task
from taskhand.domain.snapshot import Snapshot


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
