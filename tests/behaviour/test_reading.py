"""Reading: statuses, people, contacts, one task, lists."""

import re
from typing import Any

import pytest

from behaviour.agent import Agent, Refused
from behaviour.world import BackendCase


async def test_statuses_are_listed_by_position_with_their_types(agent: Agent) -> None:
    answer = await agent("list_statuses")
    assert [(row["position"], row["name"], row["type"]) for row in answer["statuses"]] == [
        (1, "Pendiente", "initial"),
        (2, "En Progreso", "in_progress"),
        (3, "Completado", "done"),
    ]
    assert answer["complete"] is True
    assert answer["source"]


async def test_the_list_of_the_team_marks_the_member_that_is_me(agent: Agent) -> None:
    answer = await agent("list_team_members")
    names = {row["id"]: row["name"] for row in answer["members"]}
    assert names[answer["me"]] == "Elena"
    assert sorted(names.values()) == ["Ana Soto", "Elena", "Luis Pereira", "Maria Rodriguez", "María Rodríguez"]
    assert answer["omitted"] == 0


@pytest.mark.parametrize("query", ["carolina", "VEGA", "acme.example", "5555 0101"])
async def test_a_contact_is_found_by_name_mail_or_phone_and_can_be_linked(
    agent: Agent, backend: BackendCase, query: str
) -> None:
    (contact,) = (await agent("find_contacts", query=query))["contacts"]
    assert (contact["name"], contact["aiCustomerId"]) == ("Carolina Vega", backend.customer)
    task = await agent.create(aiContactId=contact["aiContactId"], aiCustomerId=contact["aiCustomerId"])
    assert (task["ai_contact_id"], task["ai_customer_id"]) == (contact["aiContactId"], backend.customer)
    assert await agent.listed(contact=contact["aiContactId"]) == ["Call Acme"]
    assert await agent.listed(contact=backend.customer) == ["Call Acme"]


async def test_a_search_without_matches_is_an_empty_answer_with_the_next_step_and_no_error(agent: Agent) -> None:
    answer = await agent("find_contacts", query="nobody at all")
    assert answer.pop("note").startswith("None matches. Send another part of the name")
    assert answer == {"contacts": [], "more": False}


async def test_a_query_too_short_to_find_anybody_by_is_refused(agent: Agent) -> None:
    for query in (" a ", "a\u0301"):  # a letter and its accent are one character
        with pytest.raises(Refused) as refused:
            await agent("find_contacts", query=query)
        assert refused.value.code == "invalid_query"


async def test_get_task_answers_the_documented_object_and_nothing_else(agent: Agent) -> None:
    created = await agent.create(description="Ask for the tax id")
    task = (await agent("get_task", id=created["id"]))["task"]
    assert task == created
    more = {"task_type": "taskType", "deal_id": "dealId"}
    assert set(task) & more.keys() == {field for field, argument in more.items() if argument not in agent.can.absent}
    assert set(task) - more.keys() == {
        "id",
        "title",
        "description",
        "due_timezone",
        "due_at",
        "is_all_day",
        "created_at",
        "ai_contact_id",
        "ai_customer_id",
        "task_status_config_id",
        "priority",
        "creator_id",
        "task_responsibles",
        "status_config",
        "url",
    }
    assert set(task["status_config"]) == {"id", "name", "color", "type", "order"}
    assert task["task_status_config_id"] == task["status_config"]["id"]


async def test_a_task_that_does_not_exist_is_not_found(agent: Agent, backend: BackendCase) -> None:
    with pytest.raises(Refused) as refused:
        await agent("get_task", id=backend.absent)
    assert refused.value.code == "task_not_found"
    assert "list_tasks" in refused.value.next


async def test_an_empty_id_is_refused(agent: Agent) -> None:
    with pytest.raises(Refused) as refused:
        await agent("get_task", id="")
    assert refused.value.code in {"invalid_id", "missing_argument"}


@pytest.mark.parametrize("malformed", ["../tasks", "Call Acme", "12/..", "tâche"])
async def test_a_malformed_id_is_refused_by_every_tool_for_a_task(agent: Agent, malformed: str) -> None:
    more: dict[str, dict[str, Any]] = {
        "get_task": {},
        "update_task": {"title": "New"},
        "complete_task": {},
        "reassign_task": {"responsibleIds": ["me"]},
        "delete_task": {},
    }
    for tool, arguments in more.items():
        with pytest.raises(Refused) as refused:
            await agent(tool, id=malformed, **arguments)
        assert refused.value.code == "invalid_id", tool


