"""Single tasks: types, dates, priorities, allowed changes, and completion."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.close.served_sandbox import (
    ANA,
    BEN,
    CALL,
    CONTACT,
    GIL,
    LEAD,
    MISSED,
    OTHER_LEAD,
    TASK,
    open_served_sandbox,
)


async def test_a_dateless_task_has_the_date_of_its_creation() -> None:
    async with open_served_sandbox() as served:
        task = await served.create_task()
        assert (task["is_dateless"], task["due_date"], task["date"]) == (True, None, "2025-11-05")
        assert (task["view"], task["assigned_to"], task["created_by"]) == ("inbox", ANA, ANA)
        assert (task["priority"], task["object_type"], task["contact_name"]) == ("medium", None, None)


async def test_creates_a_lead_task_by_default_and_ignores_unknown_fields() -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.post("task/", json={"lead_id": LEAD, "text": "x", "colour": "red"})
        assert (answer.status_code, answer.json()["_type"]) == (200, "lead")


async def test_creates_a_call_with_a_contact_and_without_text() -> None:
    async with open_served_sandbox() as served:
        task = await served.create_task(_type="outgoing_call", contact_id=CONTACT, text=None)
        assert (task["_type"], task["contact_name"], task["text"]) == ("outgoing_call", "Bruce Wayne", None)
        assert task["resolution"] is None
        assert "priority" not in task


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"lead_id": None}, {"lead": "This field is required."}),
        ({"text": None}, {"text": "This field is required."}),
        ({"_type": "outgoing_call"}, {"contact": "This field is required."}),
        ({"lead_id": "lead_none"}, {"lead": "Object does not exist."}),
        ({"assigned_to": "user_none"}, {"assigned_to": "Object does not exist."}),
        ({"contact_id": "cont_none"}, {"contact": "Object does not exist."}),
        ({"text": 5}, {"text": "Value must be of basestring type."}),
    ],
)
async def test_refuses_a_create_with_missing_fields(fields: dict[str, Any], errors: object) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.post("task/", json={"lead_id": LEAD, "text": "x"} | fields)
        assert (answer.status_code, answer.json()) == (400, {"errors": [], "field-errors": errors})
        assert len(served.sandbox.tasks) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"_type": "missed_call"},
        {"_type": ["lead"]},
        {"priority": "low"},
        {"date": "tomorrow"},
        {"date": 5},
        {"date": "2025-02-30"},
        {"date": "0001-01-01"},
        {"is_complete": "true"},
        {"is_complete": None},
    ],
)
async def test_refuses_invalid_values(fields: dict[str, Any]) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.post("task/", json={"lead_id": LEAD, "text": "x"} | fields)
        assert (answer.status_code, list(answer.json()["field-errors"])) == (400, list(fields))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2013-02-06", "2013-02-06"),
        ("2025-11-05T00:00:00+00:00", "2025-11-05T00:00:00+00:00"),
        ("2025-11-05T10:00:00-07:00", "2025-11-05T17:00:00+00:00"),
        ("2025-11-05T10:00:00.250000Z", "2025-11-05T10:00:00.250000+00:00"),
        ("2025-11-05T10:00", "2025-11-05T10:00:00+00:00"),
    ],
)
async def test_dates_and_instants_keep_their_kind(sent: str, kept: str) -> None:
    async with open_served_sandbox(offset=-7) as served:
        made = await served.create_task(date=sent)
        changed = await served.update_task(date=sent)
        for task in (made, changed):
            assert (task["date"], task["due_date"], task["is_dateless"]) == (kept, kept, False)


@pytest.mark.parametrize("fields", [{"is_dateless": True}, {"date": None}, {"date": "2025-12-01", "is_dateless": True}])
async def test_a_date_is_removed(fields: dict[str, Any]) -> None:
    async with open_served_sandbox() as served:
        task = await served.update_task(**fields)
        assert (task["is_dateless"], task["due_date"]) == (True, None)
        dated = await served.update_task(date="2025-12-01")
        assert (dated["is_dateless"], dated["date"]) == (False, "2025-12-01")


async def test_is_dateless_false_gives_a_dateless_task_the_date_of_its_creation() -> None:
    async with open_served_sandbox() as served:
        await served.update_task(is_dateless=True)
        assert (await served.update_task(is_dateless=False))["due_date"] == "2025-11-05"


async def test_due_date_sets_the_date_unless_date_is_sent_too() -> None:
    async with open_served_sandbox() as served:
        assert (await served.update_task(due_date="2025-12-01"))["date"] == "2025-12-01"
        assert (await served.update_task(due_date="2025-12-02", date="2025-12-03"))["date"] == "2025-12-03"


async def test_an_update_changes_only_the_sent_fields() -> None:
    async with open_served_sandbox() as served:
        before = await served.get_task()
        served.clock.advance(hours=1)
        after = await served.update_task(text="New", priority="high", assigned_to=BEN, contact_id=CONTACT)
        assert {name for name in after if after[name] != before[name]} == {
            *("text", "priority", "assigned_to", "assigned_to_name", "contact_id", "contact_name", "date_updated")
        }
        assert (await served.update_task(contact_id=None, lead_id=OTHER_LEAD))["lead_name"] == "Acme"


async def test_an_update_without_effect_changes_nothing_and_emits_no_event() -> None:
    async with open_served_sandbox() as served:
        before = await served.get_task()
        served.clock.advance(hours=1)
        assert await served.update_task(text="Renew", is_complete=False) == before
        assert await served.update_task() == before
        assert (await served.client.get("event/")).json()["data"] == []


@pytest.mark.parametrize(
    ("task_id", "fields", "field"),
    [
        (TASK, {"text": None}, "text"),
        (TASK, {"assigned_to": None}, "assigned_to"),
        (TASK, {"title": "x"}, "title"),
        (TASK, {"id": "x"}, "id"),
        (TASK, {"priority": "low"}, "priority"),
        (TASK, {"assigned_to": "user_none"}, "assigned_to"),
        (TASK, {"lead_id": "lead_none"}, "lead"),
        (CALL, {"priority": "high"}, "priority"),
        (CALL, {"text": "x"}, "text"),
        (MISSED, {"text": "x"}, "text"),
        (MISSED, {"date": None}, "date"),
        (MISSED, {"is_dateless": True}, "is_dateless"),
    ],
)
async def test_refuses_an_update_of_fields_that_the_type_does_not_allow(
    task_id: str, fields: dict[str, Any], field: str
) -> None:
    async with open_served_sandbox() as served:
        assert list(await served.refuse_update(task_id, **fields)) == [field]


async def test_the_common_fields_change_on_every_type() -> None:
    async with open_served_sandbox() as served:
        for task_id in (TASK, CALL, MISSED):
            task = await served.update_task(task_id, assigned_to=BEN, date="2025-12-01", is_complete=True)
            assert (task["assigned_to"], task["date"], task["is_complete"]) == (BEN, "2025-12-01", True)


async def test_a_call_can_be_resolved() -> None:
    async with open_served_sandbox() as served:
        assert (await served.update_task(CALL, resolution="skipped"))["resolution"] == "skipped"
        assert (await served.update_task(CALL, resolution=None))["resolution"] is None


async def test_accepts_a_former_member_as_assignee() -> None:
    async with open_served_sandbox() as served:
        assert (await served.update_task(assigned_to=GIL))["assigned_to_name"] == "Gil Paz"


async def test_records_a_completion_and_removes_it_on_reopening() -> None:
    async with open_served_sandbox() as served:
        done = await served.update_task(is_complete=True)
        assert (done["view"], done["object_type"]) == ("archive", "taskcompleted")
        [made] = (await served.client.get("activity/task_completed/", params={"user_id": ANA})).json()["data"]
        assert (made["id"], made["task_id"], made["task_text"]) == (done["object_id"], TASK, "Renew")
        assert (await served.client.get(f"activity/task_completed/{made['id']}/")).json() == made
        reopened = await served.update_task(is_complete=False)
        assert (reopened["view"], reopened["object_type"], reopened["object_id"]) == ("inbox", None, None)
        assert (await served.client.get(f"activity/task_completed/{made['id']}/")).status_code == 404


async def test_a_completed_task_completed_again_stays_as_it_is() -> None:
    async with open_served_sandbox() as served:
        done = await served.update_task(is_complete=True)
        served.clock.advance(seconds=41)
        assert await served.update_task(is_complete=True) == done


async def test_a_task_can_be_created_complete() -> None:
    async with open_served_sandbox() as served:
        task = await served.create_task(is_complete=True)
        assert (task["view"], task["object_type"]) == ("archive", "taskcompleted")


async def test_deleting_a_completion_leaves_the_task_complete() -> None:
    async with open_served_sandbox() as served:
        done = await served.update_task(is_complete=True)
        path = f"activity/task_completed/{done['object_id']}/"
        assert (await served.client.delete(path)).status_code == 200
        assert (await served.client.delete(path)).status_code == 404
        task = await served.get_task()
        assert (task["is_complete"], task["object_id"]) == (True, None)


async def test_completions_are_filtered() -> None:
    async with open_served_sandbox() as served:
        await served.update_task(is_complete=True)
        path = "activity/task_completed/"
        for query, count in (
            ({"lead_id": f"{OTHER_LEAD},{LEAD}"}, 1),
            ({"lead_id": OTHER_LEAD}, 0),
            ({"activity_at__gte": "2025-11-05"}, 1),
            ({"date_created__lt": "2025-11-05"}, 0),
        ):
            assert len((await served.client.get(path, params=query)).json()["data"]) == count


async def test_a_delete_is_for_good() -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.delete(f"task/{TASK}/")
        assert (answer.status_code, answer.json()) == (200, {})
        assert (await served.client.delete(f"task/{TASK}/")).status_code == 404
        assert TASK not in await served.list_ids(_type="all")


async def test_fields_selects_the_fields_of_every_answer() -> None:
    async with open_served_sandbox() as served:
        query = {"_fields": "id, text,nothing"}
        assert (await served.client.get(f"task/{TASK}/", params=query)).json() == {"id": TASK, "text": "Renew"}
        put = await served.client.put(f"task/{TASK}/", params=query, json={"text": "x"})
        assert put.json() == {"id": TASK, "text": "x"}
        post = await served.client.post("task/", params=query, json={"lead_id": LEAD, "text": "y"})
        assert list(post.json()) == ["id", "text"]


async def test_ids_and_times_may_be_given() -> None:
    async with open_served_sandbox(ids=lambda: "task_mine") as served:
        task = await served.create_task(date_created="2020-01-01T00:00:00Z")
        assert (task["id"], task["date_created"]) == ("task_mine", "2020-01-01T00:00:00.000000+00:00")


async def test_refuses_a_contact_of_another_lead_unless_the_spec_variant_accepts_it() -> None:
    sent = {"lead_id": OTHER_LEAD, "contact_id": CONTACT}
    async with open_served_sandbox() as served:
        assert await served.refuse_update(TASK, **sent) == {"contact": "The contact does not belong to the lead."}
    async with open_served_sandbox("foreign_contacts=accepted") as served:
        assert (await served.update_task(TASK, **sent))["contact_id"] == CONTACT
