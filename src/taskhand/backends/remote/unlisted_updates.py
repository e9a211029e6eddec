"""Settles updates in batches that the CRM has confirmed and its lists do not show yet.

The lists are read again a few times while the call has time, and only one batch as long as nothing changes. After that
one task of each batch is read by itself, which is always current: if it shows its edit, the rest of the batch counts as
confirmed; if not, a few items are sent again one by one.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from taskhand.backends.remote.bulk_item import Applied, Item, open_items
from taskhand.backends.remote.bulk_update import ItemWriter
from taskhand.domain.errors import CallerError, TaskhandError

if TYPE_CHECKING:
    from taskhand.backends.remote.batch_update import BatchAdapter

__all__ = ["settle_unlisted"]

_Row = TypeVar("_Row")

_WAITS_S: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each read of the lists."""
_MAX_SENT_AGAIN: Final = 20
"""The maximum number of updates, over all batches, that are sent again."""


async def settle_unlisted(
    batches: Sequence[Sequence[Item[_Row]]],
    adapter: "BatchAdapter[_Row]",
    writer: ItemWriter[_Row],
    read_back: Callable[[Sequence[Item[_Row]]], Awaitable[None]],
) -> None:
    """End the items of these batches that are still confirmed and not shown.

    `read_back` reads their tasks from the lists, and ends the items that are shown.
    """
    unshown = [left for batch in batches if (left := open_items(batch))]
    for turn, wait_s in enumerate(_WAITS_S):
        if not unshown or not await adapter.timing.sleep_if_time(wait_s):
            break
        first = unshown[turn % len(unshown)]
        await read_back(first)
        if turn == len(_WAITS_S) - 1 or any(item.is_over for item in first):
            for batch in unshown:
                if batch is not first:
                    await read_back(batch)
        unshown = [left for batch in unshown if (left := open_items(batch))]
    to_send = _MAX_SENT_AGAIN
    for batch in unshown:
        to_send -= await _settle_by_first(batch, adapter, writer, to_send)


async def _settle_by_first(
    items: Sequence[Item[_Row]], adapter: "BatchAdapter[_Row]", writer: ItemWriter[_Row], to_send: int
) -> int:
    """End the items of one batch according to its first task; returns the number of items sent again."""
    try:
        row = await adapter.get(items[0].id)
        is_shown = adapter.shows(row, items[0].edit)
    except CallerError:
        is_shown = False
    except TaskhandError:
        to_send, is_shown = 0, False
    if is_shown:
        items[0].state = Applied(row)
        for item in items[1:]:
            if item.row is not None:
                item.state = Applied(adapter.confirmed_row(item.row, item.edit), adapter.messages.accepted)
    again = [] if is_shown else items[:to_send]
    await writer.write(again)
    for item in open_items(items):
        item.state = adapter.messages.unknown_update(item.id)
    return len(again)
