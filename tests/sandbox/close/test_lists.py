"""The task list: types, filters, views, order and pages."""

from __future__ import annotations

import pytest

from sandbox.close.served_sandbox import ANA, BEN, CALL, LEAD, MISSED, TASK, open_served_sandbox

INSTANT_BEFORE, DAY, INSTANT_AFTER = "2015-01-12T07:00:00Z", "2015-01-12", "2015-01-12T08:00:00Z"


async def test_only_lead_tasks_are_listed_unless_asked_otherwise() -> None:
    async with open_served_sandbox() as served:
        assert await served.list_ids() == [TASK]
        assert set(await served.list_ids(_type="all")) == {TASK, CALL, MISSED}
        assert set(await served.list_ids(_type__in="missed_call,outgoing_call")) == {CALL, MISSED}
        assert await served.list_ids(_type="missed_call") == [MISSED]
        assert await served.list_ids(id__in=f"{MISSED},{TASK}") == [TASK]


async def test_every_type_shows_its_own_fields() -> None:
    async with open_served_sandbox(seed="demo") as served:
        by_type = {task["_type"]: task for task in await served.list_tasks(_type="all")}
        assert len(by_type) == 9
        assert by_type["voicemail"]["voicemail_duration"] == 34
        assert by_type["opportunity_due"]["object_type"] == "opportunity"
        assert "is_dateless" not in by_type["missed_call"]
        assert "text" not in by_type["missed_call"]


@pytest.mark.parametrize(
    ("query", "held"),
    [
        ({"id": TASK}, True),
        ({"id": "task_none"}, False),
        ({"lead_id": LEAD}, True),
        ({"lead_id": "lead_none"}, False),
        ({"assigned_to": ANA}, True),
        ({"assigned_to": BEN}, False),
        ({"organization_id": "orga_none"}, False),
        ({"is_complete": "false"}, True),
        ({"is_complete": "true"}, False),
        ({"date": "2025-11-05"}, True),
        ({"date__lt": "2025-11-05"}, False),
        ({"date__lte": "2025-11-05"}, True),
        ({"date__gt": "2025-11-04T23:59:59Z"}, True),
        ({"due_date__gte": "2025-11-06"}, False),
        ({"date_created__gte": "2025-11-05T15:30:00+00:00"}, True),
        ({"date_updated__gt": "2025-11-05T15:30:00+00:00"}, False),
        ({"view": "inbox"}, True),
        ({"view": "future"}, False),
        ({"view": "archive"}, False),
        ({"view": "nowhere"}, False),
        ({"assignedto": BEN}, True),
        ({"view": "inbox", "date__lt": "2020-01-01"}, True),
        ({"view": "archive", "date__lt": "2020-01-01"}, False),
    ],
)
async def test_every_parameter_filters_the_list(query: dict[str, str], held: bool) -> None:  # noqa: FBT001  # a table's cell
    async with open_served_sandbox() as served:
        assert await served.list_ids(**query) == [TASK] * held


@pytest.mark.parametrize("name", ["date__lt", "date_created__gte"])
async def test_refuses_a_bound_that_is_not_a_date(name: str) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.get("task/", params={name: "soon"})
        assert (answer.status_code, list(answer.json()["field-errors"])) == (400, [name])


@pytest.mark.parametrize(("offset", "view"), [(0, "inbox"), (9, "inbox"), (-7, "future")])
async def test_the_view_is_cut_at_the_end_of_the_callers_day(offset: float, view: str) -> None:
    async with open_served_sandbox(offset=offset) as served:
        served.clock.advance(hours=12)  # 03:30 of the sixth in UTC, 20:30 of the fifth in Denver
        task = await served.update_task(date="2025-11-06")
        assert task["view"] == view
        assert await served.list_ids(view=view) == [TASK]


async def test_compares_a_date_as_midnight_in_the_callers_zone() -> None:
    async with open_served_sandbox(offset=-8) as served:
        await served.update_task(date="2025-11-05")
        assert await served.list_ids(date__lt="2025-11-05T08:00:00Z") == []
        assert await served.list_ids(date__lte="2025-11-05T08:00:00Z") == [TASK]


async def test_sorts_a_date_before_the_instant_of_its_midnight() -> None:
    """The documented example, with an offset of -8 hours."""
    async with open_served_sandbox(offset=-8) as served:
        await served.client.delete(f"task/{TASK}/")
        for date in (INSTANT_AFTER, DAY, INSTANT_BEFORE):
            await served.create_task(date=date)
        dates = [task["date"][:13] for task in await served.list_tasks(_order_by="date")]
        assert dates == ["2015-01-12T07", "2015-01-12", "2015-01-12T08"]
        assert [task["date"][:13] for task in await served.list_tasks(_order_by="-date")] == dates[::-1]


async def test_lists_are_ordered_by_creation() -> None:
    async with open_served_sandbox() as served:
        await served.create_task(text="old", date_created="2020-01-01T00:00:00Z")
        texts = [task["text"] for task in await served.list_tasks(_order_by="date_created")]
        assert texts == ["old", "Renew"]
        assert [task["text"] for task in await served.list_tasks(_order_by="-date_created")] == texts[::-1]
        assert len(await served.list_tasks(_order_by="text")) == 2


async def test_has_more_is_false_on_the_last_page() -> None:
    async with open_served_sandbox(seed="demo") as served:
        first = (await served.client.get("task/?_limit=20&_type=all")).json()
        rest = (await served.client.get("task/?_limit=20&_skip=20&_type=all")).json()
        assert (len(first["data"]), first["has_more"], len(rest["data"]), rest["has_more"]) == (20, True, 11, False)
        assert list(first) == ["data", "has_more"]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({"_limit": "x"}, {"error": '_limit must be an integer (got "x" instead).'}),
        ({"_skip": "-1"}, {"error": '_skip must be a non-negative integer (got "-1" instead).'}),
        ({"_limit": "201"}, {"errors": [], "field-errors": {"_limit": "Input should be less than or equal to 200"}}),
        (
            {"_skip": "9" * 5000},
            {"errors": [], "field-errors": {"_skip": "Input should be less than or equal to 35000"}},
        ),
    ],
)
async def test_a_page_out_of_bounds_is_refused(query: dict[str, str], body: object) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.get("task/", params=query)
        assert (answer.status_code, answer.json()) == (400, body)
