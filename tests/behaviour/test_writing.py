"""Writing: the requested values are set and shown, and nothing else changes."""

from typing import Any

import pytest

from behaviour.agent import Agent, Refused
from behaviour.world import BackendCase


async def _same(agent: Agent, task: dict[str, Any]) -> bool:
    """Whether the task is unchanged."""
    return bool((await agent("get_task", id=task["id"]))["task"] == task)


async def test_a_new_task_has_the_requested_fields_and_the_initial_status(agent: Agent) -> None:
    answer = await agent(
        "create_task", title="  Call Acme ", description=None, responsibleIds=["ana soto", "me"], priority="2"
    )
    task = answer["task"]
    assert (task["title"], task["description"], task["priority"]) == ("Call Acme", None, 2)
    assert task["status_config"]["name"] == "Pendiente"
    assert (task["due_at"], task["is_all_day"]) == (None, False)
    assert [match["name"] for match in answer["matched"]] == ["Ana Soto", "Elena"]
    assert answer["unapplied"] == []
    assert answer["changed"]["title"] == {"from": None, "to": "Call Acme"}


@pytest.mark.parametrize("missing", ["title", "responsibleIds"])
async def test_a_required_field_that_is_missing_is_named(agent: Agent, missing: str) -> None:
    body = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1"}
    del body[missing]
    with pytest.raises(Refused, match=f"{missing} is required"):
        await agent("create_task", **body)
    assert await agent.listed() == []


async def test_only_given_fields_change(agent: Agent) -> None:
    before = await agent.create(description="old", dueDate="2026-03-10")
    answer = await agent("update_task", id=before["id"], title="New title")
    assert answer["changed"] == {"title": {"from": "Call Acme", "to": "New title"}}
    assert answer["task"] == before | {"title": "New title"}


async def test_null_clears_every_nullable_field(agent: Agent) -> None:
    before = await agent.create(description="old", dueDate="2026-03-10")
    after = (await agent("update_task", id=before["id"], description=None, dueDate=None))["task"]
    assert after == before | {"description": None, "due_at": None, "is_all_day": False}


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"newStatusName": "En Progreso"}, "En Progreso"),
        ({"newStatusName": " en  progreso "}, "En Progreso"),
        ({"newStatusName": "COMPLETADO"}, "Completado"),
        ({"newStatusPosition": 3}, "Completado"),
        ({"newStatusPosition": "2"}, "En Progreso"),
    ],
)
async def test_a_status_is_set_by_name_or_by_position(agent: Agent, given: dict[str, Any], status: str) -> None:
    task = await agent.create()
    answer = await agent("update_task", id=task["id"], **given)
    assert answer["task"]["status_config"]["name"] == status
    assert answer["changed"] == {"status_config": {"from": "Pendiente", "to": status}}
    assert [match["name"] for match in answer["matched"]] == [status]


async def test_both_ways_of_setting_a_status_are_refused(agent: Agent) -> None:
    task = await agent.create()
    with pytest.raises(Refused) as refused:
        await agent("update_task", id=task["id"], newStatusName="Completado", newStatusPosition=3)
    assert refused.value.code == "both_statuses"
    assert await _same(agent, task)


async def test_a_status_that_does_not_exist_names_the_nearest_first(agent: Agent) -> None:
    task = await agent.create()
    with pytest.raises(Refused) as refused:
        await agent("update_task", id=task["id"], newStatusName="Completo")
    assert refused.value.code == "unknown_status"
    assert refused.value.values[0] == "Completado"
    assert set(refused.value.values) == {"Pendiente", "En Progreso", "Completado"}


async def test_a_position_that_does_not_exist_lists_the_positions(agent: Agent) -> None:
    task = await agent.create()
    with pytest.raises(Refused, match="The positions are 1, 2, 3") as refused:
        await agent("update_task", id=task["id"], newStatusPosition=7)
    shown = [(one["value"], one["name"].partition(",")[0]) for one in refused.value.error["candidates"]]
    assert shown == [("Pendiente", "position 1"), ("En Progreso", "position 2"), ("Completado", "position 3")]


async def test_completing_picks_the_done_status_and_says_which(agent: Agent) -> None:
    task = await agent.create()
    answer = await agent("complete_task", id=task["id"])
    assert answer["task"]["status_config"]["type"] == "done"
    assert answer["matched"][0]["name"] == "Completado"


async def test_completing_twice_writes_once_and_the_answer_notes_it(agent: Agent) -> None:
    task = await agent.create()
    done = (await agent("complete_task", id=task["id"]))["task"]
    again = await agent("complete_task", id=task["id"])
    assert again["task"] == done
    assert again["changed"] == {}
    assert again["note"].startswith("Nothing was written")


