"""Whether a task certainly is as it was, where the answer to a write was lost."""

import pytest

from builders import task
from taskhand.domain.edit import Edit, is_untouched
from taskhand.domain.task import Task

UNREADABLE = task(priority=None, unreadable=("priority",))


@pytest.mark.parametrize(
    ("now", "before", "edit", "untouched"),
    [
        (task(), task(), Edit(priority=2), True),
        (task(priority=0), task(), Edit(priority=2), False),
        (task(title="Theirs"), task(), Edit(priority=2), True),
        (task(priority=None), UNREADABLE, Edit(priority=2), False),
        (UNREADABLE, task(priority=None), Edit(priority=2), False),
        (task(), task(), Edit(priority=2, note="called"), False),
    ],
)
def test_a_task_is_untouched_where_each_field_of_the_edit_can_be_read_and_is_as_before(
    now: Task, before: Task, edit: Edit, *, untouched: bool
) -> None:
    assert is_untouched(now, before, edit) is untouched
