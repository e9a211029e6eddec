"""One change with several parts: fields, people to add and to remove, and days to move the due date by."""

from typing import Any

import pytest

from behaviour.agent import Agent, Refused

AT = {"dueDate": "2026-03-10", "dueTime": "15:00", "timezone": "America/Santiago"}


async def _people(agent: Agent, task_id: str) -> list[str]:
    names = {row["id"]: row["name"] for row in (await agent("list_team_members"))["members"]}
    return [names[one["responsible_id"]] for one in (await agent.read(task_id))["task_responsibles"]]


async def test_one_update_adds_and_takes_off_people_beside_other_fields(agent: Agent) -> None:
    task = await agent.create(responsibleIds=["Ana Soto", "me"])
    people = {"addResponsibleIds": ["Luis Pereira"], "removeResponsibleIds": ["ana soto"]}
    answer = await agent("update_task", id=task["id"], title="Call again", **people)
    matched = {(match["argument"], match["name"]) for match in answer["matched"]}
    assert matched == {("addResponsibleIds", "Luis Pereira"), ("removeResponsibleIds", "Ana Soto")}
    found = await _people(agent, task["id"])
    assert (found[1:], "Ana Soto" in found) == (["Luis Pereira"], False)
    assert (await agent.read(task["id"]))["title"] == "Call again"
    await agent("undo_change", changeId=answer["changeId"])
    assert await agent.read(task["id"]) == task


async def test_adding_a_responsible_person_or_removing_an_absent_one_changes_nothing(worker: Agent) -> None:
    task = await worker.create(responsibleIds=["Ana Soto"])
    sent = {"addResponsibleIds": ["Ana Soto"], "removeResponsibleIds": ["Luis Pereira"]}
    for _ in range(2):
        answer = await worker("update_task", id=task["id"], **sent)
        assert not answer.get("changed")
    assert await worker.read(task["id"]) == task


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"responsibleIds": ["Ana Soto"], "addResponsibleIds": ["Luis Pereira"]}, "several_changes"),
        ({"responsibleIds": ["Ana Soto"], "removeResponsibleIds": ["Luis Pereira"]}, "several_changes"),
        ({"clear": ["responsibleIds"], "addResponsibleIds": ["Luis Pereira"]}, "several_changes"),
        ({"addResponsibleIds": ["Ana Soto"], "removeResponsibleIds": ["ana@example.com"]}, "several_changes"),
        ({"addResponsibleIds": ["maria rodriguez"]}, "ambiguous_member"),
        ({"removeResponsibleIds": ["Nobody Here"]}, "unknown_member"),
        ({"addResponsibleIds": []}, "nothing_to_change"),
    ],
)
async def test_people_replaced_and_added_or_added_and_taken_off_are_refused(
    worker: Agent, sent: dict[str, Any], code: str
) -> None:
    task = await worker.create()
    for tool, arguments in (
        ("update_task", {"id": task["id"]} | sent),
        ("bulk_update_tasks", {"taskIds": [task["id"]], "changes": sent}),
    ):
        with pytest.raises(Refused) as refused:
            await worker(tool, **arguments)
        assert refused.value.code == code
    assert await worker.read(task["id"]) == task


@pytest.mark.parametrize("filler", [None, [], "", "null"])
async def test_empty_values_beside_people_to_add_are_not_given(worker: Agent, filler: Any) -> None:
    task = await worker.create(responsibleIds=["Ana Soto"])
    nothing = {"responsibleIds": filler or [], "removeResponsibleIds": filler}
    sent = nothing | {"addResponsibleIds": ["Luis Pereira"]}
    if filler == "null":
        sent["responsibleIds"] = filler
    await worker("update_task", id=task["id"], **sent)
    assert await _people(worker, task["id"]) == ["Ana Soto", "Luis Pereira"]
    blank = {"addResponsibleIds": filler, "removeResponsibleIds": filler}
    await worker("update_task", id=task["id"], priority="2", **blank)
    assert await _people(worker, task["id"]) == ["Ana Soto", "Luis Pereira"]


