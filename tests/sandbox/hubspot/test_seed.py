"""Seeds: the demo, the empty account, and own data; owners and properties; the same start gives the same answers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from sandbox.hubspot.stage import BEN, DRAFT, DUE, GIL, TASK, TASKS, open_stage
from taskhand.sandbox.hubspot import HubSpotSandbox

OWNERS = "/crm/v3/owners"


def test_the_demo_has_tasks_in_every_status() -> None:
    sandbox = HubSpotSandbox()
    state = sandbox.state()
    names = [(row["firstName"], row["lastName"]) for row in state["owners"] if not row["archived"]]
    assert (len(state["owners"]), len(names), names.count(("Juan", "Pérez"))) == (5, 4, 2)
    tasks = [task["properties"] for task in sandbox.tasks]
    assert len(tasks) == 25
    assert {task["hs_task_status"] for task in tasks} == {
        "NOT_STARTED",
        "IN_PROGRESS",
        "WAITING",
        "DEFERRED",
        "COMPLETED",
    }
    assert {task["hs_task_priority"] for task in tasks} == {"NONE", "LOW", "MEDIUM", "HIGH"}
    assert {task["hs_task_is_all_day"] for task in tasks} == {"true", "false"}
    assert {task.get("hubspot_owner_id") is None for task in tasks} == {True, False}
    assert any("<strong>" in task.get("hs_task_body", "") for task in tasks)
    assert (len(state["contacts"]), len(state["companies"])) == (8, 5)


async def test_the_references_of_the_demo_exist() -> None:
    async with open_stage(seed="demo") as stage:
        page = await stage.get(TASKS, limit="100", associations="contacts,companies")
        linked = [row["associations"] for row in page["results"] if "associations" in row]
        assert len(linked) > 15
        assert all(set(links) == {"contacts", "companies"} for links in linked)


async def test_an_empty_account_has_owners_and_accepts_tasks() -> None:
    async with open_stage(seed="empty") as stage:
        assert (await stage.get(TASKS))["results"] == []
        owner = (await stage.get(OWNERS))["results"][0]["id"]
        assert (await stage.create_task(hubspot_owner_id=owner))["properties"]["hubspot_owner_id"] == owner


async def test_an_account_can_have_its_own_statuses() -> None:
    statuses = [{"value": "COMPLETED", "label": "Lista"}, {"value": "NOT_STARTED", "label": "Por hacer"}]
    async with open_stage(seed={"statuses": statuses}) as stage:
        options = (await stage.get("/crm/v3/properties/tasks/hs_task_status"))["options"]
        assert [(row["label"], row["value"]) for row in options] == [
            ("Lista", "COMPLETED"),
            ("Por hacer", "NOT_STARTED"),
        ]
        assert (await stage.send("POST", TASKS, {"properties": DRAFT | {"hs_task_status": "WAITING"}}))[0] == 400


@pytest.mark.parametrize(
    ("seed", "message"),
    [("full", "demo, empty"), ({"people": []}, "no people"), ({"tasks": [{"title": "a"}]}, "no title")],
)
def test_refuses_an_invalid_seed(seed: Any, message: str) -> None:  # wrong on purpose
    with pytest.raises(ValueError, match=message):
        HubSpotSandbox(seed=seed)


async def test_owners_are_listed_in_pages_by_email_and_archived() -> None:
    async with open_stage() as stage:
        first = await stage.get(OWNERS, limit="1")
        assert first["paging"]["next"]["after"] == "1"
        second = await stage.get(f"{OWNERS}/", limit="1", after="1")
        assert ([row["id"] for row in second["results"]], "paging" in second) == ([BEN], False)
        assert [row["id"] for row in (await stage.get(OWNERS, email="BEN@example.com"))["results"]] == [BEN]
        assert (await stage.get(OWNERS, email="ben"))["results"] == []
        [gil] = (await stage.get(OWNERS, archived="true"))["results"]
        assert (gil["id"], gil["archived"], "userId" in gil, gil["userIdIncludingInactive"]) == (GIL, True, False, 13)
        assert (await stage.client.get(f"{OWNERS}/{GIL}")).status_code == 404
        assert (await stage.get(f"{OWNERS}/{GIL}", archived="true"))["firstName"] == "Gil"


async def test_properties_have_their_type_and_whether_they_are_writable() -> None:
    async with open_stage() as stage:
        rows = {row["name"]: row for row in (await stage.get("/crm/v3/properties/0-27"))["results"]}
        assert rows["hs_timestamp"]["type"] == "datetime"
        assert rows["hubspot_owner_id"]["externalOptions"]
        assert rows["hs_task_is_overdue"]["modificationMetadata"]["readOnlyValue"]
        assert [option["value"] for option in rows["hs_task_priority"]["options"]] == ["NONE", "LOW", "MEDIUM", "HIGH"]
        assert [option["value"] for option in rows["hs_task_type"]["options"]].count("TODO") == 1
        assert (await stage.get("/crm/v3/properties/tasks", archived="true"))["results"] == []
        assert (await stage.get("/crm/v3/properties/contacts/email"))["name"] == "email"


async def test_the_same_requests_give_the_same_bytes() -> None:
    runs = []
    for _ in range(2):
        async with open_stage(seed="demo", clock=None) as stage:
            made = await stage.client.post(TASKS, json={"properties": DRAFT})
            pages = [await stage.client.get(f"{TASKS}?limit=100"), await stage.client.post(f"{TASKS}/search", json={})]
            runs.append([made.content, *[page.content for page in pages]])
    assert runs[0] == runs[1]


async def test_a_reset_goes_back_to_the_start() -> None:
    async with open_stage() as stage:
        before = stage.sandbox.state()
        await stage.create_task()
        await stage.update_task(hs_timestamp="2026-12-01")
        assert (await stage.client.post("/_sandbox/reset")).status_code == 204
        assert (await stage.client.get("/_sandbox/state")).json() == before
        assert stage.sandbox.requests == ()
        assert (await stage.get_task("hs_timestamp"))["hs_timestamp"] == DUE


async def test_uses_the_given_ids() -> None:
    async with open_stage(ids=lambda: "12345678901") as stage:
        assert (await stage.create_task())["id"] == "12345678901"


async def test_creates_and_updates_a_contact() -> None:
    async with open_stage() as stage:
        people = "/crm/v3/objects/contacts"
        _, made = await stage.send("POST", people, {"properties": {"email": "new@example.com"}})
        status, _ = await stage.send("PATCH", f"{people}/{made['id']}", {"properties": {"firstname": "N", "email": ""}})
        read = await stage.get(f"{people}/{made['id']}", properties="firstname,email")
        assert (status, read["properties"]["firstname"], read["properties"]["email"]) == (200, "N", None)


def test_imports_nothing_else_of_taskhand() -> None:
    script = (
        "import sys, taskhand.sandbox.hubspot\n"
        "ours = [name for name in sys.modules if name.startswith('taskhand.')]\n"
        "assert all(name.startswith('taskhand.sandbox') for name in ours), ours\n"
        "assert 'uvicorn' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603  # our own interpreter and words


async def test_an_edited_task_has_a_later_modification_date() -> None:
    async with open_stage() as stage:
        stage.clock.advance(60)
        stage.sandbox.edit(TASK, hs_task_priority="LOW")
        assert (await stage.get(f"{TASKS}/{TASK}"))["updatedAt"] == "2026-11-20T14:01:00Z"