async def test_completing_into_a_status_that_is_not_finished_is_refused(agent: Agent) -> None:
    task = await agent.create()
    with pytest.raises(Refused) as refused:
        await agent("complete_task", id=task["id"], newStatusName="En Progreso")
    assert refused.value.code == "not_finished"
    assert refused.value.values == ["Completado"]
    assert await _same(agent, task)


async def test_a_finished_task_can_be_reopened(agent: Agent) -> None:
    task = await agent.create()
    await agent("complete_task", id=task["id"])
    answer = await agent("update_task", id=task["id"], newStatusName="Pendiente")
    assert answer["task"]["status_config"]["name"] == "Pendiente"


async def test_people_are_found_by_email_or_name_ignoring_case_and_accents(agent: Agent) -> None:
    task = await agent.create()
    for who in ("ana@example.com", "ANA@EXAMPLE.COM", "Ana Soto", "ana  soto", "Ána Sotó"):
        answer = await agent("reassign_task", id=task["id"], responsibleIds=[who])
        [ana] = [one["responsible_id"] for one in answer["task"]["task_responsibles"]]
        is_id = who == ana  # where e-mail addresses are the ids of people, one is no name
        matched = [(match["given"], match["name"], match["id"]) for match in answer.get("matched", [])]
        assert matched == ([] if is_id else [(who, "Ana Soto", ana)])
        await agent("reassign_task", id=task["id"], responsibleIds=["me"])


async def test_responsibles_are_replaced_added_and_removed(agent: Agent) -> None:
    task = await agent.create(responsibleIds=["Ana Soto"])
    ana = task["task_responsibles"][0]["responsible_id"]
    added = await agent("reassign_task", id=task["id"], responsibleIds=["Luis Pereira", "Ana Soto"], mode="add")
    luis = added["task"]["task_responsibles"][1]["responsible_id"]
    assert [person["responsible_id"] for person in added["task"]["task_responsibles"]] == [ana, luis]
    removed = await agent("reassign_task", id=task["id"], responsibleIds=[ana], mode="remove")
    assert removed["task"]["task_responsibles"] == [{"responsible_id": luis}]
    replaced = await agent("update_task", id=task["id"], responsibleIds=["Ana Soto", ana, "ana@example.com"])
    assert replaced["task"]["task_responsibles"] == [{"responsible_id": ana}]


async def test_a_name_of_two_people_is_answered_with_candidates_and_nothing_is_written(agent: Agent) -> None:
    task = await agent.create()
    with pytest.raises(Refused) as refused:
        await agent("update_task", id=task["id"], responsibleIds=["Ana Soto", "maria rodriguez"], title="Changed")
    assert refused.value.code == "ambiguous_member"
    assert len(refused.value.values) == 2
    assert await _same(agent, task)
    chosen = await agent("reassign_task", id=task["id"], responsibleIds=[refused.value.values[0]])
    assert chosen["task"]["task_responsibles"] == [{"responsible_id": refused.value.values[0]}]


@pytest.mark.parametrize("who", ["An", "99999999-9999-4999-8999-999999999999", "nobody@example.com", ""])
async def test_a_person_that_does_not_exist_is_refused_with_the_nearest_first(agent: Agent, who: str) -> None:
    with pytest.raises(Refused) as refused:
        await agent.create(responsibleIds=[who])
    assert refused.value.code == "unknown_member"
    assert refused.value.values
    assert await agent.listed() == []


@pytest.mark.parametrize(("word", "digit"), [("low", "0"), ("Medium", "1"), ("HIGH", "2")])
async def test_a_priority_word_is_refused_naming_the_digit_to_send_where_the_crm_has_it(
    agent: Agent, word: str, digit: str
) -> None:
    with pytest.raises(Refused) as refused:
        await agent.create(priority=word)
    assert refused.value.code == "invalid_priority"
    assert (f'send "{digit}"' in refused.value.next) is (digit in refused.value.values)


async def test_priority_is_sent_as_a_string_and_read_as_an_integer(agent: Agent) -> None:
    task = await agent.create(priority="0")
    assert task["priority"] == 0
    assert (await agent("update_task", id=task["id"], priority=2))["task"]["priority"] == 2


@pytest.mark.parametrize("value", ["3", "-1", "urgent", True, 1.5])
async def test_any_other_priority_is_refused(agent: Agent, value: object) -> None:
    with pytest.raises(Refused):
        await agent.create(priority=value)
    assert await agent.listed() == []


