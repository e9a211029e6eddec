"""The words for the people in an answer, as far as the team can be read."""

from collections.abc import Collection
from dataclasses import replace

from taskhand.domain.errors import TaskhandError
from taskhand.domain.people_names import people_names
from taskhand.domain.wording import Wording
from taskhand.service.app_context import AppContext
from taskhand.service.list_team_members import Team
from taskhand.service.people import find_former_members

__all__ = ["wording_for"]


async def wording_for(app: AppContext, people: Collection[str]) -> Wording:
    """The words for these people, by id, and for times.

    People are shown by their ids where the team cannot be read: what is answered has been done by then.
    """
    plain = Wording(app.timezone, for_programs=app.policy.answers == "whole")
    if not people:
        return plain
    try:
        team = Team(await app.backend.members(), me=None)
        former = await find_former_members(app, people, [one.id for one in team.members])
    except TaskhandError:
        return plain
    return replace(plain, names=people_names(tuple(people), {one.id: one for one in team.members}, former))
