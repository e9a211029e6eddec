"""Calls without effect, and refusals that name the argument or the id to send."""

import pytest

from behaviour.agent import Agent, Refused
from behaviour.world import BackendCase


async def _count_plans(agent: Agent) -> int:
    return len((await agent("list_changes", outcome="planned"))["changes"])


async def test_a_dry_run_without_effect_explains_that_and_makes_no_plan(worker: Agent) -> None:
    task = await worker.create(dueDate="2026-03-10")
    calls: list[tuple[str, dict[str, object]]] = [
        ("update_task", {"title": "Call Acme", "dueDate": "2026-03-10", "priority": "1"}),
        ("reassign_task", {"responsibleIds": ["me"]}),
    ]
    for tool, sent in calls:
        answer = await worker(tool, id=task["id"], **sent, dryRun=True)
        assert answer["note"] == "Nothing would change: the task already matches the request. There is no plan.", tool
        assert answer.keys().isdisjoint({"planId", "changeId", "difference"}), tool
        assert answer["task"] == task, tool
    await worker("complete_task", id=task["id"])
    assert "planId" not in await worker("complete_task", id=task["id"], dryRun=True)
    assert await _count_plans(worker) == 0


async def test_a_dry_run_of_a_bulk_change_that_would_change_nothing_is_no_plan(
    worker: Agent, backend: BackendCase
) -> None:
    ids = [(await worker.create(f"Task {number}"))["id"] for number in range(2)]
    same = await worker("bulk_update_tasks", taskIds=[*ids, backend.absent], changes={"priority": "1"}, dryRun=True)
    assert same["totals"] == {"unchanged": 2, "refused": 1}
    assert same["note"] == "Nothing would be written. There is no plan."
    none = await worker("bulk_update_tasks", filter={"text": "Zebra"}, changes={"priority": "2"}, dryRun=True)
    assert none["note"] == "Nothing would be written. No task matches the filter. There is no plan."
    assert same.keys().isdisjoint({"planId", "changeId"})
    assert await _count_plans(worker) == 0


async def test_a_dry_run_of_tasks_that_already_exist_makes_no_plan(worker: Agent) -> None:
    bodies = [{"title": title, "responsibleIds": ["me"], "priority": "1"} for title in ("A", "B")]
    await worker("create_tasks", tasks=bodies)
    again = await worker("create_tasks", tasks=bodies, dryRun=True)
    assert (again["totals"], again.get("planId")) == ({"unchanged": 2}, None)


@pytest.mark.parametrize("name", ["Carolina", "carolina", "vega"])
async def test_a_contact_that_is_given_by_one_word_is_refused_with_its_id(worker: Agent, name: str) -> None:
    [contact] = (await worker("find_contacts", query="Carolina"))["contacts"]
    await worker.create(dueDate="2026-03-10")
    for sent in ({"contact": name}, {"contact": name, "countBy": "status"}):
        with pytest.raises(Refused, match="is a name") as refused:
            await worker("list_tasks", **sent)
        assert refused.value.values == [contact["aiContactId"]]
    assert await worker.listed(contact=refused.value.values[0]) == []


async def test_an_unknown_contact_name_is_refused_and_a_known_contact_without_tasks_lists_none(
    worker: Agent, backend: BackendCase
) -> None:
    for name in ("Zebulon", "Studio54"):
        with pytest.raises(Refused, match="neither an id nor the name of a contact") as refused:
            await worker("list_tasks", contact=name)
        assert (refused.value.code, refused.value.values) == ("invalid_id", [])
    assert await worker.listed(contact=backend.customer) == []


@pytest.mark.parametrize("word", ["nobody", "Unassigned", "none", "nadie"])
async def test_nobody_as_a_responsible_is_refused_with_how_to_unassign(worker: Agent, word: str) -> None:
    task = await worker.create()
    for tool, sent in (("update_task", {"id": task["id"]}), ("reassign_task", {"id": task["id"]})):
        with pytest.raises(Refused, match="is not a member of the team") as refused:
            await worker(tool, **sent, responsibleIds=[word])
        assert (refused.value.code, refused.value.values) == ("unknown_member", [])
    if worker.can.least_responsibles:
        assert "needs a responsible person" in refused.value.next
        return
    assert 'clear ["responsibleIds"]' in refused.value.next
    assert (await worker("update_task", id=task["id"], clear=["responsibleIds"]))["task"]["task_responsibles"] == []
    assert (await worker.create("Free", responsibleIds=[]))["task_responsibles"] == []


async def test_a_field_that_the_crm_lacks_is_refused_with_those_that_the_schema_has(worker: Agent) -> None:
    [tool] = [one for one in (await worker.client.list_tools()).tools if one.name == "list_tasks"]
    known = tool.input_schema["properties"]["fields"]["items"]["enum"]
    lacking = {"completed", "completed_by", "updated", "deal_id", "resolution", "task_type"} - {*known}
    for name in ("colour", *lacking):
        with pytest.raises(Refused, match=f"fields has '{name}'; each item must be") as refused:
            await worker("list_tasks", fields=["title", name])
        listed = str(refused.value).partition("must be ")[2].rstrip(".").replace(" or ", ", ")
        assert [one.strip("'") for one in listed.split(", ")] == known


async def test_the_feed_says_where_a_change_is_that_was_made_a_moment_ago(worker: Agent) -> None:
    change = await worker.client.call_tool("create_task", worker.needs | {"title": "Own", "responsibleIds": ["me"]})
    assert change.structured_content is not None
    try:
        first = await worker("list_events")
    except Refused as refused:
        if refused.code != "unsupported":
            raise
        pytest.skip("the backend does not tell what was changed")
    assert first["events"] == []
    assert f"{change.structured_content['changeId']}, made through Taskhand a moment ago" in first["note"]
    assert "list_changes has it" in first["note"]
