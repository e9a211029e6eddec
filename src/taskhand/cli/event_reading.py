"""Reads the feeds of all connections for `taskhand events`, and prints each event or runs the command for it."""

from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import anyio

from taskhand.call.parallel_work import concurrent_tasks
from taskhand.cli.authentication import build_access
from taskhand.cli.config import backend_of
from taskhand.cli.event_command import EventCommand
from taskhand.cli.event_lines import to_fields, to_json_line
from taskhand.cli.nonblocking_output import is_output_unread
from taskhand.cli.terminal import print_error, print_json_line, print_line, print_row
from taskhand.domain.display_text import plain_json
from taskhand.domain.errors import TaskhandError
from taskhand.domain.event import EventKind
from taskhand.server.offered_tools import choose_tools
from taskhand.server.render.events import event_row, people_in_events
from taskhand.server.tools import TOOLS
from taskhand.service.answer_names import load_wording
from taskhand.service.events.feed_demand import poll_when_wanted
from taskhand.service.follow_events import begin_query, follow_events, read_events
from taskhand.service.list_events import EventPage, EventsRequest, save_position
from taskhand.service.list_team_members import list_team_members
from taskhand.service.resolve_people import resolve_filter_people
from taskhand.wiring import open_connections

if TYPE_CHECKING:
    from taskhand.config.effective_settings import Configuration
    from taskhand.service.app_context import AppContext
    from taskhand.service.connections import Connections

__all__ = ["EventReading", "handle_events", "read_events_of"]

_PAGE: Final = 100
_BEFORE: Final = " For earlier changes, use --since."
_LATELY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EventReading:
    """The options of `taskhand events`."""

    since: datetime | None
    kinds: tuple[EventKind, ...]
    people: tuple[str, ...]
    task_id: str | None
    bookmark: str | None
    follows: bool
    command: EventCommand | None
    as_json: bool
    built_in: frozenset[str | None] = frozenset()
    """The connections to the built-in store."""
    turn: anyio.Lock = field(default_factory=anyio.Lock)
    """Serializes the handling of events of all connections."""

    async def ask(self, app: "AppContext") -> EventsRequest:
        """The query to one connection; CallerError for an unknown or ambiguous person."""
        ids: tuple[str, ...] = ()
        if self.people:
            team = await list_team_members(app)
            ids = tuple((await resolve_filter_people(app, team, self.people, argument="--person")).ids)
        caller = f"taskhand events {self.bookmark or ''}"
        asked = EventsRequest(caller, _PAGE, kinds=self.kinds, task_id=self.task_id, person_ids=ids)
        if self.bookmark is not None:
            return await begin_query(app, asked, self.since)
        return replace(asked, since=self.since or (None if self.follows else app.clock() - _LATELY))


async def read_events_of(configuration: "Configuration", reading: EventReading) -> bool:
    """Read the events of every connection; returns whether one failed."""
    principal = build_access(configuration).configured
    allowed = choose_tools(TOOLS, None, only_reads=False).for_principal(principal)
    if "list_events" not in allowed.by_name:
        raise allowed.refusal("list_events")
    async with open_connections(configuration.connections) as served:
        mine = served.of_principal(principal)
        local = [connection.name for connection in configuration.connections if backend_of(connection) == "local"]
        reading = replace(reading, built_in=frozenset(local if served.are_several else [None] if local else []))
        if reading.follows:
            await _follow(mine, reading)
            return False
        return await _read_each(mine, reading)


@contextmanager
def _naming(app: "AppContext", reading: EventReading) -> Iterator[None]:
    """Give errors raised inside a next step for the terminal, and the connection's name if there are several."""
    try:
        yield
    except TaskhandError as error:
        name = app.connection.name
        step = _describe_step(error, app, is_built_in=name in reading.built_in)
        raise error.but(message=f"{name}: {error.message}" if name else None, next_step=step) from error


def _describe_step(error: TaskhandError, app: "AppContext", *, is_built_in: bool) -> str | None:
    """The next step for a person at a terminal; None if it is the same as for an agent."""
    program = f"taskhand --connection {app.connection.name}" if app.connection.name else "taskhand"
    match error.code:
        case "ambiguous_member":
            return "Send the person's id: --person ID."
        case "unknown_member":
            team = "members list" if is_built_in else "call list_team_members"
            return f"Name somebody by id, e-mail or name: `{program} {team}` shows all."
        case "invalid_id":
            return f"`{program} call list_tasks` shows the ids of tasks."
        case _:
            return None


async def _read_each(served: "Connections", reading: EventReading) -> bool:
    """Read the events of the connections in turn; returns whether one failed."""
    has_failed = False
    for app in served:
        try:
            with _naming(app, reading):
                await handle_events(app, reading, read_events)
        except TaskhandError as error:
            if not served.are_several:
                raise
            print_error(error)
            has_failed = True
    return has_failed


async def _follow(served: "Connections", reading: EventReading) -> None:
    """Follow all connections concurrently, until the reader of the output is gone."""
    async with concurrent_tasks() as group:

        async def follow(app: "AppContext") -> None:
            with _naming(app, reading):
                await handle_events(app, reading, follow_events)
            group.cancel_scope.cancel()  # the reader of the output is gone

        for app in served:
            group.start_soon(poll_when_wanted, app)
            group.start_soon(follow, app)


async def handle_events(app: "AppContext", reading: EventReading, read: Callable[..., Any]) -> None:
    """Handle the events of a connection in order; ends early if the reader of the output is gone.

    `read` is `read_events` or `follow_events`.
    """
    asked, reported, is_silent = await reading.ask(app), set[str](), True
    async with aclosing(read(app, asked)) as pages:
        async for page in pages:
            for note in (note for note in page.notes if note not in reported):
                print_line(f"{app.connection.name}: {note}" if app.connection.name else note, err=True)
            reported.update(page.notes)
            if page.since is None:
                print_line(f"This is the first poll: it begins now.{_BEFORE if page.tells_past else ''}", err=True)
            is_silent = is_silent and page.since is not None and not page.events
            if not await _handle_page(app, reading, asked, page):
                return
    if is_silent:
        print_line("No changes.", err=True)


async def _handle_page(app: "AppContext", reading: EventReading, request: EventsRequest, page: EventPage) -> bool:
    """Handle each event of a page and save the bookmark; False if the reader of the output is gone."""
    wording = await load_wording(app, people_in_events(page.events))
    if reading.bookmark is not None and not page.events:
        await save_position(app, request, page, 0)
    for shown, event in enumerate(page.events, 1):
        row = event_row(event, wording).model_dump(mode="json")
        await _handle_row(reading, row | ({"connection": app.connection.name} if app.connection.name else {}))
        if reading.bookmark is not None:
            await save_position(app, request, page, shown)
        if is_output_unread() and reading.command is None:
            return False
    return True


async def _handle_row(reading: EventReading, row: dict[str, Any]) -> None:
    row = plain_json(row)
    async with reading.turn:
        if reading.command is not None:
            await reading.command.run(to_json_line(row))
        elif reading.as_json:
            print_json_line(to_json_line(row))
        else:
            print_row(*to_fields(row))
