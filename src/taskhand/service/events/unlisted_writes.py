"""Taskhand's latest writes that a list of events lacks: a first list begins now, and some CRMs report changes late."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from taskhand.service.app_context import AppContext
from taskhand.service.events.own_write_matching import changes_since, writes_of
from taskhand.service.visible_changes import is_visible

__all__ = ["describe_unlisted_writes"]

_LATELY: Final = timedelta(minutes=2)
"""How long a write without an event is mentioned; every CRM reports it sooner."""


async def describe_unlisted_writes(
    app: AppContext, since: datetime | None, listed: Collection[str], task_id: str | None = None
) -> str | None:
    """The note that a recent change by Taskhand is only in list_changes; None if the list of events has all of them.

    `since` is the start of the list of events, None for a first list; `listed` are the ids of the changes in it.
    With `task_id` only writes of that task count.
    """
    lately = app.clock() - _LATELY
    begin = lately if since is None else max(since, lately)
    listed_later: set[str] = set()  # a CRM may merge changes of a task into one
    async for change in changes_since(app, begin):
        tasks = {write.task_id for write in writes_of(change)}
        if change.id in listed:
            listed_later |= tasks
            continue
        if not is_visible(app, change) or change.opening.at == since:
            continue
        if any(task_id in (None, written) for written in tasks - listed_later):
            return f"{change.id}, made through Taskhand a moment ago, is not in this list; list_changes has it."
    return None
