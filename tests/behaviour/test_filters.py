"""Filters beyond the documented ones: nobody, no date, when tasks were created, changed and finished; and counts."""

from typing import Any

import pytest

from behaviour.agent import Agent, Refused
from behaviour.backend_cases import BACKEND_CASES
from behaviour.conftest import Connect
from behaviour.world import BackendCase


def backends_named(*names: str) -> list[Any]:
    """The backends with these names: the others do not know when a task was finished."""
    return [pytest.param(backend, id=backend.name) for backend in BACKEND_CASES if backend.name in names]


TODAY = {"fromDate": "2026-03-02", "toDate": "2026-03-02"}
LATER = {"fromDate": "2026-03-03"}


async def test_tasks_of_nobody_are_found_alone_or_beside_those_of_people(worker: Agent) -> None:
    await worker.create("Ana's", responsibleIds=["Ana Soto"], dueDate="2026-03-10")
    await worker.create("Nobody's", responsibleIds=[], dueDate="2026-03-11")
    await worker.create("Mine", dueDate="2026-03-12")
    assert await worker.listed(responsibleIds=["nobody"]) == ["Nobody's"]
    assert await worker.listed(responsibleIds="Nadie") == ["Nobody's"]
    words = ["No one", "noone", "none", "UNASSIGNED", "ninguno", "sin asignar"]
    assert await worker.listed(responsibleIds=words) == ["Nobody's"]
    assert await worker.listed(responsibleIds=["nobody", "ana@example.com"]) == ["Ana's", "Nobody's"]
    plan = await worker("bulk_update_tasks", filter={"responsibleIds": ["nobody"]}, changes={"priority": "2"})
    assert plan["count"] == 1


async def test_only_tasks_without_a_date_are_listed_where_that_is_asked_for(worker: Agent) -> None:
    await worker.create("dated", dueDate="2026-03-10")
    await worker.create("dateless")
    await worker.create("also dateless")
    assert sorted(await worker.listed(withoutDate=True)) == ["also dateless", "dateless"]
    assert await worker.listed(withoutDate=True, text="also") == ["also dateless"]
    plan = await worker("bulk_update_tasks", filter={"withoutDate": True}, changes={"priority": "2"})
    assert plan["count"] == 2


async def test_the_oldest_come_first_where_that_is_asked_for(worker: Agent) -> None:
    for number in range(5):
        await worker.create(f"task {number}", dueDate="2026-03-10")
    newest = await worker.listed(order="created", limit=2)
    assert await worker.listed(order="oldest", limit=2) == newest[::-1]


async def test_a_window_is_about_the_date_that_dateField_names(worker: Agent) -> None:  # noqa: N802  the argument
    await worker.create("due later", dueDate="2026-04-10")
    await worker.create("due today", dueDate="2026-03-02")
    both = {"due later", "due today"}
    assert set(await worker.listed(dateField="created", **TODAY)) == both
    assert await worker.listed(dateField="created", **LATER) == []
    assert set(await worker.listed(dateField="created", **TODAY, includeTasksWithoutDates=False)) == both
    assert await worker.listed(dateField="due", **TODAY, includeTasksWithoutDates=False) == ["due today"]
    plan = await worker(
        "bulk_update_tasks", filter={"dateField": "created", **TODAY, "text": "later"}, changes={"priority": "2"}
    )
    assert plan["count"] == 1


CONTRADICTIONS: list[dict[str, Any]] = [
    {"withoutDate": True, **TODAY},
    {"withoutDate": True, "overdue": True},
    {"withoutDate": True, "includeTasksWithoutDates": False},
    {"dateField": "created"},
    {"dateField": "created", "fromDate": "2026-03-03", "toDate": "2026-03-02"},
]


async def test_dates_that_contradict_each_other_are_refused(worker: Agent) -> None:
    for sent in CONTRADICTIONS:
        with pytest.raises(Refused) as refused:
            await worker("list_tasks", **sent)
        assert refused.value.code == "invalid_window"
        assert refused.value.next
        with pytest.raises(Refused) as refused:
            await worker("bulk_update_tasks", filter=sent, changes={"priority": "2"})
        assert refused.value.code in {"invalid_window", "empty_filter"}


