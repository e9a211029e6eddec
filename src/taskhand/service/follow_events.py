"""All pages of the changes in the CRM, and then new changes as they are found."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Final

import anyio

from taskhand.service.app_context import AppContext
from taskhand.service.list_events import EventPage, EventsRequest, list_events

__all__ = ["begin_query", "follow_events", "read_events"]

_EVERY_S: Final = 1.0
"""Seconds between two polls of the store for events that another process found."""


async def begin_query(app: AppContext, request: EventsRequest, since: datetime | None) -> EventsRequest:
    """The query from a moment on, for a caller without a bookmark; errors as of `list_events`."""
    if since is None:
        return request
    with app.call_deadline():
        page = await list_events(app, replace(request, limit=1))
    return request if page.since is not None else replace(request, since=since)


async def read_events(app: AppContext, request: EventsRequest) -> AsyncIterator[EventPage]:
    """All pages, the first one after a poll of the CRM; errors as of `list_events`."""
    looks = True
    while True:
        with app.call_deadline():
            page = await list_events(app, request, looks=looks)
        yield page
        if not page.more:
            return
        request, looks = replace(request, cursor=page.cursor, since=None), False


async def follow_events(app: AppContext, request: EventsRequest) -> AsyncIterator[EventPage]:
    """All pages, then pages of events that this or another process finds, until cancelled; later pages may be empty.

    While it runs, the feed is in demand, so the poller polls.
    """
    woken, seen = [anyio.Event()], 0
    ends = [app.feed_demand.subscribe(app), app.updates.subscribe(lambda _: woken[0].set())]
    try:
        async for page in read_events(app, request):
            yield page
            request = replace(request, cursor=page.cursor, since=None)
        while True:
            with anyio.move_on_after(_EVERY_S):
                await woken[0].wait()
            woken[0] = anyio.Event()
            feed = await app.events.find_feed(page.feed) if app.events else None
            if feed is None or feed.last_seq == seen:
                continue
            with app.call_deadline():
                page = await list_events(app, request, looks=False)
            if page.events:
                yield page
            request, seen = replace(request, cursor=page.cursor), feed.last_seq
            if page.more:
                seen = 0
                woken[0].set()
    finally:
        for end in ends:
            end()
