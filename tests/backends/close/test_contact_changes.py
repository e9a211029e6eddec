"""The contact of a task in Close: it changes, is taken off and put back, and it is one of the task's own lead."""

from typing import Any

import pytest

from backends.close.sandboxed_app import CAROLINA, LEAD, LEADS, OTHER_LEAD, WORLD, Time, close, on_close, row, task_id
from backends.close.test_safe_writes import agent_on
from behaviour.agent import Refused
from taskhand.domain.errors import CallerError
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.faults import Fault

PEDRO, OTHER = f"cont_{2:043}", f"cont_{3:043}"
ONE, TWO, ELSEWHERE, CALL, MISSED = (task_id(number) for number in range(1, 6))
CONTACTS: dict[str, Any] = {
    "leads": [
        LEADS[0] | {"contacts": [*LEADS[0]["contacts"], {"id": PEDRO, "name": "Pedro Vega"}]},
        LEADS[1] | {"contacts": [{"id": OTHER, "name": "Sol Ríos"}]},
    ]
}
TASKS = [
    row(1, contact_id=CAROLINA),
    row(2),
    row(3, lead_id=OTHER_LEAD),
    row(4, _type="outgoing_call", contact_id=CAROLINA),
    row(5, _type="missed_call"),
]


def contacts_in(sandbox: CloseSandbox) -> list[str | None]:
    return [task["contact_id"] for task in sandbox.tasks]


async def test_a_contact_of_the_lead_can_be_set_planned_removed_and_restored() -> None:
    sandbox = close(TASKS, seed=WORLD | CONTACTS | {"tasks": TASKS})
    async with agent_on(sandbox) as agent:
        plan = await agent("update_task", id=ONE, aiContactId=PEDRO, dryRun=True)
        assert plan["difference"][0]["changed"]["ai_contact_id"] == {"from": CAROLINA, "to": PEDRO}
        done = await agent("apply_plan", planId=plan["planId"])
        assert contacts_in(sandbox)[0] == PEDRO
        none = await agent("update_task", id=ONE, aiContactId=None)
        assert none["task"]["ai_contact_id"] is None
        await agent("undo_change", changeId=none["changeId"])
        assert contacts_in(sandbox)[0] == PEDRO
        await agent("undo_change", changeId=done["changeId"])
        assert contacts_in(sandbox)[0] == CAROLINA
        await agent("update_task", id=CALL, aiContactId=PEDRO)
        assert contacts_in(sandbox)[3] == PEDRO


async def test_a_contact_of_another_lead_is_refused_before_anything_is_sent() -> None:
    sandbox = close(TASKS, seed=WORLD | CONTACTS | {"tasks": TASKS})
    async with agent_on(sandbox) as agent:
        for sent in ({}, {"dryRun": True}):
            with pytest.raises(Refused, match="belongs to another lead") as refused:
                await agent("update_task", id=ONE, aiContactId=OTHER, title="New", **sent)
            assert refused.value.values == [CAROLINA, PEDRO]
        with pytest.raises(Refused, match="There is no contact") as unknown:
            await agent("update_task", id=ONE, aiContactId="cont_none")
        assert unknown.value.code == "unknown_reference"
        for task, contact, why in ((MISSED, CAROLINA, "outgoing calls only"), (CALL, None, "needs a contact")):
            with pytest.raises(Refused, match=why):
                await agent("update_task", id=task, aiContactId=contact, dryRun=True)
        change = {"aiContactId": CAROLINA, "priority": "2"}
        done = await agent("bulk_update_tasks", taskIds=[TWO, ELSEWHERE], changes=change)
    assert done["totals"] == {"applied": 1, "refused": 1}
    assert contacts_in(sandbox) == [CAROLINA, CAROLINA, None, CAROLINA, None]
    assert all("contact" not in one.path for one in sandbox.requests if one.committed)
    assert sum("/contact/" in one.path for one in sandbox.requests) == 3


async def test_a_contact_whose_lead_close_does_not_show_is_sent() -> None:
    sandbox = close(TASKS, seed=WORLD | CONTACTS | {"tasks": TASKS})
    sandbox.faults = (Fault("without_field", "GET /api/v1/contact/{id}", field="lead_id", nth="every"),)
    async with agent_on(sandbox) as agent:
        await agent("update_task", id=ONE, aiContactId=PEDRO)
    assert contacts_in(sandbox)[0] == PEDRO


