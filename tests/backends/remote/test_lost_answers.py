"""Lost answers on the example CRM, which loses them on demand."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import anyio
import pytest

from backends.example.adapter import ExampleAdapter
from backends.example.client import MESSAGES, ExampleClient, JsonObject
from backends.example.mapping import task_body
from builders import refused
from taskhand.backends.base import BulkProgress
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.call.request_log import record_request
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NoAnswer, NotFound, OutcomeUnknown, RateLimited, UpstreamFailed
from virtual_time import Time

EDIT = Edit(title="Send it", responsible_ids=(), priority=1)


class LosingClient(ExampleClient):
    """Loses every write: `on_loss` is what happens out there meanwhile."""

    def __init__(self, time: Time, on_loss: Callable[[], Any]) -> None:
        super().__init__(time.moment)
        self.on_loss = on_loss
        self.lost = 0

    async def update(self, task_id: str, body: JsonObject) -> JsonObject:
        """Never arrives."""
        del task_id, body
        self.lost += 1
        self.on_loss()
        raise OutcomeUnknown("The answer was lost.")

    def put(self, body: JsonObject) -> None:
        """Somebody else changes every task."""
        for row in self._tasks.values():
            row.update(body)


def adapter_of(client: ExampleClient, time: Time) -> ExampleAdapter:
    return ExampleAdapter(client, None, Timing(time.moment, time.clock, time.sleep))


async def test_a_lost_update_that_reads_untouched_is_unapplied_if_the_bulk_stops_before_it_is_sent_again() -> None:
    time, progress = Time(), BulkProgress()
    client = LosingClient(time, lambda: progress.stop("the caller gave up"))
    adapter = adapter_of(client, time)
    before = (await adapter.create_task(EDIT)).task
    [result] = await adapter.update_tasks([(before, Edit(priority=2))], progress)
    assert client.lost == 1
    assert result.error is not None
    assert (result.error.code, result.error.retryable) == ("upstream_error", True)


class LostDeletionClient(ExampleClient):
    """Answers no deletion in time."""

    async def delete(self, task_id: str) -> None:
        """Arrives never, or late."""
        raise NoAnswer(f"No answer about {task_id} came in time.")


async def test_a_recent_write_is_forgotten_after_a_deletion_with_an_unknown_outcome() -> None:
    time = Time()
    adapter = ExampleAdapter(LostDeletionClient(time.moment), None, Timing(time.moment, time.clock, time.sleep))
    adapter.recent = RecentWrites(60.0, time.clock)
    task = (await adapter.create_task(EDIT)).task
    assert adapter.recent.get(task.id) is not None
    with refused("outcome_unknown", OutcomeUnknown):
        await adapter.delete_task(task)
    assert adapter.recent.get(task.id) is None


class FirstCreateClient(ExampleClient):
    """Answers the first create once a second one is lost, which makes no task."""

    def __init__(self, time: Time) -> None:
        super().__init__(time.moment)
        self.creates = 0
        self.second_is_lost = anyio.Event()
        self.first_is_answered = anyio.Event()

    async def create(self, body: JsonObject) -> JsonObject:
        """The first arrives; the second does not."""
        self.creates += 1
        if self.creates == 1:
            await self.second_is_lost.wait()
            return await super().create(body)
        self.second_is_lost.set()
        await self.first_is_answered.wait()
        raise OutcomeUnknown("The answer was lost.")


async def test_a_lost_create_never_claims_the_task_of_an_equal_create_that_was_answered() -> None:
    time = Time()
    client = FirstCreateClient(time)
    adapter = adapter_of(client, time)

    async def first() -> None:
        await adapter.create_task(EDIT)
        client.first_is_answered.set()

    async def second() -> None:
        with refused("outcome_unknown", OutcomeUnknown):
            await adapter.create_task(EDIT)

    async with anyio.create_task_group() as calls:
        calls.start_soon(first)
        await anyio.wait_all_tasks_blocked()
        calls.start_soon(second)
    assert len(await client.tasks()) == 1


class ThrottlingClient(ExampleClient):
    """Asks to wait with the first create, which it makes all the same, while the second one is under way."""

    def __init__(self, time: Time) -> None:
        super().__init__(time.moment)
        self.sent = 0
        self.second_is_sent = anyio.Event()
        self.searched = anyio.Event()

    async def create(self, body: JsonObject) -> JsonObject:
        """The first is made and refused; the second is answered once the first was looked for."""
        self.sent += 1
        record_request("POST", "/tasks", 429)
        if "notes" not in body:
            await super().create(body)
            await self.second_is_sent.wait()
            raise RateLimited("Wait.", retry_after_s=0.0)
        self.second_is_sent.set()
        await self.searched.wait()
        return await super().create(body)

    async def tasks(self) -> list[JsonObject]:
        """Lets the second create go on."""
        self.searched.set()
        return await super().tasks()


async def test_a_throttled_create_that_was_applied_is_not_retried_while_an_equal_one_may_exist() -> None:
    time = Time()
    client = ThrottlingClient(time)
    results = await adapter_of(client, time).create_tasks([EDIT, replace(EDIT, description="twice")])
    assert client.sent == 2
    assert [one.written.task.description for one in results if one.written] == [None, "twice"]
    assert len(await client.tasks()) == 2


class SlowFirstCreateClient(ExampleClient):
    """Makes the task of the first create, and answers it after the second one was lost and searched for."""

    def __init__(self, time: Time) -> None:
        super().__init__(time.moment)
        self.creates = 0
        self.second_is_told = anyio.Event()

    async def create(self, body: JsonObject) -> JsonObject:
        """The first arrives; the second does not."""
        self.creates += 1
        if self.creates == 2:
            raise OutcomeUnknown("The answer was lost.")
        made = await super().create(body)
        await self.second_is_told.wait()
        return made


async def test_a_lost_create_claims_no_task_while_an_equal_create_is_under_way() -> None:
    time = Time()
    client = SlowFirstCreateClient(time)
    adapter = adapter_of(client, time)
    async with anyio.create_task_group() as calls:
        calls.start_soon(adapter.create_task, EDIT)
        await anyio.wait_all_tasks_blocked()
        with refused("outcome_unknown", OutcomeUnknown):
            await adapter.create_task(EDIT)
        client.second_is_told.set()


class LateFirstUpdateClient(ExampleClient):
    """Gives no answer to the first update, which may arrive yet, and asks to wait with the next."""

    def __init__(self, time: Time) -> None:
        super().__init__(time.moment)
        self.updates = 0

    async def update(self, task_id: str, body: JsonObject) -> JsonObject:
        """Neither is made so far."""
        del task_id, body
        self.updates += 1
        raise NoAnswer("No answer came.") if self.updates == 1 else RateLimited("Wait.", retry_after_s=60.0)


async def test_an_update_that_may_arrive_yet_is_unknown_although_the_next_one_was_throttled() -> None:
    time = Time()
    client = LateFirstUpdateClient(time)
    adapter = adapter_of(client, time)
    before = (await adapter.create_task(EDIT)).task
    with refused("outcome_unknown", OutcomeUnknown):
        await adapter.update_task(before, Edit(priority=2))
    assert client.updates == 2


class UnsureAdapter(ExampleAdapter):
    """A task that is read proves nothing."""

    def disproves(self, row: JsonObject, edit: Edit) -> bool:
        """Never."""
        del row, edit
        return False


class FailingUpdateClient(ExampleClient):
    """Fails at every update."""

    async def update(self, task_id: str, body: JsonObject) -> JsonObject:
        """Answer a failure."""
        del task_id, body
        raise UpstreamFailed("The CRM failed with status 500.")


async def test_a_failed_update_is_unknown_where_reading_the_task_proves_nothing() -> None:
    time = Time()
    adapter = UnsureAdapter(FailingUpdateClient(time.moment), None, Timing(time.moment, time.clock, time.sleep))
    before = (await adapter.create_task(EDIT)).task
    with refused("outcome_unknown", OutcomeUnknown):
        await adapter.update_task(before, Edit(priority=2))


async def test_an_update_that_was_lost_twice_is_unknown_where_somebody_else_has_set_the_same_field() -> None:
    time = Time()
    client = LosingClient(time, lambda: client.put({"priority": 0}))
    adapter = adapter_of(client, time)
    before = (await adapter.create_task(EDIT)).task
    with refused("outcome_unknown", OutcomeUnknown):
        await adapter.update_task(before, Edit(priority=2))
    assert client.lost == 2


class FailingDeletionClient(ExampleClient):
    """Fails at each deletion, the first ones first."""

    def __init__(self, time: Time, *faults: UpstreamFailed) -> None:
        super().__init__(time.moment)
        self.faults = [*faults]

    async def delete(self, task_id: str) -> None:
        """Deletes nothing."""
        del task_id
        raise self.faults.pop(0)


@pytest.mark.parametrize("waits_s", [[7.0], [None, 9.0], [None, None]])
async def test_a_failed_deletion_reports_the_last_failure_and_waits_as_the_crm_asks(
    waits_s: Sequence[float | None],
) -> None:
    time = Time()
    faults = [UpstreamFailed(f"Failed {wait_s}.", retry_after_s=wait_s) for wait_s in waits_s]
    client = FailingDeletionClient(time, *faults)
    adapter = adapter_of(client, time)
    task = (await adapter.create_task(EDIT)).task
    with pytest.raises(UpstreamFailed) as failed:
        await adapter.delete_task(task)
    assert failed.value.retry_after_s == waits_s[-1]
    assert client.faults == []


class CountingClient(ExampleClient):
    """Counts deletions; it confirms them and deletes nothing while it is `deaf`."""

    def __init__(self, time: Time) -> None:
        super().__init__(time.moment)
        self.deletions = 0
        self.is_deaf = False

    async def delete(self, task_id: str) -> None:
        """Count, then delete."""
        self.deletions += 1
        if not self.is_deaf:
            await super().delete(task_id)


def remembering(client: ExampleClient, time: Time) -> ExampleAdapter:
    """An adapter that remembers what it has written for a minute."""
    adapter = adapter_of(client, time)
    adapter.recent = RecentWrites(60.0, time.clock)
    return adapter


async def test_a_task_that_this_process_deleted_is_not_found_and_one_that_somebody_else_deleted_is_gone() -> None:
    time = Time()
    client = CountingClient(time)
    adapter = remembering(client, time)
    mine, other = [(await adapter.create_task(EDIT)).task for _ in range(2)]
    await adapter.delete_task(mine)
    with refused("task_not_found", NotFound):
        await adapter.delete_task(mine)
    assert client.deletions == 1
    await client.delete(other.id)
    assert await adapter.delete_task(other) == MESSAGES.removed


async def test_a_recent_write_is_forgotten_after_a_confirmed_deletion_that_does_not_show() -> None:
    time = Time()
    client = CountingClient(time)
    adapter = remembering(client, time)
    task = (await adapter.create_task(EDIT)).task
    client.is_deaf = True
    with refused("outcome_unknown", OutcomeUnknown):
        await adapter.delete_task(task)
    assert adapter.recent.get(task.id) is None


class LostCreateClient(ExampleClient):
    """Loses every create."""

    async def create(self, body: JsonObject) -> JsonObject:
        """Never arrives."""
        del body
        raise OutcomeUnknown("The answer was lost.")


async def test_a_lost_create_never_claims_a_task_that_was_read_before_it() -> None:
    time = Time()
    client = LostCreateClient(time.moment)
    stored = await ExampleClient.create(client, task_body(EDIT))
    adapter = adapter_of(client, time)
    adapter.recent.note_read([stored["id"]])
    with refused("outcome_unknown", OutcomeUnknown):
        await adapter.create_task(EDIT)


class RepeatingClient(ExampleClient):
    """Makes a task with each create, and answers all of them as the first one."""

    first: JsonObject | None = None

    async def create(self, body: JsonObject) -> JsonObject:
        """The answer to the first create, as where it arrives twice."""
        made = await super().create(body)
        self.first = self.first or made
        return self.first


async def test_a_create_that_is_answered_with_the_task_of_another_one_is_searched_for() -> None:
    time = Time()
    client = RepeatingClient(time.moment)
    adapter = adapter_of(client, time)
    first, second = [await adapter.create_task(edit) for edit in (EDIT, replace(EDIT, title="Call Acme"))]
    assert first.task.id != second.task.id
    assert (second.task.title, second.note) == ("Call Acme", MESSAGES.found)
    assert len(await client.tasks()) == 2


async def test_two_creates_of_one_call_that_are_answered_with_the_same_task_make_two() -> None:
    time = Time()
    client = RepeatingClient(time.moment)
    adapter = adapter_of(client, time)
    results = await adapter.create_tasks([EDIT, replace(EDIT, title="Call Acme"), replace(EDIT, priority=0)])
    made = [one.written.task for one in results if one.written]
    assert [(task.title, task.priority) for task in made] == [("Send it", 1), ("Call Acme", 1), ("Send it", 0)]
    assert {task.id for task in made} == {row["id"] for row in await client.tasks()}


class WaitingClient(ExampleClient):
    """Asks for a wait of so many seconds with every create."""

    def __init__(self, time: Time, asked_s: float) -> None:
        super().__init__(time.moment)
        self.asked_s = asked_s
        self.creates = 0

    async def create(self, body: JsonObject) -> JsonObject:
        """Ask to wait."""
        del body
        self.creates += 1
        raise RateLimited("Wait.", retry_after_s=self.asked_s)


@pytest.mark.parametrize(("asked_s", "sent"), [(30.0, 4), (31.0, 1)])
async def test_a_create_is_sent_again_after_a_wait_of_half_a_minute_at_most(asked_s: float, sent: int) -> None:
    time = Time()
    client = WaitingClient(time, asked_s)
    with refused("rate_limited", RateLimited):
        await adapter_of(client, time).create_task(EDIT)
    assert client.creates == sent
