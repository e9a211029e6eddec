"""Seeds: the demo, the empty organisation, and own data; the same start gives the same answers."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest

from sandbox.vambe.served_sandbox import ANA, BEN, DRAFT, MEMBERS, TASKS, YEAR, member, open_served_sandbox
from taskhand.sandbox.vambe import VambeSandbox

WIDE = {"fromDate": "2020-01-01", "toDate": "2030-12-31"}


async def test_the_demo_has_tasks_in_every_status() -> None:
    async with open_served_sandbox(seed="demo") as served:
        members = (await served.client.get(MEMBERS)).json()
        names = [member["name"] for member in members]
        assert (len(names), names.count("Juan Pérez"), names.count("Maria Rodriguez")) == (5, 2, 1)
        tasks = (await served.client.get(TASKS, params=WIDE)).json()
        assert len(tasks) == 25
        assert {task["status_config"]["type"] for task in tasks} == {
            "initial",
            "in_progress",
            "done",
            "master_done",
        }
        assert {(task["due_at"] is None, task["is_all_day"]) for task in tasks} == {
            (False, False),
            (False, True),
            (True, False),
        }
        assert len((await served.client.get("/api/public/contacts?days=365")).json()) == 11


async def test_every_id_of_the_demo_is_a_uuid() -> None:
    state = VambeSandbox().state()
    rows = [row for kind in ("tasks", "members", "statuses", "contacts") for row in state[kind]]
    for row in rows:
        assert str(uuid.UUID(row["id"])) == row["id"]
    assert len({row["id"] for row in rows}) == len(rows)


async def test_the_references_of_the_demo_exist() -> None:
    state = VambeSandbox().state()
    contacts = {contact["id"] for contact in state["contacts"]}
    members = {member["id"] for member in state["members"]}
    for task in state["tasks"]:
        assert task["ai_contact_id"] in contacts | {None}
        assert {who["responsible_id"] for who in task["task_responsibles"]} <= members


async def test_the_demo_moves_with_the_clock() -> None:
    now = dt.datetime(2027, 3, 5, 9, tzinfo=dt.UTC)
    first = VambeSandbox(clock=lambda: now).tasks[0]
    assert first["due_at"].startswith("2027-03-05T")


async def test_an_empty_organisation_has_members_and_accepts_tasks() -> None:
    async with open_served_sandbox(seed="empty") as served:
        assert await served.list_tasks() == []
        [maria, *_] = (await served.client.get(MEMBERS)).json()
        assert (await served.create_task(responsibleIds=[maria["id"]]))["creator_id"] == maria["id"]


async def test_accepts_and_checks_own_data() -> None:
    seed = {
        "members": [member(ANA, "Ana"), member(BEN, "Ben")],
        "key_owner": BEN,
        "tasks": [{"title": "a", "status": "Completado", "priority": "2"}, {"title": "b", "deleted": True}],
    }
    async with open_served_sandbox(seed=seed) as served:
        [task] = await served.list_tasks()
        assert (task["title"], task["status_config"]["name"], task["priority"]) == ("a", "Completado", 2)
        assert (await served.create_task())["creator_id"] == BEN


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ("full", "demo, empty"),
        ({"people": []}, "no people"),
        ({"tasks": [{"title": "a", "due": "x"}]}, "no due"),
        ({"tasks": [{"title": "a", "status": "x"}]}, "no status 'x'"),
    ],
)
def test_refuses_an_invalid_seed(seed: Any, message: str) -> None:  # wrong on purpose
    with pytest.raises(ValueError, match=message):
        VambeSandbox(seed=seed)


async def test_the_same_requests_give_the_same_bytes() -> None:
    runs = []
    for _ in range(2):
        async with open_served_sandbox() as served:
            made = await served.client.post(TASKS, json=DRAFT)
            again = await served.client.post(TASKS, json=DRAFT)
            runs.append([made.content, again.content, (await served.client.get(TASKS, params=YEAR)).content])
    assert runs[0] == runs[1]


async def test_uses_the_given_clock_and_ids() -> None:
    now = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    async with open_served_sandbox(clock=lambda: now, ids=lambda: BEN) as served:
        task = await served.create_task()
        assert (task["id"], task["created_at"]) == (BEN, "2026-01-02T03:04:05.000Z")
