"""Seeds: the demo, the empty organization, and own data; the same start gives the same answers."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from typing import Any

import pytest

from sandbox.close.served_sandbox import ANA, DRAFT, SEED, TASK, open_served_sandbox
from taskhand.sandbox.close import CloseSandbox

ID = re.compile(r"(task|noti)_[0-9A-Za-z]{43}")


def test_the_demo_has_tasks_of_every_type() -> None:
    state = CloseSandbox().state()
    names = [f"{user['first_name']} {user['last_name']}" for user in state["users"] if user["active"]]
    assert (len(names), names.count("Daniel Reyes")) == (5, 2)
    assert len({task["_type"] for task in state["tasks"]}) == 9
    kinds = {
        (task["is_complete"], "T" in (task["due_date"] or "T"), task["due_date"] is None) for task in state["tasks"]
    }
    assert len(kinds) >= 5
    assert {task["view"] for task in state["tasks"]} == {"inbox", "future", "archive"}
    assert all(ID.fullmatch(task["id"]) for task in state["tasks"])


def test_the_references_of_the_demo_exist() -> None:
    state = CloseSandbox().state()
    for task in state["tasks"]:
        assert task["assigned_to_name"]
        assert task["lead_name"]
        assert (task["contact_id"] is None) == (task["contact_name"] is None)
    done = {task["object_id"] for task in state["tasks"] if task["object_type"] == "taskcompleted"}
    assert done == {made["id"] for made in state["completions"]}


def test_the_demo_moves_with_the_clock() -> None:
    now = dt.datetime(2027, 3, 5, 19, tzinfo=dt.UTC)
    assert CloseSandbox(clock=lambda: now).tasks[0]["date"] == "2027-03-05"


def test_an_empty_organization_has_only_users() -> None:
    state = CloseSandbox(seed="empty").state()
    assert (state["tasks"], state["leads"], len(state["users"])) == ([], [], 6)


@pytest.mark.parametrize(
    "seed",
    [
        "full",
        {"deals": []},
        {"tasks": [{"title": "x"}]},
        {"leads": [{"id": "lead_x", "name": "x", "colour": "red"}]},
        {"users": [{"id": ANA, "name": "Ana"}]},
    ],
)
def test_refuses_an_invalid_seed(seed: Any) -> None:
    with pytest.raises(ValueError, match="seed"):
        CloseSandbox(seed=seed)


async def test_the_same_start_gives_the_same_answers() -> None:
    runs = []
    for _ in range(2):
        async with open_served_sandbox(seed="demo") as served:
            lead = served.sandbox.tasks[0]["lead_id"]
            await served.create_task(lead_id=lead, is_complete=True)
            runs.append(served.sandbox.state())
    assert runs[0] == runs[1]


async def test_a_reset_goes_back_to_the_start() -> None:
    async with open_served_sandbox() as served:
        first = await served.create_task()
        await served.client.delete(f"task/{TASK}/")
        assert (await served.client.post(str(served.client.base_url).replace("/api/v1/", "/_sandbox/reset"))).is_success
        assert served.sandbox.tasks[0]["id"] == TASK
        assert served.sandbox.requests == ()
        assert (await served.create_task())["id"] == first["id"]


async def test_the_state_has_no_keys() -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.post("webhook/", json={"url": "https://example.com", "events": []})
        await served.client.post("task/", json=DRAFT)
        shown = await served.client.get(str(served.client.base_url).replace("/api/v1/", "/_sandbox/state"))
        assert answer.json()["signature_key"] not in shown.text
        assert len(shown.json()["tasks"]) == len(SEED["tasks"]) + 1


def test_imports_nothing_else_of_taskhand() -> None:
    script = (
        "import sys, taskhand.sandbox.close\n"
        "ours = [name for name in sys.modules if name.startswith('taskhand.')]\n"
        "assert all(name.startswith('taskhand.sandbox') for name in ours), ours\n"
        "assert 'uvicorn' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603  # our own interpreter and words
