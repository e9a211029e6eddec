"""`taskType` in Close: shown on every task, filtered for each call, and set where Close makes such tasks."""

import pytest

from backends.close.sandboxed_app import CAROLINA, ELENA, LEAD, close, row, task_id
from backends.close.test_safe_writes import agent_on
from behaviour.agent import Refused
from taskhand.backends.close.fields.task_types import INBOX

KINDS = [*INBOX, "missed_call"]
ROWS = [row(number, _type=kind, date="2026-03-10", contact_id=CAROLINA) for number, kind in enumerate(KINDS, start=1)]
NEW = {"responsibleIds": ["me"], "priority": "1", "aiCustomerId": LEAD}
MISSED = [task_id(number) for number, kind in enumerate(KINDS, start=1) if kind == "missed_call"]


async def test_a_type_filter_is_sent_to_close_even_if_the_type_is_not_listed_by_default() -> None:
    sandbox = close(ROWS)
    async with agent_on(sandbox, close_task_types="lead") as agent:
        assert (await agent("get_task", id=MISSED[0]))["task"]["task_type"] == "missed_call"
        assert len((await agent("list_tasks"))["tasks"]) == 1
        sandbox.clear_requests()
        listed = await agent("list_tasks", taskType="missed_call", responsibleIds=[ELENA])
        assert [one["id"] for one in listed["tasks"]] == MISSED
        assert sandbox.requests[-1].query["_type"] == ["missed_call"]
        assert (await agent("list_tasks", taskType="voicemail", countBy="status"))["total"] == 1
        plan = await agent(
            "bulk_update_tasks", filter={"taskType": "missed_call"}, changes={"newStatusName": "Completed"}
        )
        assert {one["id"] for one in plan["difference"]} == set(MISSED)
        await agent("apply_plan", planId=plan["planId"])
        assert {one["id"] for one in sandbox.tasks if one["is_complete"]} == set(MISSED)
        for given, value in (("Missed call", "missed_call"), ("to-do", "lead"), ("Incoming E-Mail", "incoming_email")):
            listed = await agent("list_tasks", taskType=given)
            assert {one["id"] for one in listed["matched"]} == {value}
        for given, candidates in (
            ("fax", {*INBOX}),
            ("email", {"incoming_email", "email_followup"}),
            ("call", {"outgoing_call", "missed_call", "answered_detached_call"}),
        ):
            with pytest.raises(Refused, match="taskType") as refused:
                await agent("list_tasks", taskType=given)
            assert set(refused.value.values) == candidates


async def test_a_new_task_has_the_requested_type_if_close_can_create_it() -> None:
    sandbox = close(0)
    async with agent_on(sandbox) as agent:
        call = await agent("create_task", title="Ring", taskType="call", aiContactId=CAROLINA, **NEW)
        assert call["task"]["task_type"] == "outgoing_call"
        plain = await agent("create_task", title="Write", **NEW)
        bodies = [
            {"title": "Ask", "taskType": "outgoing_call", "aiContactId": CAROLINA},
            {"title": "Do", "taskType": "to-do"},
        ]
        await agent("create_tasks", tasks=[NEW | body for body in bodies])
        assert [one["_type"] for one in sandbox.tasks] == ["outgoing_call", "lead", "outgoing_call", "lead"]
        for body, why in (
            ({"taskType": "outgoing_call"}, "aiContactId is required"),
            ({"taskType": "voicemail"}, "no taskType"),
        ):
            with pytest.raises(Refused, match=why):
                await agent("create_task", title="Other", **NEW, **body)
        with pytest.raises(Refused) as unchanged:
            await agent("update_task", id=plain["task"]["id"], taskType="outgoing_call")
        assert "taskType" in str(unchanged.value)
        schemas = {tool.name: tool.input_schema["properties"] for tool in (await agent.client.list_tools()).tools}
    assert schemas["create_task"]["taskType"]["anyOf"][0]["enum"] == ["lead", "outgoing_call"]
    assert "taskType" not in schemas["update_task"]
