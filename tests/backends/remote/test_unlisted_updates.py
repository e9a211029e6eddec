"""Confirmed updates that lists do not show yet: the last read, and updates that are not resent."""

from collections.abc import Mapping, Sequence

from backends.example.client import JsonObject
from backends.example.mapping import task_body
from backends.remote.scripted import LaggingAdapter, ScriptedClient, open_adapter
from taskhand.backends.base import BulkProgress, Written
from taskhand.backends.remote.bulk_item import BatchAnswer, Item, State
from taskhand.domain.edit import Edit
from taskhand.domain.errors import UpstreamError
from virtual_time import Time


class UnlistedAdapter(LaggingAdapter):
    """Confirms every update; its lists show the update of each task after so many seconds."""

    min_batch = 1
    max_updates = 15
    shown_after: Sequence[float] = (99.0,) * 30

    def __init__(self, client: ScriptedClient, time: Time) -> None:
        super().__init__(client, time)
        self.began = time.now
        self.sent_again: list[int] = []

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """Confirm a batch without its tasks."""
        return dict.fromkeys((item.index for item in items), State.CONFIRMED)

    async def get_many(self, items: Sequence[Item[JsonObject]]) -> Mapping[str, JsonObject]:
        """The tasks, each with its edit if enough time has passed."""
        rows = await super().get_many(items)
        shown = [item for item in items if self.time.now - self.began >= self.shown_after[item.index]]
        return {**rows, **{item.id: rows[item.id] | task_body(item.edit) for item in shown}}

    async def update_item(self, item: Item[JsonObject], progress: BulkProgress) -> Written:
        """Refuse to send an update again."""
        del progress
        self.sent_again.append(item.index)
        raise UpstreamError("Not now.")


class UnreadableAdapter(UnlistedAdapter):
    """Has batches of one task, which nobody can read by itself."""

    max_updates = 1

    async def get(self, task_id: str, edit: Edit | None = None) -> JsonObject:  # noqa: ARG002  nobody can
        """Fail."""
        raise UpstreamError(f"{task_id} cannot be read now.")


async def update(kind: type[UnlistedAdapter], count: int) -> tuple[list[bool], list[int]]:
    """Whether each of `count` updates is known to be applied, and which of them are sent again."""
    adapter, tasks = await open_adapter(kind=kind, tasks=count)
    assert isinstance(adapter, UnlistedAdapter)
    results = await adapter.update_tasks([(one, Edit(priority=2)) for one in tasks])
    assert all(one.error is None or one.error.code == "outcome_unknown" for one in results)
    return [one.error is None for one in results], adapter.sent_again


async def test_the_last_read_covers_every_batch() -> None:
    class ShownAdapter(UnreadableAdapter):
        shown_after = (8.0, 99.0)

    assert await update(ShownAdapter, 2) == ([True, False], [])


async def test_an_unconfirmed_update_is_unknown_and_not_resent_while_reads_lag() -> None:
    assert await update(UnreadableAdapter, 1) == ([False], [])


async def test_at_most_twenty_updates_of_all_batches_together_are_sent_again() -> None:
    assert await update(UnlistedAdapter, 30) == ([False] * 30, list(range(20)))
