"""Find the people whom a call names."""

import re
from collections.abc import Collection, Mapping, Sequence

from taskhand.domain import people_lookup
from taskhand.domain.errors import NotFound
from taskhand.domain.people_lookup import People
from taskhand.domain.task import Member
from taskhand.service.app_context import AppContext
from taskhand.service.list_team_members import Team

__all__ = ["find_former_members", "resolve_filter_people", "resolve_known_people", "resolve_people"]


async def resolve_people(
    app: AppContext, team: Team, given: Sequence[str], current: Collection[str], argument: str = "responsibleIds"
) -> People:
    """The people given by id, e-mail, name or 'me'; `current` are ids on the task, perhaps of former members."""
    known = {member.id for member in team.members}
    return await _resolve(app, team, given, current, argument=argument, gone=set(current) - known)


async def resolve_filter_people(
    app: AppContext, team: Team, given: Sequence[str], argument: str = "responsibleIds"
) -> People:
    """The people of a filter: those who left the team may still have tasks, so they are found too.

    An id is accepted whether or not it is known.
    """
    pattern = app.backend.capabilities.member_id_pattern
    ids = [one for text in given if re.fullmatch(pattern, one := people_lookup.without_mark(text) or text)]
    return await _resolve(app, team, given, ids, argument=argument)


async def resolve_known_people(
    app: AppContext, team: Team, given: Sequence[str], argument: str = "responsibleIds"
) -> tuple[People, Mapping[str, NotFound]]:
    """As `resolve_filter_people`, for those who are known here; and the error of each other, unless that is all."""
    try:
        return await resolve_filter_people(app, team, given, argument), {}
    except NotFound:
        unknown: dict[str, NotFound] = {}
        for one in given:
            try:
                await resolve_filter_people(app, team, [one], argument)
            except NotFound as error:
                unknown[one] = error
        if not (known := [one for one in given if one not in unknown]):
            raise
    return await resolve_filter_people(app, team, known, argument), unknown


async def find_former_members(app: AppContext, ids: Collection[str], team: Collection[str]) -> dict[str, Member]:
    """The former members among the people with these ids, by id, as far as their names are known.

    `team` are the ids of the members.
    """
    missing = {*ids} - {*team}
    return {one.id: one for one in await app.backend.former_members() if one.id in missing} if missing else {}


async def _resolve(
    app: AppContext,
    team: Team,
    given: Sequence[str],
    ids: Collection[str],
    *,
    argument: str = "responsibleIds",
    gone: Collection[str] | None = None,
) -> People:
    """The people given. Former members are read only if a name needs one; `gone` are those accepted, None all."""
    remedy = app.backend.remedies.get("me")
    try:
        return people_lookup.resolve_people(given, team.members, team.me, also=ids, argument=argument, me_remedy=remedy)
    except NotFound:
        former = await app.backend.former_members() if gone is None or gone else ()
        former = tuple(one for one in former if gone is None or one.id in gone)
        if not former:
            raise
    return people_lookup.resolve_people(
        given,
        team.members,
        team.me,
        also=ids,
        former=former,
        argument=argument,
        me_remedy=remedy,
        is_filter=gone is None,
    )
