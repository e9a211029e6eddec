"""The changes, plans and events that a caller may see: its own, and all if a rule allows it."""

from dataclasses import replace

from taskhand.domain.event import TASKHAND, TaskEvent
from taskhand.events.event_store import KeptEvent
from taskhand.journal.journal import Change
from taskhand.service.app_context import AppContext

__all__ = [
    "describe_owner",
    "find_visible_member",
    "hide_changes",
    "is_for_second_person",
    "is_visible",
    "show_to",
    "shown_subject",
]

_NOBODY = ""


def shown_subject(app: AppContext) -> str | None:
    """The person whose changes this caller is shown; None for all changes, also if callers are not identified.

    A caller limited to own tasks never sees all changes, whatever other rules allow: they show others' tasks.
    """
    rules = app.principal.rules
    return None if rules.sees_all_changes and not rules.own_tasks_only else app.principal.subject


def is_visible(app: AppContext, change: Change) -> bool:
    """Whether this caller is shown a change or a plan; any other is answered as one that does not exist.

    A change from before callers were identified belongs to nobody.
    """
    subject = shown_subject(app)
    return subject is None or change.opening.caller.subject == subject


def show_to(event: TaskEvent, member: str) -> TaskEvent:
    """An event as it is shown to a member who sees own tasks only.

    If the event took the task away from the member, only that is shown: the former title, and no other change.
    """
    people = next((change for change in event.changed if change.field == "responsibles"), None)
    if people is None or not isinstance(people.after, tuple) or member in people.after:
        return event
    title = next((change.before for change in event.changed if change.field == "title"), event.title)
    return replace(event, kind="reassigned", title=title if isinstance(title, str) else None, changed=(people,))


def is_for_second_person(app: AppContext, plan: Change) -> bool:
    """Whether another person than its maker has to apply this plan, and the caller is one.

    A person with the maker's e-mail counts as the maker, also at another issuer or with a key.
    """
    person, maker = app.principal.person, plan.opening.caller
    is_other = person is not None and {maker.subject, maker.email}.isdisjoint(person.names)
    return plan.opening.second_person and is_other


def describe_owner(app: AppContext, change: Change) -> str | None:
    """The sentence that names the person of another's change; None for an own change, or if no person calls."""
    owner = change.opening.caller.subject
    if app.principal.person is None or owner == app.principal.subject:
        return None
    if not owner:
        return f"{change.id} was made by an unknown caller."
    return f"{change.id} is a change of {change.opening.caller.person}."


async def find_visible_member(app: AppContext) -> str | None:
    """The only member whose tasks the caller may see; None: all tasks."""
    if not app.principal.rules.own_tasks_only:
        return None
    return await app.backend.account.me() or _NOBODY


async def hide_changes(app: AppContext, events: tuple[KeptEvent, ...]) -> tuple[KeptEvent, ...]:
    """The events without the ids of changes that the caller may not see; these are shown as made by Taskhand."""
    ids = {kept_event.event.change_id for kept_event in events if kept_event.event.change_id is not None}
    if not ids or shown_subject(app) is None:
        return events
    changes = [change for change_id in ids if (change := await app.journal.find(change_id)) is not None]
    shown = {change.id for change in changes if is_visible(app, change)}
    return tuple(
        kept_event
        if kept_event.event.change_id is None or kept_event.event.change_id in shown
        else replace(kept_event, event=replace(kept_event.event, change_id=None, by=None, by_name=TASKHAND))
        for kept_event in events
    )
