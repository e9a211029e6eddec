"""Many tasks at once where a backend has no way of its own: each by itself, side by side."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import anyio

from taskhand.backends.base import BulkProgress, ItemResult, Misread, Written
from taskhand.domain.deadline import call_deadline
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, RateLimited, TaskhandError
from taskhand.domain.request_log import recorded_requests
from taskhand.domain.task import Task

__all__ = ["each_by_itself", "none_of_them"]

Edits = Sequence[tuple[Task, Edit]]

_IN_HAND: Final = 16
"""Twice what is usually under way: while one half travels, the other half waits for its turn in the rate budget."""


async def each_by_itself(
    update: Callable[[Task, Edit], Awaitable[Written]],
    edits: Edits,
    watch: BulkProgress | None = None,
    *,
    places: Sequence[int] | None = None,
    in_hand: int = _IN_HAND,
) -> tuple[ItemResult, ...]:
    """One outcome for each, in the order given; the rate budget says how many of those `in_hand` are under way.

    `places` are those that `watch` knows them by, where they are only some of many. Once it says stop, no other edit
    is begun; those in hand are finished.
    """
    watching, outcomes = watch or BulkProgress(), dict[int, ItemResult]()
    queue = iter(enumerate(edits))

    async def work() -> None:
        for number, (before, edit) in queue:
            outcomes[number] = await _outcome(update, before, edit, watching)
            watching.tell(number if places is None else places[number], outcomes[number])

    async with anyio.create_task_group() as workers:
        for _ in range(min(in_hand, len(edits))):
            workers.start_soon(work)
    return tuple(outcomes[number] for number in range(len(edits)))


def none_of_them(edits: Edits, error: TaskhandError, watch: BulkProgress | None = None) -> tuple[ItemResult, ...]:
    """The outcomes where something that all of them need could not be had: nothing was sent."""
    watching, outcomes = watch or BulkProgress(), list[ItemResult]()
    for place, (before, _) in enumerate(edits):
        outcomes.append(ItemResult(before.id, error=watching.stopped or error))
        watching.tell(place, outcomes[place])
    return tuple(outcomes)


async def _outcome(
    update: Callable[[Task, Edit], Awaitable[Written]], before: Task, edit: Edit, watch: BulkProgress
) -> ItemResult:
    """What comes of one edit, which has a call's time for itself."""
    if watch.stopped is not None:
        return ItemResult(before.id, error=watch.stopped)
    with call_deadline(), recorded_requests() as sent:
        try:
            return ItemResult(before.id, await update(before, edit))
        except Misread as misread:
            return _after_misreading(misread, edit)
        except RateLimited as limited:
            never_sent = watch.stopped is not None and all(request.startswith("GET ") for request in sent)
            return ItemResult(before.id, error=watch.stopped if never_sent else limited)
        except TaskhandError as error:
            return ItemResult(before.id, error=error)


def _after_misreading(misread: Misread, edit: Edit) -> ItemResult:
    """An edit that was made from something else than what was there counts if it shows; who asked makes it again."""
    if not any(edit.unmet_by(misread.now, written=True).given()):
        return ItemResult(misread.now.id, Written(misread.now))
    changed = CallerError(
        "The task changed while it was to be written.",
        code="conflict",
        retryable=True,
        next_step="Send retryIds again as taskIds.",
    )
    return ItemResult(misread.now.id, error=changed)
