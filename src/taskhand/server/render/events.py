"""The answers of list_events: a row for each change in the CRM; pure."""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import MISSING

from taskhand.domain.event import TaskEvent
from taskhand.domain.receipt import FieldChange, join_notes, people_in_difference
from taskhand.domain.task import or_none
from taskhand.domain.truncation import truncate
from taskhand.server.render.answer import Answer, UntrustedAnswer
from taskhand.server.render.differences import render_changed
from taskhand.server.render.resolved_names import MatchRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskhand.domain.wording import Wording
    from taskhand.events.event_store import KeptEvent
    from taskhand.service.list_events import EventPage

__all__ = ["EventRow", "EventsAnswer", "event_row", "first_look_note", "people_in_events"]

_TITLE: Final = 60
_NAME: Final = 60
_FIRST: Final = "This is your first list {filters}: it begins now."
_BEFORE: Final = " For earlier changes, send since, such as yesterday."


class EventRow(Answer):
    """One change of a task. It was `at` a moment, or `between` two; `changeId` is set if Taskhand made it.

    `changed` has no `from` if the CRM returns only the new value.
    """

    at: str | MISSING = MISSING
    between: tuple[str, str] | MISSING = MISSING
    kind: str
    id: str
    title: str | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING
    by: str | MISSING = MISSING
    change_id: str | MISSING = MISSING
    connection: str | MISSING = MISSING


class EventsAnswer(UntrustedAnswer):
    """A page of a feed, the newest change last. `more` is set if others follow at `nextCursor`."""

    free_text: ClassVar[tuple[str, ...]] = ("events.title", "events.changed", "events.by", "matched.name")
    listed: ClassVar[tuple[str, ...]] = ("events", "nextCursor", "more")

    since: str | MISSING = MISSING
    events: tuple[EventRow, ...]
    matched: tuple[MatchRow, ...] | MISSING = MISSING
    next_cursor: str
    more: bool | MISSING = MISSING
    note: str | MISSING = MISSING

    @classmethod
    def of(cls, page: "EventPage", shown: int, wording: "Wording", note: str | None = None) -> "EventsAnswer":
        """The answer with the first events of a page."""
        return cls(
            since=wording.moment(page.since) or MISSING,
            events=tuple(event_row(event, wording) for event in page.events[:shown]),
            next_cursor=page.cursor_after(shown),
            more=True if page.more or shown < len(page.events) else MISSING,
            note=join_notes(first_look_note(page), *page.notes, note) or MISSING,
        )


def first_look_note(page: "EventPage") -> str | None:
    """The note for a caller that has never read the feed with these filters before."""
    if page.since is not None:
        return None
    first = _FIRST.format(filters="with these filters" if page.filters else "without filters")
    return first + (_BEFORE if page.tells_past else "")


def people_in_events(events: "Iterable[KeptEvent]") -> frozenset[str]:
    """The ids of the people in the rows of events."""
    reported = [kept_event.event for kept_event in events]
    return people_in_difference(_with_nulls(change) for event in reported for change in event.changed).union(
        event.by for event in reported if event.by is not None
    )


def event_row(kept_event: "KeptEvent", wording: "Wording") -> EventRow:
    """The row of an event."""
    event = kept_event.event
    facts: dict[str, Any] = {
        "at": wording.moment(event.at),
        "between": tuple(wording.moment(moment) for moment in event.between)
        if event.between and not event.at
        else None,
        "title": truncate(event.title, _TITLE) if event.title else None,
        "changed": _changed_fields(event, wording),
        "by": truncate(_name_of(event, wording), _NAME),
        "change_id": event.change_id,
    }
    return EventRow(kind=event.kind, id=event.task_id, **{name: value for name, value in facts.items() if value})


def _name_of(event: TaskEvent, wording: "Wording") -> str:
    members = wording.people([event.by]) if event.by is not None else []
    return " and ".join([*members, *filter(None, [event.by_name])])


def _changed_fields(event: TaskEvent, wording: "Wording") -> dict[str, Any]:
    """The fields with their values before and after; for a new task only the values."""
    if event.kind == "deleted":
        return {}
    is_new = event.kind == "created"
    shown = render_changed(map(_with_nulls, event.changed), wording)
    without = {change.field for change in event.changed if is_new or change.before is MISSING}
    return {
        field: {name: value for name, value in sides.items() if name != "from"} if field in without else sides
        for field, sides in shown.items()
    }


def _with_nulls(change: FieldChange) -> FieldChange:
    """The change, with null for a value that is not known."""
    before, after = (or_none(side) for side in (change.before, change.after))
    return FieldChange(change.field, before, after)
