"""Users, the key's user, and the organization's present and former members."""

from __future__ import annotations

import pytest

from sandbox.close.served_sandbox import ANA, BEN, GIL, open_served_sandbox


async def test_me_is_the_keys_user_with_the_organization() -> None:
    async with open_served_sandbox() as served:
        me = (await served.client.get("me/")).json()
        assert (me["id"], me["last_used_timezone"]) == (ANA, "America/Denver")
        assert (await served.client.get(f"organization/{me['organizations'][0]['id']}/")).status_code == 200


async def test_the_key_can_belong_to_another_user() -> None:
    seed = {"users": [{"id": who, "first_name": who, "last_name": "x", "email": who} for who in (ANA, BEN)]}
    async with open_served_sandbox(seed=seed | {"key_owner": BEN}) as served:
        assert (await served.client.get("me/")).json()["id"] == BEN


async def test_lists_active_users_and_reads_one_by_id() -> None:
    async with open_served_sandbox() as served:
        users = (await served.client.get("user/")).json()
        assert ([user["id"] for user in users["data"]], users["has_more"]) == ([ANA, BEN], False)
        assert "full_name" not in users["data"][0]
        assert (await served.client.get(f"user/{GIL}/")).json()["organizations"] == []


@pytest.mark.parametrize(("order", "ids"), [("last_name,first_name", [BEN, ANA]), ("first_name,last_name", [ANA, BEN])])
async def test_users_are_ordered_by_name(order: str, ids: list[str]) -> None:
    async with open_served_sandbox() as served:
        users = (await served.client.get("user/", params={"_order_by": order})).json()["data"]
        assert [user["id"] for user in users] == ids


async def test_another_order_of_users_is_refused() -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get("user/?_order_by=email")).status_code == 400


async def test_the_organization_separates_present_and_former_members() -> None:
    async with open_served_sandbox() as served:
        own = (await served.client.get("me/")).json()["organizations"][0]["id"]
        body = (await served.client.get(f"organization/{own}/")).json()
        assert [member["user_full_name"] for member in body["memberships"]] == ["Ana Paz", "Ben Abel"]
        assert [member["user_id"] for member in body["inactive_memberships"]] == [GIL]
        expanded = (await served.client.get(f"organization/{own}/?_expand=memberships__user")).json()
        assert expanded["memberships"][0]["user"]["email"] == "ana@example.com"
        assert "user" not in expanded["inactive_memberships"][0]
