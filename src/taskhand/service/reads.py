"""Look something up: one task, the statuses, the team, contacts."""

from dataclasses import dataclass

from taskhand.domain import rules
from taskhand.domain.errors import CallerError
from taskhand.domain.names import fold
from taskhand.domain.task import Contact, Member, StatusList, Task
from taskhand.service.app_context import Desk

__all__ = ["Team", "find_contacts", "get_task", "list_statuses", "list_team_members"]

_SHORTEST_QUERY = 2


@dataclass(frozen=True, slots=True)
class Team:
    """Everyone who can be responsible, and who of them is `me` (None where nobody can tell)."""

    members: tuple[Member, ...]
    me: str | None


async def get_task(desk: Desk, task_id: str) -> Task:
    """One whole task; NotFound, or CallerError for an id that no task can have."""
    rules.check_id(task_id, desk.backend.capabilities)
    return await desk.backend.get_task(task_id)


async def list_statuses(desk: Desk) -> StatusList:
    """The statuses by position, where they come from and whether they are all."""
    return await desk.backend.statuses()


async def list_team_members(desk: Desk) -> Team:
    """The team."""
    return Team(await desk.backend.members(), await desk.backend.me())


async def find_contacts(desk: Desk, query: str, limit: int) -> tuple[Contact, ...]:
    """Contacts by a part of their name, phone or e-mail; CallerError for a query too short to find anyone by."""
    if len(fold(query)) < _SHORTEST_QUERY:
        raise CallerError(
            "query is too short.", code="invalid_query", next_step=f"Send at least {_SHORTEST_QUERY} characters."
        )
    return await desk.backend.find_contacts(query, limit)