@pytest.mark.parametrize("title", ["", "   ", "\t\n"])
async def test_an_empty_title_is_refused(agent: Agent, title: str) -> None:
    task = await agent.create()
    with pytest.raises(Refused) as refused:
        await agent("update_task", id=task["id"], title=title)
    assert refused.value.code == "invalid_title"
    assert await _same(agent, task)


async def test_no_field_to_change_is_refused(agent: Agent) -> None:
    task = await agent.create()
    with pytest.raises(Refused) as refused:
        await agent("update_task", id=task["id"])
    assert refused.value.code == "nothing_to_change"


@pytest.mark.parametrize("field", ["created_at", "creator_id", "createdAt", "creatorId"])
async def test_an_immutable_field_is_refused_by_name(agent: Agent, field: str) -> None:
    task = await agent.create()
    with pytest.raises(Refused, match=field) as refused:
        await agent("update_task", id=task["id"], **{field: "x"}, title="Changed")
    assert refused.value.code == "immutable_field"
    assert await _same(agent, task)


async def test_an_id_in_the_body_of_a_new_task_is_refused(agent: Agent) -> None:
    with pytest.raises(Refused) as refused:
        await agent.create(id="99999999-9999-4999-8999-999999999999")
    assert refused.value.code == "immutable_field"


@pytest.mark.parametrize(("argument", "meant"), [("due_date", "dueDate"), ("responsible_ids", "responsibleIds")])
async def test_an_unknown_argument_is_refused_with_the_one_meant(agent: Agent, argument: str, meant: str) -> None:
    task = await agent.create()
    with pytest.raises(Refused) as refused:
        await agent("update_task", id=task["id"], title="Changed", **{argument: "2026-03-10"})
    assert refused.value.code == "unknown_argument"
    assert refused.value.values[0] == meant
    assert await _same(agent, task)


async def test_a_write_without_effect_changes_nothing_and_the_answer_notes_it(agent: Agent) -> None:
    task = await agent.create(dueDate="2026-03-10")
    answer = await agent("update_task", id=task["id"], title="Call Acme", dueDate="2026-03-10", priority="1")
    assert answer["changed"] == {}
    assert answer["note"].startswith("Nothing was written")
    assert answer["task"] == task


@pytest.mark.parametrize("sent", ['["Ana Soto"]', "Ana Soto", ["Ana Soto "]])
async def test_a_list_sent_as_text_is_understood(agent: Agent, sent: object) -> None:
    assert len((await agent.create(responsibleIds=sent))["task_responsibles"]) == 1


async def test_several_names_in_one_text_are_refused(agent: Agent) -> None:
    with pytest.raises(Refused, match="responsibleIds must be a list"):
        await agent.create(responsibleIds="Ana Soto, Luis Pereira")


@pytest.mark.parametrize("tool", ["update_task", "complete_task", "reassign_task"])
async def test_writing_to_a_task_that_does_not_exist_is_refused(agent: Agent, backend: BackendCase, tool: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "update_task": {"title": "x"},
        "complete_task": {},
        "reassign_task": {"responsibleIds": ["me"]},
    }
    with pytest.raises(Refused) as refused:
        await agent(tool, id=backend.absent, **bodies[tool])
    assert refused.value.code == "task_not_found"


async def test_text_of_customers_is_stored_unchanged(agent: Agent) -> None:
    description = 'Ñandú 🐦 "quotes" \\ back\nnew line; DROP TABLE task; --'
    task = await agent.create("Título 🇨🇱", description=description)
    read = (await agent("get_task", id=task["id"]))["task"]
    assert (read["title"], read["description"]) == ("Título 🇨🇱", description)


async def test_null_is_refused_for_a_field_that_every_task_of_the_crm_must_have(
    worker: Agent, backend: BackendCase
) -> None:
    for name in backend.needs:
        with pytest.raises(Refused) as refused:
            await worker("create_task", title="Call Acme", responsibleIds=["me"], **{name: None})
        assert str(refused.value) == f"{name} cannot be null: a task of this CRM must have one."
    task = await worker.create(dueDate="2026-03-10")
    if "dueDate" not in backend.needs:
        assert (await worker("update_task", id=task["id"], dueDate=None))["task"]["due_at"] is None
        return
    with pytest.raises(Refused) as refused:
        await worker("update_task", id=task["id"], dueDate=None)
    assert str(refused.value) == "dueDate cannot be null: a task of this CRM must have one; leave it out to keep it."
