"""People, statuses, priorities and contacts in a call: given by a word of a name, a type, a position, or left out."""

from typing import Any

import pytest

from behaviour.agent import Agent, Refused
from behaviour.backend_cases import BACKEND_CASES
from behaviour.world import BackendCase

NEW = {"title": "Visit", "responsibleIds": ["me"], "priority": "1"}


async def _status(agent: Agent, task: str) -> dict[str, Any]:
    found: dict[str, Any] = (await agent("get_task", id=task))["task"]["status_config"]
    return found


async def test_every_tool_accepts_a_word_that_occurs_in_only_one_persons_name(worker: Agent) -> None:
    ids = {row["name"]: row["id"] for row in (await worker("list_team_members"))["members"]}
    made = await worker("create_task", title="Call Acme", responsibleIds=["soto"], priority="1")
    task = made["task"]["id"]
    assert ("soto", "Ana Soto") in [(one["given"], one["name"]) for one in made["matched"]]
    assert await worker.listed(responsibleIds=["SOTO"]) == ["Call Acme"]
    assert await worker.listed(responsibleIds=["Pereira"]) == []
    await worker("reassign_task", id=task, responsibleIds=["Luis"])
    assert await worker.listed(responsibleIds=["Pereira, Luis"]) == ["Call Acme"]
    await worker("bulk_update_tasks", taskIds=[task], changes={"responsibleIds": ["ana"]})
    whole = (await worker("get_task", id=task))["task"]
    assert whole["task_responsibles"] == [{"responsible_id": ids["Ana Soto"]}]
    planned = await worker("bulk_update_tasks", filter={"responsibleIds": ["soto"]}, changes={"priority": "2"})
    assert planned["count"] == 1


async def test_a_word_of_several_names_and_a_part_of_a_word_are_refused(worker: Agent) -> None:
    for call in ({"tool": "create_task", "title": "Call"}, {"tool": "list_tasks"}):
        tool = call.pop("tool")
        with pytest.raises(Refused) as several:
            await worker(tool, **call, responsibleIds=["Rodriguez"])
        assert (several.value.code, len(several.value.values)) == ("ambiguous_member", 2)
        with pytest.raises(Refused, match="Only Luis Pereira is close") as close:
            await worker(tool, **call, responsibleIds=["Perei"])
        assert (close.value.code, len(close.value.values)) == ("unknown_member", 1)
    assert await worker.listed() == []


async def test_an_everyday_word_for_the_caller_means_me(worker: Agent) -> None:
    for word in ("yo", "mí", "Myself", "mine"):
        made = await worker("create_task", title=f"Call {word}", responsibleIds=[word], priority="1")
        assert [one["given"] for one in made["matched"] if one["argument"] == "responsibleIds"] == [word]
        assert f"Call {word}" in await worker.listed(responsibleIds=["me"])


async def test_a_status_type_finishes_and_reopens_a_task(worker: Agent) -> None:
    task = (await worker.create())["id"]
    done = await worker("update_task", id=task, newStatusName="done")
    [named] = [one for one in done["matched"] if one["given"] == "done"]
    status = await _status(worker, task)
    assert (status["type"], status["name"]) == ("done", named["name"])
    assert await worker.listed(status=["done"]) == ["Call Acme"]
    await worker("bulk_update_tasks", taskIds=[task], changes={"newStatusName": "initial"})
    assert (await _status(worker, task))["type"] == "initial"
    await worker("complete_task", id=task, newStatusName="done")
    assert (await _status(worker, task))["type"] == "done"


async def test_a_status_position_counts_from_one_in_the_order_of_list_statuses(worker: Agent) -> None:
    task = (await worker.create())["id"]
    statuses = (await worker("list_statuses"))["statuses"]
    assert [row["position"] for row in statuses] == [*range(1, len(statuses) + 1)]
    for row in reversed(statuses):
        await worker("update_task", id=task, newStatusPosition=row["position"])
        status = await _status(worker, task)
        assert (status["name"], status["order"]) == (row["name"], row["position"])


@pytest.mark.parametrize(
    ("people", "what", "remedy"),
    [
        (["me", ""], "an empty entry", "Leave the empty entry out."),
        (["", " ", "me"], "2 empty entries", "Leave the empty entries out."),
    ],
)
async def test_an_empty_entry_in_a_list_of_people_is_refused(
    worker: Agent, people: list[str], what: str, remedy: str
) -> None:
    task = (await worker.create())["id"]
    for tool, body in (
        ("create_task", {"title": "Visit"}),
        ("update_task", {"id": task}),
        ("reassign_task", {"id": task}),
        ("list_tasks", {}),
    ):
        with pytest.raises(Refused) as refused:
            await worker(tool, responsibleIds=people, **body)
        assert (refused.value.code, str(refused.value)) == ("unknown_member", f"responsibleIds has {what}."), tool
        assert refused.value.next == remedy, tool
        assert refused.value.values == []


