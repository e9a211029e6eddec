"""Updates that a CRM confirmed and that its lists do not show yet.

The lists are read again a few times while the call has time: only one batch as long as nothing changes. After that one
task of each batch is read by itself, which is always current: if it shows its edit, the rest of the batch counts as
confirmed; if not, a few items are sent again one by one.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from taskhand.backends.remote.bulk_item import Item, State
from taskhand.backends.remote.retry_waits import sleep_if_time
from taskhand.domain.errors import CallerError, TaskhandError

if TYPE_CHECKING:
    from taskhand.backends.remote.batch_update import BatchAdapter

__all__ = ["settle_confirmed"]

_Row = TypeVar("_Row")

_WAITS_S: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each read of the lists."""
_MAX_SINGLES: Final = 20
"""The maximum number of items, over all batches, that are sent again."""


async def settle_confirmed(
    adapter: "BatchAdapter[_Row]",
    batches: Sequence[list[Item[_Row]]],
    read_back: Callable[[Sequence[Item[_Row]]], Awaitable[None]],
    send: Callable[[Sequence[Item[_Row]]], Awaitable[None]],
) -> None:
    """End every item. `read_back` reads the lists and ends the items that they show; `send` writes items one by one."""
    unshown = list(batches)
    for turn, wait_s in enumerate(_WAITS_S):
        if not unshown or not await sleep_if_time(adapter.timing.sleep, wait_s):
            break
        first = unshown[turn % len(unshown)]
        await read_back(first)
        has_moved = any(item.is_over for item in first)
        for batch in unshown if has_moved or turn == len(_WAITS_S) - 1 else ():
            if batch is not first:
                await read_back(batch)
        unshown = [left for batch in unshown if (left := [item for item in batch if not item.is_over])]
    to_send = _MAX_SINGLES
    for batch in unshown:
        to_send -= await _settle(adapter, batch, send, to_send)


async def _settle(
    adapter: "BatchAdapter[_Row]",
    items: Sequence[Item[_Row]],
    send: Callable[[Sequence[Item[_Row]]], Awaitable[None]],
    to_send: int,
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
        items[0].apply(row)
        for item in items[1:]:
            if item.row is not None:
                item.apply(adapter.confirmed_row(item.row, item.edit), adapter.messages.accepted)
    again = [] if is_shown else items[:to_send]
    await send(again)
    for item in items:
        if item.state is State.CONFIRMED:
            item.fail(adapter.messages.unknown_update(item.id))
    return len(again)