async def test_fillers_of_hosts_in_a_filter_are_ignored(worker: Agent) -> None:
    await worker.create("Call", dueDate="2026-03-10")
    fillers_of_hosts: tuple[Any, ...] = ("", None, [])
    for filler in fillers_of_hosts:
        fillers = {"dateField": filler, "countBy": filler, "order": filler, "responsibleIds": filler, "text": filler}
        assert await worker.listed(**fillers, withoutDate=False) == ["Call"]
    assert await worker.listed(withoutDate=0, fromDate="", dateField="due") == ["Call"]
    with pytest.raises(Refused) as refused:
        await worker("bulk_update_tasks", filter={"dateField": "due"}, changes={"priority": "2"})
    assert refused.value.code == "empty_filter"


async def test_a_filter_takes_a_priority_as_a_word(worker: Agent) -> None:
    await worker.create("a", priority="1")
    await worker.create("b", priority="2")
    assert [await worker.listed(priority=word) for word in ("high", "Alta", "media")] == [["b"], ["b"], ["a"]]
    plan = await worker("bulk_update_tasks", filter={"priority": "high"}, changes={"title": "c"})
    assert plan["count"] == 1


async def test_counts_answer_how_many_instead_of_rows(worker: Agent) -> None:
    for title, person, day in (("a", "Ana Soto", "10"), ("b", "Ana Soto", "10"), ("c", "me", "11")):
        await worker.create(title, responsibleIds=[person], dueDate=f"2026-03-{day}", priority="2")
    done = await worker.create("d", responsibleIds=["me"], dueDate="2026-03-12")
    await worker("complete_task", id=done["id"])
    people = await worker("list_tasks", countBy="responsible", text="")
    assert (people["total"], people["counts"]) == (4, {"Ana Soto": 2, "Elena": 2})
    assert people["untrusted"]["fields"] == ["counts"]
    by_priority = await worker("list_tasks", countBy="priority")
    assert by_priority == {"counts": {"high": 3, "medium": 1}, "total": 4}
    days = await worker("list_tasks", countBy="dueDay", responsibleIds=["Ana Soto"])
    assert days == {"counts": {"2026-03-10 Tue": 2}, "total": 2}
    statuses = await worker("list_tasks", countBy="status", fromDate="2026-03-11")
    assert sorted(statuses["counts"].values()) == [1, 1]
    assert await worker("list_tasks", countBy="dueDay", fromDate="2026-05-01", toDate="2026-05-02") == {
        "counts": {},
        "total": 0,
    }


@pytest.mark.parametrize("backend", backends_named("local", "hubspot"), indirect=True)
async def test_one_call_counts_the_tasks_that_each_person_finished_in_a_period(worker: Agent) -> None:
    for title, person in (("a", "Ana Soto"), ("b", "Ana Soto"), ("c", "me"), ("open", "me")):
        task = await worker.create(title, responsibleIds=[person], dueDate="2026-04-10")
        if title != "open":
            await worker("complete_task", id=task["id"])
    finished = {"dateField": "completed", **TODAY}
    people = await worker("list_tasks", countBy="responsible", **finished)
    assert (people["total"], people["counts"]) == (3, {"Ana Soto": 2, "Elena": 1})
    assert (await worker("list_tasks", countBy="completedDay"))["counts"] == {"2026-03-02 Mon": 3, "not finished": 1}
    assert await worker.listed(dateField="completed", **LATER) == []
    assert set(await worker.listed(**finished, text="a")) == {"a"}
    rows = (await worker("list_tasks", fields=["title", "completed"], **finished, text="a"))["tasks"]
    assert rows[0]["completed"].startswith("2026-03-02T")


