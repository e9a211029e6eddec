"""The persons for whom Taskhand made its own changes in a feed, whatever credential it used."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from taskhand.domain.errors import TaskhandError
from taskhand.domain.event import TaskEvent
from taskhand.domain.principal import ANYONE, Person, Principal
from taskhand.journal.journal import Caller, Change
from taskhand.service.app_context import AppContext

__all__ = ["find_author", "with_authors"]


async def with_authors(
    app: AppContext, events: Sequence[TaskEvent], changes: Mapping[str, Change]
) -> tuple[TaskEvent, ...]:
    """The events, with the person for whom each of these changes was made, if known."""
    ids = {event.change_id for event in events}
    made = {change_id: change.opening.caller for change_id, change in changes.items() if change_id in ids}
    authors = {caller: await _find_person(app, caller) for caller in dict.fromkeys(made.values())}
    return tuple(
        replace(event, by=author[0], by_name=author[1])
        if event.change_id is not None
        and event.change_id in made
        and (author := authors[made[event.change_id]]) is not None
        else event
        for event in events
    )


async def find_author(app: AppContext, change: Change) -> str | None:
    """The member whom the CRM records as the author of a change; None if unknown."""
    backend = app.shared.of_principal(ANYONE).backend
    if change.opening.own_credential:
        author = await _find_person(app, change.opening.caller)
        return author[0] if author else None
    if not backend.capabilities.writes_as_me:
        return None
    with suppress(TaskhandError):
        return await backend.account.me()
    return None


async def _find_person(app: AppContext, caller: Caller) -> tuple[str | None, str | None] | None:
    """The member, else the name of a person who is no member; None if neither is known."""
    principal = ANYONE
    if caller.subject is not None:
        named = Person.parse(caller.subject)
        person = replace(named, email=caller.email or named.email)
        principal = Principal(person, members=app.lines_of(person.id))
    with suppress(TaskhandError):
        member = await app.shared.of_principal(principal).backend.account.me()
        if member is not None:
            return member, None
    return (None, caller.person) if caller.person is not None else None
