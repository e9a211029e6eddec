"""List what was changed in several connections as one list, newest last."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from taskhand.domain.errors import TaskhandError
from taskhand.domain.merged_error import merge_errors
from taskhand.domain.merged_list import MergedCursor, merge_rows
from taskhand.domain.name_matching import Match
from taskhand.domain.wording import Wording
from taskhand.events.event_store import KeptEvent
from taskhand.service.answer_names import load_wording
from taskhand.service.app_context import AppContext
from taskhand.service.ask_connections import ConnectionAnswers, ask_connections
from taskhand.service.list_events import EventPage, EventsRequest, list_events, save_position

__all__ = ["EventLists", "list_events_everywhere", "save_positions"]


class ConnectionEvents(NamedTuple):
    """The query of one connection, its page, and the words for the people in it."""

    asked: EventsRequest
    page: EventPage
    wording: Wording


@dataclass(frozen=True, slots=True)
class EventLists:
    """One page over several connections: its `rows` are events with their connections, newest last.

    `found` has the pages of which the rows may be a part. `begun` is the cursor of this page.
    """

    rows: tuple[tuple[str, KeptEvent], ...]
    found: ConnectionAnswers[ConnectionEvents]
    begun: MergedCursor

    @property
    def pages(self) -> Mapping[str, EventPage]:
        """The page of each connection."""
        return {name: answer.page for name, answer in self.found.answers.items()}

    @property
    def matched(self) -> Mapping[str, Sequence[Match]]:
        """The words that each connection understood."""
        return {name: answer.asked.matched for name, answer in self.found.answers.items()}

    @property
    def unknown(self) -> tuple[tuple[str, TaskhandError], ...]:
        """The people whom a connection does not know, each with the error; it was asked without them."""
        return tuple(
            (name, error) for name, answer in self.found.answers.items() for error in answer.asked.unknown.values()
        )

    def shown_of(self, shown: int) -> Mapping[str, int]:
        """The number of rows of each connection among the first `shown`."""
        counts = Counter(name for name, _ in self.rows[:shown])
        return {name: counts[name] for name in self.pages}

    def cursor_after(self, shown: int) -> str:
        """The cursor after this number of rows; a connection that did not answer keeps its position."""
        moved: dict[str, tuple[str, ...] | None] = {
            name: (self.pages[name].cursor_after(count),)
            if count or not self.pages[name].events
            else self.begun.by_name[name]
            for name, count in self.shown_of(shown).items()
        }
        return replace(self.begun, by_name={**self.begun.by_name, **moved}).cursor()

    def has_more(self, shown: int) -> bool:
        """Whether more events follow after this number of rows."""
        return any(page.more or self.shown_of(shown)[name] < len(page.events) for name, page in self.pages.items())


async def list_events_everywhere(
    apps: Mapping[str, AppContext],
    asked_of: Callable[[str], Awaitable[EventsRequest]],
    people_in: Callable[[Sequence[KeptEvent]], Collection[str]],
    *,
    limit: int,
    cursor: str | None = None,
) -> EventLists:
    """One page of the changes in these connections, at most `limit` in all, by the query of each.

    A connection that cannot answer its query is left out, such as one that knows none of the people.
    """
    begun = MergedCursor.of_list([*apps], "events", cursor)

    async def ask(name: str, app: AppContext) -> ConnectionEvents:
        asked = replace(await asked_of(name), cursor=next(iter(begun.by_name[name] or ()), None))
        page = await list_events(app, asked)
        return ConnectionEvents(asked, page, await load_wording(app, people_in(page.events), is_away=page.is_failed))

    answers = await ask_connections(apps, ask)
    _check_known_somewhere(answers)
    events = {name: answer.page.events for name, answer in answers.answers.items()}
    merged = merge_rows(events, lambda event: event.moment)
    return EventLists(tuple(islice(merged, limit)), answers, begun)


def _check_known_somewhere(connection_answers: ConnectionAnswers[ConnectionEvents]) -> None:
    """Refuse a person whom no connection knows; one that could not be asked may know them."""
    unknown = {name: answer.asked.unknown for name, answer in connection_answers.answers.items()}
    for text in () if connection_answers.unreachable else next(iter(unknown.values())):
        if all(text in own for own in unknown.values()):
            raise merge_errors({name: own[text] for name, own in unknown.items()})


async def save_positions(apps: Mapping[str, AppContext], lists: EventLists, shown: int) -> None:
    """Store the position of the caller after this number of rows."""
    for name, count in lists.shown_of(shown).items():
        answer = lists.found.answers[name]
        if count or not answer.page.events:
            await save_position(apps[name], answer.asked, answer.page, count)