async def test_a_list_shows_compact_rows_of_names(agent: Agent) -> None:
    await agent.create(
        "Call Acme", responsibleIds=["Ana Soto"], dueDate="2026-03-04", dueTime="15:00", timezone="America/Santiago"
    )
    (row,) = (await agent("list_tasks"))["tasks"]
    assert {key: row[key] for key in row if key != "id"} == {
        "title": "Call Acme",
        "status": "Pendiente",
        "due": "2026-03-04T15:00-03:00 Wed",
        "priority": 1,
        "responsibles": ["Ana Soto"],
    }


async def test_rows_have_the_requested_fields(agent: Agent) -> None:
    await agent.create("Late", dueDate="2026-03-01")
    (row,) = (await agent("list_tasks", fields=["overdue", "title"]))["tasks"]
    assert set(row) == {"id", "overdue", "title"}
    assert row["overdue"] is True


async def test_a_list_distinguishes_members_with_the_same_name(agent: Agent) -> None:
    await agent.create(responsibleIds=["maria.one@example.com"])
    (row,) = (await agent("list_tasks"))["tasks"]
    assert row["responsibles"] == ["Maria Rodriguez <maria.one@example.com>"]
    assert len(await agent.listed(responsibleIds=row["responsibles"])) == 1


async def test_several_filters_are_combined(agent: Agent) -> None:
    await agent.create("Ana's, high", responsibleIds=["Ana Soto"], priority="2", dueDate="2026-03-10")
    await agent.create("Ana's, low", responsibleIds=["Ana Soto"], priority="0", dueDate="2026-03-11")
    await agent.create("Luis', high", responsibleIds=["Luis Pereira"], priority="2", dueDate="2026-03-12")
    assert await agent.listed(responsibleIds=["ana@example.com"]) == ["Ana's, high", "Ana's, low"]
    assert await agent.listed(responsibleIds=["Ana Soto"], priority="2") == ["Ana's, high"]
    assert await agent.listed(responsibleIds=["Ana Soto", "Luis Pereira"], fromDate="2026-03-11") == [
        "Ana's, low",
        "Luis', high",
    ]
    assert await agent.listed(responsibleIds=["me"]) == []


async def test_a_date_window_includes_both_its_days_and_by_default_dateless_tasks(agent: Agent) -> None:
    for day in ("2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12"):
        await agent.create(day, dueDate=day)
    await agent.create("dateless")
    window = {"fromDate": "2026-03-10", "toDate": "2026-03-11"}
    assert await agent.listed(**window) == ["2026-03-10", "2026-03-11", "dateless"]
    assert await agent.listed(**window, includeTasksWithoutDates=False) == ["2026-03-10", "2026-03-11"]
    assert await agent.listed(includeTasksWithoutDates=False) == [
        "2026-03-09",
        "2026-03-10",
        "2026-03-11",
        "2026-03-12",
    ]


async def test_an_evening_due_time_is_on_the_day_of_its_own_zone(agent: Agent) -> None:
    await agent.create("evening", dueDate="2026-03-10", dueTime="23:30", timezone="America/Santiago")
    assert await agent.listed(fromDate="2026-03-10", toDate="2026-03-10", includeTasksWithoutDates=False) == ["evening"]
    assert await agent.listed(fromDate="2026-03-11", includeTasksWithoutDates=False) == []


async def test_overdue_means_unfinished_and_past_due(agent: Agent) -> None:
    await agent.create("yesterday", dueDate="2026-03-01")
    await agent.create("today, all day", dueDate="2026-03-02")
    await agent.create("an hour ago", dueDate="2026-03-02", dueTime="11:00", timezone="America/Santiago")
    await agent.create("in an hour", dueDate="2026-03-02", dueTime="13:00", timezone="America/Santiago")
    done = await agent.create("done", dueDate="2026-03-01")
    await agent("complete_task", id=done["id"])
    assert await agent.listed(overdue=True) == ["yesterday", "an hour ago"]
    assert sorted(await agent.listed(overdue=False)) == ["done", "in an hour", "today, all day"]


