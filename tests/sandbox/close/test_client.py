"""The sandbox works with the vendor's own client, `closeio`."""

from __future__ import annotations

from typing import Any

import pytest
from closeio_api import APIError, ValidationError  # type: ignore[import-untyped]  # the vendor's client has no types

from sandbox.close.served_sandbox import ANA, BEN, DRAFT, LEAD, MISSED, TASK, ServedSandbox, open_served_sandbox


async def everything(served: ServedSandbox, endpoint: str, **params: Any) -> list[dict[str, Any]]:
    """Read all pages as the vendor's scripts do."""
    rows: list[dict[str, Any]] = []
    more = True
    while more:
        page = await served.by_vendor("get", endpoint, params=params | {"_skip": len(rows)})
        rows += page["data"]
        more = page["has_more"]
    return rows


async def test_creates_reads_updates_and_deletes_a_task() -> None:
    async with open_served_sandbox() as served:
        made = await served.by_vendor("post", "task", data=DRAFT | {"date": "2025-11-07", "assigned_to": BEN})
        assert (made["text"], made["date"], made["assigned_to_name"]) == ("Call back", "2025-11-07", "Ben Abel")
        done = await served.by_vendor("put", f"task/{made['id']}", data={"is_complete": True})
        assert (done["is_complete"], done["view"], done["text"]) == (True, "archive", "Call back")
        assert await served.by_vendor("get", f"task/{made['id']}") == done
        assert await served.by_vendor("delete", f"task/{made['id']}") == {}
        with pytest.raises(APIError) as caught:
            await served.by_vendor("get", f"task/{made['id']}")
        assert caught.value.response.status_code == 404


async def test_reads_every_page_once() -> None:
    async with open_served_sandbox(seed="demo") as served:
        tasks = await everything(served, "task", _type="all", _limit=7)
        assert len(tasks) == len(served.sandbox.tasks) == len({task["id"] for task in tasks})
        assert "total_results" not in await served.by_vendor("get", "task")


async def test_accepts_a_python_boolean() -> None:
    async with open_served_sandbox() as served:
        await served.update_task(is_complete=True)
        await served.create_task()
        open_tasks = await served.by_vendor("get", "task", params={"is_complete": False})
        done_tasks = await served.by_vendor("get", "task", params={"is_complete": True})
        assert [task["text"] for task in open_tasks["data"]] == ["Call back"]
        assert [task["id"] for task in done_tasks["data"]] == [TASK]


async def test_a_bulk_update_answers_ok() -> None:
    async with open_served_sandbox() as served:
        body = {"assigned_to": BEN, "_params": {"id__in": TASK, "_type": "all"}}
        assert await served.by_vendor("put", "task", data=body) == {"ok": True}
        assert await served.by_vendor("put", "task", data={"is_complete": True}, params={"lead_id": LEAD}) == {
            "ok": True
        }
        task = await served.get_task()
        assert (task["assigned_to"], task["is_complete"]) == (BEN, True)


async def test_reads_a_long_filter_from_a_post_with_method_override() -> None:
    async with open_served_sandbox() as served:
        ids = ",".join([f"task_{number:043d}" for number in range(100)] + [TASK, MISSED])
        headers = {"x-http-method-override": "GET"}
        body = {"_params": {"id__in": ids, "_type": "all", "_fields": "id"}}
        found = await served.by_vendor("post", "task", data=body, headers=headers)
        assert {task["id"] for task in found["data"]} == {TASK, MISSED}
        assert [len(task) for task in found["data"]] == [1, 1]
        [entry] = served.sandbox.requests
        assert (entry.method, entry.route, entry.committed) == ("POST", "GET /api/v1/task", False)


async def test_a_field_error_becomes_the_clients_own_exception() -> None:
    async with open_served_sandbox() as served:
        with pytest.raises(ValidationError) as caught:
            await served.by_vendor("post", "task", data=DRAFT | {"lead_id": "lead_none"})
        assert caught.value.field_errors == {"lead": "Object does not exist."}
        assert caught.value.errors == []


async def test_a_wrong_key_is_an_error() -> None:
    async with open_served_sandbox() as served:
        with pytest.raises(APIError) as caught:
            await served.by_vendor("get", "me", api_key="api_wrong")
        assert (caught.value.response.status_code, caught.value.response.json()) == (401, {"error": "Unauthorized"})


async def test_the_client_waits_as_long_as_the_rate_limit_header_says() -> None:
    async with open_served_sandbox("throttle=2", "rate_window=0") as served:
        await served.by_vendor("get", "me")
        assert (await served.by_vendor("get", "me"))["id"] == ANA
        assert [entry.status for entry in served.sandbox.requests] == [200, 429, 200]


async def test_finds_users_leads_and_contacts() -> None:
    async with open_served_sandbox(seed="demo") as served:
        me = await served.by_vendor("get", "me")
        organization = await served.by_vendor("get", f"organization/{me['organizations'][0]['id']}")
        assert [member["user_last_name"] for member in organization["inactive_memberships"]] == ["Bell"]
        users = await everything(served, "user", _limit=2)
        assert len(users) == len(organization["memberships"]) == 5
        leads = await served.by_vendor("get", "lead", params={"query": 'name:"Acme"', "_fields": "id,display_name"})
        assert leads["total_results"] == 2
        contacts = await everything(served, "contact", lead_id=leads["data"][0]["id"])
        assert len(contacts) == 1
        beginning = {"query": {"type": "text", "mode": "beginning_of_words", "value": "wayn enter"}}
        assert len((await served.by_vendor("post", "data/search", data=beginning))["data"]) == 1
        query = {"type": "text", "mode": "full_words", "value": "Wayne"}
        body = {"query": query, "_fields": {"lead": ["id", "display_name"]}}
        found = await served.by_vendor("post", "data/search", data=body)
        assert [row["display_name"] for row in found["data"]] == ["Wayne Enterprises"]
