"""The resolution of a finished task, and its removal."""

import pytest

from builders import CLOSED, DONE, PENDING, refused, task
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.edit import Edit
from taskhand.domain.finished_resolution import check_no_resolution, settle_resolution
from taskhand.domain.task import StatusChoice, Task

TO_DONE, TO_PENDING = Edit(status=StatusChoice.of(DONE)), Edit(status=StatusChoice.of(PENDING))
SKIPPED = task(status_config=DONE, resolution="skipped")


def test_a_resolution_is_no_status_where_tasks_have_resolutions() -> None:
    has = Capabilities(absent=frozenset())
    for word in ("skipped", " Abandoned "):
        with refused("unknown_status") as caught:
            check_no_resolution(word, has)
        assert f"with resolution {word.strip().casefold()}" in str(caught.value.next_step)
        check_no_resolution(word, Capabilities(absent=frozenset({"resolution"})))
    check_no_resolution("Completed", has)


@pytest.mark.parametrize(
    ("edit", "before", "is_finished", "settled"),
    [
        (TO_PENDING, SKIPPED, False, Edit(status=TO_PENDING.status, resolution=None)),
        (TO_DONE, SKIPPED, True, TO_DONE),
        (Edit(status=StatusChoice.of(CLOSED)), SKIPPED, True, Edit(status=StatusChoice.of(CLOSED))),
        (TO_DONE, task(resolution="skipped"), True, Edit(status=TO_DONE.status, resolution=None)),
        (TO_DONE, task(), True, TO_DONE),
        (TO_PENDING, task(status_config=DONE, resolution=None), False, TO_PENDING),
        (Edit(title="x"), SKIPPED, True, Edit(title="x")),
        (Edit(title="x"), task(resolution="skipped"), False, Edit(title="x")),
        (Edit(resolution="skipped"), task(status_config=DONE), True, Edit(resolution="skipped")),
        (Edit(resolution=None), SKIPPED, True, Edit(resolution=None)),
        (Edit(resolution=None), task(), False, Edit(resolution=None)),
    ],
)
def test_a_task_that_is_reopened_or_finished_again_loses_its_resolution(
    edit: Edit, before: Task, settled: Edit, *, is_finished: bool
) -> None:
    assert settle_resolution(edit, before, is_finished=is_finished) == settled


def test_an_unfinished_task_takes_no_resolution() -> None:
    with refused("not_finished"):
        settle_resolution(Edit(resolution="skipped"), task(), is_finished=False)
