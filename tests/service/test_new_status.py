"""A new task in another status than the initial one: a second request sets it, also where the first one took long."""

from pathlib import Path

import pytest

from backends.example.adapter import ExampleAdapter
from backends.example.client import ExampleClient, JsonObject
from backends.example.mapping import STATUSES
from file_stores import journal_in
from taskhand.backends.remote.timing import Timing
from taskhand.call.deadline import current_deadline
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotAttempted
from taskhand.domain.receipt import Receipt
from taskhand.domain.task import StatusChoice
from taskhand.domain.task_query import TaskQuery
from taskhand.journal.journal import Intent
from taskhand.service.app_context import AppContext, CallTime
from taskhand.service.apply_plan import execute_intents
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import Call
from virtual_time import Time


class SlowClient(ExampleClient):
    """Takes so long to create a task that no other write of the call may leave by the usual time for writes."""

    def __init__(self, time: Time) -> None:
        super().__init__(time.moment)
        self._time = time

    async def create(self, body: JsonObject) -> JsonObject:
        """POST a task."""
        await self._time.sleep(35.0)
        return await super().create(body)

    async def update(self, task_id: str, body: JsonObject) -> JsonObject:
        """PATCH a task, unless it is too late for a write."""
        if self._time.now > current_deadline(45.0, self._time.clock).write_by:
            raise NotAttempted("The call's time ran out.")
        return await super().update(task_id, body)


@pytest.mark.parametrize("titles", [["One"], ["One", "Two"]])
async def test_a_new_task_gets_its_status_in_the_rest_of_the_call(tmp_path: Path, titles: list[str]) -> None:
    time, done = Time(), StatusChoice.of(STATUSES[-1])
    adapter = ExampleAdapter(SlowClient(time), None, Timing(time.moment, time.clock, time.sleep))
    app = AppContext(adapter, Lazy(lambda: journal_in(tmp_path)), time.moment, call_time=CallTime(monotonic=time.clock))
    edits = [Edit(title=title, responsible_ids=(), priority=1, status=done) for title in titles]
    call = Call(app, "create_tasks")
    with app.call_deadline():
        await execute_intents(call, [Intent("create", edit=one, asked=one) for one in edits], call.new_opening())
    tasks = (await adapter.list_tasks(TaskQuery())).tasks
    assert [one.status_config for one in tasks] == [STATUSES[-1]] * len(titles)
    assert call.change is not None
    change = await app.journal.find(call.change.id)
    assert change is not None
    assert [one.after and one.after.status_config for one in change.results.values()] == [STATUSES[-1]] * len(titles)
    await app.aclose()


class RefusingClient(ExampleClient):
    """Refuses every update."""

    async def update(self, task_id: str, body: JsonObject) -> JsonObject:  # noqa: ARG002  always
        """PATCH a task."""
        raise CallerError("It is archived.", code="archived")


@pytest.mark.parametrize("titles", [["One"], ["One", "Two"]])
async def test_a_new_task_whose_status_is_refused_is_made_and_says_so(tmp_path: Path, titles: list[str]) -> None:
    time, done = Time(), StatusChoice.of(STATUSES[-1])
    adapter = ExampleAdapter(RefusingClient(time.moment), None, Timing(time.moment, time.clock, time.sleep))
    app = AppContext(adapter, Lazy(lambda: journal_in(tmp_path)), time.moment)
    edits = [Edit(title=title, responsible_ids=(), priority=1, status=done) for title in titles]
    call = Call(app, "create_tasks")
    receipt = await execute_intents(call, [Intent("create", edit=one, asked=one) for one in edits], call.new_opening())
    said = [receipt.note] if isinstance(receipt, Receipt) else [result.message for result in receipt.results]
    assert len(said) == len(titles)
    assert all("The task was made; its status could not be set: It is archived." in str(text) for text in said)
    assert call.change is not None
    change = await app.journal.find(call.change.id)
    assert change is not None
    assert change.outcome == "applied"
    assert all("its status could not be set" in str(result.note) for result in change.results.values())
    await app.aclose()
