"""Look something up: one task, the statuses, the team, contacts."""

from dataclasses import dataclass

from taskhand.domain import rules
from taskhand.domain.errors import CallerError
from taskhand.domain.names import fold
from taskhand.domain.task import Contact, Member, StatusList, Task
from taskhand.service.app_context import AppContext

__all__ = ["Team", "find_contacts", "get_task", "list_statuses", "list_team_members"]

_SHORTEST_QUERY = 2


@dataclass(frozen=True, slots=True)
class Team:
    """Everyone who can be responsible, and who of them is `me` (None where nobody can tell)."""

    members: tuple[Member, ...]
    me: str | None


async def get_task(app: AppContext, task_id: str) -> Task:
    """One whole task; NotFound, or CallerError for an id that no task can have."""
    rules.check_id(task_id, app.backend.capabilities)
    return await app.backend.get_task(task_id)


async def list_statuses(app: AppContext) -> StatusList:
    """The statuses by position, where they come from and whether they are all."""
    return await app.backend.statuses()


async def list_team_members(app: AppContext) -> Team:
    """The team."""
    return Team(await app.backend.members(), await app.backend.me())


async def find_contacts(app: AppContext, query: str, limit: int) -> tuple[Contact, ...]:
    """Contacts by a part of their name, phone or e-mail; CallerError for a query too short to find anyone by."""
    if len(fold(query)) < _SHORTEST_QUERY:
        raise CallerError(
            "query is too short.", code="invalid_query", next_step=f"Send at least {_SHORTEST_QUERY} characters."
        )
    return await app.backend.find_contacts(query, limit)
