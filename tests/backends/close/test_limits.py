"""Limits of Close, a credential in no answer and no log, and a lost create that a list shows late."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mcp import Client
from pydantic import SecretStr

from backends.close.sandboxed_app import (
    ANA,
    ELENA,
    KEY,
    LEAD,
    LUIS,
    OTHER_LEAD,
    TASK,
    Time,
    close,
    on_close,
    row,
    sandboxed_app,
    task_id,
)
from backends.close.test_safe_writes import agent_on
from behaviour.agent import Agent
from behaviour.world import NOW
from taskhand.backends.close.auth import credential
from taskhand.backends.close.errors import MESSAGES as CLOSE
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OperatorError, OutcomeUnknown
from taskhand.sandbox.close import SpecVariant
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server

SECRETS = (KEY, credential(SecretStr(KEY), None)[1]["authorization"].removeprefix("Basic "))
"""The key, as it is and as it is sent."""
LIST, POST, NOTE = "GET /api/v1/task", "POST /api/v1/task", "POST /api/v1/activity/note"
NEW = Edit(title="Send it", responsible_ids=(ANA,), priority=2, ai_customer_id=LEAD)


async def test_requests_wait_for_a_known_limit_before_close_refuses_one() -> None:
    moment = Time()
    sandbox = close(
        30,
        spec_variant=SpecVariant(rates="enforced", rate_limit=10, rate_window=8),
        clock=lambda: datetime.fromtimestamp(moment.wall(), UTC),
    )
    async with serve_sandbox(sandbox) as url, sandboxed_app(url, moment) as app:
        for number in range(1, 31):
            await app.backend.get_task(f"task_{number:043}")
    assert [one.status for one in sandbox.requests] == [200] * 30
    assert 16 <= moment.now - 1_000 <= 24


@pytest.mark.parametrize("body", ["error", "old", "empty"])
@pytest.mark.parametrize("rates", ["shown", "hidden"])
async def test_a_429_is_waited_out_in_every_form(body: Any, rates: Any) -> None:
    time = Time()
    sandbox = close(6, spec_variant=SpecVariant(throttle=2, rate_body=body, rates=rates))
    async with serve_sandbox(sandbox) as url, sandboxed_app(url, time) as app:
        for number in range(1, 7):
            await app.backend.get_task(f"task_{number:043}")
    assert time.slept


async def test_a_402_is_an_error_for_the_operator() -> None:
    async with on_close(close(faults=[Fault("status", "GET /api/v1/task/{id}", status=402)])) as backend:
        with pytest.raises(OperatorError) as refused:
            await backend.get_task(TASK)
    assert refused.value.code == "forbidden"


async def test_a_lost_create_is_found_although_the_list_is_behind_at_first() -> None:
    time = Time()
    async with on_close(close(faults=[Fault("reset_after", POST), Fault("stale_list", LIST)]), time) as backend:
        assert (await backend.create_task(NEW)).note == CLOSE.found
    assert time.slept[-1] == 2


async def test_lost_creates_on_two_leads_are_both_found() -> None:
    time = Time()
    async with on_close(close(faults=[Fault("reset_after", POST, times=2)]), time) as backend:
        made = await backend.create_tasks([replace(NEW, ai_customer_id=lead) for lead in (LEAD, OTHER_LEAD)])
    assert [one.written and (one.written.task.ai_customer_id, one.written.note) for one in made] == [
        (lead, CLOSE.found) for lead in (LEAD, OTHER_LEAD)
    ]
    assert time.slept == []


async def test_a_lost_create_is_found_where_the_clock_of_close_is_ten_hours_behind_ours() -> None:
    sandbox = close(faults=[Fault("reset_after", POST)])
    async with on_close(sandbox, clock=lambda: NOW + timedelta(hours=10)) as backend:
        assert (await backend.create_task(NEW)).note == CLOSE.found


async def test_a_lost_create_matches_tasks_made_by_its_user_or_by_no_named_user() -> None:
    alike = {"text": "Send it", "assigned_to": ANA, "priority": "high"}
    makers = (ELENA, LUIS, None)
    async with on_close(close([row(at, created_by=who, **alike) for at, who in enumerate(makers, 1)])) as backend:
        [found] = await backend.find_created([NEW], NOW)
    assert {task.creator_id for task in found.tasks} == {ELENA, None}


async def test_a_lost_create_is_found_on_a_lead_with_more_tasks_of_the_day_than_a_page() -> None:
    rows = [row(number, date_created=(NOW - timedelta(hours=2)).isoformat()) for number in range(1, 102)]
    rows.append(row(102, text="Send it", assigned_to=ANA, priority="high", date_created=NOW.isoformat()))
    async with on_close(close(rows)) as backend:
        [found] = await backend.find_created([NEW], NOW)
    assert [task.id for task in found.tasks] == [task_id(102)]


async def test_a_lost_create_is_not_matched_with_an_earlier_equal_one() -> None:
    sandbox = close()
    before = len(sandbox.tasks)
    async with on_close(sandbox) as backend:
        await backend.account.me()
        for fault, is_made in (("reset_before", False), (None, True), ("reset_before", False)):
            sandbox.faults = (Fault("reset_before", POST),) if fault else ()
            if is_made:
                assert (await backend.create_task(NEW)).task.id
                continue
            with pytest.raises(OutcomeUnknown):
                await backend.create_task(NEW)
    assert len(sandbox.tasks) == before + 1


async def test_a_credential_is_in_no_answer_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox = close()
    async with serve_sandbox(sandbox) as url, sandboxed_app(url, Time()) as app, Client(create_server(app)) as client:
        agent = Agent(client)
        answers: list[dict[str, Any]] = [
            await agent("list_tasks"),
            await agent("update_task", id=TASK, title="New"),
            await agent("find_contacts", query="Carolina"),
        ]
    seen = f"{answers}{caplog.text}" + "".join(str(record.__dict__) for record in caplog.records)
    assert caplog.records
    assert not any(secret in seen for secret in SECRETS)
    assert all(request.headers["authorization"] == "***" for request in sandbox.requests)


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_note_that_was_throttled_is_searched_for_before_it_is_sent_again(*, is_written: bool) -> None:
    time = Time()
    sandbox = close(1, clock=time.moment)
    async with agent_on(sandbox, time) as agent:
        sandbox.faults = (Fault("status", NOTE, status=429, retry_after=1, times=3, commit=is_written),)
        answer = await agent("update_task", id=TASK, addNote="one")
    assert [(note["lead_id"], note["note"]) for note in sandbox.state()["notes"]] == [(LEAD, "one")]
    assert answer.get("note") == (
        "Close did not confirm the new note; it was found afterwards." if is_written else None
    )