async def test_an_unknown_status_gets_the_same_error_in_a_write_and_in_a_filter(worker: Agent) -> None:
    task = (await worker.create())["id"]
    for tool, body in (
        ("update_task", {"id": task, "newStatusName": "Arcivado"}),
        ("list_tasks", {"status": ["Arcivado"]}),
    ):
        with pytest.raises(Refused, match="all there are") as refused:
            await worker(tool, **body)
        assert refused.value.code == "unknown_status"
        assert refused.value.values


async def test_the_error_for_an_unknown_status_offers_only_the_types_that_a_status_has(worker: Agent) -> None:
    listed = (await worker("list_statuses"))["statuses"]
    with pytest.raises(Refused) as refused:
        await worker("list_tasks", status=["Arcivado"])
    _, _, offered = str(refused.value.next).rstrip(".").partition("a type also works: ")
    assert {*offered.split(", ")} == {one["type"] for one in listed}
    for one in offered.split(", "):
        await worker("list_tasks", status=[one])


@pytest.mark.parametrize("left_out", [{}, {"priority": None}, {"priority": ""}], ids=["absent", "null", "blank"])
async def test_a_new_task_without_a_priority_gets_medium_and_the_answer_names_it(
    worker: Agent, left_out: dict[str, Any]
) -> None:
    answer = await worker("create_task", title="Call", responsibleIds=["me"], **left_out)
    assert [(one["argument"], one["name"]) for one in answer["matched"] if one["argument"] == "priority"] == [
        ("priority", "medium")
    ]
    assert (await worker("get_task", id=answer["task"]["id"]))["task"]["priority"] == 1


async def test_a_found_contact_has_the_name_of_its_company(worker: Agent, backend: BackendCase) -> None:
    [found] = (await worker("find_contacts", query="carolina vega"))["contacts"]
    assert (found["name"], found["aiCustomerId"]) == ("Carolina Vega", backend.customer)
    assert found.get("customer") == backend.customer_name
    [by_id] = (await worker("find_contacts", query=found["aiContactId"]))["contacts"]
    assert {**found, **by_id} == found
    assert by_id["name"] == "Carolina Vega"
    [of_customer, *_] = (await worker("find_contacts", query=found["aiCustomerId"]))["contacts"]
    assert of_customer["aiCustomerId"] == found["aiCustomerId"]


async def test_every_write_refuses_the_name_of_a_contact_and_offers_the_matching_ids(agent: Agent) -> None:
    (carolina,) = (await agent("find_contacts", query="carolina"))["contacts"]
    task = (await agent.create())["id"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("create_task", NEW | {"aiContactId": "Carolina Vega"}),
        ("update_task", {"id": task, "aiContactId": "Carolina Vega"}),
        ("update_task", {"id": task, "aiContactId": "Carolina Vega", "dryRun": True}),
        ("bulk_update_tasks", {"taskIds": [task], "changes": {"aiContactId": "Carolina Vega"}}),
    ]
    for tool, call in calls:
        with pytest.raises(Refused, match="aiContactId takes an id, and 'Carolina Vega' is a name") as refused:
            await agent(tool, **call)
        assert (refused.value.code, refused.value.values) == ("invalid_id", [carolina["aiContactId"]])
    with pytest.raises(Refused, match="aiContactId takes an id") as mail:
        await agent("update_task", id=task, aiContactId="carolina@acme.example")
    assert mail.value.values == [carolina["aiContactId"]]
    with pytest.raises(Refused, match="is neither an id nor the name of a contact") as unknown:
        await agent("update_task", id=task, aiContactId="Nobody at all")
    assert (unknown.value.values, unknown.value.next) == ([], "Send aiContactId as find_contacts returns it.")
    assert (await agent("get_task", id=task))["task"]["ai_contact_id"] is None
    assert await agent.listed() == ["Call Acme"]


async def test_a_customer_named_by_its_contact_is_refused_with_the_customer_id(
    agent: Agent, backend: BackendCase
) -> None:
    with pytest.raises(Refused, match="aiCustomerId takes an id") as refused:
        await agent("create_task", **NEW | {"aiCustomerId": "Carolina Vega"})
    assert (refused.value.code, refused.value.values) == ("invalid_id", [backend.customer])


@pytest.mark.parametrize("backend", BACKEND_CASES[:1], indirect=True, ids=["local"])
async def test_the_built_in_store_takes_the_id_of_a_contact_that_is_kept_elsewhere(agent: Agent) -> None:
    for given in ("erp-acme", "c7", "c", "ACME", "56955550199"):
        task = await agent.create(f"Visit {given}", aiContactId=given)
        assert task["ai_contact_id"] == given
        assert await agent.listed(contact=given) == [f"Visit {given}"]