async def test_a_date_that_a_crm_does_not_know_is_not_in_its_schema_and_refused(worker: Agent) -> None:
    tools = {tool.name: tool for tool in (await worker.client.list_tools()).tools}
    listed = tools["list_tasks"].input_schema["properties"]
    for moment, count in (("updated", None), ("completed", "completedDay")):
        is_known = moment in listed["dateField"]["enum"]
        assert (moment in listed["fields"]["items"]["enum"]) is is_known
        if is_known:
            assert set(await worker.listed(dateField=moment, **TODAY)) == set()
            continue
        with pytest.raises(Refused) as refused:
            await worker("list_tasks", dateField=moment, **TODAY)
        assert refused.value.code == "invalid_window"
        if count is not None:
            with pytest.raises(Refused) as refused:
                await worker("list_tasks", countBy=count)
            assert refused.value.code == "invalid_arguments"


@pytest.mark.parametrize("backend", backends_named("local"), indirect=True)
async def test_an_undo_brings_back_when_and_by_whom_a_task_was_finished(connect: Connect) -> None:
    worker = await connect()
    task = await worker.create("Call", dueDate="2026-03-10")
    await worker("complete_task", id=task["id"])

    async def row() -> Any:
        return (await worker("list_tasks", fields=["completed", "completed_by"]))["tasks"][0]

    finished = await row()
    assert finished["completed_by"] == "Elena"
    reopened = await worker("update_task", id=task["id"], newStatusName="Pendiente")
    assert ((await row())["completed"], (await row())["completed_by"]) == (None, None)
    await worker("undo_change", changeId=reopened["changeId"])
    assert await row() == finished


async def test_a_text_filter_finds_all_its_words_in_any_order(worker: Agent) -> None:
    await worker.create("Demo for Baker & Sons", dueDate="2026-03-10")
    await worker.create("Demo for Acme", dueDate="2026-03-11")
    assert await worker.listed(text="baker demo") == ["Demo for Baker & Sons"]
    assert await worker.listed(text="Démo  FOR") == ["Demo for Baker & Sons", "Demo for Acme"]
    assert await worker.listed(text="demo soto") == []
    for text in ('"Baker"', "demo, baker", "Demo - Baker?", "\u00abBaker & Sons\u00bb", "Demo: for baker."):
        assert await worker.listed(text=text) == ["Demo for Baker & Sons"], text


async def test_an_empty_list_of_a_text_says_which_words_find_more(worker: Agent) -> None:
    await worker.create("Demo for Acme", dueDate="2026-03-11")
    unfound = {"text": "demos of Acme"}
    for given in (unfound, unfound | {"countBy": "status"}):
        assert "try one word alone, or only its beginning" in (await worker("list_tasks", **given))["note"]
    for given in ({"text": "acme"}, {"text": "acme", "countBy": "status"}, {"fromDate": "2026-05-01"}):
        answer = await worker("list_tasks", **given, includeTasksWithoutDates=False)
        assert "one word alone" not in answer.get("note", "")


async def test_a_contact_that_is_given_by_name_is_refused_where_nothing_is_found(worker: Agent) -> None:
    await worker.create(dueDate="2026-03-10")
    with pytest.raises(Refused) as refused:
        await worker("list_tasks", contact="Carolina Vega")
    assert refused.value.code == "invalid_id"
    assert [one["name"] for one in refused.value.error["candidates"]] == ["Carolina Vega"]


async def test_the_plan_of_a_filter_says_which_of_its_tasks_may_not_be_expected(
    worker: Agent, backend: BackendCase
) -> None:
    await worker.create("elsewhere", dueDate="2026-05-10")
    await worker.create("dated", dueDate="2026-03-10")
    finished = await worker.create("finished", dueDate="2026-03-10")
    await worker("complete_task", id=finished["id"])
    if "dueDate" not in backend.needs:
        await worker.create("dateless")
    window = {"fromDate": "2026-03-09", "toDate": "2026-03-11"}
    plan = await worker("bulk_update_tasks", filter=window, changes={"priority": "2"})
    count = plan["count"]
    assert f"1 of the {count} is finished: {finished['id']}." in plan["note"]
    assert (f"1 of the {count} has no due date" in plan["note"]) == ("dueDate" not in backend.needs)
    sure = window | {"includeTasksWithoutDates": False, "status": ["initial"]}
    plan = await worker("bulk_update_tasks", filter=sure, changes={"priority": "2"})
    assert "finished" not in plan["note"]
    assert "due date" not in plan["note"]
