"""The board in a real browser, the official bridge as its host and the real server behind it."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from browser.board_server import NARROW, TASKS, Board, BoardServer, check_looks, fill, open_board_server
from browser.browser import FOLDER, RealBrowser, real_browser
from server.store_connections import open_store_connections
from server.transports.http_server import listening
from taskhand.domain.principal import Scope
from taskhand.server.access import Access
from taskhand.server.app import create_server

pytestmark = pytest.mark.skipif(
    not FOLDER or which("node") is None, reason="`make browser` installs a browser for Linux from npm"
)

READS: frozenset[Scope] = frozenset({"read"})
HOSTILE = (
    "<img src=x onerror=\"parent.postMessage('owned','*')\">",
    "</script><script>document.title='owned'</script>",
    "{0} $& ${7*7}",
    "اتصل بالعميل",
    "x" * 90,
)
WATCH_FRAMES = """window.long = []
new PerformanceObserver((seen) => long.push(...seen.getEntries().map((one) => one.duration)))
  .observe({ entryTypes: ['longtask'] })"""
UPDATED = {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "taskhand://task/1"}}
PLAN = ("bulk_update_tasks", {"filter": {"overdue": True}, "changes": {"priority": "0"}})


@pytest.fixture
async def browser() -> AsyncIterator[RealBrowser]:
    async with real_browser(Path(FOLDER).parent / "unpacked") as opened:
        yield opened
        assert await opened.do("problems") == []


async def test_a_days_work_by_mouse(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_board_server(browser, tmp_path) as board_server:
        board = await board_server.open(tab="mouse")
        await board.wait("Overdue: Mon, Mar 9")
        await board.use("Complete: Call Acme")
        await board.wait("status: Pendiente → Completado", "[role=status]")
        assert "changeId" not in await board.told()
        assert "complete_task" in await board.told()
        assert "Acme" not in await board.told(), "what customers wrote is not for the model"
        await board.use("Undo", exact=True)
        await board.wait("Completado → Pendiente", "[role=status]")
        await board.use("Call Acme", exact=True)
        today = await find_today(board)
        tomorrow = today + timedelta(days=1)
        await board.use(f"Later: {tomorrow:%a, %b} {tomorrow.day}")
        await board.wait(f"{tomorrow:%a, %b} {tomorrow.day}", ".soft span")
        await board.page.do("choose", label="Give to…", option="root")
        await board.use("Give", exact=True)
        await board.wait("Ana Soto → root", "[role=status]")
        [task] = (await board.call("list_tasks", text="Acme"))["tasks"]
        assert (task["due"], task["responsibles"], task["status"]) == (
            f"{tomorrow} {tomorrow:%a}",
            ["root"],
            "Pendiente",
        )
        await board.use("Changes")
        await board.wait("update_task")
        await board.use("Undo: Call Acme", nth=1)
        await board.wait("Mon, Mar 9", "[role=status]")
        await board.use("Tasks")
        await board.use("By day")
        await board.wait("No date")
        await board.call("update_task", id=task["id"], title="Call Acme twice")
        await board.use("Refresh")
        await board.wait("Call Acme twice")
        await board.call("update_task", id=task["id"], title="Call Acme again")
        await board.host(f"app.contentWindow.postMessage({json.dumps(UPDATED)}, '*')")
        await board.wait("Call Acme again")
        assert await board.host("bridge.teardownResource({})") == {}


async def test_a_days_work_by_keyboard_alone(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_board_server(browser, tmp_path) as board_server:
        board = await board_server.open(tab="keyboard", locale="es")
        await board.wait("Atrasada")
        await board.page.do("enter")
        await board.tab_to("Completar: Call Acme")
        await board.press("Enter")
        await board.wait("Completado", "[role=status]")
        assert "Call Acme" in await board.page.do("focus"), "the place is kept"
        await board.press("Enter")
        await board.wait("Completado → Pendiente", "[role=status]")
        await board.tab_to("Call Acme")
        await board.press("Space")
        today = await find_today(board)
        await board.tab_to("Después")
        await board.press("Enter")
        await board.wait(f", {today.day} ", ".soft span")
        await board.wait("root", "select")
        await board.tab_to("Asignar a")
        await board.press("r", "Tab", "Enter")
        await board.wait("root", "[role=status]")
        [task] = (await board.call("list_tasks", text="Acme"))["tasks"]
        assert (task["due"], task["responsibles"]) == (f"{today} {today:%a}", ["root"])
        await board.tab_to("Deshacer")
        await board.press("Enter")
        await board.wait("root → Ana Soto", "[role=status]")


async def find_today(board: Board) -> date:
    """The day where the server is."""
    return date.fromisoformat((await board.call("list_tasks", limit=1))["now"][:10])


async def test_every_view_passes_the_axe_checks_and_fits_its_width(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_board_server(browser, tmp_path) as board_server:
        board = await board_server.open(tab="list")
        await board.wait("⚠")
        await board.use("Send the contract", exact=True)
        await board.wait("root", ".groups")
        await check_everywhere(board, "list")
        await board.use("By day")
        await board.wait("No date")
        await check_everywhere(board, "days")
        tool, args = PLAN
        board = await board_server.open(tool, tab="plan", args=args, viewport=NARROW)
        await board.wait("Call Acme")
        await check_everywhere(board, "plan")
        await board.use("Apply")
        await board.wait("Call Acme", "[role=status]")
        await board.use("Changes")
        await board.wait("apply_plan")
        await check_everywhere(board, "changes")


async def check_everywhere(board: Board, name: str) -> None:
    """Its looks in both languages and both themes, which the host changes while it is shown; English at last."""
    for locale, tongue in (("es", "es-CL"), ("en", "en-US")):
        for theme in ("dark", "light"):
            await board.host(f"bridge.setHostContext({{ locale: '{tongue}', theme: '{theme}' }})")
            await board.page.do("wait", text={"es": "Actualizar", "en": "Refresh"}[locale])
            shown = await board.run("[document.documentElement.lang, document.documentElement.style.colorScheme]")
            assert shown == [locale, theme]
            await check_looks(board, f"{name}-{locale}-{theme}")


async def test_hostile_titles_are_text(browser: RealBrowser, tmp_path: Path) -> None:
    drafts = [{"title": title, "responsibleIds": [], "dueDate": "2026-03-09"} for title in HOSTILE]
    async with open_board_server(browser, tmp_path, drafts) as board_server:
        board = await board_server.open(
            tab="hostile", viewport=NARROW, setup="onmessage = ({data}) => data === 'owned' && (window.owned = 1)"
        )
        await board.wait("⚠")
        shown = await board.run("Array.from(document.querySelectorAll('.title'), (one) => one.textContent)")
        assert set(shown) == set(HOSTILE)
        assert await board.run("document.querySelectorAll('img, main script').length") == 0
        await board.use("Complete: {0} $& ${7*7}")
        await board.wait("{0} $& ${7*7}", "[role=status]")
        titles = (
            "Array.from(document.querySelectorAll('.title span'), (one) => [one.textContent, one.matches(':dir(rtl)')])"
        )
        assert [title for title, is_rtl in await board.run(titles) if is_rtl] == [HOSTILE[3]]
        await check_looks(board, "hostile")
        assert await board.host("window.owned") is None
        assert await board.run("document.title") == "Taskhand"


async def test_a_plan_is_shown_applied_and_undone_or_discarded(browser: RealBrowser, tmp_path: Path) -> None:
    drafts = [{"title": f"Task {n}", "responsibleIds": [], "priority": "1"} for n in range(40)] + TASKS
    tool, args = "bulk_update_tasks", {"filter": {"text": "Task"}, "changes": {"priority": "2"}}
    async with open_board_server(browser, tmp_path, drafts) as board_server:
        board = await board_server.open(tool, tab="discard", args=args)
        await board.wait("Plan, not done yet: 40")
        assert "Show the difference" not in await board.read()
        await board.use("Discard")
        await board.wait("Nothing was changed", "[role=status]")
        assert (await board.told()).endswith("do not apply it")
        assert (await board.call("list_tasks", countBy="priority"))["counts"]["medium"] == 42
        board = await board_server.open(tool, tab="apply", args=args)
        await board.wait("Medium → High")
        assert await board.run("document.querySelectorAll('section li').length") == 25
        await board.use("Show more")
        await board.wait("Task", "section li:nth-child(40)")
        assert await board.run("document.querySelectorAll('section li').length") == 40
        await board.use("Apply")
        await board.wait("applied: 40", "[role=status]")
        assert (await board.call("list_tasks", countBy="priority"))["counts"]["high"] == 41
        await board.use("Undo", exact=True)
        await board.wait("Plan, not done yet: 40")
        await board.use("Apply")
        await board.page.do("until", script="heard.contexts.at(-1).endsWith('applied: 40')")
        assert (await board.call("list_tasks", countBy="priority"))["counts"]["medium"] == 42
        stale = await board_server.open(tool, tab="stale", args=args)
        await stale.wait("Plan, not done yet: 40")
        [first] = (await stale.call("list_tasks", text="Task 1", limit=1))["tasks"]
        await stale.call("update_task", id=first["id"], priority="0")
        await stale.use("Apply")
        await stale.wait("plan_", "[role=status]")


async def test_lost_late_and_doubled_messages(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_board_server(browser, tmp_path) as board_server:
        board = await board_server.open(tab="doubled", setup="copies = () => 2")
        await board.wait("⚠")
        await board.use("Complete: Call Acme")
        await board.wait("→", "[role=status]")
        await board.host("bridge.sendToolResult(window.given.result)")
        await board.use("By day")
        await board.wait("Done")
        assert len((await board.call("list_changes", tool="complete_task"))["changes"]) == 1

        board = await board_server.open(
            tab="lost", setup="lost = 0; copies = ({result}) => result && lost++ < 1 ? 0 : 1", has_clock=True
        )
        await board.page.do("clock", forward=3500)
        await board.wait("Send the contract")
        await board.host("copies = () => 0")
        await board.use("Complete: Send the contract")
        await board.page.do("clock", forward=61_000)
        await board.wait("Perhaps done", "[role=status]")
        await board.host("copies = () => 1")
        await board.use("Refresh")
        await board.wait("Completado 2")

        board = await board_server.open(tab="late", has_clock=True)
        await board.wait("Ask for the logo")
        await board.host("before = () => new Promise((go) => { late = go })")
        await board.use("Refresh")
        await board.page.do("clock", forward=61_000)
        await board.wait("Not refreshed since")
        await board.call("create_task", title="Made meanwhile", responsibleIds=[])
        await board.host("before = async () => {}; late()")
        await board.wait("Made meanwhile")
        assert "Not refreshed" not in await board.read()
        await board.host("before = () => { throw Error('cable') }")
        await board.use("Refresh")
        await board.wait("Not refreshed since")
        assert "cable" in await board.read()
        assert "Made meanwhile" in await board.read()

        board = await board_server.open(tab="silent", setup="copies = () => 0", has_clock=True)
        for _ in range(3):
            await board.page.do("clock", forward=3100)
        await board.wait("The host does not answer", "[role=status]")


async def test_500_tasks_hold_up_no_frame(browser: RealBrowser, tmp_path: Path) -> None:
    drafts = [{"title": f"Task {n}", "responsibleIds": [], "dueDate": f"2026-03-{1 + n % 28:02}"} for n in range(500)]
    async with open_board_server(browser, tmp_path, drafts) as board_server:
        board = await board_server.open(tab="many", args={"limit": 100})
        await board.wait("⚠")
        await board.run(WATCH_FRAMES)
        for count in range(100, 500, 50):
            await board.use("Show more")
            await board.wait(f"{count + 50} · as of")
        await board.page.do("scroll")
        await board.use("By day")
        await board.use("Complete: Task 100", exact=True)
        await board.wait("Task 100", "[role=status]")
        await board.page.do("scroll")
        assert await board.run("document.querySelectorAll('.groups li').length") == 500
        longest = 50 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # on a machine that has nothing else to do
        assert [one for one in await board.run("long") if one > longest] == []


async def test_several_connections_are_shown_and_sent_back(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_store_connections(tmp_path) as connections:
        await fill(connections, TASKS[:1])
        async with listening(create_server(connections)) as port:
            board = await BoardServer(browser, port).open(tab="two")
            await board.wait("north")
            assert "south" in await board.read()
            await board.use("Complete: Call Acme", nth=1)
            await board.wait("→", "[role=status]")
            await board.use("Undo", exact=True)
            await board.wait("Completado → Pendiente", "[role=status]")
            await board.use("Changes")
            await board.wait("undo_change")
            changes = (await board.call("list_changes"))["changes"]
            assert {one["connection"] for one in changes if one["tool"] != "create_tasks"} == {"south"}


async def test_a_caller_with_read_scopes_sees_no_controls_that_write(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_board_server(browser, tmp_path, access=Access(scopes=READS)) as board_server:
        board = await board_server.open(tab="reader")
        await board.wait("⚠")
        await board.use("Call Acme", exact=True)
        assert await board.run("document.querySelectorAll('.check, select').length") == 0
        assert "Later" not in await board.read()
        await board.use("Changes")
        await board.wait("create_tasks")
        assert "Undo" not in await board.read()


def push_error(error: Mapping[str, Any]) -> str:
    """The script with which the host answers the next call with an error."""
    content = [{"type": "text", "text": json.dumps({"error": error})}]
    return f"answers.push({{ isError: true, content: {json.dumps(content)} }})"


async def test_unapplied_unknown_and_ambiguous_values_are_shown(browser: RealBrowser, tmp_path: Path) -> None:
    missed = {"changeId": "chg_1", "unapplied": [{"field": "status", "asked": "Completado", "got": "Pendiente"}]}
    unknown = {"code": "outcome_unknown", "message": "No answer of the CRM.", "next": "Look before it is sent again."}
    several = [{"value": "Completado", "name": "Completado"}, {"value": "Archivado"}]
    choice = {"code": "ambiguous_status", "message": "2 statuses finish a task.", "candidates": several}
    async with open_board_server(browser, tmp_path) as board_server:
        board = await board_server.open(tab="said", setup="answers = []")
        await board.wait("⚠")
        await board.host("real = callServer; callServer = async (sent) => answers.shift() ?? real(sent)")
        await board.host(f"answers.push({{ content: [], structuredContent: {json.dumps(missed)} }})")
        await board.use("Complete: Call Acme")
        await board.wait("status should be Completado and is Pendiente", "[role=status].bad")
        await board.host(push_error(unknown))
        await board.use("Complete: Call Acme")
        await board.wait("Look before it is sent again.", "[role=status].bad")
        assert (await board.told()).endswith("outcome_unknown")
        await board.host(push_error(choice))
        await board.use("Complete: Call Acme")
        await board.wait("2 statuses finish a task.", "[role=status].bad")
        await board.use("Completado", exact=True)
        await board.wait("Pendiente → Completado", "[role=status].good")


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (
            {
                "isError": True,
                "content": [
                    {"type": "text", "text": '{"error":{"code":"rate_limited","message":"Too many","next":"Wait"}}'}
                ],
            },
            "Too many",
        ),
        ({"content": [{"type": "text", "text": '{"tasks": [{"id": "1", "ti'}]}, "incomplete answer"),
    ],
)
async def test_an_error_and_an_answer_that_was_cut_are_drawn_as_such(
    browser: RealBrowser, tmp_path: Path, result: Mapping[str, Any], shown: str
) -> None:
    async with open_board_server(browser, tmp_path) as board_server:
        board = await board_server.open(tab=shown, result=result)
        await board.wait(shown, "[role=status]")
        assert "Acme" not in await board.read()
