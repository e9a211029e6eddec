"""The tool `list_events`."""

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import MISSING, Field

from taskhand.domain.event import EventKind
from taskhand.domain.name_matching import Match
from taskhand.domain.task import Body, or_none
from taskhand.server.render.events import EventsAnswer, people_in_events
from taskhand.server.render.resolved_names import match_rows
from taskhand.server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.domain.errors import TaskhandError
    from taskhand.domain.people_lookup import People
    from taskhand.service.list_events import EventsRequest
    from taskhand.service.write_call import Call

__all__ = ["LIST_EVENTS"]

_LIMIT: Final = 50


class ListEvents(Body):
    """The filters of the feed, and the page."""

    since: Annotated[str, Field(description="ISO 8601 time or words; default: your last call")] | MISSING = MISSING
    kinds: Annotated[tuple[EventKind, ...], Field(description="Only these")] | MISSING = MISSING
    people: Annotated[tuple[str, ...], Field(description="Authors, or present or former responsibles")] | MISSING = (
        MISSING
    )
    task_id: Annotated[str, Field(description="Only changes of this task")] | MISSING = MISSING
    limit: Annotated[int, Field(ge=1, le=100, description="50 if left out")] | MISSING = MISSING
    cursor: Annotated[str, Field(description="nextCursor of the page before")] | MISSING = MISSING


async def _run(call: "Call", arguments: ListEvents) -> EventsAnswer:
    from taskhand.server.render.rendered_answer import fit_rows
    from taskhand.service.answer_names import load_wording
    from taskhand.service.list_events import list_events, save_position
    from taskhand.service.list_note import list_note

    asked = await _ask_of(call, arguments)
    page = await list_events(call.app, asked)
    wording = await load_wording(call.app, people_in_events(page.events), is_away=page.is_failed)
    note = await list_note(call.app, asked.matched)
    answer, shown = fit_rows(lambda count: EventsAnswer.of(page, count, wording, note), len(page.events))
    await save_position(call.app, asked, page, shown)
    return answer.model_copy(update={"matched": match_rows(asked.matched) or MISSING})


async def _ask_of(call: "Call", arguments: ListEvents, *, of_known: bool = False) -> "EventsRequest":
    """The query for one connection; `of_known` is whether some of the people may be unknown there."""
    from taskhand.domain.moment_argument import read_moment
    from taskhand.service.list_events import EventsRequest
    from taskhand.service.list_team_members import list_team_members
    from taskhand.service.resolve_people import resolve_filter_people, resolve_known_people

    since, matched = None, tuple[Match, ...]()
    if arguments.since is not MISSING:
        since, matched = read_moment("since", arguments.since, "from", call.app.reference)
    people: People | None = None
    unknown: Mapping[str, TaskhandError] = {}
    if arguments.people is not MISSING:
        named = call.app, await list_team_members(call.app), arguments.people, "people"
        if of_known:
            people, unknown = await resolve_known_people(*named)
        else:
            people = await resolve_filter_people(*named)
    goes_on = arguments.cursor is not MISSING  # the start of the next page is in the cursor
    return EventsRequest(
        call.caller.key,
        _limit(arguments),
        cursor=or_none(arguments.cursor),
        since=since,
        kinds=() if arguments.kinds is MISSING else arguments.kinds,
        task_id=or_none(arguments.task_id),
        person_ids=people.ids if people else (),
        matched=(*(() if goes_on else matched), *(people.shortened if people else ())),
        unknown=unknown,
        is_all=arguments.task_id is not MISSING,
    )


def _limit(arguments: ListEvents) -> int:
    return _LIMIT if arguments.limit is MISSING else arguments.limit


async def _run_everywhere(calls: "Mapping[str, Call]", arguments: ListEvents) -> EventsAnswer:
    from taskhand.server.render.rendered_answer import fit_rows
    from taskhand.server.render.several_connections import EventsEverywhereAnswer
    from taskhand.service.list_events_everywhere import list_events_everywhere, save_positions
    from taskhand.service.list_note import merged_list_note

    apps = {name: call.app for name, call in calls.items()}
    event_lists = await list_events_everywhere(
        apps,
        lambda name: _ask_of(calls[name], arguments, of_known=True),
        people_in_events,
        limit=_limit(arguments),
        cursor=or_none(arguments.cursor),
    )
    note = await merged_list_note(apps, event_lists.matched)
    answer, shown = fit_rows(
        lambda count: EventsEverywhereAnswer.of_several(event_lists, count, note), len(event_lists.rows)
    )
    await save_positions(apps, event_lists, shown)
    return answer


LIST_EVENTS = Tool(
    name="list_events",
    title="List events",
    description="List changes in the CRM by anybody, newest last, with old and new values and author.",
    kind="read",
    arguments=ListEvents,
    answer=EventsAnswer,
    run=_run,
    run_everywhere=_run_everywhere,
    advice="list_events lists changes in the CRM by anybody.",
)
