"""Names and texts with hidden characters can be sent back as answers show them, on every backend."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from behaviour.agent import Agent, Refused
from behaviour.backend_cases import BACKEND_CASES
from behaviour.world import PEOPLE, STATUSES, BackendCase, World, person
from taskhand.server.app import create_server
from whole_answers import with_whole_answers

LISTO = "\u2714\ufe0f Lis\u200bto"
"""Shown with the variation selector of its sign, and without the zero-width space."""
SOFIA = "So\u200dfía Gil\u2060"
ZOE = "Zo\u200bé"
TEAM = [
    *PEOPLE[:2],
    person(6, SOFIA, "sofia@example.com"),
    person(7, "\u0645\u06cc\u200c\u0646\u0627 Gil", "mina@example.com"),
]
KINDS = [*STATUSES[:2], STATUSES[2] | {"name": LISTO}]

HIDDEN = "\u200b\u2060\u200d"


@pytest.fixture(params=BACKEND_CASES, ids=lambda backend: backend.name)
async def agent(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Agent]:
    """An agent on a world in which names hide characters."""
    backend: BackendCase = request.param
    async with (
        backend.open(tmp_path, World(TEAM, KINDS, f"{ZOE} Vega")) as app,
        Client(create_server(with_whole_answers(app))) as client,
    ):
        yield Agent(client, backend.needs)


async def _finished_status(agent: Agent) -> str:
    """The name of the finished status as it is shown; Close has one of its own."""
    [name] = [row["name"] for row in (await agent("list_statuses"))["statuses"] if row["type"] == "done"]
    assert not set(HIDDEN) & set(name)
    return str(name)


async def test_a_status_is_understood_as_it_is_shown(agent: Agent) -> None:
    name = await _finished_status(agent)
    first, second, third, _ = [(await agent.create(title))["id"] for title in ("One", "Two", "Three", "Four")]
    for typed, task in ((name, first), (name.replace("\ufe0f", ""), second)):
        after = (await agent("update_task", id=task, newStatusName=typed))["task"]
        assert after["status_config"]["type"] == "done"
    assert (await agent("complete_task", id=third, newStatusName=name))["task"]["status_config"]["name"] == name
    assert sorted(await agent.listed(status=[name])) == ["One", "Three", "Two"]
    bulk = await agent("bulk_update_tasks", filter={"status": [name]}, changes={"priority": "2"}, dryRun=True)
    assert bulk["count"] + len(bulk.get("outcomes", [])) >= 3


async def test_a_person_is_understood_as_answers_show_them(agent: Agent) -> None:
    task = (await agent.create())["id"]
    for row in (await agent("list_team_members"))["members"]:
        assert not set(HIDDEN) & set(row["name"])
        for shown in (row["name"], row["email"], f"{row['name']} <{row['email']}>", row["id"]):
            if shown is not None and "None" not in shown:
                after = (await agent("reassign_task", id=task, responsibleIds=[shown]))["task"]
                assert after["task_responsibles"] == [{"responsible_id": row["id"]}]
                [listed] = (await agent("list_tasks", responsibleIds=[shown]))["tasks"]
                assert listed["responsibles"] == [row["name"]]


async def test_a_person_is_understood_as_candidates_show_them(agent: Agent) -> None:
    task = (await agent.create())["id"]
    with pytest.raises(Refused) as refused:
        await agent("reassign_task", id=task, responsibleIds=["Sofi"])
    for candidate in refused.value.error["candidates"]:
        after = (await agent("reassign_task", id=task, responsibleIds=[candidate["name"]]))["task"]
        assert after["task_responsibles"] == [{"responsible_id": candidate["value"]}]


async def test_a_name_beside_the_address_of_another_is_refused_with_both(agent: Agent) -> None:
    task = (await agent.create())["id"]
    with pytest.raises(Refused) as refused:
        await agent("reassign_task", id=task, responsibleIds=["Ana Soto <sofia@example.com>"])
    assert refused.value.code == "ambiguous_member"
    assert len(refused.value.values) == 2


async def test_text_finds_a_title_as_it_is_shown(agent: Agent) -> None:
    title = "Ll\u200bamar \u0645\u06cc\u200c\u062e\u0648 \u2714\ufe0f a Ac\u00adme " + "y esperar la respuesta " * 5
    task = await agent.create(title)
    [row] = await agent_rows(agent)
    assert row["title"].endswith(" characters)")
    for text in (task["title"], row["title"], "llamar", "\u0645\u06cc\u062e\u0648 \u2714 a acme"):
        assert len((await agent("list_tasks", text=text))["tasks"]) == 1, ascii(text)


async def agent_rows(agent: Agent) -> list[dict[str, Any]]:
    """The rows of all tasks."""
    return list((await agent("list_tasks"))["tasks"])


async def test_a_contact_is_found_as_it_is_shown(agent: Agent) -> None:
    [contact] = (await agent("find_contacts", query="Vega"))["contacts"]
    assert contact["name"] == "Zoé Vega"
    for query in (contact["name"], "zoe", f"Zoé Vega <{contact['email']}>"):
        [again] = (await agent("find_contacts", query=query))["contacts"]
        assert again == contact


async def test_a_title_that_is_sent_back_as_shown_is_no_change(agent: Agent) -> None:
    stored = "Ll\u200bamar \u0645\u06cc\u200c\u062e\u0648 \u2714\ufe0f a Ac\u00adme " + "y esperar la respuesta " * 5
    task = await agent.create(stored)
    [row] = await agent_rows(agent)
    for title in (task["title"], row["title"], stored):
        again = await agent("update_task", id=task["id"], title=title)
        assert again["changed"] == {}
    edited = await agent("update_task", id=task["id"], title=task["title"].replace("respuesta", "llamada"))
    assert edited["task"]["title"] == task["title"].replace("respuesta", "llamada").strip()
    assert (await agent("update_task", id=task["id"], title=stored.replace("respuesta", "llamada")))["changed"] == {}


async def test_a_description_that_is_sent_back_as_shown_is_no_change_in_any_write(agent: Agent) -> None:
    if agent.needs.get("aiCustomerId"):
        pytest.skip("a task in Close has no description")
    stored = (
        "Ll\u200bamar \u0645\u06cc\u200c\u062e\u0648 \u2714\ufe0f\na Ac\u00adme, " + "y esperar la respuesta; " * 600
    )
    task = await agent.create(description=stored)
    shown = task["description"]
    assert shown.endswith(" characters)")
    assert "\u0645\u06cc\u200c\u062e\u0648 \u2714\ufe0f\na Acme" in shown
    [row] = (await agent("list_tasks", fields=["description"]))["tasks"]
    for text in (shown, row["description"], stored):
        assert (await agent("update_task", id=task["id"], description=text))["changed"] == {}
        dry = await agent("update_task", id=task["id"], description=text, dryRun=True)
        assert dry["note"].startswith("Nothing would change")
        bulk = await agent("bulk_update_tasks", taskIds=[task["id"]], changes={"description": text})
        assert bulk["totals"] == {"unchanged": 1}
    await agent("update_task", id=task["id"], description=f"{shown}\nLlamado hoy.")
    edited = f"{stored}\nLlamado hoy."
    assert (await agent("update_task", id=task["id"], description=edited))["changed"] == {}
    with pytest.raises(Refused, match="the text before the mark was changed"):
        await agent("update_task", id=task["id"], description="Otra cosa\u2026 (+14000 characters)")
