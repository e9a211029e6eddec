"""The board shows the current state: no stale value as new, no lost write as done, and only usable controls."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from browser.board_server import TASKS, Board, BoardServer, fill, open_board_server
from browser.browser import FOLDER, RealBrowser, real_browser
from server.store_connections import open_store_connections
from server.transports.http_server import listening
from taskhand.server.app import create_server

pytestmark = pytest.mark.skipif(
    not FOLDER or which("node") is None, reason="`make browser` installs a browser for Linux from npm"
)

UPDATED = {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "ui://taskhand/board"}}
SEND_UPDATED = f"app.contentWindow.postMessage({json.dumps(UPDATED)}, '*')"
FOCUS = "document.activeElement.tagName"
BUTTONS = "Array.from(document.querySelectorAll('button'), (one) => one.textContent)"
CHECKS = "document.querySelectorAll('.check').length"
NOW = "2026-11-26T22:42+00:00 Thu"
GARBAGE: tuple[Mapping[str, Any], ...] = (
    {"now": NOW, "tasks": [{"id": "1", "title": "A", "responsibles": "me"}]},
    {"now": NOW, "tasks": 7},
    {"planId": "plan_1", "difference": 7},
    {"changes": [None]},
    {"task": {"id": "1"}, "outcomes": 7},
)


@pytest.fixture
async def browser() -> AsyncIterator[RealBrowser]:
    async with real_browser(Path(FOLDER).parent / "unpacked") as opened:
        yield opened
        assert await opened.do("problems") == []


def result_of(answer: Mapping[str, Any], **meta: Any) -> dict[str, Any]:
    """The result of a call that was answered so, as a host keeps it."""
    return {"content": [], "structuredContent": answer, "_meta": {"taskhand/board": meta} if meta else {}}


async def find_id(board: Board, text: str) -> str:
    """The id of the task with this text."""
    [task] = (await board.call("list_tasks", text=text))["tasks"]
    found: str = task["id"]
    return found


async def test_the_board_shows_the_task_list_after_a_write_or_a_plan(browser: RealBrowser, tmp_path: Path) -> None:
    args = {"filter": {"overdue": True}, "changes": {"priority": "0"}}
    async with open_board_server(browser, tmp_path) as board_server:
        board = await board_server.open("create_task", tab="made", args={"title": "New one", "responsibleIds": []})
        await board.wait("New one", "[role=status]")
        await board.use("Refresh")
        await board.wait("Call Acme", ".groups")
        assert "1970" not in await board.read()
        board = await board_server.open("bulk_update_tasks", tab="plan", args=args)
        await board.wait("Plan, not done yet: 1", "[role=status]")
        assert await board.run(FOCUS) == "BODY", "who writes to the model keeps the keyboard"
        await board.use("Tasks")
        await board.wait("Call Acme", ".groups")
        board = await board_server.open("bulk_update_tasks", tab="applied", args=args)
        await board.use("Apply")
        await board.wait("Call Acme", ".groups")
        board = await board_server.open(tab="filtered", args={"text": "Acme", "fields": ["title"]})
        await board.wait("text: Acme")
        await board.wait("Ana Soto")
        assert "Nobody" not in await board.read(), "what was not asked for is no fact"


async def test_a_write_from_a_list_of_one_connection_goes_to_that_connection(
    browser: RealBrowser, tmp_path: Path
) -> None:
    async with open_store_connections(tmp_path) as connections:
        await fill(connections, TASKS[:1])
        async with listening(create_server(connections)) as port:
            board = await BoardServer(browser, port).open(tab="one", args={"connection": "south"})
            await board.use("Complete: Call Acme")
            await board.wait("→", "[role=status].good")
            await board.use("Undo", exact=True)
            await board.wait("Completado → Pendiente", "[role=status].good")
            candidates = [{"value": "north", "name": "Office"}, {"value": "south"}]
            error = {"code": "connection_required", "message": "Which?", "candidates": candidates}
            refused = {"isError": True, "content": [], "structuredContent": {"error": error}}
            await board.host(f"real = callServer; first = {json.dumps(refused)}")
            await board.host("callServer = (sent) => { const said = first; first = 0; return said || real(sent) }")
            await board.use("Complete: Call Acme")
            await board.use("south", exact=True)
            await board.wait("→", "[role=status].good")


async def test_a_write_without_an_answer_is_shown_and_locks_nothing(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_board_server(browser, tmp_path) as board_server:
        board = await board_server.open(tab="lost", has_clock=True)
        await board.wait("⚠")
        await board.host("copies = ({result}) => result?.structuredContent?.changeId ? 0 : 1")
        await board.use("Complete: Call Acme")
        await board.page.do("clock", forward=61_000)
        await board.wait("Perhaps done", "[role=status]")
        assert (await board.told()).endswith("· lost")
        await board.wait("Completado 1")
        assert await board.run("document.querySelectorAll('[aria-disabled=true]').length") == 0
        await board.host("before = ({name}) => { if (/complete/.test(name)) throw Error('User denied the tool call') }")
        await board.use("Complete: Send the contract")
        await board.wait("not done", "[role=status]")
        assert "Perhaps" not in await board.read("[role=status]")
        assert (await board.told()).endswith("not done")
        await board.host("before = () => {}; copies = () => 1")
        await board.use("Complete: Send the contract")
        await board.page.do("until", script="heard.contexts.at(-1).endsWith('status: Completado')")
        await board.host("before = () => { throw Error('cable') }")
        await board.use("Refresh")
        await board.wait("cable", "[role=alert]")


async def test_an_old_answer_that_a_host_shows_again_is_compared_with_the_current_state(
    browser: RealBrowser, tmp_path: Path
) -> None:
    delete, done = "delete_task", "complete_task"
    async with open_board_server(browser, tmp_path) as board_server:
        board = await board_server.open(tab="first")
        await board.wait("⚠")
        task = await find_id(board, "Acme")
        plan = await board.call(delete, id=task)
        completed = await board.call(done, id=task)
        journal = await board.call("list_changes", tool=done)
        await board.call("undo_change", changeId=completed["changeId"])

        again = await board_server.open(done, tab="undone", args={"id": task}, result=result_of(completed))
        await again.wait("undone", "[role=status]")
        assert "Undo" not in await again.run(BUTTONS)
        again = await board_server.open("list_changes", tab="journal", args={"tool": done}, result=result_of(journal))
        await again.wait("undone")
        assert "Undo" not in await again.run(BUTTONS)
        again = await board_server.open("list_changes", tab="old", result=result_of(journal))
        await again.wait("undo_change")
        over = plan | {"expiresAt": "2026-03-09T10:00:00+00:00 Mon"}
        again = await board_server.open(delete, tab="expired", result=result_of(over))
        await again.wait("Plan, over: 1", "h2")
        assert "Apply" not in await again.run(BUTTONS)

        open_one = await board_server.open(delete, tab="open", result=result_of(plan))
        await open_one.wait("Plan, not done yet: 1", "h2")
        assert "Apply" in await open_one.run(BUTTONS)
        await open_one.call("undo_change", changeId=(await open_one.call(done, id=task))["changeId"])
        fresh = await open_one.call(delete, id=task)
        board = await board_server.open(delete, tab="elsewhere", result=result_of(fresh))
        await board.wait("Plan, not done yet: 1", "h2")
        await board.call("apply_plan", planId=fresh["planId"])
        await board.host(SEND_UPDATED)
        await board.wait("Plan, over: 1", "h2")


async def test_the_board_rereads_data_that_changed_elsewhere(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_board_server(browser, tmp_path) as board_server:
        board = await board_server.open(tab="switch")
        await board.wait("⚠")
        await board.use("Call Acme", exact=True)
        await board.page.do("choose", label="Give to…", option="root")
        await board.use("Changes")
        await board.wait("create_tasks")
        await board.call("create_task", title="Due in years", responsibleIds=[], dueDate="2031-01-08")
        await board.host(SEND_UPDATED)
        await board.use("Tasks")
        await board.wait("Jan 8, 2031")
        assert await board.run("document.querySelector('select').selectedOptions[0].text.split(' ')[0]") == "root"
        await board.host(f"stream = setInterval(() => {SEND_UPDATED}, 100)")
        await board.call("create_task", title="Made in a stream", responsibleIds=[])
        await board.wait("Made in a stream")

        board = await board_server.open(tab="silent", withResult=False, has_clock=True)
        await board.page.do("until", script="heard.sizes.length")
        await board.page.do("clock", forward=6000)
        await board.wait("Call Acme")

        unanswered = (
            "asked = 0; before = async ({name}) => { if (/statuses/.test(name) && !asked++) throw Error('busy') }"
        )
        board = await board_server.open(tab="statuses", setup=unanswered)
        await board.wait("No statuses")
        assert await board.run(CHECKS) == 0
        await board.use("Refresh")
        await board.use("Complete: Call Acme")
        await board.wait("→", "[role=status].good")
        assert "No statuses" not in await board.read()


async def test_the_board_tolerates_malformed_messages_of_a_host(browser: RealBrowser, tmp_path: Path) -> None:
    given = "A task that is given away is not yours any more: you cannot undo that."
    tasks = {"now": NOW, "tasks": [{"id": "1", "title": "Kept"}]}
    async with open_board_server(browser, tmp_path) as board_server:
        for number, answer in enumerate(GARBAGE):
            board = await board_server.open(tab=f"garbage {number}", result=result_of(answer))
            await board.wait("incomplete answer", "[role=status]")
        board = await board_server.open(
            tab="tools", setup="before = () => new Promise(() => {})", result=result_of(tasks, tools=["list_tasks"])
        )
        await board.wait("Kept")
        assert "Changes" not in await board.run(BUTTONS)
        assert await board.run(CHECKS) == 0
        await board.host("bridge.setHostContext({ locale: 'es_CL' })")
        await board.wait("Actualizar")
        board = await board_server.open(
            "reassign_task", tab="given", result=result_of({"changeId": "chg_1", "note": given})
        )
        await board.wait("given away", "[role=status]")
        assert "Undo" not in await board.run(BUTTONS)
