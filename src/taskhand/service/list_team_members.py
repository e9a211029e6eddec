"""List the members of the team."""

from dataclasses import dataclass

from taskhand.domain.task import Member
from taskhand.service.app_context import AppContext

__all__ = ["Team", "list_team_members"]


@dataclass(frozen=True, slots=True)
class Team:
    """The members who can be responsible for tasks; `me` is the id that 'me' stands for, None if it is unknown."""

    members: tuple[Member, ...]
    me: str | None


async def list_team_members(app: AppContext) -> Team:
    """The members of the team."""
    return Team(await app.backend.account.members(), await app.backend.account.me())
