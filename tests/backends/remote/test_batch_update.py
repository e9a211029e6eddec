"""Bulk updates in batches with failing batches."""

from collections.abc import Mapping, Sequence

import anyio.lowlevel

from backends.example.adapter import ExampleAdapter
from backends.example.client import ExampleClient, JsonObject
from backends.example.mapping import task_body
from taskhand.backends.base import BulkProgress
from taskhand.backends.remote.batch_update import BatchAdapter
from taskhand.backends.remote.bulk_item import Applied, BatchAnswer, Item, Lost, State
from taskhand.backends.remote.timing import Timing
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NoAnswer, NotFound
from taskhand.domain.task import Task
from virtual_time import Time

EDIT = Edit(priority=2)


class CountingClient(ExampleClient):
    """Counts the updates, and ignores them."""

    updates = 0

    async def update(self, task_id: str, body: JsonObject) -> JsonObject:
        """PATCH without effect."""
        del body
        self.updates += 1
        return await self.get(task_id)


class BatchedAdapter(ExampleAdapter, BatchAdapter[JsonObject]):
    """Writes in batches of 30, which it confirms and never shows."""

    many_reads_lag = True
    max_updates = 30

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """Confirms without a row."""
        return dict.fromkeys((item.index for item in items), State.CONFIRMED)

    async def get_many(self, items: Sequence[Item[JsonObject]]) -> Mapping[str, JsonObject]:
        """The tasks as they were."""
        return {item.id: await self.get(item.id) for item in items}


class UnevenAdapter(BatchedAdapter):
    """Shows what it has confirmed of its second batch later, of its first one never; `read` are the batches read."""

    read: Sequence[int] = ()

    async def get_many(self, items: Sequence[Item[JsonObject]]) -> Mapping[str, JsonObject]:
        """The tasks as they are shown."""
        batch = items[0].index // 30
        self.read = [*self.read, batch]
        rows = await super().get_many(items)
        shown = task_body(EDIT) if batch == 1 and self.read.count(1) > 1 else {}
        return {task_id: row | shown for task_id, row in rows.items()}


class RefusingAdapter(BatchedAdapter):
    """Refuses a batch of which it may have written a part, while the caller gives up."""

    many_reads_lag = False
    progress = BulkProgress()

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """Refuses."""
        self.progress.stop("the caller gave up")
        raise CallerError(f"One of {len(items)} is wrong.")


class LosingAdapter(BatchedAdapter):
    """Says nothing certain of the first item of a batch, at first since no answer came in time; writes nothing."""

    many_reads_lag = False
    sent = 0

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """Lose the answer to a part of the batch."""
        self.sent += 1
        lost = Lost(NoAnswer("No answer came in time.") if self.sent == 1 else None)
        return {**await super().update_many(items), items[0].index: lost}


class StoppedAdapter(BatchedAdapter):
    """Says nothing certain of a batch, while the caller gives up; writes nothing."""

    many_reads_lag = False
    progress = BulkProgress()

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """Lose the answer."""
        self.progress.stop("the caller gave up")
        return dict.fromkeys((item.index for item in items), Lost())


class AtomicAdapter(BatchedAdapter):
    """Writes a batch or refuses it as a whole: for priority 3, and for a task that is `gone`."""

    many_reads_lag = False
    batch_is_atomic = True
    gone = ""

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """Write all or nothing."""
        self.sent = [*getattr(self, "sent", []), [item.index for item in items]]
        self.known = [item.before.priority for item in items]
        if any(item.id == self.gone for item in items):
            raise NotFound("There is no such task.") if len(items) == 1 else CallerError("One is not there.")
        if any(item.edit.priority == 3 for item in items):
            raise CallerError("There is no priority 3.")
        rows = [await ExampleClient.update(self._client, item.id, task_body(item.edit)) for item in items]
        return {item.index: Applied(row) for item, row in zip(items, rows, strict=True)}


