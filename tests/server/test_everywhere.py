"""Lists over several connections as a client sees them, on two built-in stores."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from behaviour.world import NOW
from server.store_connections import NAMES, answer_of, client_of, open_store_connections
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.policy import Policy
from taskhand.server.render.answer import MAX_LENGTH
from taskhand.service.connections import Connections
from taskhand.wiring import open_connections


async def fill(client: Client, count: int = 3, **body: Any) -> None:
    """So many tasks in each connection, by turns."""
    for number in range(count):
        for name in NAMES:
            task = {"title": f"{name} {number}", "responsibleIds": [], "dueDate": f"2026-12-{number + 1:02}"} | body
            assert "task" in await answer_of(client, "create_task", connection=name, **task)


async def test_changes_of_all_connections_are_one_list_newest_first(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        await fill(client)
        whole = await answer_of(client, "list_changes")
        made = [(row["connection"], row["title"]) for row in whole["changes"]]
        assert made == [(name, f"{name} {number}") for number in (2, 1, 0) for name in reversed(NAMES)]
        for limit in (1, 2, 4):
            shown: list[str] = []
            page: Any = {"nextCursor": None}
            while "nextCursor" in page:
                page = await answer_of(client, "list_changes", limit=limit, cursor=page["nextCursor"])
                shown += [row["changeId"] for row in page["changes"]]
            assert shown == [row["changeId"] for row in whole["changes"]]
        day = await answer_of(client, "list_changes", since="today", outcome="applied")
        assert len(day["changes"]) == 6
        assert [row["argument"] for row in day["matched"]] == ["since"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_tasks", {"fromDate": "tomorrow"}),
        ("list_tasks", {"fromDate": "tomorrow", "countBy": "dueDay"}),
        ("list_changes", {"since": "yesterday"}),
        ("list_events", {"since": "yesterday"}),
    ],
)
async def test_words_that_were_counted_in_utc_are_noted_once_for_the_connections_without_a_zone(
    tmp_path: Path, tool: str, arguments: dict[str, str]
) -> None:
    async with open_store_connections(tmp_path, lambda: NOW) as connections, client_of(connections) as client:
        answer = await answer_of(client, tool, **arguments)
        assert "north, south: No time zone is set, so days in words were counted in UTC" in answer["note"]
        exact = {name: "2026-03-01" for name in arguments if name != "countBy"}
        assert "UTC" not in (await answer_of(client, tool, **arguments | exact)).get("note", "")


async def test_a_change_that_no_connection_has_is_not_found(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        assert (await answer_of(client, "list_changes", changeId="chg_nowhere"))["code"] == "change_not_found"
        assert (await answer_of(client, "list_changes", cursor="17"))["code"] == "invalid_cursor"
        assert (await answer_of(client, "list_changes", taskId="no id!"))["code"] == "invalid_id"


@pytest.mark.parametrize("tool", ["list_tasks", "list_changes"])
async def test_a_connection_that_the_policy_forbids_is_not_asked_and_ends_a_list_that_had_it(
    tmp_path: Path, tool: str
) -> None:
    policy = Policy(everyone={"connections": frozenset({"north"})})
    async with open_store_connections(tmp_path) as connections:
        async with client_of(connections) as client:
            await fill(client)
            page = await answer_of(client, tool, limit=1)
        async with client_of(connections, policy=policy) as client:
            assert "south" not in str(await answer_of(client, "list_tasks"))
            refused = await answer_of(client, tool, limit=1, cursor=page["nextCursor"])
            assert refused["code"] == "invalid_cursor"


async def test_a_page_of_large_rows_ends_early_and_the_next_continues_each_connection(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        await fill(client, 20, title="t" * 100, description="d" * 500)
        fields = ["title", "description", "status", "due", "priority", "responsibles", "created_at", "url"]
        shown: list[str] = []
        asked: dict[str, Any] = {"fields": fields, "limit": 20}
        while True:
            page = await answer_of(client, "list_tasks", **asked)
            assert len(json.dumps(page)) < 20 * 400
            assert len(json.dumps(page)) > 20 * 250 or "nextCursor" not in page
            shown += [row["id"] for row in page["tasks"]]
            if "nextCursor" not in page:
                break
            assert len(page["tasks"]) < 20
            asked["cursor"] = page["nextCursor"]
        assert len(shown) == len(set(shown)) == 40
        whole = await answer_of(client, "list_tasks", fields=fields, limit=100)
        assert len(json.dumps(whole, ensure_ascii=False)) <= MAX_LENGTH


async def test_rows_are_marked_untrusted_and_have_only_the_requested_fields(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        await fill(client, 1)
        answer = await answer_of(client, "list_tasks", fields=["title"])
        assert [[*row] for row in answer["tasks"]] == [["id", "connection", "title"]] * 2
        assert answer["untrusted"]["fields"] == ["tasks"]
        assert {"zones", "unreachable", "leftOut", "nextCursor"} & answer.keys() == set()
        assert [*(await answer_of(client, "list_tasks", connection="north", fields=["title"]))["tasks"][0]] == [
            *("id", "title"),
        ]


async def add_people(connections: Connections, **team: list[str]) -> None:
    """Add people to the teams, with an e-mail each where `<` begins one."""
    for name, people in team.items():

        def add(directory: Any, people: list[str] = people) -> None:
            for text in people:
                person, _, email = text.partition(" <")
                directory.add_member(person, email.rstrip(">") or None)

        await connections.find(name).backend.edit(add)  # type: ignore[attr-defined]  # a built-in store


async def test_a_person_of_several_connections_is_one_candidate(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        ana, luis = "Ana Soto <ana@x.test>", "Luis Paz <luis@x.test>"
        await add_people(connections, north=[ana, "Ana Gil", "Ana Gil"], south=["Ana Gil", luis, ana])
        error = await answer_of(client, "list_tasks", responsibleIds=["Ana Sotomayor"])
        shown = {one.get("name", one["value"]): one.get("connection") for one in error["candidates"]}
        assert shown.items() >= {ana: None, luis: "south"}.items()
        assert [one["value"] for one in error["candidates"]].count(ana) == 1
        assert await answer_of(client, "list_tasks", responsibleIds=[ana])
        unclear = await answer_of(client, "list_tasks", responsibleIds=["Ana"])
        assert unclear["code"] == "ambiguous_member"
        namesakes = [one for one in unclear["candidates"] if one.get("name") == "Ana Gil"]
        assert [one["connection"] for one in namesakes] == ["north", "south", "north"]  # by their ids, and in turn


async def test_connections_that_are_left_out_for_one_reason_are_one_row(tmp_path: Path) -> None:
    settings = [
        ConnectionSettings(name, Settings(db=tmp_path / f"{name}.sqlite", chosen_backend="local"))
        for name in ("north", "south", "west")
    ]
    async with open_connections(settings) as connections, client_of(connections) as client:
        await add_people(connections, west=["Luis Paz"])
        for asked in ({}, {"countBy": "priority"}):
            answer = await answer_of(client, "list_tasks", responsibleIds=["luis"], **asked)
            [row] = answer["leftOut"]
            assert (row["connections"], row["code"]) == (["north", "south"], "unknown_member")
            nowhere = await answer_of(client, "list_tasks", responsibleIds=["luis", "nobody known"], **asked)
            assert nowhere.get("code") == "unknown_member"
            assert [one["connection"] for one in answer["matched"]] == ["west"]
            assert "matched.name" in answer["untrusted"]["fields"]


async def test_a_connection_that_is_left_out_for_its_statuses_is_asked_by_their_types(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        await connections.find("south").backend.edit(  # type: ignore[attr-defined]
            lambda one: one.add_status("Llamado", "in_progress")
        )
        [row] = (await answer_of(client, "list_tasks", status=["Llamado"]))["leftOut"]
        assert row["connection"] == "north"
        assert row["message"].endswith("Types are known everywhere: initial, in_progress, done, master_done.")
        for counted in ({}, {"countBy": "status"}):
            partly = await answer_of(client, "list_tasks", status=["Llamado", "Pendiente"], **counted)
            assert [(one["connection"], one["code"]) for one in partly["leftOut"]] == [("north", "unknown_status")]
            assert {"leftOut", "note"}.isdisjoint(
                await answer_of(client, "list_tasks", status=["in_progress"], **counted)
            )
            answer = await answer_of(client, "list_tasks", status=["master_done"], **counted)
            assert answer["note"].startswith(
                "north, south: No status here has the type master_done, so no task matches."
            )


async def test_a_connection_that_is_left_out_for_an_ambiguous_name_has_the_candidates(tmp_path: Path) -> None:
    long = ("Visita " * 40)[:200]

    def add(directory: Any, *ends: str) -> None:
        for end in ends:
            directory.add_status(f"{long}{end}", "in_progress")

    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        await connections.find("south").backend.edit(lambda one: add(one, "a", "b"))  # type: ignore[attr-defined]
        await connections.find("north").backend.edit(lambda one: add(one, "c"))  # type: ignore[attr-defined]
        for asked in ({}, {"countBy": "priority"}):
            answer = await answer_of(client, "list_tasks", status=[f"{long}… (+1 characters)"], **asked)
            [row] = answer["leftOut"]
            assert (row["connection"], row["code"]) == ("south", "ambiguous_status")
            assert len(row["candidates"]) == 2
            assert "leftOut.candidates.value" in answer["untrusted"]["fields"]
