"""List what was changed in several connections as one list, newest last."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from taskhand.domain.places import Places, in_one_order
from taskhand.domain.wording import Wording
from taskhand.events.event_store import KeptEvent
from taskhand.service.app_context import AppContext
from taskhand.service.everywhere import Everywhere, ask_everywhere
from taskhand.service.list_events import EventPage, EventsAsked, list_events, mark_shown
from taskhand.service.wording_for import wording_for

__all__ = ["EventLists", "list_events_everywhere", "mark_shown_everywhere"]


@dataclass(frozen=True, slots=True)
class EventLists:
    """One page over several connections: its `rows` are events with their connections, newest last.

    `found` has the page of each connection, of which the rows may be a part, with the words for its people. `begun` is
    where the page begins.
    """

    rows: tuple[tuple[str, KeptEvent], ...]
    found: Everywhere[tuple[EventPage, Wording]]
    begun: Places

    @property
    def pages(self) -> Mapping[str, EventPage]:
        """The page of each connection."""
        return {name: page for name, (page, _) in self.found.answers.items()}

    def shown_of(self, shown: int) -> Mapping[str, int]:
        """How many of so many rows are of each connection."""
        counts = Counter(name for name, _ in self.rows[:shown])
        return {name: counts[name] for name in self.pages}

    def cursor_after(self, shown: int) -> str:
        """The cursor behind so many of the rows; a connection that did not answer stays where it was."""
        moved: dict[str, tuple[str, ...] | None] = {
            name: (self.pages[name].cursor_after(count),)
            if count or not self.pages[name].events
            else self.begun.by_name[name]
            for name, count in self.shown_of(shown).items()
        }
        return replace(self.begun, by_name={**self.begun.by_name, **moved}).cursor()

    def has_more(self, shown: int) -> bool:
        """Whether others wait behind so many of the rows."""
        return any(page.more or self.shown_of(shown)[name] < len(page.events) for name, page in self.pages.items())


async def list_events_everywhere(
    apps: Mapping[str, AppContext],
    asked: Mapping[str, EventsAsked],
    people_in: Callable[[Sequence[KeptEvent]], Collection[str]],
    *,
    cursor: str | None = None,
) -> EventLists:
    """One page of the changes in these connections, by what is asked of each; the limit is that of the whole page."""
    begun = Places.of_list([*apps], "events", cursor)

    async def ask(name: str, app: AppContext) -> tuple[EventPage, Wording]:
        page = await list_events(app, replace(asked[name], cursor=next(iter(begun.by_name[name] or ()), None)))
        return page, await wording_for(app, people_in(page.events))

    found = await ask_everywhere(apps, ask)
    events = {name: page.events for name, (page, _) in found.answers.items()}
    merged = in_one_order(events, lambda one: one.moment)
    return EventLists(tuple(islice(merged, next(iter(asked.values())).limit)), found, begun)


async def mark_shown_everywhere(
    apps: Mapping[str, AppContext], asked: Mapping[str, EventsAsked], lists: EventLists, shown: int
) -> None:
    """Keep that the caller has been shown so many of the rows."""
    for name, count in lists.shown_of(shown).items():
        page = lists.pages[name]
        if count or not page.events:
            await mark_shown(apps[name], asked[name], page, count)
