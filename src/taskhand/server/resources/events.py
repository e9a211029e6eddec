"""The resource `taskhand://events`."""

from typing import Final

from taskhand.server.render.events import EventsAnswer, people_in_events
from taskhand.server.render.rendered_answer import fit_rows
from taskhand.server.resource import FOLLOWED, Resource
from taskhand.service.app_context import AppContext

__all__ = ["EVENTS"]

_MAX_EVENTS: Final = 50


async def _read(app: AppContext, _: str) -> EventsAnswer:
    from taskhand.service.answer_names import load_wording
    from taskhand.service.list_events import list_latest_events

    page = await list_latest_events(app, _MAX_EVENTS)
    wording = await load_wording(app, people_in_events(page.events))
    note = app.principal.rules.note_on_lists

    def answer_of(count: int) -> EventsAnswer:
        return EventsAnswer.of(page.latest(count), count, wording, note)

    return fit_rows(answer_of, len(page.events))[0]


EVENTS = Resource(
    uri="taskhand://events",
    name="events",
    title="Latest changes",
    description="Changes by anybody, newest last; can be subscribed to.",
    like=FOLLOWED["feed"],
    read=_read,
    follows="feed",
)
