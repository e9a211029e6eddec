"""Find the people whom a call names."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from taskhand.domain import people_lookup
from taskhand.domain.errors import NotFound
from taskhand.domain.name_matching import fold
from taskhand.domain.people_lookup import People
from taskhand.domain.task import Member
from taskhand.domain.task_query import NOBODY
from taskhand.service.app_context import AppContext
from taskhand.service.list_team_members import Team

__all__ = ["find_former_members", "resolve_filter_people", "resolve_known_people", "resolve_people"]


async def resolve_people(
    app: AppContext, team: Team, texts: Sequence[str], accepted: Collection[str], argument: str = "responsibleIds"
) -> People:
    """The people given by id, e-mail, name or 'me'; `accepted` are ids on the task, perhaps of former members."""
    try:
        return await _resolve(app, team, texts, accepted, argument)
    except NotFound:
        for text in texts:
            if fold(text) in NOBODY and not people_lookup.find_members(text, team.members):
                raise _nobody_error(app, text, argument) from None
        raise


async def resolve_filter_people(
    app: AppContext, team: Team, texts: Sequence[str], argument: str = "responsibleIds"
) -> People:
    """The people of a filter: those who left the team may still have tasks, so they are found too.

    An id is accepted whether or not it is known.
    """
    pattern = app.backend.capabilities.member_id_pattern
    accepted = [
        person_id for text in texts if re.fullmatch(pattern, person_id := people_lookup.without_mark(text) or text)
    ]
    return await _resolve(app, team, texts, accepted, argument, is_filter=True)


async def resolve_known_people(
    app: AppContext, team: Team, texts: Sequence[str], argument: str = "responsibleIds"
) -> tuple[People, Mapping[str, NotFound]]:
    """As `resolve_filter_people`, for those who are known here; and the error of each other, unless that is all."""
    try:
        return await resolve_filter_people(app, team, texts, argument), {}
    except NotFound:
        unknown: dict[str, NotFound] = {}
        for person_text in texts:
            try:
                await resolve_filter_people(app, team, [person_text], argument)
            except NotFound as error:
                unknown[person_text] = error
        if not (known := [text for text in texts if text not in unknown]):
            raise
    return await resolve_filter_people(app, team, known, argument), unknown


async def find_former_members(app: AppContext, ids: Collection[str], team: Collection[str]) -> dict[str, Member]:
    """The former members among the people with these ids, by id, as far as their names are known.

    `team` are the ids of the members.
    """
    missing = {*ids} - {*team}
    if not missing:
        return {}
    return {member.id: member for member in await app.backend.account.former_members() if member.id in missing}


def _nobody_error(app: AppContext, text: str, argument: str) -> NotFound:
    """The error for a word such as `nobody` in a write, which says how to leave a task to nobody."""
    return NotFound(
        f"{argument} takes people, and {text[:60]!r} is not a member of the team.",
        code="unknown_member",
        next_step="A task here needs a responsible person: send one."
        if app.backend.capabilities.least_responsibles
        else 'To leave a task to nobody, send clear ["responsibleIds"] with update_task, or in changes of '
        "bulk_update_tasks; a new task takes responsibleIds [].",
    )


async def _resolve(
    app: AppContext,
    team: Team,
    texts: Sequence[str],
    accepted: Collection[str],
    argument: str,
    *,
    is_filter: bool = False,
) -> People:
    """The people given. Former members are read only if a text matches no member; a filter finds all of them."""
    resolve = partial(
        people_lookup.match_members,
        texts,
        team.members,
        team.me,
        accepted=accepted,
        argument=argument,
        me_remedy=app.backend.remedies.get("me"),
    )
    try:
        return resolve()
    except NotFound:
        if not (departed := await app.backend.account.former_members()):
            raise
    former = [member for member in departed if is_filter or member.id in accepted]
    return resolve(former=former, departed=departed, is_filter=is_filter)
