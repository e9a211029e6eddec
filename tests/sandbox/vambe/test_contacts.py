"""Team members and contacts."""

from __future__ import annotations

import pytest

from sandbox.vambe.served_sandbox import ANA, BEN, CONTACT, CUSTOMER, MEMBERS, NOBODY, SEED, open_served_sandbox

SEARCH = "/api/public/contacts/search"
RECENT = "/api/public/contacts"


async def test_active_members_are_listed_with_their_documented_fields() -> None:
    async with open_served_sandbox() as served:
        members = (await served.client.get(MEMBERS)).json()
        assert [member["id"] for member in members] == [ANA, BEN]
        assert set(members[0]) == {"id", "name", "first_name", "last_name", "email", "phone"}


@pytest.mark.parametrize("query", ["phone=12345678", "phone=%2B56-9-1234", "email=ROSA@", "phone=56&email=rosa"])
async def test_a_contact_is_found_by_part_of_a_phone_or_an_email(query: str) -> None:
    async with open_served_sandbox() as served:
        [contact] = (await served.client.get(f"{SEARCH}?{query}")).json()
        assert (contact["id"], contact["ai_customer_id"]) == (CONTACT, CUSTOMER)
        assert contact["last_message_at"] == "2025-10-10T10:30:00.000Z"


async def test_a_search_without_matches_is_empty() -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get(f"{SEARCH}?phone=56&email=nobody")).json() == []


@pytest.mark.parametrize("query", ["", "?name=rosa", "?phone=", "?phone=---&email="])
async def test_refuses_a_search_without_phone_and_email(query: str) -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get(SEARCH + query)).status_code == 400


async def test_a_search_answers_at_most_fifty_contacts() -> None:
    [rosa] = SEED["contacts"]
    crowd = [rosa | {"id": f"cccccccc-0000-4000-8000-{n:012}"} for n in range(60)]
    async with open_served_sandbox(seed={"contacts": crowd}) as served:
        assert len((await served.client.get(f"{SEARCH}?email=rosa")).json()) == 50


async def test_lists_contacts_of_the_last_days_latest_first() -> None:
    [rosa] = SEED["contacts"]
    later = rosa | {"id": NOBODY, "last_message_at": "2025-10-19T00:00:00Z", "default_stage_id": "stage-2"}
    async with open_served_sandbox(seed={"contacts": [rosa, later]}) as served:
        found = {
            days: [contact["id"] for contact in (await served.client.get(f"{RECENT}?days={days}")).json()]
            for days in (1, 5, 10, 365)
        }
        assert found == {1: [], 5: [NOBODY], 10: [NOBODY, CONTACT], 365: [NOBODY, CONTACT]}
        staged = (await served.client.get(f"{RECENT}?days=30&stage_id=stage-1")).json()
        assert [contact["id"] for contact in staged] == [CONTACT]


@pytest.mark.parametrize("days", ["", "0", "366", "-1", "ten"])
async def test_days_are_from_one_to_a_year(days: str) -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get(f"{RECENT}?days={days}")).status_code == 400


async def test_reads_the_info_of_one_contact() -> None:
    async with open_served_sandbox() as served:
        info = (await served.client.get(f"/api/public/contact/{CONTACT}/info")).json()
        assert (info["name"], info["blocked"]) == ("Rosa", False)
        assert (await served.client.get(f"/api/public/contact/{NOBODY}/info")).status_code == 404
