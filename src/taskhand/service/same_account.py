"""Whether two credentials are for the same account of a CRM."""

from taskhand.backends.base import Backend

__all__ = ["is_same_account"]


async def is_same_account(one: Backend, other: Backend) -> bool | None:
    """Whether two credentials of one CRM reach the same account; None if nothing tells.

    The CRM's id of the account says it, else the ids of the team: who is in several accounts is with others in each.
    """
    ids = [await backend.account.upstream_account() for backend in (one, other)]
    if all(ids):
        return ids[0] == ids[1]
    teams = [{member.id for member in await backend.account.members()} for backend in (one, other)]
    return teams[0] == teams[1] if any(teams) else None
