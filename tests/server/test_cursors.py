"""A cursor is good for the list that gave it, and for no other: rows would be missing without a word."""

from pathlib import Path

from mcp import Client

from server.store_connections import NAMES, answer_of, client_of, open_store_connections

ANA, BEN = "ana@x.test", "ben@x.test"


async def fill(client: Client, count: int) -> None:
    for name in NAMES:
        tasks = [{"title": f"{name} {number}", "responsibleIds": []} for number in range(count)]
        assert "changeId" in await answer_of(client, "create_tasks", connection=name, tasks=tasks)
        assert "changeId" in await answer_of(client, "create_task", connection=name, title=name, responsibleIds=[])


async def code_of(client: Client, tool: str, **arguments: object) -> object:
    return (await answer_of(client, tool, **arguments)).get("code")


async def test_a_cursor_of_one_connection_is_refused_by_another_and_by_the_list_of_all(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        await fill(client, 3)
        for tool, rows in (("list_tasks", "tasks"), ("list_changes", "changes")):
            first = await answer_of(client, tool, connection="north", limit=1)
            cursor = first["nextCursor"]
            of_all = (await answer_of(client, tool, limit=1))["nextCursor"]
            assert await code_of(client, tool, connection="south", limit=1, cursor=cursor) == "invalid_cursor"
            assert await code_of(client, tool, limit=1, cursor=cursor) == "invalid_cursor"
            assert await code_of(client, tool, connection="north", limit=1, cursor=of_all) == "invalid_cursor"
            seen = first[rows]
            while cursor is not None:
                page = await answer_of(client, tool, connection="north", limit=1, cursor=cursor)
                seen, cursor = [*seen, *page[rows]], page.get("nextCursor")
            assert len(seen) == len((await answer_of(client, tool, connection="north"))[rows]) > 1


async def test_a_cursor_of_the_changes_of_one_person_is_refused_for_another(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections:
        async with client_of(connections, ANA) as ana:
            await fill(ana, 1)
            asked: list[dict[str, str]] = [{"connection": "north"}, {}]
            for one in asked:
                one["cursor"] = (await answer_of(ana, "list_changes", **one, limit=1))["nextCursor"]
                assert await code_of(ana, "list_changes", **one) is None
        async with client_of(connections, BEN) as ben:
            for one in asked:
                assert await code_of(ben, "list_changes", **one) == "invalid_cursor"
            assert await code_of(ben, "list_changes", connection="north", cursor="1") == "invalid_cursor"


async def test_a_cursor_of_the_tasks_of_one_change_is_refused_for_another(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        await fill(client, 3)
        north, south = [
            (await answer_of(client, "list_changes", connection=name))["changes"][1]["changeId"] for name in NAMES
        ]
        page = await answer_of(client, "list_changes", changeId=north, limit=2)
        sent = {"limit": 2, "cursor": page["nextCursor"]}
        assert await code_of(client, "list_changes", changeId=south, **sent) == "invalid_cursor"
        assert len((await answer_of(client, "list_changes", changeId=north, **sent))["tasks"]) == 1


async def test_a_page_of_changes_has_twenty_rows_unless_another_number_is_asked_for(tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections, client_of(connections) as client:
        for number in range(21):
            await answer_of(client, "create_task", connection="north", title=f"Call {number}", responsibleIds=[])
        pages = [await answer_of(client, "list_changes", connection="north", **more) for more in ({}, {"limit": 21})]
    assert [(len(page["changes"]), "nextCursor" in page) for page in pages] == [(20, True), (21, False)]