class SingleTaskAdapter(BatchedAdapter):
    """Writes batches of one, and sees how many are under way at once."""

    under_way = most = 0
    max_updates = 1

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """Confirm while others go on."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await anyio.lowlevel.checkpoint()
        self.under_way -= 1
        return await super().update_many(items)


async def open_adapter(kind: type[BatchedAdapter], tasks: int) -> tuple[BatchedAdapter, CountingClient, list[Task]]:
    """The adapter, its account, and so many tasks in it."""
    time = Time()
    client = CountingClient(time.moment)
    adapter = kind(client, None, Timing(time.moment, time.clock, time.sleep))
    new = Edit(title="Send it", responsible_ids=(), priority=1)
    return adapter, client, [(await adapter.create_task(new)).task for _ in range(tasks)]


async def test_a_task_of_a_refused_batch_is_unapplied_if_it_reads_untouched_and_nothing_more_is_sent() -> None:
    adapter, client, tasks = await open_adapter(RefusingAdapter, 3)
    assert isinstance(adapter, RefusingAdapter)
    results = await adapter.update_tasks([(task, EDIT) for task in tasks], adapter.progress)
    assert [result.error.code for result in results if result.error] == ["upstream_error"] * 3
    assert client.updates == 0


async def test_at_most_twenty_confirmed_tasks_that_no_read_shows_are_sent_again_over_all_batches() -> None:
    adapter, client, tasks = await open_adapter(BatchedAdapter, 90)
    await adapter.update_tasks([(task, EDIT) for task in tasks])
    assert client.updates == 20


async def test_confirmed_batches_that_no_read_shows_are_looked_at_in_turn() -> None:
    adapter, _, tasks = await open_adapter(UnevenAdapter, 60)
    assert isinstance(adapter, UnevenAdapter)
    await adapter.update_tasks([(task, EDIT) for task in tasks])
    assert adapter.read == [0, 1, 0, 1, 0, 0, 0]  # the first one again once the second one has moved


async def test_a_part_of_a_batch_without_an_answer_in_time_is_sent_again_and_unknown_if_it_reads_unchanged() -> None:
    adapter, _, tasks = await open_adapter(LosingAdapter, 2)
    first, second = await adapter.update_tasks([(task, EDIT) for task in tasks])
    assert isinstance(adapter, LosingAdapter)
    assert adapter.sent == 2
    assert first.error
    assert first.error.code == "outcome_unknown"
    assert second.written


async def test_a_lost_update_is_not_retried_after_the_caller_gave_up() -> None:
    adapter, client, tasks = await open_adapter(StoppedAdapter, 2)
    assert isinstance(adapter, StoppedAdapter)
    results = await adapter.update_tasks([(task, EDIT) for task in tasks], adapter.progress)
    assert [result.error.code for result in results if result.error] == ["upstream_error"] * 2
    assert client.updates == 0


async def test_the_refusal_of_a_value_is_that_of_all_tasks_with_the_same_edit_and_of_no_other() -> None:
    adapter, _, tasks = await open_adapter(AtomicAdapter, 4)
    assert isinstance(adapter, AtomicAdapter)
    wrong = Edit(priority=3)
    results = await adapter.update_tasks([*zip(tasks, (wrong, wrong, EDIT, wrong), strict=True)])
    assert [bool(result.written) for result in results] == [False, False, True, False]
    assert adapter.sent == [[0, 1, 2, 3], [0], [2]]


async def test_a_deleted_task_does_not_fail_the_others_in_its_batch() -> None:
    adapter, _, tasks = await open_adapter(AtomicAdapter, 3)
    assert isinstance(adapter, AtomicAdapter)
    adapter.gone = tasks[0].id
    results = await adapter.update_tasks([(task, EDIT) for task in tasks])
    assert [bool(result.written) for result in results] == [False, True, True]


async def test_a_refused_task_is_found_by_halves_of_its_batch() -> None:
    adapter, _, tasks = await open_adapter(AtomicAdapter, 30)
    assert isinstance(adapter, AtomicAdapter)
    adapter.gone = tasks[-1].id
    results = await adapter.update_tasks([(task, EDIT) for task in tasks])
    assert [bool(result.written) for result in results] == [True] * 29 + [False]
    assert [len(part) for part in adapter.sent] == [30, 1, 15, 14, 1, 7, 6, 1, 3, 2, 1, 1]


async def test_two_edits_of_one_task_are_sent_in_succession() -> None:
    adapter, _, (one, other) = await open_adapter(AtomicAdapter, 2)
    assert isinstance(adapter, AtomicAdapter)
    results = await adapter.update_tasks([(one, EDIT), (one, Edit(title="Sent")), (other, EDIT)])
    assert adapter.sent == [[0, 2], [1]]
    assert adapter.known == [EDIT.priority]
    assert [result.written.task.title for result in results if result.written] == ["Send it", "Sent", "Send it"]


async def test_three_batches_are_under_way_at_once() -> None:
    adapter, _, tasks = await open_adapter(SingleTaskAdapter, 8)
    assert isinstance(adapter, SingleTaskAdapter)
    await adapter.update_tasks([(task, EDIT) for task in tasks])
    assert adapter.most == 3
