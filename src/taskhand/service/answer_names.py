"""The names of the people and linked records in an answer, as far as the CRM can be read, else the last known ones."""

from collections.abc import Collection
from contextlib import nullcontext, suppress
from functools import partial
from typing import Final

from taskhand.call.deadline import part_of_call
from taskhand.domain.errors import TaskhandError
from taskhand.domain.people_labels import people_names
from taskhand.domain.task import Contact, Deal
from taskhand.domain.truncation import truncate
from taskhand.domain.wording import Wording
from taskhand.service.app_context import AppContext
from taskhand.service.resolve_people import find_former_members

__all__ = ["load_wording"]

_NAME: Final = 60
_AWAY_SHARE: Final = 0.2
"""The share of a call's time for names after the CRM failed to answer."""


async def load_wording(
    app: AppContext,
    people: Collection[str],
    links: Collection[tuple[str, str]] = frozenset(),
    *,
    is_away: bool = False,
) -> Wording:
    """The words for these people, by id, for these links, by field and id, and for times.

    An unreadable name is replaced by the last known one, else by the id: the write is already done.
    If the CRM `is_away`, only names that were never read are requested, and with a short timeout.
    """
    link_names = await _link_names(app, links)
    wording = partial(
        Wording,
        app.timezone,
        for_programs=app.surface.answers == "whole",
        link_names=link_names,
        clock_zone=None if app.timezone else app.clock().tzinfo,
    )
    if not people:
        return wording()
    last = app.last_names
    if is_away and all(person_id in last for person_id in people):
        return wording(names=last)
    try:
        with part_of_call(_AWAY_SHARE) if is_away else nullcontext():
            members = {member.id: member for member in await app.backend.account.members()}
            former = await find_former_members(app, people, members)
    except TaskhandError:
        return wording(names=last)
    names = people_names(tuple(people), members, former)
    app.remember_names(names)
    return wording(names=names)


async def _link_names(app: AppContext, links: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    names: dict[tuple[str, str], str] = {}
    for field in sorted({field for field, _ in links}):
        with suppress(TaskhandError):
            contacts = await app.backend.account.find_linked(
                field, sorted(linked_id for other, linked_id in links if other == field)
            )
            names |= {(field, linked_id): _link_name(field, linked) for linked_id, linked in contacts.items()}
    return names


def _link_name(field: str, linked: Contact | Deal) -> str:
    if field == "ai_customer_id" and isinstance(linked, Contact):
        return truncate(linked.customer_name or "", _NAME)
    return truncate(linked.name, _NAME)