async def test_the_contacts_of_a_lead_to_choose_from_are_read_again_after_a_minute() -> None:
    sandbox, time = close(0, seed=WORLD | CONTACTS), Time()
    async with on_close(sandbox, time) as backend:
        for wait_s, requests in ((0.0, 2), (59.0, 0), (1.0, 2)):
            time.now += wait_s
            sandbox.clear_requests()
            with pytest.raises(CallerError) as refused:
                await backend.lead_contacts.check(OTHER, LEAD)
            assert [one.value for one in refused.value.candidates] == [CAROLINA, PEDRO]
            assert len(sandbox.requests) == requests


async def test_links_of_a_new_task_are_checked_before_anything_is_sent() -> None:
    sandbox = close(TASKS, seed=WORLD | CONTACTS | {"tasks": TASKS})
    new = {"title": "Call", "responsibleIds": ["me"]}
    lead, other = str(LEADS[0]["id"]), OTHER_LEAD
    rows: list[tuple[str, dict[str, Any], str, list[str]]] = [
        ("create_task", new | {"aiCustomerId": lead, "aiContactId": OTHER}, "another lead", [CAROLINA, PEDRO]),
        ("create_task", new | {"aiCustomerId": "prairie"}, "aiCustomerId takes an id", [other]),
        ("create_task", new | {"aiCustomerId": lead, "aiContactId": "cont_none"}, "There is no contact", []),
        ("create_task", new | {"aiCustomerId": lead, "description": "Why"}, "There is no argument 'description'", []),
        ("update_task", {"id": ONE, "aiCustomerId": other}, "There is no argument 'aiCustomerId'", []),
    ]
    async with agent_on(sandbox) as agent:
        nexts = []
        for tool, sent, why, candidates in rows:
            with pytest.raises(Refused, match=why) as refused:
                await agent(tool, **sent)
            assert refused.value.values == candidates
            nexts.append(refused.value.next)
        assert nexts[-2:] == [
            "Send such text as addNote, with update_task once the task exists.",
            "A task here stays with its customer: to move it, create one there and delete this one.",
        ]
        made = await agent("create_task", **new, aiCustomerId=lead, aiContactId=PEDRO)
    assert made["task"]["ai_contact_id"] == PEDRO
    assert sum(one.committed for one in sandbox.requests) == 1


async def test_an_undo_to_a_contact_that_is_gone_is_refused_before_anything_is_sent() -> None:
    tasks = [row(1, contact_id="cont_gone")]
    sandbox = close(tasks, seed=WORLD | CONTACTS | {"tasks": tasks})
    async with agent_on(sandbox) as agent:
        done = await agent("update_task", id=ONE, aiContactId=PEDRO)
        sandbox.clear_requests()
        with pytest.raises(Refused, match="There is no contact") as refused:
            await agent("undo_change", changeId=done["changeId"])
    assert refused.value.code == "unknown_reference"
    assert {one.method for one in sandbox.requests} == {"GET"}


async def test_at_most_five_leads_are_read_for_their_names() -> None:
    sandbox = close()
    async with on_close(sandbox) as backend:
        ids = [CAROLINA, LEAD, OTHER_LEAD, *(f"lead_{number:043}" for number in range(10, 20))]
        found = await backend.account.find_linked("ai_customer_id", ids)
    assert found.keys() == {LEAD, OTHER_LEAD}
    assert len(sandbox.requests) == 5


async def test_a_filter_by_the_name_of_a_lead_offers_the_lead_with_the_tasks_of_all_its_contacts() -> None:
    async with agent_on(close(TASKS, seed=WORLD | CONTACTS | {"tasks": TASKS})) as agent:
        with pytest.raises(Refused) as refused:
            await agent("list_tasks", contact="Acme")
        assert refused.value.values[:2] == [LEAD, CAROLINA]
        found = (await agent("list_tasks", contact=refused.value.values[0]))["tasks"]
        assert {ONE, TWO} <= {task["id"] for task in found}
        with pytest.raises(Refused) as other:
            await agent("list_tasks", contact="Vega")
        assert other.value.values == [CAROLINA, PEDRO]
