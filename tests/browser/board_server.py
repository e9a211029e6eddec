"""A host that shows the board in a real browser, and the real server behind it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from browser.browser import FOLDER, Page, RealBrowser
from server.transports.http_server import listening
from taskhand.config.settings import Settings
from taskhand.server.access import EVERYONE, Access
from taskhand.server.app import create_server
from taskhand.server.in_process_client import call_tool
from taskhand.service.connections import Connections
from taskhand.wiring import open_app

if TYPE_CHECKING:
    from taskhand.backends.local.backend import LocalBackend

__all__ = ["LOCALES", "NARROW", "TASKS", "Board", "BoardServer", "check_looks", "fill", "open_board_server"]

SHOTS = Path(FOLDER).parent / "shots"
"""What the board looks like, to be looked at."""
WIDE = {"width": 760, "height": 800}
NARROW = {"width": 320, "height": 640}
LOCALES = {"en": "en-US", "es": "es-CL"}
TASKS: list[dict[str, Any]] = [
    {"title": "Call Acme", "dueDate": "2026-03-09", "priority": "2", "responsibleIds": ["Ana Soto"]},
    {"title": "Send the contract", "dueDate": "tomorrow", "priority": "1", "responsibleIds": ["Ana Soto"]},
    {"title": "Ask for the logo", "responsibleIds": []},
]


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
class BoardServer:
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


@asynccontextmanager
async def open_board_server(
    browser: RealBrowser, folder: Path, drafts: list[dict[str, Any]] | None = None, access: Access = EVERYONE
) -> AsyncIterator[BoardServer]:
    """A server of a built-in store with these tasks."""
    async with open_app(Settings(db=folder / "tasks.sqlite")) as app:
        await fill(Connections.of(app), TASKS if drafts is None else drafts)
        async with listening(create_server(app, access=access)) as port:
            yield BoardServer(browser, port)


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