async def test_a_status_type_that_no_status_has_matches_no_task(agent: Agent) -> None:
    await agent.create("Open")
    done = await agent.create("Done")
    await agent("complete_task", id=done["id"])
    assert await agent.listed(status=["initial", "in_progress"]) == ["Open"]
    for tool, sent in (
        ("list_tasks", {"status": ["master_done"]}),
        ("list_tasks", {"status": ["master_done"], "countBy": "status"}),
        ("bulk_update_tasks", {"filter": {"status": ["master_done"]}, "changes": {"title": "Call"}}),
        ("bulk_update_tasks", {"filter": {"status": ["master_done"]}, "changes": {"title": "Call"}, "dryRun": True}),
    ):
        answer = await agent(tool, **sent)
        assert (answer.get("tasks", []), answer.get("total", answer.get("count", 0))) == ([], 0)
        assert re.search("No status (here has|of) the type master_done.* [Tt]ypes.*: initial", answer["note"])
    assert "note" not in await agent("list_tasks", status=["initial", "master_done"])


async def test_statuses_filter_by_name_and_by_type(agent: Agent) -> None:
    await agent.create("open", dueDate="2026-03-10")
    done = await agent.create("done", dueDate="2026-03-11")
    await agent("complete_task", id=done["id"])
    assert await agent.listed(status=["completado"]) == ["done"]
    assert await agent.listed(status=["initial", "in_progress"]) == ["open"]
    assert await agent.listed(status="Pendiente") == ["open"]


async def test_text_finds_words_in_title_and_description_whatever_the_accents(agent: Agent) -> None:
    await agent.create("Llamar a la clínica")
    await agent.create("Otra cosa", description="La CLINICA pidió factura")
    await agent.create("Nada")
    assert sorted(await agent.listed(text="clinica")) == ["Llamar a la clínica", "Otra cosa"]


@pytest.mark.parametrize(
    ("order", "titles"),
    [("due", ["b", "a", "c", "d"]), ("priority", ["c", "a", "d", "b"])],
)
async def test_a_list_has_the_requested_order(agent: Agent, order: str, titles: list[str]) -> None:
    await agent.create("a", dueDate="2026-03-11", priority="1")
    await agent.create("b", dueDate="2026-03-10", priority="0")
    await agent.create("d", priority="1")
    await agent.create("c", priority="2", dueDate="2026-03-12")
    assert await agent.listed(order=order, limit=2) == titles


async def test_pages_hold_every_task_once(agent: Agent) -> None:
    titles = [f"task {number:02}" for number in range(23)]
    for number, title in enumerate(titles):
        await agent.create(title, **({"dueDate": f"2026-03-{number + 1:02}"} if number % 3 else {}))
    assert sorted(await agent.listed(limit=5)) == titles


async def test_a_cursor_belongs_to_its_list(agent: Agent) -> None:
    for title in ("a", "b"):
        await agent.create(title)
    cursor = (await agent("list_tasks", limit=1))["nextCursor"]
    with pytest.raises(Refused) as refused:
        await agent("list_tasks", limit=1, cursor=cursor, priority="1")
    assert refused.value.code == "invalid_cursor"


IMPOSSIBLE: list[tuple[dict[str, object], str]] = [
    ({"fromDate": "2026-03-02", "toDate": "2026-03-01"}, "invalid_window"),
    ({"fromDate": "soon"}, "invalid_date"),
    ({"priority": "urgent"}, "invalid_priority"),
    ({"responsibleIds": ["Nobody Here"]}, "unknown_member"),
    ({"status": ["Unheard of"]}, "unknown_status"),
    ({"limit": -1}, "invalid_arguments"),
    ({"limit": 101}, "invalid_arguments"),
    ({"order": "random"}, "invalid_arguments"),
    ({"cursor": "garbage"}, "invalid_cursor"),
    ({"assignee": "me"}, "unknown_argument"),
]


async def test_a_filter_that_cannot_match_is_refused(agent: Agent) -> None:
    for filters, code in IMPOSSIBLE:
        with pytest.raises(Refused) as refused:
            await agent("list_tasks", **filters)
        assert refused.value.code == code, filters


async def test_empty_filters_that_a_host_fills_in_do_not_filter(agent: Agent) -> None:
    await agent.create("a")
    assert await agent.listed(text="", fromDate=None, priority="", responsibleIds=None, overdue=None) == ["a"]
