"""What a deletion leaves remembered of its task."""

from collections.abc import Sequence

import pytest

from taskhand.backends.remote.deletion import Deletion, EmptySuccess
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.backends.remote.write_messages import Messages
from taskhand.call.request_log import record_request
from taskhand.domain.errors import NoAnswer, NotFound, OutcomeUnknown, TaskhandError, UpstreamFailed
from virtual_time import Time


class ScriptedDeletions:
    """One task, `1`, that was just written; each deletion has one of the results, and the task is found or not."""

    messages = Messages("CRM")

    def __init__(self, *results: TaskhandError | None, is_found: bool) -> None:
        time = Time()
        self.timing = Timing(time.moment, time.clock, time.sleep)
        self.recent = RecentWrites[str](5.0, time.clock)
        self.recent.note_write("1", "row")
        self.results = list(results)
        self._is_found = is_found

    async def delete(self, _: str, /) -> None:
        """Fail with the next result."""
        if (error := self.results.pop(0)) is not None:
            raise error

    async def get(self, _: str, /) -> object:
        """The task."""
        if not self._is_found:
            raise NotFound("gone", code="task_not_found")
        return "row"

    async def find_listed(self, ids: Sequence[str], /) -> Sequence[str]:
        """The task, or nothing."""
        return ids if self._is_found else ()


async def test_an_unknown_deletion_forgets_the_recent_write_as_the_task_may_go_later() -> None:
    tasks = ScriptedDeletions(NoAnswer("late"), NoAnswer("late"), is_found=True)
    with pytest.raises(OutcomeUnknown):
        await Deletion(tasks, "1").run()
    assert tasks.recent.get("1") is None
    assert not tasks.recent.is_deleted("1")


@pytest.mark.parametrize("result", [None, OutcomeUnknown("lost"), NotFound("gone", code="task_not_found")])
async def test_a_deleted_task_is_remembered_as_deleted(result: TaskhandError | None) -> None:
    tasks = ScriptedDeletions(result, is_found=False)
    await Deletion(tasks, "1").run()
    assert tasks.recent.get("1") is None
    assert tasks.recent.is_deleted("1")


class RememberedDeletions(ScriptedDeletions):
    """The task is gone, and a recent write is read in its place."""

    async def get(self, _: str, /) -> object:
        """The recent write."""
        if (write := self.recent.get("1")) is None:
            raise NotFound("gone", code="task_not_found")
        return write.row


@pytest.mark.parametrize("result", [None, EmptySuccess("empty")])
async def test_a_confirmed_deletion_is_not_sent_again_because_of_a_recent_write(result: TaskhandError | None) -> None:
    tasks = RememberedDeletions(result, is_found=False)
    await Deletion(tasks, "1").run()
    assert tasks.recent.is_deleted("1")


class RepeatedDeletions(ScriptedDeletions):
    """The client has sent the deletion again after a response with this status, and then got a 404."""

    def __init__(self, status: int, *, is_found: bool = False) -> None:
        super().__init__(is_found=is_found)
        self._status = status

    async def delete(self, _: str, /) -> None:
        """Fail with the second response."""
        record_request("DELETE", "/tasks/1", self._status)
        record_request("DELETE", "/tasks/1", 404)
        raise NotFound("gone", code="task_not_found")


@pytest.mark.parametrize("status", [423, 425, 429, 503])
async def test_a_404_after_a_response_that_made_the_client_repeat_the_deletion_means_deleted(status: int) -> None:
    assert await Deletion(RepeatedDeletions(status), "1").run() == Messages("CRM").removed


@pytest.mark.parametrize("status", [423, 425, 429, 503])
async def test_a_404_after_such_a_response_is_unknown_while_the_task_is_found(status: int) -> None:
    with pytest.raises(OutcomeUnknown):
        await Deletion(RepeatedDeletions(status, is_found=True), "1").run()


async def test_a_404_after_a_confirmed_deletion_of_a_task_that_is_still_shown_needs_no_note() -> None:
    tasks = ScriptedDeletions(None, NotFound("gone", code="task_not_found"), is_found=True)
    assert await Deletion(tasks, "1").run() is None


LOST = OutcomeUnknown("lost")


@pytest.mark.parametrize(
    ("results", "sent"),
    [
        ([LOST, LOST], 2),
        ([None, None], 2),
        ([None, LOST], 2),
        ([LOST, None, LOST], 3),
        ([UpstreamFailed("busy"), LOST], 2),
        ([UpstreamFailed("busy", retry_after_s=5)], 1),
    ],
)
async def test_the_deletion_of_a_task_that_stays_is_sent_twice_and_once_more_if_only_the_second_was_confirmed(
    results: list[TaskhandError | None], sent: int
) -> None:
    tasks = ScriptedDeletions(*results, *[LOST] * 3, is_found=True)
    with pytest.raises(TaskhandError):
        await Deletion(tasks, "1").run()
    assert len(results) + 3 - len(tasks.results) == sent
