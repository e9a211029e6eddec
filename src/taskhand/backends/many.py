"""Many tasks at once where a backend has no way of its own: each by itself, side by side."""

from collections.abc import Awaitable, Callable, Sequence

import anyio

from taskhand.backend import Misread, Outcome, Written
from taskhand.edit import Edit
from taskhand.errors import TaskhandError
from taskhand.task import Task

__all__ = ["each_by_itself"]


async def each_by_itself(
    update: Callable[[Task, Edit], Awaitable[Written]], edits: Sequence[tuple[Task, Edit]]
) -> tuple[Outcome, ...]:
    """One outcome for each, in the order given; how many are under way at once is the rate budget's to say."""
    outcomes: dict[int, Outcome] = {}

    async def one(place: int, before: Task, edit: Edit) -> None:
        try:
            outcomes[place] = Outcome(before.id, await update(before, edit))
        except Misread as misread:
            outcomes[place] = Outcome(before.id, Written(misread.now))
        except TaskhandError as error:
            outcomes[place] = Outcome(before.id, error=error)

    async with anyio.create_task_group() as updates:
        for place, (before, edit) in enumerate(edits):
            updates.start_soon(one, place, before, edit)
    return tuple(outcomes[place] for place in range(len(edits)))
