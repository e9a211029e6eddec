"""Leads and contacts, read by id and found by name."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.close.served_sandbox import CONTACT, LEAD, OTHER_LEAD, TASK, open_served_sandbox

CONDITION = {"type": "text", "mode": "full_words", "value": "acme"}
NAME = {"type": "regular_field", "object_type": "lead", "field_name": "display_name"}
BY_NAME = {"type": "field_condition", "field": NAME, "condition": CONDITION}
LEADS = {"type": "object_type", "object_type": "lead"}
CONTACTS = {"type": "object_type", "object_type": "contact"}
BRUCE = {"type": "text", "value": "Bruce", "mode": "full_words"}
RELATED = {"type": "has_related", "this_object_type": "lead", "related_object_type": "contact"}


async def test_a_lead_shows_its_contacts_and_its_open_tasks() -> None:
    async with open_served_sandbox() as served:
        lead = (await served.client.get(f"lead/{LEAD}/")).json()
        assert lead["contacts"][0]["name"] == "Bruce Wayne"
        assert TASK in [task["id"] for task in lead["tasks"]]
        assert lead["html_url"] == f"https://app.close.com/lead/{LEAD}/"
        await served.update_task(is_complete=True)
        lead = (await served.client.get(f"lead/{LEAD}/")).json()
        assert TASK not in [task["id"] for task in lead["tasks"]]


async def test_lists_all_contacts_or_those_of_a_lead() -> None:
    async with open_served_sandbox() as served:
        assert len((await served.client.get("contact/")).json()["data"]) == 1
        assert (await served.client.get(f"contact/?lead_id={OTHER_LEAD}")).json()["data"] == []
        contact = (await served.client.get(f"contact/{CONTACT}/?_fields=name,lead_id")).json()
        assert contact == {"name": "Bruce Wayne", "lead_id": LEAD}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", {LEAD, OTHER_LEAD}),
        ("*", {LEAD, OTHER_LEAD}),
        ('name:"wayne enterprises"', {LEAD}),
        ("enterprises", {LEAD}),
        ("acm", set()),
        ('contact_name:"Bruce"', {LEAD}),
        ('email:"bruce@wayne.example"', {LEAD}),
        ('status:"Customer" acme', {OTHER_LEAD}),
        (f"id:{OTHER_LEAD}", {OTHER_LEAD}),
        ('"Enterprises Wayne"', set()),
        ("colour:red", set()),
        ('sort:display_name "Acme"', {OTHER_LEAD}),
    ],
)
async def test_leads_are_found_by_query(query: str, ids: set[str]) -> None:
    async with open_served_sandbox() as served:
        body = (await served.client.get("lead/", params={"query": query})).json()
        assert ({lead["id"] for lead in body["data"]}, body["total_results"]) == (ids, len(ids))


async def test_leads_are_sorted_on_request() -> None:
    async with open_served_sandbox() as served:
        for sort, first in (("display_name", "Acme"), ("-display_name", "Wayne Enterprises"), ("colour", None)):
            body = (await served.client.get("lead/", params={"query": f"sort:{sort}"})).json()
            assert first in {body["data"][0]["name"], None}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"type": "and", "queries": [LEADS, BY_NAME]}, [OTHER_LEAD]),
        ({"type": "or", "queries": [BY_NAME, {"type": "id", "value": LEAD}]}, [LEAD, OTHER_LEAD]),
        (BY_NAME | {"negate": True}, [LEAD]),
        (BRUCE, [LEAD]),
        ({"type": "and", "queries": [CONTACTS, BRUCE]}, [CONTACT]),
        ({"type": "and", "queries": [LEADS, RELATED | {"related_query": BRUCE}]}, [LEAD]),
        ({"type": "match_all"}, [LEAD, OTHER_LEAD]),
        (BY_NAME | {"condition": {"type": "term", "values": ["Acme"]}}, [OTHER_LEAD]),
        (BY_NAME | {"condition": {"type": "exists"}}, [LEAD, OTHER_LEAD]),
        (BY_NAME | {"condition": CONDITION | {"mode": "phrase", "value": "wayne enterprises"}}, [LEAD]),
        (
            BY_NAME
            | {
                "field": NAME | {"field_name": "id"},
                "condition": {"type": "reference", "reference_type": "lead", "object_ids": [LEAD]},
            },
            [LEAD],
        ),
    ],
)
async def test_the_search_finds_leads_and_contacts(query: dict[str, Any], ids: list[str]) -> None:
    async with open_served_sandbox() as served:
        body = (await served.client.post("data/search/", json={"query": query})).json()
        assert [row["id"] for row in body["data"]] == ids
        assert (list(body["data"][0]), body["cursor"]) == (["__object_type", "id"], None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": []},
        {"query": {"type": "maybe"}},
        {"query": {"type": "and"}},
        {"query": {"type": "and", "queries": [5]}},
        {"query": BY_NAME | {"condition": {"type": "moment_range"}}},
        {"query": RELATED | {"related_object_type": "planet", "related_query": BRUCE}},
        {"query": LEADS, "_limit": "x"},
        {"query": LEADS, "cursor": "x"},
        {"query": LEADS, "sort": ["name"]},
    ],
)
async def test_refuses_an_invalid_search(body: dict[str, Any]) -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.post("data/search/", json=body)).status_code == 400


async def test_a_search_is_logged_as_a_read() -> None:
    async with open_served_sandbox() as served:
        await served.client.post("data/search/", json={"query": LEADS})
        await served.create_task()
        assert [entry.committed for entry in served.sandbox.requests] == [False, True]


async def test_a_field_that_a_lead_lacks_is_left_out() -> None:
    async with open_served_sandbox() as served:
        ask = {"query": {"type": "id", "value": LEAD}, "_fields": {"lead": ["name", "colour", ["id"]]}}
        body = (await served.client.post("data/search/", json=ask)).json()
        assert body["data"] == [{"__object_type": "lead", "name": "Wayne Enterprises"}]


async def test_a_search_cursor_expires_after_thirty_seconds() -> None:
    async with open_served_sandbox(seed="demo") as served:
        sort = [{"direction": "asc", "field": NAME}]
        ask = {"query": LEADS, "_limit": 5, "sort": sort, "_fields": {"lead": ["name"]}, "include_counts": True}
        first = (await served.client.post("data/search/", json=ask)).json()
        assert first["count"] == {"limited": 9, "total": 9}
        served.clock.advance(seconds=30)
        rest = (await served.client.post("data/search/", json=ask | {"cursor": first["cursor"]})).json()
        names = [row["name"] for row in first["data"] + rest["data"]]
        assert (names, rest["cursor"]) == (sorted(names), None)
        served.clock.advance(seconds=1)
        late = await served.client.post("data/search/", json=ask | {"cursor": first["cursor"]})
        assert late.json()["field-errors"] == {"cursor": "Expired cursor"}
        few = (await served.client.post("data/search/", json=ask | {"results_limit": 2})).json()
        assert (len(few["data"]), few["count"]) == (2, {"limited": 2, "total": 9})
