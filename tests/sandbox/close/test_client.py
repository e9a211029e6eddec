"""The sandbox works with the vendor's own client, `closeio`."""

from __future__ import annotations

from typing import Any

import pytest
from closeio_api import APIError, ValidationError  # type: ignore[import-untyped]  # the vendor's client has no types

from sandbox.close.stage import ANA, BEN, DRAFT, LEAD, MISSED, TASK, Stage, open_stage


async def everything(stage: Stage, endpoint: str, **params: Any) -> list[dict[str, Any]]:
    """Read all pages as the vendor's scripts do."""
    rows: list[dict[str, Any]] = []
    more = True
    while more:
        page = await stage.by_vendor("get", endpoint, params=params | {"_skip": len(rows)})
        rows += page["data"]
        more = page["has_more"]
    return rows


async def test_creates_reads_updates_and_deletes_a_task() -> None:
    async with open_stage() as stage:
        made = await stage.by_vendor("post", "task", data=DRAFT | {"date": "2025-11-07", "assigned_to": BEN})
        assert (made["text"], made["date"], made["assigned_to_name"]) == ("Call back", "2025-11-07", "Ben Abel")
        done = await stage.by_vendor("put", f"task/{made['id']}", data={"is_complete": True})
        assert (done["is_complete"], done["view"], done["text"]) == (True, "archive", "Call back")
        assert await stage.by_vendor("get", f"task/{made['id']}") == done
        assert await stage.by_vendor("delete", f"task/{made['id']}") == {}
        with pytest.raises(APIError) as caught:
            await stage.by_vendor("get", f"task/{made['id']}")
        assert caught.value.response.status_code == 404


async def test_reads_every_page_once() -> None:
    async with open_stage(seed="demo") as stage:
        tasks = await everything(stage, "task", _type="all", _limit=7)
        assert len(tasks) == len(stage.sandbox.tasks) == len({task["id"] for task in tasks})
        assert "total_results" not in await stage.by_vendor("get", "task")


async def test_accepts_a_python_boolean() -> None:
    async with open_stage() as stage:
        await stage.update_task(is_complete=True)
        await stage.create_task()
        open_tasks = await stage.by_vendor("get", "task", params={"is_complete": False})
        done_tasks = await stage.by_vendor("get", "task", params={"is_complete": True})
        assert [task["text"] for task in open_tasks["data"]] == ["Call back"]
        assert [task["id"] for task in done_tasks["data"]] == [TASK]


async def test_a_bulk_update_answers_ok() -> None:
    async with open_stage() as stage:
        body = {"assigned_to": BEN, "_params": {"id__in": TASK, "_type": "all"}}
        assert await stage.by_vendor("put", "task", data=body) == {"ok": True}
        assert await stage.by_vendor("put", "task", data={"is_complete": True}, params={"lead_id": LEAD}) == {
            "ok": True
        }
        task = await stage.get_task()
        assert (task["assigned_to"], task["is_complete"]) == (BEN, True)


async def test_reads_a_long_filter_from_a_post_with_method_override() -> None:
    async with open_stage() as stage:
        ids = ",".join([f"task_{number:043d}" for number in range(100)] + [TASK, MISSED])
        headers = {"x-http-method-override": "GET"}
        body = {"_params": {"id__in": ids, "_type": "all", "_fields": "id"}}
        found = await stage.by_vendor("post", "task", data=body, headers=headers)
        assert {task["id"] for task in found["data"]} == {TASK, MISSED}
        assert [len(task) for task in found["data"]] == [1, 1]
        [entry] = stage.sandbox.requests
        assert (entry.method, entry.route, entry.committed) == ("POST", "GET /api/v1/task", False)


async def test_a_field_error_becomes_the_clients_own_exception() -> None:
    async with open_stage() as stage:
        with pytest.raises(ValidationError) as caught:
            await stage.by_vendor("post", "task", data=DRAFT | {"lead_id": "lead_none"})
        assert caught.value.field_errors == {"lead": "Object does not exist."}
        assert caught.value.errors == []


async def test_a_wrong_key_is_an_error() -> None:
    async with open_stage() as stage:
        with pytest.raises(APIError) as caught:
            await stage.by_vendor("get", "me", api_key="api_wrong")
        assert (caught.value.response.status_code, caught.value.response.json()) == (401, {"error": "Unauthorized"})


async def test_the_client_waits_as_long_as_the_rate_limit_header_says() -> None:
    async with open_stage("throttle=2", "rate_window=0") as stage:
        await stage.by_vendor("get", "me")
        assert (await stage.by_vendor("get", "me"))["id"] == ANA
        assert [entry.status for entry in stage.sandbox.requests] == [200, 429, 200]


async def test_finds_users_leads_and_contacts() -> None:
    async with open_stage(seed="demo") as stage:
        me = await stage.by_vendor("get", "me")
        organization = await stage.by_vendor("get", f"organization/{me['organizations'][0]['id']}")
        assert [member["user_last_name"] for member in organization["inactive_memberships"]] == ["Bell"]
        users = await everything(stage, "user", _limit=2)
        assert len(users) == len(organization["memberships"]) == 5
        leads = await stage.by_vendor("get", "lead", params={"query": 'name:"Acme"', "_fields": "id,display_name"})
        assert leads["total_results"] == 2
        contacts = await everything(stage, "contact", lead_id=leads["data"][0]["id"])
        assert len(contacts) == 1
        beginning = {"query": {"type": "text", "mode": "beginning_of_words", "value": "wayn enter"}}
        assert len((await stage.by_vendor("post", "data/search", data=beginning))["data"]) == 1
        query = {"type": "text", "mode": "full_words", "value": "Wayne"}
        body = {"query": query, "_fields": {"lead": ["id", "display_name"]}}
        found = await stage.by_vendor("post", "data/search", data=body)
        assert [row["display_name"] for row in found["data"]] == ["Wayne Enterprises"]
