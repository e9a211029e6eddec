"""Whether two credentials are for the same account of a CRM."""

from taskhand.backends.base import Backend

__all__ = ["is_same_account"]


async def is_same_account(one: Backend, other: Backend) -> bool | None:
    """Whether two credentials of one CRM are for the same account; None if unknown.

    Compares the CRM's ids of the accounts, else the ids of the teams: a user of several accounts has other colleagues
    in each.
    """
    ids = [await backend.account.upstream_account() for backend in (one, other)]
    if all(ids):
        return ids[0] == ids[1]
    teams = [{member.id for member in await backend.account.members()} for backend in (one, other)]
    return teams[0] == teams[1] if any(teams) else None
