"""Dates in words: the answer names the resolved day, and an ambiguous date writes nothing."""

from typing import Any

import pytest

from behaviour.agent import Agent, Refused
from behaviour.world import NOW, BackendCase

SANTIAGO = "America/Santiago"
TODAY = "2026-03-02"
"""A Monday."""
assert NOW.date().isoformat() == TODAY
COUNTED_IN_UTC = "No time zone is set, so days in words were counted in UTC"


def _dates(answer: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """The dates that an answer names as understood."""
    rows = [row for row in answer.get("matched", ()) if row["argument"] != "responsibleIds"]
    return [(row["argument"], row["given"], row["id"], row["name"]) for row in rows]


async def _due(agent: Agent, task_id: str) -> tuple[str, bool]:
    task = (await agent("get_task", id=task_id))["task"]
    return task["due_at"], task["is_all_day"]


async def test_a_due_date_in_words_is_written_and_named(worker: Agent) -> None:
    given = {"title": "Call", "responsibleIds": ["me"], "priority": "1", "timezone": SANTIAGO}
    made = await worker("create_task", **given, dueDate="mañana a las 3 de la tarde")
    task_id = made["task"]["id"]
    assert _dates(made) == [("dueDate", "mañana a las 3 de la tarde", "2026-03-03T15:00-03:00", "Tuesday")]
    assert await _due(worker, task_id) == ("2026-03-03T18:00:00.000Z", False)
    moved = await worker("update_task", id=task_id, dueDate="Friday EOD")
    assert _dates(moved) == [("dueDate", "Friday EOD", "2026-03-06", "Friday")]
    assert await _due(worker, task_id) == ("2026-03-06T00:00:00.000Z", True)
    timed = await worker("update_task", id=task_id, dueDate="2026-03-10 Tue", dueTime="3pm", timezone=SANTIAGO)
    assert _dates(timed) == [("dueTime", "3pm", "15:00", "15:00")]
    assert await _due(worker, task_id) == ("2026-03-10T18:00:00.000Z", False)


async def test_many_new_tasks_take_words_each(worker: Agent) -> None:
    body = {"responsibleIds": ["me"], "priority": "1"} | worker.needs
    titles = {"Call": "mañana", "Write": "in two weeks", "Meet": "el próximo viernes"}
    made = await worker("create_tasks", tasks=[body | {"title": one, "dueDate": due} for one, due in titles.items()])
    assert [row[1:3] for row in _dates(made)] == [("mañana", "2026-03-03"), ("in two weeks", "2026-03-16")]
    assert sorted(await worker.listed(fromDate="hoy", toDate="in a month")) == ["Call", "Write"]


async def test_a_date_that_may_mean_several_days_writes_nothing(worker: Agent) -> None:
    task = await worker.create(dueDate="2026-03-10")
    for words, code, values in (
        ("el próximo viernes", "ambiguous_date", ["2026-03-06 Fri", "2026-03-13 Fri"]),
        ("esta semana", "ambiguous_date", [f"{TODAY} Mon", "2026-03-06 Fri", "2026-03-08 Sun"]),
        ("asap", "ambiguous_date", [f"{TODAY} Mon", "2026-03-03 Tue"]),
        ("2026-03-10 Wed", "invalid_due_date", ["2026-03-10 Tue"]),
        ("whenever you can", "invalid_due_date", []),
    ):
        for tool, arguments in (
            ("update_task", {"id": task["id"], "dueDate": words}),
            ("bulk_update_tasks", {"taskIds": [task["id"]], "changes": {"dueDate": words}}),
        ):
            with pytest.raises(Refused) as refused:
                await worker(tool, **arguments)
            assert (refused.value.code, refused.value.values) == (code, values)
            assert refused.value.next
    assert await _due(worker, task["id"]) == ("2026-03-10T00:00:00.000Z", True)


async def test_windows_take_words_in_lists_in_bulk_filters_and_in_the_journal(worker: Agent) -> None:
    for day in ("2026-03-01", "2026-03-06", "2026-03-09"):
        await worker.create(f"due {day}", dueDate=day)
    week = {"fromDate": "esta semana", "toDate": "this week", "includeTasksWithoutDates": False}
    listed = await worker("list_tasks", **week)
    assert [row["title"] for row in listed["tasks"]] == ["due 2026-03-06"]
    assert _dates(listed) == [
        ("fromDate", "esta semana", "2026-03-02", "Monday"),
        ("toDate", "this week", "2026-03-08", "Sunday"),
    ]
    alone = await worker("list_tasks", fromDate="esta semana", includeTasksWithoutDates=False)
    assert alone["tasks"] == listed["tasks"]
    assert [row[::2] for row in _dates(alone)] == [("fromDate", "2026-03-02"), ("toDate", "2026-03-08")]
    counted = await worker("list_tasks", **week, countBy="dueDay")
    assert (counted["total"], len(_dates(counted))) == (1, 2)
    plan = await worker("bulk_update_tasks", filter=week, changes={"dueDate": "el lunes que viene"}, dryRun=True)
    assert plan["count"] == 1
    assert [row[2] for row in _dates(plan)] == ["2026-03-02", "2026-03-08", "2026-03-09"]
    await worker("apply_plan", planId=plan["planId"])
    assert await worker.listed(**week) == []
    assert (await worker("list_changes", since="this week", until="hoy"))["changes"]
    before = await worker("list_changes", until="yesterday")
    assert before["changes"] == []
    assert [row[0] for row in _dates(before)] == ["until"]


async def test_a_due_date_as_a_list_shows_it_can_be_sent_back(worker: Agent) -> None:
    made = await worker.create(dueDate="2026-03-10", dueTime="15:00", timezone=SANTIAGO)
    shown = (await worker("list_tasks"))["tasks"][0]["due"]
    due = await _due(worker, made["id"])
    other = await worker.create("Another", dueDate=shown, timezone=SANTIAGO)
    assert await _due(worker, other["id"]) == due
    assert len(await worker.listed(fromDate=shown, toDate=shown)) == 2


async def test_words_are_noted_to_be_counted_in_utc_if_no_zone_is_set(agent: Agent, backend: BackendCase) -> None:
    note = None if backend.has_zone else f"{COUNTED_IN_UTC}: set TASKHAND_TIMEZONE."
    new = {"responsibleIds": ["me"], "priority": "1"}
    made = await agent("create_task", title="Call", **new, dueDate="tomorrow")
    written = await agent("update_task", id=made["task"]["id"], dueDate="pasado mañana")
    planned = await agent("update_task", id=made["task"]["id"], dueDate="tomorrow", dryRun=True)
    found = await agent("list_tasks", fromDate="tomorrow", toDate="in 3 days")
    counted = await agent("list_tasks", fromDate="tomorrow", countBy="dueDay")
    changes = await agent("list_changes", since="yesterday")
    for answer in (made, written, found, counted, changes):
        assert answer.get("note") == note
    assert (COUNTED_IN_UTC in planned["note"]) == (note is not None)
    for due in ("2026-03-09", "15 de diciembre", "in 90 minutes"):
        assert "note" not in await agent("update_task", id=made["task"]["id"], dueDate=due)
    in_zone = await agent("update_task", id=made["task"]["id"], dueDate="tomorrow", timezone=SANTIAGO)
    assert COUNTED_IN_UTC not in in_zone.get("note", "")
    assert "note" not in await agent("list_tasks", fromDate="2026-03-01")
    assert "note" not in await agent("list_changes", since="2 hours ago")
