"""Single tasks: types, dates that stay what they were, priorities, what may change, and completion."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.close.stage import ANA, BEN, CALL, CONTACT, GIL, LEAD, MISSED, OTHER_LEAD, TASK, play


async def test_a_task_without_a_date_is_dateless_and_says_the_day_it_was_made() -> None:
    async with play() as stage:
        task = await stage.created()
        assert (task["is_dateless"], task["due_date"], task["date"]) == (True, None, "2025-11-05")
        assert (task["view"], task["assigned_to"], task["created_by"]) == ("inbox", ANA, ANA)
        assert (task["priority"], task["object_type"], task["contact_name"]) == ("medium", None, None)


async def test_a_type_left_out_is_a_lead_task_and_what_is_unknown_is_tolerated() -> None:
    async with play() as stage:
        answer = await stage.client.post("task/", json={"lead_id": LEAD, "text": "x", "colour": "red"})
        assert (answer.status_code, answer.json()["_type"]) == (200, "lead")


async def test_a_call_is_created_with_a_contact_and_needs_no_text() -> None:
    async with play() as stage:
        task = await stage.created(_type="outgoing_call", contact_id=CONTACT, text=None)
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
async def test_a_create_that_lacks_something_is_refused_by_field(fields: dict[str, Any], errors: object) -> None:
    async with play() as stage:
        answer = await stage.client.post("task/", json={"lead_id": LEAD, "text": "x"} | fields)
        assert (answer.status_code, answer.json()) == (400, {"errors": [], "field-errors": errors})
        assert len(stage.sandbox.tasks) == 3


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
async def test_a_value_that_the_schema_excludes_is_refused(fields: dict[str, Any]) -> None:
    async with play() as stage:
        answer = await stage.client.post("task/", json={"lead_id": LEAD, "text": "x"} | fields)
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
async def test_a_day_stays_a_day_and_an_instant_an_instant(sent: str, kept: str) -> None:
    async with play(offset=-7) as stage:
        made = await stage.created(date=sent)
        changed = await stage.updated(date=sent)
        for task in (made, changed):
            assert (task["date"], task["due_date"], task["is_dateless"]) == (kept, kept, False)


@pytest.mark.parametrize("fields", [{"is_dateless": True}, {"date": None}, {"date": "2025-12-01", "is_dateless": True}])
async def test_a_date_is_removed(fields: dict[str, Any]) -> None:
    async with play() as stage:
        task = await stage.updated(**fields)
        assert (task["is_dateless"], task["due_date"]) == (True, None)
        dated = await stage.updated(date="2025-12-01")
        assert (dated["is_dateless"], dated["date"]) == (False, "2025-12-01")


async def test_a_dateless_task_that_shall_not_be_gets_its_day() -> None:
    async with play() as stage:
        await stage.updated(is_dateless=True)
        assert (await stage.updated(is_dateless=False))["due_date"] == "2025-11-05"


async def test_the_deprecated_due_date_is_the_date_unless_both_are_sent() -> None:
    async with play() as stage:
        assert (await stage.updated(due_date="2025-12-01"))["date"] == "2025-12-01"
        assert (await stage.updated(due_date="2025-12-02", date="2025-12-03"))["date"] == "2025-12-03"


async def test_a_put_changes_what_it_names_and_nothing_else() -> None:
    async with play() as stage:
        before = await stage.task()
        stage.clock.pass_by(hours=1)
        after = await stage.updated(text="New", priority="high", assigned_to=BEN, contact_id=CONTACT)
        assert {name for name in after if after[name] != before[name]} == {
            *("text", "priority", "assigned_to", "assigned_to_name", "contact_id", "contact_name", "date_updated")
        }
        assert (await stage.updated(contact_id=None, lead_id=OTHER_LEAD))["lead_name"] == "Acme"


async def test_a_put_that_changes_nothing_leaves_no_trace() -> None:
    async with play() as stage:
        before = await stage.task()
        stage.clock.pass_by(hours=1)
        assert await stage.updated(text="Renew", is_complete=False) == before
        assert await stage.updated() == before
        assert (await stage.client.get("event/")).json()["data"] == []


@pytest.mark.parametrize(
    ("task_id", "fields", "field"),
    [
        (TASK, {"text": None}, "text"),
        (TASK, {"assigned_to": None}, "assigned_to"),
        (TASK, {"title": "x"}, "title"),
        (TASK, {"id": "x"}, "id"),
        (TASK, {"priority": "low"}, "priority"),
        (TASK, {"resolution": "skipped"}, "resolution"),
        (TASK, {"assigned_to": "user_none"}, "assigned_to"),
        (TASK, {"lead_id": "lead_none"}, "lead"),
        (CALL, {"priority": "high"}, "priority"),
        (CALL, {"text": "x"}, "text"),
        (MISSED, {"text": "x"}, "text"),
        (MISSED, {"date": None}, "date"),
        (MISSED, {"is_dateless": True}, "is_dateless"),
    ],
)
async def test_a_put_of_what_the_type_does_not_allow_is_refused(
    task_id: str, fields: dict[str, Any], field: str
) -> None:
    async with play() as stage:
        assert list(await stage.refused(task_id, **fields)) == [field]


async def test_the_fields_of_every_type_change_on_every_type() -> None:
    async with play() as stage:
        for task_id in (TASK, CALL, MISSED):
            task = await stage.updated(task_id, assigned_to=BEN, date="2025-12-01", is_complete=True)
            assert (task["assigned_to"], task["date"], task["is_complete"]) == (BEN, "2025-12-01", True)


async def test_a_call_can_be_resolved() -> None:
    async with play() as stage:
        assert (await stage.updated(CALL, resolution="skipped"))["resolution"] == "skipped"
        assert (await stage.updated(CALL, resolution=None))["resolution"] is None


async def test_someone_who_left_may_still_be_assigned() -> None:
    async with play() as stage:
        assert (await stage.updated(assigned_to=GIL))["assigned_to_name"] == "Gil Paz"


async def test_a_completion_is_recorded_and_taken_back() -> None:
    async with play() as stage:
        done = await stage.updated(is_complete=True)
        assert (done["view"], done["object_type"]) == ("archive", "taskcompleted")
        [made] = (await stage.client.get("activity/task_completed/", params={"user_id": ANA})).json()["data"]
        assert (made["id"], made["task_id"], made["task_text"]) == (done["object_id"], TASK, "Renew")
        assert (await stage.client.get(f"activity/task_completed/{made['id']}/")).json() == made
        reopened = await stage.updated(is_complete=False)
        assert (reopened["view"], reopened["object_type"], reopened["object_id"]) == ("inbox", None, None)
        assert (await stage.client.get(f"activity/task_completed/{made['id']}/")).status_code == 404


async def test_a_completed_task_completed_again_stays_as_it_is() -> None:
    async with play() as stage:
        done = await stage.updated(is_complete=True)
        stage.clock.pass_by(seconds=41)
        assert await stage.updated(is_complete=True) == done


async def test_a_task_may_be_born_complete() -> None:
    async with play() as stage:
        task = await stage.created(is_complete=True)
        assert (task["view"], task["object_type"]) == ("archive", "taskcompleted")


async def test_a_completion_may_be_deleted_for_itself() -> None:
    async with play() as stage:
        done = await stage.updated(is_complete=True)
        path = f"activity/task_completed/{done['object_id']}/"
        assert (await stage.client.delete(path)).status_code == 200
        assert (await stage.client.delete(path)).status_code == 404
        task = await stage.task()
        assert (task["is_complete"], task["object_id"]) == (True, None)


async def test_completions_are_filtered() -> None:
    async with play() as stage:
        await stage.updated(is_complete=True)
        path = "activity/task_completed/"
        for query, count in (
            ({"lead_id": f"{OTHER_LEAD},{LEAD}"}, 1),
            ({"lead_id": OTHER_LEAD}, 0),
            ({"activity_at__gte": "2025-11-05"}, 1),
            ({"date_created__lt": "2025-11-05"}, 0),
        ):
            assert len((await stage.client.get(path, params=query)).json()["data"]) == count


async def test_a_delete_is_for_good() -> None:
    async with play() as stage:
        answer = await stage.client.delete(f"task/{TASK}/")
        assert (answer.status_code, answer.json()) == (200, {})
        assert (await stage.client.delete(f"task/{TASK}/")).status_code == 404
        assert TASK not in await stage.ids(_type="all")


async def test_fields_trim_every_answer() -> None:
    async with play() as stage:
        query = {"_fields": "id, text,nothing"}
        assert (await stage.client.get(f"task/{TASK}/", params=query)).json() == {"id": TASK, "text": "Renew"}
        put = await stage.client.put(f"task/{TASK}/", params=query, json={"text": "x"})
        assert put.json() == {"id": TASK, "text": "x"}
        post = await stage.client.post("task/", params=query, json={"lead_id": LEAD, "text": "y"})
        assert list(post.json()) == ["id", "text"]


async def test_ids_and_times_may_be_given() -> None:
    async with play(ids=lambda: "task_mine") as stage:
        task = await stage.created(date_created="2020-01-01T00:00:00Z")
        assert (task["id"], task["date_created"]) == ("task_mine", "2020-01-01T00:00:00.000000+00:00")
