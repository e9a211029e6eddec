"""Lists over several connections as a client sees them, on two embedded stores."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from server.offices import NAMES, answer_of, client_of, open_offices
from taskhand.domain.policy import Policy
from taskhand.server.render.answer import LARGEST


async def fill(client: Client, count: int = 3, **body: Any) -> None:
    """So many tasks in each connection, by turns."""
    for number in range(count):
        for name in NAMES:
            task = {"title": f"{name} {number}", "responsibleIds": [], "dueDate": f"2026-12-{number + 1:02}"} | body
            assert "task" in await answer_of(client, "create_task", connection=name, **task)


async def test_changes_of_all_connections_are_one_list_newest_first(tmp_path: Path) -> None:
    async with open_offices(tmp_path) as connections, client_of(connections) as client:
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


async def test_a_change_that_no_connection_has_is_not_found(tmp_path: Path) -> None:
    async with open_offices(tmp_path) as connections, client_of(connections) as client:
        assert (await answer_of(client, "list_changes", changeId="chg_nowhere"))["code"] == "change_not_found"
        assert (await answer_of(client, "list_changes", cursor="17"))["code"] == "invalid_cursor"
        assert (await answer_of(client, "list_changes", taskId="no id!"))["code"] == "invalid_id"


@pytest.mark.parametrize("tool", ["list_tasks", "list_changes"])
async def test_a_connection_that_the_policy_forbids_is_not_asked_and_ends_a_list_that_had_it(
    tmp_path: Path, tool: str
) -> None:
    policy = Policy(everyone={"connections": frozenset({"north"})})
    async with open_offices(tmp_path) as connections:
        async with client_of(connections) as client:
            await fill(client)
            page = await answer_of(client, tool, limit=1)
        async with client_of(connections, policy=policy) as client:
            assert "south" not in str(await answer_of(client, "list_tasks"))
            refused = await answer_of(client, tool, limit=1, cursor=page["nextCursor"])
            assert refused["code"] == "invalid_cursor"


async def test_a_page_of_large_rows_ends_early_and_goes_on_in_each_connection(tmp_path: Path) -> None:
    async with open_offices(tmp_path) as connections, client_of(connections) as client:
        await fill(client, 20, title="t" * 100, description="d" * 500)
        fields = ["title", "description", "status", "due", "priority", "responsibles", "created_at", "url"]
        shown: list[str] = []
        asked: dict[str, Any] = {"fields": fields, "limit": 20}
        while True:
            page = await answer_of(client, "list_tasks", **asked)
            assert len(json.dumps(page)) < 20 * 400
            shown += [row["id"] for row in page["tasks"]]
            if "nextCursor" not in page:
                break
            assert len(page["tasks"]) < 20
            asked["cursor"] = page["nextCursor"]
        assert len(shown) == len(set(shown)) == 40
        whole = await answer_of(client, "list_tasks", fields=fields, limit=100)
        assert len(json.dumps(whole, ensure_ascii=False)) <= LARGEST


async def test_rows_are_text_by_others_and_name_only_what_was_asked_for(tmp_path: Path) -> None:
    async with open_offices(tmp_path) as connections, client_of(connections) as client:
        await fill(client, 1)
        answer = await answer_of(client, "list_tasks", fields=["title"])
        assert [[*row] for row in answer["tasks"]] == [["id", "connection", "title"]] * 2
        assert answer["untrusted"]["fields"] == ["tasks"]
        assert {"zones", "unreachable", "leftOut", "nextCursor"} & answer.keys() == set()
        assert [*(await answer_of(client, "list_tasks", connection="north", fields=["title"]))["tasks"][0]] == [
            *("id", "title"),
        ]
