"""Seeds: the demo, the empty account, and own data; owners and properties; the same start gives the same answers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from sandbox.hubspot.served_sandbox import BEN, DRAFT, DUE, GIL, TASK, TASKS, open_served_sandbox
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
    async with open_served_sandbox(seed="demo") as served:
        page = await served.get(TASKS, limit="100", associations="contacts,companies")
        linked = [row["associations"] for row in page["results"] if "associations" in row]
        assert len(linked) > 15
        assert all(set(links) == {"contacts", "companies"} for links in linked)
        for links in linked:
            [contact], [company] = (links[kind]["results"] for kind in ("contacts", "companies"))
            row = await served.get(f"/crm/v3/objects/contacts/{contact['id']}", properties="associatedcompanyid")
            assert row["properties"]["associatedcompanyid"] == company["id"]


async def test_an_empty_account_has_owners_and_accepts_tasks() -> None:
    async with open_served_sandbox(seed="empty") as served:
        assert (await served.get(TASKS))["results"] == []
        owner = (await served.get(OWNERS))["results"][0]["id"]
        assert (await served.create_task(hubspot_owner_id=owner))["properties"]["hubspot_owner_id"] == owner


async def test_an_account_can_have_its_own_statuses() -> None:
    statuses = [{"value": "COMPLETED", "label": "Lista"}, {"value": "NOT_STARTED", "label": "Por hacer"}]
    async with open_served_sandbox(seed={"statuses": statuses}) as served:
        options = (await served.get("/crm/v3/properties/tasks/hs_task_status"))["options"]
        assert [(row["label"], row["value"]) for row in options] == [
            ("Lista", "COMPLETED"),
            ("Por hacer", "NOT_STARTED"),
        ]
        assert (await served.send("POST", TASKS, {"properties": DRAFT | {"hs_task_status": "WAITING"}}))[0] == 400


@pytest.mark.parametrize(
    ("seed", "message"),
    [("full", "demo, empty"), ({"people": []}, "no people"), ({"tasks": [{"title": "a"}]}, "no title")],
)
def test_refuses_an_invalid_seed(seed: Any, message: str) -> None:  # wrong on purpose
    with pytest.raises(ValueError, match=message):
        HubSpotSandbox(seed=seed)


async def test_owners_are_listed_in_pages_by_email_and_archived() -> None:
    async with open_served_sandbox() as served:
        first = await served.get(OWNERS, limit="1")
        assert first["paging"]["next"]["after"] == "1"
        second = await served.get(f"{OWNERS}/", limit="1", after="1")
        assert ([row["id"] for row in second["results"]], "paging" in second) == ([BEN], False)
        assert [row["id"] for row in (await served.get(OWNERS, email="BEN@example.com"))["results"]] == [BEN]
        assert (await served.get(OWNERS, email="ben"))["results"] == []
        [gil] = (await served.get(OWNERS, archived="true"))["results"]
        assert (gil["id"], gil["archived"], "userId" in gil, gil["userIdIncludingInactive"]) == (GIL, True, False, 13)
        assert (await served.client.get(f"{OWNERS}/{GIL}")).status_code == 404
        assert (await served.get(f"{OWNERS}/{GIL}", archived="true"))["firstName"] == "Gil"


async def test_properties_have_their_type_and_whether_they_are_writable() -> None:
    async with open_served_sandbox() as served:
        rows = {row["name"]: row for row in (await served.get("/crm/v3/properties/0-27"))["results"]}
        assert rows["hs_timestamp"]["type"] == "datetime"
        assert rows["hubspot_owner_id"]["externalOptions"]
        assert rows["hs_task_is_overdue"]["modificationMetadata"]["readOnlyValue"]
        assert [option["value"] for option in rows["hs_task_priority"]["options"]] == ["NONE", "LOW", "MEDIUM", "HIGH"]
        assert [option["value"] for option in rows["hs_task_type"]["options"]].count("TODO") == 1
        assert (await served.get("/crm/v3/properties/tasks", archived="true"))["results"] == []
        assert (await served.get("/crm/v3/properties/contacts/email"))["name"] == "email"


async def test_the_same_requests_give_the_same_bytes() -> None:
    runs = []
    for _ in range(2):
        async with open_served_sandbox(seed="demo", clock=None) as served:
            made = await served.client.post(TASKS, json={"properties": DRAFT})
            pages = [
                await served.client.get(f"{TASKS}?limit=100"),
                await served.client.post(f"{TASKS}/search", json={}),
            ]
            runs.append([made.content, *[page.content for page in pages]])
    assert runs[0] == runs[1]


async def test_a_reset_goes_back_to_the_start() -> None:
    async with open_served_sandbox() as served:
        before = served.sandbox.state()
        await served.create_task()
        await served.update_task(hs_timestamp="2026-12-01")
        assert (await served.client.post("/_sandbox/reset")).status_code == 204
        assert (await served.client.get("/_sandbox/state")).json() == before
        assert served.sandbox.requests == ()
        assert (await served.get_task("hs_timestamp"))["hs_timestamp"] == DUE


async def test_uses_the_given_ids() -> None:
    async with open_served_sandbox(ids=lambda: "12345678901") as served:
        assert (await served.create_task())["id"] == "12345678901"


async def test_creates_and_updates_a_contact() -> None:
    async with open_served_sandbox() as served:
        people = "/crm/v3/objects/contacts"
        _, made = await served.send("POST", people, {"properties": {"email": "new@example.com"}})
        status, _ = await served.send(
            "PATCH", f"{people}/{made['id']}", {"properties": {"firstname": "N", "email": ""}}
        )
        read = await served.get(f"{people}/{made['id']}", properties="firstname,email")
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
    async with open_served_sandbox() as served:
        served.clock.advance(60)
        served.sandbox.edit(TASK, hs_task_priority="LOW")
        assert (await served.get(f"{TASKS}/{TASK}"))["updatedAt"] == "2026-11-20T14:01:00Z"
