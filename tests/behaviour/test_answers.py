"""The default answers of writes on every backend: a row, the changed fields, and no empty fields."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from behaviour.agent import Agent
from behaviour.backend_cases import BACKEND_CASES
from behaviour.world import BackendCase
from server.token_limits import tokens_of
from taskhand.server.app import create_server

ROW = {"id", "title", "status", "due", "priority", "responsibles"}


@pytest.fixture
async def lean(backend: BackendCase, tmp_path: Path) -> AsyncIterator[Agent]:
    """An agent whose writes answer as they do by default."""
    async with backend.open(tmp_path) as app, Client(create_server(app)) as client:
        yield Agent(client, backend.needs, app.backend.capabilities)


async def _row(agent: Agent, task_id: str) -> dict[str, object]:
    return next(row for row in (await agent("list_tasks"))["tasks"] if row["id"] == task_id)


async def test_the_answer_to_a_write_has_the_row_of_the_task_and_the_changed_fields(lean: Agent) -> None:
    made = await lean("create_task", title="Call Acme", responsibleIds=["Ana Soto"], priority="1", dueDate="2026-12-30")
    assert made.keys() - {"untrusted", "matched"} == {"task", "changeId"}
    assert made["task"].keys() == ROW
    assert (made["task"]["due"], made["task"]["responsibles"]) == ("2026-12-30 Wed", ["Ana Soto"])
    assert made["task"] == await _row(lean, made["task"]["id"])
    task_id = made["task"]["id"]
    edited = await lean("update_task", id=task_id, title="Call Acme again", priority="1", dueDate="2026-12-31")
    assert edited.keys() - {"untrusted"} == {"task", "changed", "already", "changeId"}
    assert edited["changed"] == {
        "title": {"from": "Call Acme", "to": "Call Acme again"},
        "due": {"from": "2026-12-30 Wed", "to": "2026-12-31 Thu"},
    }
    assert edited["already"] == {"priority": 1}
    assert edited["task"] == await _row(lean, task_id)
    again = await lean("update_task", id=task_id, title="Call Acme again")
    assert again["already"] == {"title": "Call Acme again"}
    assert "changed" not in again
    moved = await lean("reassign_task", id=task_id, responsibleIds=["me"])
    assert moved["changed"] == {"responsibles": {"from": ["Ana Soto"], "to": moved["task"]["responsibles"]}}
    done = await lean("complete_task", id=task_id)
    assert done["changed"]["status"]["to"] == done["task"]["status"]
    for note in ({}, {"addNote": "They called back"}):
        again = await lean("complete_task", id=task_id, **note)
        assert again["already"] == {"status": done["task"]["status"]}
    undone = await lean("undo_change", changeId=done["changeId"])
    assert undone["changed"]["status"] == {"from": done["task"]["status"], "to": moved["task"]["status"]}


async def test_the_answer_to_a_small_bulk_change_has_the_title_and_the_changed_fields_of_each_task(lean: Agent) -> None:
    ids = [(await lean.create(f"Call {number}", dueDate="2026-12-30"))["id"] for number in range(2)]
    plan = await lean("bulk_update_tasks", taskIds=ids, changes={"dueDate": "2026-12-31"}, dryRun=True)
    changed = {"due": {"from": "2026-12-30 Wed", "to": "2026-12-31 Thu"}}
    assert sorted((one["title"], one["changed"]) for one in plan["difference"]) == [
        ("Call 0", changed),
        ("Call 1", changed),
    ]
    done = await lean("apply_plan", planId=plan["planId"])
    assert done["totals"] == {"applied": 2}
    assert {one["id"]: one["title"] for one in done["tasks"]} == {ids[0]: "Call 0", ids[1]: "Call 1"}
    assert all(one["changed"] == changed for one in done["tasks"])
    undone = await lean("undo_change", changeId=done["changeId"])
    assert {one["changed"]["due"]["to"] for one in undone["tasks"]} == {"2026-12-30 Wed"}


async def test_the_answer_has_a_note_if_the_crm_does_not_keep_the_time_zone(lean: Agent, backend: BackendCase) -> None:
    body = {"dueDate": "2026-12-30", "dueTime": "10:00", "timezone": "Asia/Tokyo"}
    made = await lean("create_task", title="Call Acme", responsibleIds=["me"], priority="1", **body)
    is_kept = made["task"]["due"].endswith("+09:00 Wed")
    assert is_kept is ("note" not in made)
    told = "a time in Asia/Tokyo is stored as that moment and shown in America/Santiago."
    assert is_kept or made["note"].endswith(told)
    assert backend.name


async def test_the_answer_to_a_deletion_names_the_deleted_task(lean: Agent) -> None:
    task = await lean.create("Call Acme")
    plan = await lean("delete_task", id=task["id"])
    assert [(one["title"], "changed" in one) for one in plan["difference"]] == [("Call Acme", False)]
    gone = await lean("apply_plan", planId=plan["planId"])
    assert gone["deleted"] == {"id": task["id"], "title": "Call Acme"}


async def test_the_answer_of_a_write_and_a_page_of_25_keep_to_their_budgets(lean: Agent) -> None:
    for number in range(3):
        made = await lean("create_task", title=f"Ask Carolina Vega for the contract ({number})", **_ORDINARY)
        assert tokens_of(made) <= _WRITE
    edited = await lean("update_task", id=made["task"]["id"], title="Call Acme about the renewal", priority="2")
    assert tokens_of(edited) <= _WRITE
    listed = await lean("list_tasks")
    row = max(tokens_of(one) for one in listed["tasks"])
    assert tokens_of({**listed, "tasks": []}) + 25 * row <= _PAGE


_ORDINARY: dict[str, Any] = {"responsibleIds": ["me"], "priority": "1", "dueDate": "2026-12-30"}
_WRITE, _PAGE = 120, 1_250
"""Tokens of one copy, at four characters to a token; ids of a CRM have up to 36 characters."""


async def test_a_list_has_the_current_time_and_zone(lean: Agent) -> None:
    listed = await lean("list_tasks")
    assert listed["now"].startswith("2026-03-0")
    assert listed["now"].endswith(("Sun", "Mon"))
    assert listed["zone"]


async def test_the_plan_of_a_deletion_distinguishes_equal_titles_and_uses_the_persons_zone(lean: Agent) -> None:
    body = {"title": "Call Acme", "priority": "1"}
    ids = [
        (await lean("create_task", **body, responsibleIds=[who], dueDate=day))["task"]["id"]
        for who, day in (("Ana Soto", "2026-12-30"), ("Luis Pereira", "2026-12-31"))
    ]
    plan = await lean("delete_task", ids=ids)
    assert [(one["due"], one["responsibles"]) for one in plan["difference"]] == [
        ("2026-12-30 Wed", ["Ana Soto"]),
        ("2026-12-31 Thu", ["Luis Pereira"]),
    ]
    now = (await lean("list_tasks"))["now"]
    assert plan["expiresAt"].endswith(" Mon")
    assert plan["expiresAt"][16:] == now[16:]  # the same offset and day
    [made] = (await lean("list_changes", limit=1))["changes"]
    assert made["at"] == now
    again = (await lean("list_changes", since=made["at"], until=made["at"], limit=1))["changes"]  # it can be sent back
    assert again == [made]


async def test_the_dry_run_of_an_undo_with_nothing_left_is_no_plan(lean: Agent) -> None:
    ids = [(await lean.create(f"Call {number}"))["id"] for number in range(2)]
    of_one = await lean("update_task", id=ids[0], title="Other")
    of_many = await lean("bulk_update_tasks", taskIds=ids, changes={"responsibleIds": ["Ana Soto"]})
    for change in (of_many, of_one):
        await lean("undo_change", changeId=change["changeId"])
        again = await lean("undo_change", changeId=change["changeId"], dryRun=True)
        assert "has already undone" in again["note"]
        assert "Nothing is left to undo" in again["note"]
        assert not {"planId", "difference"} & again.keys()


async def test_tasks_without_responsibles_are_counted(lean: Agent) -> None:
    if lean.can.least_responsibles:
        pytest.skip("each task has a responsible here")
    await lean.create("Call 1", responsibleIds=["Ana Soto"])
    await lean.create("Call 2", responsibleIds=[])
    counted = await lean("list_tasks", countBy="responsible")
    assert counted["counts"] == {"Ana Soto": 1, "nobody": 1}


@pytest.mark.parametrize("backend", BACKEND_CASES[:1], indirect=True, ids=["local"])
async def test_a_change_of_nothing_but_the_zone_is_shown_with_the_names_of_the_zones(lean: Agent) -> None:
    due = {"dueDate": "2026-03-09", "dueTime": "15:00", "timezone": "America/Santiago"}
    task = (await lean.create(**due))["id"]
    planned = await lean("update_task", id=task, timezone="America/Sao_Paulo", dryRun=True)
    written = await lean("update_task", id=task, timezone="America/Sao_Paulo")
    time = "2026-03-09T15:00-03:00 Mon"
    shown = {"due": {"from": f"{time} (America/Santiago)", "to": f"{time} (America/Sao_Paulo)"}}
    assert planned["difference"][0]["changed"] == written["changed"] == shown
    moved = await lean("update_task", id=task, timezone="Europe/Madrid")
    assert moved["changed"] == {"due": {"from": time, "to": "2026-03-09T15:00+01:00 Mon"}}