async def test_a_moved_argument_is_refused_with_its_present_place(worker: Agent) -> None:
    task = await worker.create()
    with pytest.raises(Refused) as refused:
        await worker("bulk_update_tasks", taskIds=[task["id"]], addResponsibleIds=["Ana Soto"])
    assert refused.value.code == "unknown_argument"
    has_several = worker.can.most_responsibles > 1
    assert (refused.value.next == "Send changes.addResponsibleIds instead.") is has_several


async def test_a_bulk_change_combines_fields_people_and_days(agent: Agent) -> None:
    ids = [(await agent.create(f"Task {number}", **AT))["id"] for number in range(2)]
    changes = {"priority": "2", "addResponsibleIds": ["Ana Soto"], "removeResponsibleIds": ["me"]}
    done = await agent("bulk_update_tasks", taskIds=ids, changes=changes, shiftDueDays=2)
    assert done["totals"] == {"applied": 2}
    for one in ids:
        task = await agent.read(one)
        assert (task["priority"], task["due_at"]) == (2, "2026-03-12T18:00:00.000Z")
        assert await _people(agent, one) == ["Ana Soto"]
    await agent("undo_change", changeId=done["changeId"])
    assert [(await agent.read(one))["due_at"][:10] for one in ids] == ["2026-03-10"] * 2


@pytest.mark.parametrize(
    ("due", "changes", "days", "after"),
    [
        (AT, {"dueTime": "09:30", "timezone": "America/Santiago"}, 1, "2026-03-11T12:30:00.000Z"),
        (AT, {"dueTime": "09:30"}, -1, "2026-03-09T12:30:00.000Z"),
        # 00:30 does not exist on the day of the shift, on which the clocks go forward: the new time does.
        (AT | {"dueDate": "2026-09-05", "dueTime": "00:30"}, {"dueTime": "09:30"}, 1, "2026-09-06T12:30:00.000Z"),
        (AT | {"dueTime": "22:30"}, {"dueTime": None}, 3, "2026-03-13T00:00:00.000Z"),
    ],
)
async def test_a_shifted_due_date_takes_the_time_that_comes_with_it(
    worker: Agent, due: dict[str, str], changes: dict[str, Any], days: int, after: str
) -> None:
    task = await worker.create(**due)
    done = await worker("bulk_update_tasks", taskIds=[task["id"]], changes=changes, shiftDueDays=days)
    assert done["totals"] == {"applied": 1}
    found = await worker.read(task["id"])
    if changes["dueTime"] is None:
        assert (found["is_all_day"], found["due_at"][:10]) == (True, after[:10])
    else:
        assert found["due_at"] == after


@pytest.mark.parametrize("value", ["2026-03-20", None])
async def test_a_due_date_beside_a_shift_is_refused(worker: Agent, value: Any) -> None:
    task = await worker.create(dueDate="2026-03-10")
    changes = {"dueDate": value} if value else {"clear": ["dueDate"]}
    with pytest.raises(Refused) as refused:
        await worker("bulk_update_tasks", taskIds=[task["id"]], changes=changes, shiftDueDays=1)
    assert refused.value.code in {"several_changes", "invalid_arguments"}  # where a date cannot be cleared at all
    assert (await worker.read(task["id"]))["due_at"] == task["due_at"]


async def test_adding_a_person_is_refused_if_a_task_has_only_one(worker: Agent) -> None:
    if worker.can.most_responsibles > 1:
        pytest.skip("a task can have several people here")
    task = await worker.create(dueDate="2026-03-10")
    with pytest.raises(Refused) as refused:
        await worker("update_task", id=task["id"], addResponsibleIds=["Ana Soto"])
    assert refused.value.next == "A task has one person here: responsibleIds replaces them. Ask whether that is meant."
    assert refused.value.values == []
