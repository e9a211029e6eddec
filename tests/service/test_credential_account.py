"""Two credentials are for one account if the CRM says so, else if they see the same team."""

from pathlib import Path

import pytest

from backends.local.open_store import open_store
from builders import ANA, BEN
from taskhand.backends.base import Backend
from taskhand.domain.task import Member
from taskhand.service.credential_account import is_same_account
from taskhand.service.forwarding_backend import ForwardingAccount, ForwardingBackend


def _see(store: Backend, account_id: str | None, team: tuple[Member, ...]) -> Backend:
    """A backend whose credential sees this account and this team."""

    class Account(ForwardingAccount):
        """What the CRM says of it."""

        async def upstream_account(self) -> str | None:
            return account_id

        async def members(self) -> tuple[Member, ...]:
            return team

    backend = ForwardingBackend(store)
    backend.account = Account(store.account)
    return backend


@pytest.mark.parametrize(
    ("ids", "teams", "is_same"),
    [
        (("1", "1"), ((ANA,), (BEN,)), True),
        (("1", "2"), ((ANA,), (ANA,)), False),
        (("1", None), ((ANA, BEN), (BEN, ANA)), True),
        ((None, "1"), ((ANA,), (ANA, BEN)), False),
        ((None, None), ((ANA,), ()), False),
        ((None, None), ((), ()), None),
    ],
)
async def test_the_account_is_that_of_the_crm_s_ids_else_that_of_the_team(
    ids: tuple[str | None, str | None],
    teams: tuple[tuple[Member, ...], tuple[Member, ...]],
    is_same: bool | None,  # noqa: FBT001  of a table
    tmp_path: Path,
) -> None:
    async with open_store(tmp_path / "tasks.sqlite") as store:
        one, other = (_see(store, account_id, team) for account_id, team in zip(ids, teams, strict=True))
        assert await is_same_account(one, other) is is_same
