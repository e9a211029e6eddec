"""The search, its late index and its own limits."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.hubspot.served_sandbox import ACME, ANA, DONE, DUE, ROSA, SEARCH, TASK, TOM, open_served_sandbox


def where(name: str, operator: str, value: object = None, **more: object) -> dict[str, Any]:
    row = {"propertyName": name, "operator": operator, **more}
    return {"filterGroups": [{"filters": [row if value is None else row | {"value": value}]}]}


async def test_the_search_finds_changes_late() -> None:
    async with open_served_sandbox() as served:
        made = (await served.create_task())["id"]
        await served.update_task(hs_task_subject="Otro")
        assert made not in await served.search()
        assert await served.search(query="otro") == []
        served.clock.advance(4)
        assert made not in await served.search()
        served.clock.advance(1)
        assert made in await served.search()
        assert await served.search(query="otro") == [TASK]


async def test_the_search_answers_the_indexed_version() -> None:
    async with open_served_sandbox() as served:
        await served.update_task(hs_task_subject="Otro")
        _, page = await served.send("POST", SEARCH, {"properties": ["hs_task_subject"]})
        assert page["results"][0]["properties"]["hs_task_subject"] == "Revisar contrato"


@pytest.mark.parametrize(("value", "count"), [("hidden", 1), ("lags", 2)])
async def test_archived_tasks_leave_the_index_at_once_or_late(value: str, count: int) -> None:
    async with open_served_sandbox(f"archived_index={value}") as served:
        await served.client.delete(f"/crm/v3/objects/tasks/{TASK}")
        assert len(await served.search()) == count
        served.clock.advance(5)
        assert await served.search() == [DONE]


MILLIS = "1795618800000"  # DUE


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({}, [TASK, DONE]),
        (where("hs_task_status", "EQ", "COMPLETED"), [DONE]),
        (where("hs_task_status", "EQ", "completed"), []),
        (where("hs_task_status", "NEQ", "COMPLETED"), [TASK]),
        (where("hs_task_subject", "EQ", "REVISAR contrato"), [TASK]),
        (where("hs_task_subject", "IN", values=["revisar contrato"]), [TASK]),
        (where("hs_task_subject", "IN", values=["Revisar contrato"]), []),
        (where("hs_task_status", "NOT_IN", values=["COMPLETED"]), [TASK]),
        (where("hs_timestamp", "EQ", MILLIS), [TASK]),
        (where("hs_timestamp", "GTE", DUE), [TASK]),
        (where("hs_timestamp", "LT", DUE), [DONE]),
        (where("hs_timestamp", "GT", MILLIS), []),
        (where("hs_timestamp", "BETWEEN", "2026-11-05T12:00:00Z", highValue=MILLIS), [TASK, DONE]),
        (where("hubspot_owner_id", "HAS_PROPERTY"), [TASK]),
        (where("hubspot_owner_id", "NOT_HAS_PROPERTY"), [DONE]),
        (where("hubspot_owner_id", "NEQ", "1"), [TASK]),
        (where("hs_task_subject", "CONTAINS_TOKEN", "contr*"), [TASK]),
        (where("hs_task_subject", "CONTAINS_TOKEN", "contr"), []),
        (where("hs_task_subject", "NOT_CONTAINS_TOKEN", "otro"), [TASK]),
        (where("hs_task_is_completed", "EQ", "1"), [DONE]),
        (where("hs_task_is_completed", "EQ", "true"), []),
        (where("hs_object_id", "EQ", TASK), [TASK]),
        (where("associations.contact", "EQ", ROSA), [TASK]),
        (where("associations.company", "EQ", ACME), []),
        ({"filters": [{"propertyName": "hubspot_owner_id", "operator": "EQ", "value": ANA}]}, [TASK]),
        ({"query": "PLAZO"}, [TASK]),
    ],
)
async def test_every_operator_filters_tasks(body: dict[str, Any], ids: list[str]) -> None:
    async with open_served_sandbox() as served:
        assert await served.search(**body) == ids


async def test_groups_are_joined_by_or_and_filters_by_and() -> None:
    done = {"propertyName": "hs_task_status", "operator": "EQ", "value": "COMPLETED"}
    owned = {"propertyName": "hubspot_owner_id", "operator": "HAS_PROPERTY"}
    async with open_served_sandbox() as served:
        assert await served.search(filterGroups=[{"filters": [done, owned]}]) == []
        assert await served.search(filterGroups=[{"filters": [done]}, {"filters": [owned]}]) == [TASK, DONE]


async def test_negative_filters_may_match_unset_properties() -> None:
    async with open_served_sandbox("unset_differs=yes") as served:
        assert await served.search(**where("hubspot_owner_id", "NEQ", "1")) == [TASK, DONE]


@pytest.mark.parametrize(
    ("sorts", "ids"),
    [
        ([{"propertyName": "hs_timestamp", "direction": "ASCENDING"}], [DONE, TASK]),
        ([{"propertyName": "hs_timestamp", "direction": "DESCENDING"}], [TASK, DONE]),
        (["-hs_createdate"], [DONE, TASK]),
        (["hs_createdate"], [TASK, DONE]),
        (["hubspot_owner_id"], [TASK, DONE]),
    ],
)
async def test_a_search_is_sorted_by_one_rule(sorts: list[Any], ids: list[str]) -> None:
    async with open_served_sandbox() as served:
        assert await served.search(sorts=sorts) == ids


FILTER = {"propertyName": "hs_task_status", "operator": "EQ", "value": "x"}


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "x"},
        {"after": "9995"},
        {"sorts": ["hs_createdate", "hs_timestamp"]},
        {"sorts": ["no_such"]},
        {"query": "x" * 3001},
        {"filterGroups": [{"filters": [FILTER]}] * 6},
        {"filterGroups": [{"filters": [FILTER] * 7}]},
        {"filterGroups": [{"filters": [FILTER] * 5}] * 4},
        where("no_such", "EQ", "x"),
        where("hs_body_preview_html", "EQ", "x"),
        where("hs_task_status", "LIKE", "x"),
        where("hs_task_status", "IN", "x"),
        where("hs_task_status", "EQ"),
        where("hs_timestamp", "BETWEEN", "1"),
        where("associations.dream", "EQ", "1"),
    ],
)
async def test_refuses_an_invalid_search(body: dict[str, Any]) -> None:
    async with open_served_sandbox() as served:
        status, error = await served.send("POST", SEARCH, body)
        assert (status, error["status"]) == (404 if "dream" in str(body) else 400, "error")


async def test_pages_by_offset_up_to_the_documented_number_of_results() -> None:
    async with open_served_sandbox("search_cap=2") as served:
        _, first = await served.send("POST", SEARCH, {"limit": 1})
        assert (first["total"], first["paging"]) == (2, {"next": {"after": "1"}})
        _, last = await served.send("POST", SEARCH, {"limit": 1, "after": "1"})
        assert [row["id"] for row in last["results"]] == [DONE]
        assert "paging" not in last
        assert (await served.send("POST", SEARCH, {"limit": 1, "after": 2}))[0] == 400


async def test_finds_contacts_and_companies() -> None:
    async with open_served_sandbox() as served:
        contacts, companies = "/crm/v3/objects/contacts/search", "/crm/v3/objects/companies/search"
        _, page = await served.send("POST", contacts, where("email", "EQ", "ROSA@example.com"))
        [rosa] = page["results"]
        assert set(rosa["properties"]) == {
            "createdate",
            "email",
            "firstname",
            "hs_object_id",
            "lastmodifieddate",
            "lastname",
        }
        _, page = await served.send("POST", contacts, where("phone", "CONTAINS_TOKEN", "*5678"))
        assert [row["id"] for row in page["results"]] == [TOM]
        _, page = await served.send("POST", companies, {"query": "acme"})
        assert page["results"][0]["properties"]["domain"] == "acme.example"


async def test_a_search_is_logged_as_a_read() -> None:
    async with open_served_sandbox() as served:
        await served.search()
        await served.batch("read", {"id": TASK})
        assert [entry.committed for entry in served.sandbox.requests] == [False, False]
