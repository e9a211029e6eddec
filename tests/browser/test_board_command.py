"""`taskhand board` in a real browser: the page in its frame, its calls by the bridge, an address that opens once."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import which
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from browser.browser import FOLDER, Page, RealBrowser, real_browser
from server.board.board_site import START, Site, open_site
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.in_process_client import call_tool

pytestmark = pytest.mark.skipif(
    not FOLDER or which("node") is None or sys.platform != "linux",
    reason="`make browser` installs a browser for Linux from npm",
)

SHOTS = Path(FOLDER).parent / "shots"
HOSTILE = "<img src=x onerror=alert(1)> Llamar a Ñuñoa"
UPDATED = "notifications/resources/updated"
HEAR = f"new Promise(r => addEventListener('message', e => e.data.method === '{UPDATED}' && r(e.data.params.uri)))"
REACH = """Promise.allSettled([() => fetch('/call', {method: 'POST'}), () => fetch('https://example.com'),
  () => parent.document, () => localStorage.length, () => new Function('return 1')()].map((reach) =>
  new Promise((yes) => setTimeout(yes)).then(reach))).then((all) => all.map((one) => one.status))"""
"""What the page must not be able to do, outside of what the browser's debugger allows."""


@pytest.fixture
async def browser() -> AsyncIterator[RealBrowser]:
    async with real_browser(Path(FOLDER).parent / "unpacked") as opened:
        yield opened


async def ask(page: Page, method: str, **params: Any) -> dict[str, Any]:
    """What the frame's page is answered."""
    message = json.dumps({"jsonrpc": "2.0", "id": f"{method} {params}", "method": method, "params": params})
    script = f"""new Promise((answer) => {{ const asked = {message}
      addEventListener('message', ({{ data }}) => data.id === asked.id && answer(data))
      parent.postMessage(asked, '*') }})"""
    answered: dict[str, Any] = await page.do("inFrame", script=script)
    return answered


async def add_task(site: Site, title: str) -> str:
    """A task that is made elsewhere; its id."""
    made, _ = await call_tool(site.app, "create_task", {"title": title, "responsibleIds": ["me"]})
    task: str = json.loads(made)["task"]["id"]
    return task


async def test_the_address_opens_the_board_once_and_its_page_reaches_nothing_but_the_bridge(
    browser: RealBrowser, tmp_path: Path
) -> None:
    refused, empty = ({"name": "list_tasks", "arguments": one} for one in ({"status": ["x"]}, {"text": "no such"}))
    async with open_site(tmp_path, start=[refused, empty, *START]) as site:
        task = await add_task(site, HOSTILE)
        page = await browser.open(locale="es", viewport={"width": 320, "height": 640})
        await page.do("goto", url=site.address)
        await page.do("seeInFrame", text=HOSTILE)
        SHOTS.mkdir(parents=True, exist_ok=True)
        await page.do("shot", path=str(SHOTS / "board-command.png"))
        seen = await page.look()
        assert (seen["language"], seen["isTooWide"], seen["url"]) == ("es", False, f"{site.origin}/")
        assert await browser.do("problems") == []

        done = (await ask(page, "tools/call", name="complete_task", arguments={"id": task}))["result"]
        assert done["structuredContent"]["task"]["status"] == "Completado"
        answers = [
            await ask(page, "tools/call", name="delete_task", arguments={"id": task}),
            await ask(page, "ui/open-link", url="javascript:alert(1)"),
            await ask(page, "ui/update-model-context", content=[]),
            await ask(page, "toString"),
        ]
        assert [one["error"]["code"] for one in answers] == [-32602, -32602, -32601, -32601]
        assert await page.do("inFrame", script=REACH) == ["rejected"] * 5

        await page.do("inFrame", script=f"globalThis.heard = {HEAR}, 0")
        await add_task(site, "made elsewhere")
        await page.do("evaluate", script="dispatchEvent(new Event('focus'))")
        assert await page.do("inFrame", script="globalThis.heard") == "ui://taskhand/board"
        await page.do("seeInFrame", text="made elsewhere")

        await page.do("goto", url=f"{site.origin}/")
        await page.do("seeInFrame", text="made elsewhere")
        other = await browser.open("other", like="first")
        await other.do("goto", url=site.address)
        await other.do("evaluate", script="new Promise((r) => setInterval(() => said.hidden || r(0), 10))")
        assert "Esta dirección ya se usó" in (await other.look())["text"]
        assert [await other.do("axe", scheme=scheme) for scheme in ("light", "dark")] == [[], []]
        await page.do("evaluate", script="fetch = () => Promise.reject(TypeError('gone')), 0")
        ended = await ask(page, "tools/call", name="complete_task", arguments={"id": task})
        assert ended["error"]["code"] == -32001, "where nobody listens, nothing was sent"


async def test_another_site_cannot_frame_the_board_or_use_its_token(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        send = f"""fetch('{site.origin}/session', {{method: 'POST', mode: 'no-cors',
          body: JSON.stringify({{token: '{site.token}'}})}})"""

        async def answer(_: Request) -> HTMLResponse:
            return HTMLResponse(f'<h1>Prize</h1><iframe src="{site.address}"></iframe>')

        async with serve_sandbox(SimpleNamespace(app=Starlette(routes=[Route("/", answer)]))) as elsewhere:
            page = await browser.open(locale="en")
            await page.do("goto", url=elsewhere)
            assert (await page.look())["frames"] == ["chrome-error://chromewebdata/"]
            await page.do("evaluate", script=f"{send}.then(() => 0, () => 0)")
        assert (await site.admit()).status_code == 200
