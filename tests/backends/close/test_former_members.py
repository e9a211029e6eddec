"""The former members of a Close organization, from its lists of users and ended memberships."""

from dataclasses import dataclass, field
from typing import Any

from taskhand.backends.close.account import Account
from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.offset_paging import OffsetPage
from taskhand.backends.remote.parsing import JsonObject
from taskhand.backends.remote.timing import Timing
from taskhand.domain.errors import Forbidden
from taskhand.http.response_body import Reply
from taskhand.http.retry import RequestKind
from virtual_time import Time


@dataclass
class Organization(CloseClient):
    """An organization with these users, and these memberships that ended; None if it cannot be read."""

    listed: list[JsonObject]
    ended: list[JsonObject] | None = None
    organizations: list[JsonObject] = field(default_factory=lambda: [{"id": "orga_1"}, {"id": "orga_2"}])

    async def me(self) -> Reply:
        """Ana."""
        me: Any = {"id": "user_ana", "organizations": self.organizations}
        return Reply(200, me, {}, "/me/", RequestKind.READ)

    async def users(self, skip: int) -> OffsetPage:
        """All of them, on one page."""
        return OffsetPage(tuple(self.listed) if not skip else (), more=False)

    async def organization(self, organization_id: str) -> JsonObject:
        """Its ended memberships."""
        assert organization_id == "orga_1"
        if self.ended is None:
            raise Forbidden(f"{organization_id} is not for this key.")
        return {"id": organization_id, "inactive_memberships": self.ended}


ANA, BEN = (
    {"id": f"user_{name.lower()}", "first_name": name, "last_name": "Paz", "organizations": ["orga_1"]}
    for name in ("Ana", "Ben")
)
GIL = {"id": "user_gil", "first_name": "Gil", "last_name": "Abel", "organizations": []}


def former_user(user: str, name: str) -> JsonObject:
    return {"user_id": user, "user_full_name": name, "user_email": f"{user}@example.com"}


async def former(client: CloseClient) -> list[tuple[str, str]]:
    """The ids and names of those who have left, after those of the members were looked at."""
    account = Account(client, Timing(Time().moment, Time().clock, Time().sleep))
    assert [one.id for one in await account.members()] == ["user_ana", "user_ben"]
    return [(one.id, one.name) for one in await account.former_members()]


async def test_former_members_are_listed_users_without_an_organization_and_those_whose_membership_ended() -> None:
    client = Organization([ANA, BEN, GIL], [former_user("user_zoe", "Zoe Ra")])
    assert await former(client) == [("user_gil", "Gil Abel"), ("user_zoe", "Zoe Ra")]


async def test_a_former_user_who_is_active_again_is_not_listed_as_former() -> None:
    assert await former(
        Organization([ANA, BEN], [former_user("user_ben", "Ben Paz"), former_user("user_zoe", "Zoe Ra")])
    ) == [("user_zoe", "Zoe Ra")]


async def test_former_members_are_the_listed_ones_where_the_organization_cannot_be_read() -> None:
    assert await former(Organization([ANA, BEN, GIL])) == [("user_gil", "Gil Abel")]
    assert await former(Organization([ANA, BEN, GIL], [former_user("user_zoe", "Zoe Ra")], [])) == [
        ("user_gil", "Gil Abel")
    ]


async def test_the_account_is_the_only_organization_of_the_user_and_unknown_if_there_are_several() -> None:
    for ids, account in ((["orga_1"], "orga_1"), (["orga_1", "orga_2"], None), ([], None)):
        client = Organization([ANA], organizations=[{"id": one} for one in ids])
        timing = Timing(Time().moment, Time().clock, Time().sleep)
        assert await Account(client, timing).upstream_account() == account
