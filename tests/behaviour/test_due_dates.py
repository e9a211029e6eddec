"""Due dates: a date stays a date, a time stays a time, and no day slips."""

from typing import Any

import pytest

from behaviour.agent import Agent, Refused

SANTIAGO = "America/Santiago"


def _due(task: dict[str, Any]) -> tuple[str | None, bool, str | None]:
    return task["due_at"], task["is_all_day"], task["due_timezone"]


@pytest.mark.parametrize("zone", [None, SANTIAGO, "Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_a_date_without_a_time_stays_a_date(agent: Agent, zone: str | None) -> None:
    task = await agent.create(dueDate="2026-03-10", **({"timezone": zone} if zone else {}))
    assert _due(task) == ("2026-03-10T00:00:00.000Z", True, zone if agent.can.keeps_timezone else None)
    (row,) = (await agent("list_tasks"))["tasks"]
    assert row["due"] == "2026-03-10 Tue"


async def test_a_date_with_time_and_zone_is_an_instant(agent: Agent) -> None:
    task = await agent.create(dueDate="2026-03-10", dueTime="15:00", timezone=SANTIAGO)
    assert _due(task) == ("2026-03-10T18:00:00.000Z", False, SANTIAGO)


async def test_the_documented_sample_means_its_local_time(agent: Agent) -> None:
    task = await agent.create(dueDate="2025-10-26T15:00:00.000Z", dueTime="15:00", timezone=SANTIAGO)
    assert _due(task) == ("2025-10-26T18:00:00.000Z", False, SANTIAGO)


async def test_a_full_datetime_is_an_instant(agent: Agent) -> None:
    task = await agent.create(dueDate="2026-03-10T15:30:00-03:00", timezone=SANTIAGO)
    assert _due(task) == ("2026-03-10T18:30:00.000Z", False, SANTIAGO)


async def test_midnight_in_utc_on_a_timed_task_is_an_instant_or_a_reported_day(agent: Agent) -> None:
    task = await agent.create(dueDate="2026-03-10", dueTime="15:00", timezone=SANTIAGO)
    answer = await agent("update_task", id=task["id"], dueDate="2026-12-30T00:00:00.000Z")
    due_at, is_all_day, _ = _due((await agent("get_task", id=task["id"]))["task"])
    if agent.can.midnight_is_day:
        assert (due_at, is_all_day) == ("2026-12-30T18:00:00.000Z", False)
        assert "the day 2026-12-30, at the time it had" in str(answer["matched"])
    else:
        assert (due_at, is_all_day) == ("2026-12-30T00:00:00.000Z", False)
        assert not answer.get("matched")


async def test_the_due_at_of_an_all_day_task_can_be_sent_back(agent: Agent) -> None:
    task = await agent.create(dueDate="2026-03-10")
    shown = (await agent("get_task", id=task["id"]))["task"]["due_at"].replace("-10T", "-11T")
    answer = await agent("update_task", id=task["id"], dueDate=shown)
    assert _due((await agent("get_task", id=task["id"]))["task"])[:2] == (shown, True)
    assert "the day 2026-03-11" in str(answer["matched"])


async def test_moving_the_day_keeps_the_time(agent: Agent) -> None:
    task = await agent.create(dueDate="2026-04-01", dueTime="15:00", timezone=SANTIAGO)
    moved = (await agent("update_task", id=task["id"], dueDate="2026-04-10"))["task"]
    # Santiago leaves summer time in between: the clock stays, the instant moves.
    assert _due(moved) == ("2026-04-10T19:00:00.000Z", False, SANTIAGO)


async def test_a_time_alone_goes_to_the_day_and_zone_the_task_has(agent: Agent) -> None:
    task = await agent.create(dueDate="2026-03-10", timezone=SANTIAGO)
    timed = (await agent("update_task", id=task["id"], dueTime="09:30"))["task"]
    assert _due(timed) == ("2026-03-10T12:30:00.000Z", False, SANTIAGO)


async def test_a_null_time_makes_the_task_all_day_again(agent: Agent) -> None:
    task = await agent.create(dueDate="2026-03-10", dueTime="23:30", timezone=SANTIAGO)
    day = (await agent("update_task", id=task["id"], dueTime=None))["task"]
    assert _due(day) == ("2026-03-10T00:00:00.000Z", True, SANTIAGO if agent.can.keeps_timezone else None)


async def test_a_null_date_removes_the_due_date(agent: Agent) -> None:
    task = await agent.create(dueDate="2026-03-10", dueTime="15:00", timezone=SANTIAGO)
    answer = await agent("update_task", id=task["id"], dueDate=None)
    assert _due(answer["task"]) == (None, False, None)
    assert answer["changed"]["due_at"] == {"from": "2026-03-10T18:00:00.000Z", "to": None}


INVALID: list[tuple[dict[str, str], str]] = [
    ({"dueDate": "10/03/2026"}, "ambiguous_date"),
    ({"dueDate": "2026-02-30"}, "invalid_due_date"),
    ({"dueDate": "2026-03-10T15:00:00"}, "invalid_due_date"),
    ({"dueDate": "soon"}, "invalid_due_date"),
    ({"dueDate": "2026-03-10", "dueTime": "afternoon", "timezone": SANTIAGO}, "invalid_due_time"),
    ({"dueDate": "2026-03-10", "dueTime": "24:00", "timezone": SANTIAGO}, "invalid_due_time"),
    ({"dueDate": "2026-03-10", "dueTime": "15:00"}, "timezone_required"),
    ({"dueTime": "15:00", "timezone": SANTIAGO}, "due_date_required"),
    ({"dueDate": "2026-03-10", "dueTime": "15:00", "timezone": "Santigo"}, "unknown_timezone"),
    ({"dueDate": "2026-03-10T10:00:00Z", "dueTime": "15:00", "timezone": SANTIAGO}, "due_conflict"),
    ({"dueDate": "2026-03-08", "dueTime": "02:30", "timezone": "America/New_York"}, "time_skipped"),
]


async def test_an_invalid_due_date_is_refused(agent: Agent) -> None:
    given_by_itself = {"due_date_required": "dueDate" in agent.needs, "timezone_required": not agent.can.keeps_timezone}
    for given, code in INVALID:
        if given_by_itself.get(code):
            continue
        with pytest.raises(Refused) as refused:
            await agent.create(**given)
        assert refused.value.code == code, given
        assert refused.value.next, given
    assert await agent.listed() == []


async def test_a_near_miss_of_a_zone_names_the_zone(agent: Agent) -> None:
    with pytest.raises(Refused) as refused:
        await agent.create(dueDate="2026-03-10", dueTime="15:00", timezone="America/Santigo")
    assert SANTIAGO in refused.value.values


async def test_an_offset_for_a_zone_is_refused_and_no_zone_of_another_sign_is_named(worker: Agent) -> None:
    with pytest.raises(Refused) as refused:
        await worker.create(dueDate="2026-03-10", dueTime="15:00", timezone="GMT-3")
    assert refused.value.code == "unknown_timezone"
    assert "2026-03-01T15:00:00-03:00" in refused.value.next
    assert "Etc/" not in str(refused.value.error)


async def test_an_etc_gmt_zone_is_used_as_typed_and_its_offset_is_noted(worker: Agent) -> None:
    due = {"dueDate": "2026-03-10", "dueTime": "15:00", "timezone": "Etc/GMT-3"}
    made = await worker("create_task", title="Call", responsibleIds=["me"], priority="1", **due)
    assert made["task"]["due_at"] == "2026-03-10T12:00:00.000Z"
    told = {"argument": "timezone", "given": "Etc/GMT-3", "id": "Etc/GMT-3", "name": "UTC+03:00"}
    assert told in made["matched"]


PAST = "The new due date is in the past."
DAYS = ["2026-02-25", "2026-02-26", "2026-03-02"]
"""Two days in the past, and today."""


async def test_a_new_due_date_in_the_past_is_noted_in_writes_and_plans(agent: Agent) -> None:
    made = await agent("create_task", title="Call", responsibleIds=["me"], priority="1", dueDate="2026-02-27")
    task = made["task"]["id"]
    moved = await agent("update_task", id=task, dueDate="2026-02-28")
    shifted = await agent("bulk_update_tasks", taskIds=[task], shiftDueDays=-2)
    assert [one["note"] for one in (made, moved, shifted)] == [PAST] * 3
    planned = await agent("update_task", id=task, dueDate="2026-02-20", dryRun=True)
    assert planned["note"].endswith(PAST)
    assert (await agent("apply_plan", planId=planned["planId"]))["note"] == PAST
    bodies = [{"title": f"Visit {day}", "responsibleIds": ["me"], "priority": "1", "dueDate": day} for day in DAYS]
    past = "2 of the new due dates are in the past: 2026-02-25, 2026-02-26."
    assert (await agent("create_tasks", tasks=bodies))["note"] == past
    again = [one | {"title": f"Again {one['dueDate']}"} for one in bodies[1:]]
    past = "1 of the new due dates is in the past: 2026-02-26."
    assert (await agent("create_tasks", tasks=again))["note"] == past


async def test_a_due_date_of_today_or_of_a_finished_task_and_an_undo_are_not_noted_as_past(agent: Agent) -> None:
    task = (await agent.create(dueDate="2026-02-27"))["id"]
    moved = await agent("update_task", id=task, dueDate=DAYS[-1])
    assert "note" not in moved
    assert "note" not in await agent("undo_change", changeId=moved["changeId"])
    assert "note" not in await agent("update_task", id=task, title="Call again")
    moved = await agent("update_task", id=task, dueDate=DAYS[-1])
    plan = await agent("undo_change", changeId=moved["changeId"], dryRun=True)
    assert "in the past" not in plan["note"]
    assert "note" not in await agent("apply_plan", planId=plan["planId"])
    finished = await agent("bulk_update_tasks", taskIds=[task], changes={"dueDate": DAYS[0], "newStatusName": "done"})
    assert "note" not in finished
    assert "note" not in await agent("update_task", id=task, dueDate=DAYS[1])


@pytest.mark.parametrize(
    ("due", "step"),
    [
        ({"dueDate": "2026-03-09T15:00"}, "Send dueDate 2026-03-09 (with dueTime 15:00 and timezone, an IANA name"),
        ({"dueDate": "tomorrow 3pm EST"}, "dueDate as 'tomorrow 3pm', and timezone as an IANA name"),
        ({"dueDate": "2026-03-09T15:00:00 EST"}, "dueDate as '2026-03-09 at 15:00', and timezone"),
        ({"dueDate": "3pm (GMT-3)"}, "dueDate as a day and '3pm', and timezone"),
        ({"dueDate": "mañana a las 15:00 hora de Chile"}, "in place of 'hora de Chile'"),
        ({"dueDate": "tomorrow at 3pm Europe/Madrid"}, "and timezone as 'Europe/Madrid'."),
        ({"dueDate": "2026-03-09", "dueTime": "3pm CET"}, "dueTime as '3pm', and timezone"),
    ],
)
async def test_a_time_with_a_zone_that_is_not_understood_is_answered_with_the_arguments_to_send(
    worker: Agent, due: dict[str, str], step: str
) -> None:
    with pytest.raises(Refused) as refused:
        await worker("create_task", title="Call", responsibleIds=["me"], priority="1", **due)
    assert refused.value.code in ("invalid_due_date", "invalid_due_time")
    assert step in refused.value.next
