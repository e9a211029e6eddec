"""Bulk updates in batches on a CRM whose batches go wrong."""

from collections.abc import Mapping, Sequence

from backends.example.adapter import ExampleAdapter
from backends.example.client import ExampleClient, JsonObject
from passing import Time
from taskhand.backends.base import BulkProgress
from taskhand.backends.remote.adapter import Timing
from taskhand.backends.remote.bulk_item import BatchAnswer, Item
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NoAnswer
from taskhand.domain.task import Task

EDIT = Edit(priority=2)


class Counting(ExampleClient):
    """Counts the updates, and ignores them."""

    updates = 0

    async def update(self, task_id: str, body: JsonObject) -> JsonObject:
        """PATCH without effect."""
        del body
        self.updates += 1
        return await self.get(task_id)


class Batched(ExampleAdapter):
    """Writes in batches of 30, which it confirms and never shows."""

    lists_lag = True

    def batches(self, items: Sequence[Item[JsonObject]]) -> tuple[list[list[Item[JsonObject]]], list[Item[JsonObject]]]:
        """Batches of 30."""
        return [list(items[start : start + 30]) for start in range(0, len(items), 30)], []

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """Confirms without a row."""
        del items
        return BatchAnswer()

    async def get_many(self, items: Sequence[Item[JsonObject]]) -> Mapping[str, JsonObject]:
        """The tasks as they were."""
        return {item.id: await self.get(item.id) for item in items}


class Refusing(Batched):
    """Refuses a batch of which it may have written a part, while the caller gives up."""

    lists_lag = False
    progress = BulkProgress()

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """Refuses."""
        self.progress.stop("the caller gave up")
        raise CallerError(f"One of {len(items)} is wrong.")


class Losing(Batched):
    """Says nothing certain of the first item of a batch, at first since no answer came in time; writes nothing."""

    lists_lag = False
    sent = 0

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """Lose the answer to a part of the batch."""
        self.sent += 1
        return BatchAnswer(lost={items[0].index: NoAnswer("No answer came in time.") if self.sent == 1 else None})


async def opened(kind: type[Batched], tasks: int) -> tuple[Batched, Counting, list[Task]]:
    """The adapter, its account, and so many tasks in it."""
    time = Time()
    client = Counting(time.moment)
    adapter = kind(client, None, Timing(time.moment, time.clock, time.sleep))
    new = Edit(title="Send it", responsible_ids=(), priority=1)
    return adapter, client, [(await adapter.create_task(new)).task for _ in range(tasks)]


async def test_a_task_that_a_refused_batch_may_have_changed_is_unknown_where_nothing_more_is_sent() -> None:
    adapter, client, tasks = await opened(Refusing, 3)
    assert isinstance(adapter, Refusing)
    results = await adapter.update_tasks([(task, EDIT) for task in tasks], adapter.progress)
    assert [result.error.code for result in results if result.error] == ["outcome_unknown"] * 3
    assert client.updates == 0


async def test_at_most_twenty_confirmed_tasks_that_no_read_shows_are_sent_again_over_all_batches() -> None:
    adapter, client, tasks = await opened(Batched, 90)
    await adapter.update_tasks([(task, EDIT) for task in tasks])
    assert client.updates == 20


async def test_a_part_of_a_batch_without_an_answer_in_time_is_sent_again_and_unknown_if_it_reads_unchanged() -> None:
    adapter, _, tasks = await opened(Losing, 2)
    first, second = await adapter.update_tasks([(task, EDIT) for task in tasks])
    assert isinstance(adapter, Losing)
    assert adapter.sent == 2
    assert first.error
    assert first.error.code == "outcome_unknown"
    assert second.written
