"""Search: behind, with limits of its own."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.hubspot.stage import ACME, ANA, DONE, DUE, ROSA, SEARCH, TASK, TOM, play


def where(name: str, operator: str, value: object = None, **more: object) -> dict[str, Any]:
    row = {"propertyName": name, "operator": operator, **more}
    return {"filterGroups": [{"filters": [row if value is None else row | {"value": value}]}]}


async def test_what_is_new_changed_or_unlinked_is_found_late() -> None:
    async with play() as stage:
        made = (await stage.created())["id"]
        await stage.updated(hs_task_subject="Otro")
        assert made not in await stage.found()
        assert await stage.found(query="otro") == []
        stage.clock.move(4)
        assert made not in await stage.found()
        stage.clock.move(1)
        assert made in await stage.found()
        assert await stage.found(query="otro") == [TASK]


async def test_a_stale_record_is_shown_as_the_index_has_it() -> None:
    async with play() as stage:
        await stage.updated(hs_task_subject="Otro")
        _, page = await stage.sent("POST", SEARCH, {"properties": ["hs_task_subject"]})
        assert page["results"][0]["properties"]["hs_task_subject"] == "Revisar contrato"


@pytest.mark.parametrize(("value", "count"), [("hidden", 1), ("lags", 2)])
async def test_archived_tasks_leave_at_once_or_late(value: str, count: int) -> None:
    async with play(f"archived_index={value}") as stage:
        await stage.client.delete(f"/crm/v3/objects/tasks/{TASK}")
        assert len(await stage.found()) == count
        stage.clock.move(5)
        assert await stage.found() == [DONE]


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
async def test_filters(body: dict[str, Any], ids: list[str]) -> None:
    async with play() as stage:
        assert await stage.found(**body) == ids


async def test_groups_are_or_and_filters_in_one_are_and() -> None:
    done = {"propertyName": "hs_task_status", "operator": "EQ", "value": "COMPLETED"}
    owned = {"propertyName": "hubspot_owner_id", "operator": "HAS_PROPERTY"}
    async with play() as stage:
        assert await stage.found(filterGroups=[{"filters": [done, owned]}]) == []
        assert await stage.found(filterGroups=[{"filters": [done]}, {"filters": [owned]}]) == [TASK, DONE]


async def test_what_is_unset_may_differ() -> None:
    async with play("unset_differs=yes") as stage:
        assert await stage.found(**where("hubspot_owner_id", "NEQ", "1")) == [TASK, DONE]


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
async def test_one_rule_sorts(sorts: list[Any], ids: list[str]) -> None:
    async with play() as stage:
        assert await stage.found(sorts=sorts) == ids


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
async def test_a_search_that_cannot_be_is_refused(body: dict[str, Any]) -> None:
    async with play() as stage:
        status, said = await stage.sent("POST", SEARCH, body)
        assert (status, said["status"]) == (404 if "dream" in str(body) else 400, "error")


async def test_pages_go_by_offset_up_to_the_cap() -> None:
    async with play("search_cap=2") as stage:
        _, first = await stage.sent("POST", SEARCH, {"limit": 1})
        assert (first["total"], first["paging"]) == (2, {"next": {"after": "1"}})
        _, last = await stage.sent("POST", SEARCH, {"limit": 1, "after": "1"})
        assert [row["id"] for row in last["results"]] == [DONE]
        assert "paging" not in last
        assert (await stage.sent("POST", SEARCH, {"limit": 1, "after": 2}))[0] == 400


async def test_people_and_firms_are_found() -> None:
    async with play() as stage:
        contacts, companies = "/crm/v3/objects/contacts/search", "/crm/v3/objects/companies/search"
        _, page = await stage.sent("POST", contacts, where("email", "EQ", "ROSA@example.com"))
        [rosa] = page["results"]
        assert set(rosa["properties"]) == {
            "createdate",
            "email",
            "firstname",
            "hs_object_id",
            "lastmodifieddate",
            "lastname",
        }
        _, page = await stage.sent("POST", contacts, where("phone", "CONTAINS_TOKEN", "*5678"))
        assert [row["id"] for row in page["results"]] == [TOM]
        _, page = await stage.sent("POST", companies, {"query": "acme"})
        assert page["results"][0]["properties"]["domain"] == "acme.example"


async def test_a_search_changes_nothing_and_is_logged_so() -> None:
    async with play() as stage:
        await stage.found()
        await stage.batch("read", {"id": TASK})
        assert [entry.committed for entry in stage.sandbox.requests] == [False, False]
