"""Confirmed updates that lists do not show yet: the last read, and updates that are not resent."""

from collections.abc import Sequence

from backends.example.client import JsonObject
from backends.remote.scripted import LaggingAdapter, ScriptedClient
from taskhand.backends.remote.bulk_item import Item, State
from taskhand.backends.remote.unlisted_updates import settle_confirmed
from taskhand.domain.edit import Edit
from taskhand.domain.errors import UpstreamError
from virtual_time import Time

EDIT = Edit(priority=2)


class UnreadableAdapter(LaggingAdapter):
    """Nobody can read a task by itself."""

    async def get(self, task_id: str, edit: Edit | None = None) -> JsonObject:  # noqa: ARG002  nobody can
        """Fail."""
        raise UpstreamError(f"{task_id} cannot be read now.")


async def settle_batches(shown_after: Sequence[float]) -> tuple[list[State], int]:
    """What becomes of batches of one item, each shown by lists after so many seconds, and how many are sent again."""
    time, sent = Time(), list[Item[JsonObject]]()
    began = time.now
    adapter = UnreadableAdapter(ScriptedClient(time, "", ""), time)
    rows = [await adapter.create(Edit(title="Call", responsible_ids=(), priority=2)) for _ in shown_after]
    items = [Item[JsonObject](at, adapter.to_task(row), EDIT, State.CONFIRMED) for at, row in enumerate(rows)]

    async def look(batch: Sequence[Item[JsonObject]]) -> None:
        for item in batch:
            if time.now - began >= shown_after[item.index]:
                item.apply(rows[item.index])

    async def send(again: Sequence[Item[JsonObject]]) -> None:
        sent.extend(again)

    await settle_confirmed(adapter, [[item] for item in items], look, send)
    return [item.state for item in items], len(sent)


async def test_the_last_read_covers_every_batch() -> None:
    assert await settle_batches([8.0, 99.0]) == ([State.APPLIED, State.FAILED], 0)


async def test_an_unconfirmed_update_is_unknown_and_not_resent_while_reads_lag() -> None:
    assert await settle_batches([99.0]) == ([State.FAILED], 0)


async def test_at_most_twenty_updates_of_all_batches_together_are_sent_again() -> None:
    sent: list[Item[JsonObject]] = []
    adapter = LaggingAdapter(ScriptedClient(time := Time(), "", ""), time)
    tasks = [await adapter.create_task(Edit(title="Call", responsible_ids=(), priority=1)) for _ in range(30)]
    items = [Item[JsonObject](at, one.task, EDIT, State.CONFIRMED) for at, one in enumerate(tasks)]

    async def look(_: Sequence[Item[JsonObject]]) -> None:
        """Show nothing."""

    async def send(again: Sequence[Item[JsonObject]]) -> None:
        sent.extend(again)

    await settle_confirmed(adapter, [items[:15], items[15:]], look, send)
    assert [item.index for item in sent] == list(range(20))
