"""Read one task, the statuses, the team or contacts."""

from dataclasses import dataclass

from taskhand.domain import rules
from taskhand.domain.address import split_address
from taskhand.domain.errors import CallerError
from taskhand.domain.names import fold
from taskhand.domain.task import Contact, Member, StatusList, Task
from taskhand.domain.text import strip_hidden, without_cut
from taskhand.service.app_context import AppContext

__all__ = ["Team", "find_contacts", "get_task", "list_statuses", "list_team_members"]

_SHORTEST_QUERY = 2


@dataclass(frozen=True, slots=True)
class Team:
    """The members who can be responsible for tasks; `me` is the id that 'me' stands for, None where it is unknown."""

    members: tuple[Member, ...]
    me: str | None


async def get_task(app: AppContext, task_id: str) -> Task:
    """One task; NotFound where there is none, CallerError for a malformed id."""
    rules.check_id(task_id, app.backend.capabilities)
    return await app.backend.get_task(task_id)


async def list_statuses(app: AppContext) -> StatusList:
    """The statuses by position, with their source and whether the list is complete."""
    return await app.backend.statuses()


async def list_team_members(app: AppContext) -> Team:
    """The members of the team."""
    return Team(await app.backend.members(), await app.backend.me())


async def find_contacts(app: AppContext, query: str, limit: int) -> tuple[Contact, ...]:
    """At most `limit` contacts by a part of their name, phone or e-mail; CallerError for a query that is too short."""
    address = split_address(query)
    query = address.of if address and "@" in address.of else without_cut(strip_hidden(query)).strip()
    if len(fold(query)) < _SHORTEST_QUERY:
        raise CallerError(
            "query is too short.", code="invalid_query", next_step=f"Send at least {_SHORTEST_QUERY} characters."
        )
    return await app.backend.find_contacts(query, limit)
