"""The board in a real browser, the official bridge as its host and the real server behind it."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any, cast

import pytest

from browser.browser import FOLDER, Page, RealBrowser, real_browser
from server.offices import open_offices
from server.transports.http_server import listening
from taskhand.config.settings import Settings
from taskhand.domain.principal import Scope
from taskhand.server.access import EVERYONE, Access
from taskhand.server.app import create_server
from taskhand.server.in_process_client import call_tool
from taskhand.service.connections import Connections
from taskhand.wiring import open_app

if TYPE_CHECKING:
    from taskhand.backends.local.backend import LocalBackend

pytestmark = pytest.mark.skipif(
    not FOLDER or which("node") is None, reason="`make browser` installs a browser for Linux from npm"
)

SHOTS = Path(FOLDER).parent / "shots"
"""What the board looks like, to be looked at."""
WIDE = {"width": 760, "height": 800}
NARROW = {"width": 320, "height": 640}
LOCALES = {"en": "en-US", "es": "es-CL"}
READS: frozenset[Scope] = frozenset({"read"})
HOSTILE = (
    "<img src=x onerror=\"parent.postMessage('owned','*')\">",
    "</script><script>document.title='owned'</script>",
    "{0} $& ${7*7}",
    "اتصل بالعميل",
    "x" * 90,
)
TASKS: list[dict[str, Any]] = [
    {"title": "Call Acme", "dueDate": "2026-03-09", "priority": "2", "responsibleIds": ["Ana Soto"]},
    {"title": "Send the contract", "dueDate": "tomorrow", "priority": "1", "responsibleIds": ["Ana Soto"]},
    {"title": "Ask for the logo", "responsibleIds": []},
]
WATCH_FRAMES = """window.long = []
new PerformanceObserver((seen) => long.push(...seen.getEntries().map((one) => one.duration)))
  .observe({ entryTypes: ['longtask'] })"""
PLAN = ("bulk_update_tasks", {"filter": {"overdue": True}, "changes": {"priority": "0"}})


@dataclass(frozen=True)
class Board:
    """A page that a host shows."""

    page: Page

    async def use(self, name: str, role: str = "button", **which: Any) -> None:
        """Click what has this name, for a screen reader too."""
        await self.page.do("use", role=role, name=name, **which)

    async def wait(self, text: str, selector: str = "main") -> None:
        """Wait until it is shown."""
        await self.page.do("wait", text=text, selector=selector)

    async def read(self, selector: str = "main") -> str:
        """What is shown."""
        shown: str = await self.page.do("read", selector=selector)
        return shown

    async def run(self, script: str) -> Any:
        """What a script comes to inside of the page."""
        return await self.page.do("inside", script=script)

    async def host(self, script: str) -> Any:
        """What a script of the host comes to."""
        return await self.page.do("evaluate", script=script)

    async def call(self, named: str, **args: Any) -> dict[str, Any]:
        """The answer to another caller."""
        answer: dict[str, Any] = await self.page.do("call", tool=named, args=args)
        return answer

    async def press(self, *keys: str) -> None:
        await self.page.do("press", keys=keys)

    async def tab_to(self, name: str) -> None:
        """Go on by keyboard to what begins with this name."""
        for _ in range(60):
            await self.press("Tab")
            if (await self.page.do("focus")).startswith(name):
                return
        raise AssertionError(name)

    async def told(self) -> str:
        """What the model was told last."""
        line: str = await self.host("heard.contexts.at(-1)")
        return line


@dataclass(frozen=True)
class Stage:
    """A browser, and a server that hosts open in it."""

    browser: RealBrowser
    port: int

    async def open(self, tool: str = "list_tasks", tab: str = "first", **options: Any) -> Board:
        """The board beside the answer of a tool that the model has called."""
        locale, theme = options.pop("locale", "en"), options.pop("theme", "light")
        page = await self.browser.open(tab, viewport=options.pop("viewport", WIDE), locale=LOCALES[locale])
        if options.pop("has_clock", False):
            await page.do("clock")
        context = {"locale": LOCALES[locale], "theme": theme}
        url = f"http://127.0.0.1:{self.port}/mcp"
        await page.do("host", url=url, tool=tool, context=context, **options)
        return Board(page)


@pytest.fixture
async def browser() -> AsyncIterator[RealBrowser]:
    async with real_browser(Path(FOLDER).parent / "unpacked") as opened:
        yield opened
        assert await opened.do("problems") == []


@asynccontextmanager
async def stage_of(
    browser: RealBrowser, folder: Path, drafts: list[dict[str, Any]] | None = None, access: Access = EVERYONE
) -> AsyncIterator[Stage]:
    """A server of an embedded store with these tasks."""
    async with open_app(Settings(db=folder / "tasks.sqlite")) as app:
        await fill(Connections.of(app), TASKS if drafts is None else drafts)
        async with listening(create_server(app, access=access)) as port:
            yield Stage(browser, port)


async def fill(connections: Connections, drafts: list[dict[str, Any]]) -> None:
    """Put tasks into the store, and a person who can be responsible."""
    for app in connections:
        store = cast("LocalBackend", app.backend)
        await store.edit(lambda directory: directory.add_member("Ana Soto", "ana@x.test"))
        for start in range(0, len(drafts), 50):
            text, is_error = await call_tool(app, "create_tasks", {"tasks": drafts[start : start + 50]})
            assert not is_error, text
            if plan_id := json.loads(text).get("planId"):
                text, is_error = await call_tool(app, "apply_plan", {"planId": plan_id})
                assert not is_error, text


async def check_looks(board: Board, name: str) -> None:
    """Nothing for axe to find, nothing wider than the window, and a picture."""
    assert await board.page.do("axeInside") == [], name
    assert not await board.run("document.documentElement.scrollWidth > innerWidth"), name
    SHOTS.mkdir(parents=True, exist_ok=True)
    await board.page.do("shot", path=str(SHOTS / f"board-{name}.png"))


async def test_a_days_work_by_mouse(browser: RealBrowser, tmp_path: Path) -> None:
    async with stage_of(browser, tmp_path) as stage:
        board = await stage.open(tab="mouse")
        await board.wait("Overdue: Mon, Mar 9")
        await board.use("Complete: Call Acme")
        await board.wait("status: Pendiente → Completado", "[role=status]")
        assert "changeId" not in await board.told()
        assert "complete_task" in await board.told()
        assert "Acme" not in await board.told(), "what customers wrote is not for the model"
        await board.use("Undo", exact=True)
        await board.wait("Completado → Pendiente", "[role=status]")
        await board.use("Call Acme", exact=True)
        await board.use("Later: Tue, Mar 10")
        await board.wait("Overdue: Tue, Mar 10")
        await board.page.do("choose", label="Give to…", option="root")
        await board.use("Give", exact=True)
        await board.wait("Ana Soto → root", "[role=status]")
        [task] = (await board.call("list_tasks", text="Acme"))["tasks"]
        assert (task["due"], task["responsibles"], task["status"]) == ("2026-03-10 Tue", ["root"], "Pendiente")
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


async def test_a_days_work_by_keyboard_alone(browser: RealBrowser, tmp_path: Path) -> None:
    async with stage_of(browser, tmp_path) as stage:
        board = await stage.open(tab="keyboard", locale="es")
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
        await board.tab_to("Después")
        await board.press("Enter")
        await board.wait("mar, 10 mar")
        await board.tab_to("Asignar a")
        await board.press("r", "Tab", "Enter")
        await board.wait("root", "[role=status]")
        [task] = (await board.call("list_tasks", text="Acme"))["tasks"]
        assert (task["due"], task["responsibles"]) == ("2026-03-10 Tue", ["root"])
        await board.tab_to("Deshacer")
        await board.press("Enter")
        await board.wait("root → Ana Soto", "[role=status]")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nothing_for_axe_to_find_and_nothing_too_wide(
    browser: RealBrowser, tmp_path: Path, locale: str, theme: str
) -> None:
    words = {"en": ("By day", "Changes", "Apply"), "es": ("Por día", "Cambios", "Aplicar")}[locale]
    name = f"{locale}-{theme}"
    async with stage_of(browser, tmp_path) as stage:
        board = await stage.open(tab=f"list-{name}", locale=locale, theme=theme)
        await board.wait("⚠")
        await board.use("Send the contract", exact=True)
        await board.wait("root", ".groups")
        await check_looks(board, f"list-{name}")
        await board.use(words[0])
        await check_looks(board, f"days-{name}")
        tool, args = PLAN
        board = await stage.open(tool, tab=f"plan-{name}", locale=locale, theme=theme, args=args, viewport=NARROW)
        await board.wait("Call Acme")
        await check_looks(board, f"plan-{name}")
        await board.use(words[2])
        await board.wait("Call Acme", "[role=status]")
        await board.use(words[1])
        await board.wait("apply_plan")
        await check_looks(board, f"changes-{name}")


async def test_hostile_titles_are_text(browser: RealBrowser, tmp_path: Path) -> None:
    drafts = [{"title": title, "responsibleIds": [], "dueDate": "2026-03-09"} for title in HOSTILE]
    async with stage_of(browser, tmp_path, drafts) as stage:
        board = await stage.open(
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
    async with stage_of(browser, tmp_path, drafts) as stage:
        board = await stage.open(tool, tab="discard", args=args)
        await board.wait("Plan, not done yet: 40")
        assert "Show the difference" not in await board.read()
        await board.use("Discard")
        await board.wait("Discarded", "[role=status]")
        assert (await board.told()).endswith("do not apply it")
        assert (await board.call("list_tasks", countBy="priority"))["counts"]["medium"] == 42
        board = await stage.open(tool, tab="apply", args=args)
        await board.wait("Medium → High")
        assert await board.run("document.querySelectorAll('section li').length") == 25
        await board.use("Show more")
        await board.wait("Task 39", "section")
        assert await board.run("document.querySelectorAll('section li').length") == 40
        await board.use("Apply")
        await board.wait("applied: 40", "[role=status]")
        assert (await board.call("list_tasks", countBy="priority"))["counts"]["high"] == 41
        await board.use("Undo", exact=True)
        await board.wait("Plan, not done yet: 40")
        await board.use("Apply")
        await board.page.do("until", script="heard.contexts.at(-1).split('apply_plan').length > 2")
        assert (await board.call("list_tasks", countBy="priority"))["counts"]["medium"] == 42
        stale = await stage.open(tool, tab="stale", args=args)
        await stale.wait("Plan, not done yet: 40")
        [first] = (await stale.call("list_tasks", text="Task 1", limit=1))["tasks"]
        await stale.call("update_task", id=first["id"], priority="0")
        await stale.use("Apply")
        await stale.wait("plan_", "[role=status]")


async def test_lost_late_and_doubled_messages(browser: RealBrowser, tmp_path: Path) -> None:
    async with stage_of(browser, tmp_path) as stage:
        board = await stage.open(tab="doubled", setup="copies = () => 2")
        await board.wait("⚠")
        await board.use("Complete: Call Acme")
        await board.wait("→", "[role=status]")
        await board.host("bridge.sendToolResult(window.given.result)")
        await board.use("By day")
        await board.wait("Done")
        assert len((await board.call("list_changes", tool="complete_task"))["changes"]) == 1

        board = await stage.open(
            tab="lost", setup="lost = 0; copies = ({result}) => result && lost++ < 1 ? 0 : 1", has_clock=True
        )
        await board.page.do("clock", forward=3500)
        await board.wait("Send the contract")
        await board.host("copies = () => 0")
        await board.use("Complete: Send the contract")
        await board.page.do("clock", forward=61_000)
        await board.wait("It is not known whether this was done", "[role=status]")
        await board.host("copies = () => 1")
        await board.use("Refresh", nth=1)
        await board.wait("Completado 2")

        board = await stage.open(tab="late", has_clock=True)
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

        board = await stage.open(tab="silent", setup="copies = () => 0", has_clock=True)
        for _ in range(3):
            await board.page.do("clock", forward=3100)
        await board.wait("The host does not answer", "[role=status]")


async def test_500_tasks_hold_up_no_frame(browser: RealBrowser, tmp_path: Path) -> None:
    drafts = [{"title": f"Task {n}", "responsibleIds": [], "dueDate": f"2026-03-{1 + n % 28:02}"} for n in range(500)]
    async with stage_of(browser, tmp_path, drafts) as stage:
        board = await stage.open(tab="many", args={"limit": 100})
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
    async with open_offices(tmp_path) as connections:
        await fill(connections, TASKS[:1])
        async with listening(create_server(connections)) as port:
            board = await Stage(browser, port).open(tab="two")
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


async def test_who_only_reads_is_offered_nothing_that_writes(browser: RealBrowser, tmp_path: Path) -> None:
    async with stage_of(browser, tmp_path, access=Access(scopes=READS)) as stage:
        board = await stage.open(tab="reader")
        await board.wait("⚠")
        await board.use("Call Acme", exact=True)
        assert await board.run("document.querySelectorAll('.check, select').length") == 0
        assert "Later" not in await board.read()
        await board.use("Changes")
        await board.wait("create_tasks")
        assert "Undo" not in await board.read()


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
    async with stage_of(browser, tmp_path) as stage:
        board = await stage.open(tab=shown, result=result)
        await board.wait(shown, "[role=status]")
        assert "Acme" not in await board.read()
