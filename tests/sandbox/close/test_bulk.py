"""The bulk update: the matching tasks, the allowed fields, the answer."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.close.served_sandbox import BEN, LEAD, MISSED, TASK, ServedSandbox, open_served_sandbox


async def bulk(served: ServedSandbox, body: dict[str, Any], **query: str) -> tuple[int, Any]:
    answer = await served.client.put("task/", params=query, json=body)
    return answer.status_code, answer.json()


def assignees(served: ServedSandbox) -> dict[str, str]:
    return {task["id"]: task["assigned_to"] for task in served.sandbox.tasks}


async def test_ids_are_accepted_in_the_url_or_in_the_body() -> None:
    async with open_served_sandbox() as served:
        other = (await served.create_task())["id"]
        assert await bulk(served, {"assigned_to": BEN}, id__in=f"{TASK},task_none") == (200, {"ok": True})
        assert assignees(served)[TASK] == BEN
        assert await bulk(served, {"date": "2025-12-01", "_params": {"id__in": [other]}}) == (200, {"ok": True})
        assert [task["id"] for task in served.sandbox.tasks if task["date"] == "2025-12-01"] == [other]


async def test_answers_ok_when_nothing_matches() -> None:
    async with open_served_sandbox() as served:
        assert await bulk(served, {"is_complete": True}, id__in="task_none") == (200, {"ok": True})


async def test_without_a_filter_every_lead_task_changes() -> None:
    async with open_served_sandbox() as served:
        await served.create_task()
        await bulk(served, {"assigned_to": BEN})
        changed = {task["id"] for task in served.sandbox.tasks if task["assigned_to"] == BEN}
        assert changed == set(await served.list_ids())
        assert MISSED not in changed


async def test_changes_other_types_when_the_type_is_named() -> None:
    async with open_served_sandbox() as served:
        await bulk(served, {"is_complete": True}, id__in=MISSED)
        assert not (await served.get_task(MISSED))["is_complete"]
        await bulk(served, {"is_complete": True}, id__in=MISSED, _type="all")
        assert (await served.get_task(MISSED))["is_complete"]


async def test_the_query_string_is_ignored_beside_params() -> None:
    async with open_served_sandbox() as served:
        await bulk(served, {"assigned_to": BEN, "_params": {"lead_id": LEAD}}, id="task_none")
        assert assignees(served)[TASK] == BEN


@pytest.mark.parametrize("fields", [{"text": "x"}, {"priority": "high"}, {"title": "x"}, {"assigned_to": None}])
async def test_refuses_fields_that_the_page_excludes(fields: dict[str, Any]) -> None:
    async with open_served_sandbox() as served:
        status, body = await bulk(served, fields, id=TASK)
        assert (status, list(body["field-errors"])) == (400, list(fields))


async def test_records_one_completion_for_each_task() -> None:
    async with open_served_sandbox() as served:
        await served.create_task()
        await bulk(served, {"is_complete": True}, lead_id=LEAD)
        assert len((await served.client.get("activity/task_completed/")).json()["data"]) == 2


async def test_too_many_matches_are_refused() -> None:
    async with open_served_sandbox("bulk_limit=2") as served:
        await served.create_task()
        error = "It's not allowed to update more than 2 objects at once"
        assert await bulk(served, {"assigned_to": BEN}) == (400, {"errors": [error]})
        assert BEN not in assignees(served).values()


async def test_a_failure_midway_leaves_the_earlier_ones_changed() -> None:
    async with open_served_sandbox("bulk_fails_after=1") as served:
        await served.create_task()
        status, body = await bulk(served, {"assigned_to": BEN})
        assert (status, body["count"]) == (400, 1)
        assert list(assignees(served).values()).count(BEN) == 1
