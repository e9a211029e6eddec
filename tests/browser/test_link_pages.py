"""The pages on which a person links a credential, in a real browser: by keyboard, narrow, dark, against other sites."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from server.linking.link_site import BEN, CAT, EVE, HOSTILE, LinkSite, open_link_site
from taskhand.domain.principal import Person
from taskhand.sandbox.server import serve_sandbox

pytestmark = pytest.mark.skipif(
    not FOLDER or which("node") is None or sys.platform != "linux",
    reason="`make browser` installs a browser for Linux from npm",
)

PERSON = "ben@example.com"
NARROW = {"width": 320, "height": 640}
SHOTS = Path(FOLDER).parent / "shots"
"""What the pages look like, to be looked at."""


@asynccontextmanager
async def open_pages(folder: Path, **options: Any) -> AsyncIterator[tuple[LinkSite, str]]:
    """The pages at an address of this machine, which is another site than that of the CRMs."""
    async with open_link_site(folder, **options) as site, serve_sandbox(SimpleNamespace(app=site.app)) as url:
        site.linking.resource = url.replace("127.0.0.1", "localhost")
        yield site, site.linking.base


@pytest.fixture
async def browser() -> AsyncIterator[RealBrowser]:
    async with real_browser(Path(FOLDER).parent / "unpacked") as opened:
        yield opened


async def offer(site: LinkSite, connection: str = "north", person: str = PERSON) -> str:
    made = await site.linking.offer(Person.parse(person), connection)
    assert made is not None
    return made.url


async def check_looks(page: Page, name: str) -> dict[str, Any]:
    """Nothing for axe to find in either scheme, nothing wider than the window; what is seen."""
    for scheme in ("light", "dark"):
        assert await page.do("axe", scheme=scheme) == []
        SHOTS.mkdir(parents=True, exist_ok=True)
        await page.do("shot", path=str(SHOTS / f"{name}-{scheme}.png"))
    seen = await page.look()
    assert not seen["isTooWide"]
    assert "Taskhand" in seen["title"]
    return seen


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_key_is_pasted_by_keyboard_alone_on_a_narrow_screen(
    browser: RealBrowser, tmp_path: Path, language: str
) -> None:
    async with open_pages(tmp_path) as (site, _):
        page = await browser.open(viewport=NARROW, locale=language)
        await page.do("goto", url=await offer(site, "chat"))
        seen = await check_looks(page, f"prove-{language}")
        assert (seen["language"], seen["focus"]) == (language, "secret")
        await page.do("type", text="no key")
        await page.do("submit", key="Enter", at="**/link/*")
        await check_looks(page, f"wrong-{language}")
        await page.do("type", text=await site.make_key(PERSON))
        await page.do("submit", key="Enter", at="**/link/*")
        seen = await check_looks(page, f"paste-{language}")
        assert "API" in seen["text"]
        await page.do("type", text=site.vambe.key)
        await page.do("press", keys=["Tab"])
        assert (await page.look())["focus"] == "BUTTON"
        await page.do("submit", key="Enter", at="**/link/*")
        seen = await check_looks(page, f"done-{language}")
        assert seen["heading"] == {"en": "Vambe is linked", "es": "Vambe está vinculado"}[language]
        await page.do("back")
        assert (await page.look())["heading"] == seen["heading"]
        assert await browser.do("problems") == []
        assert set(await site.linked()) == {(PERSON, "chat")}


@pytest.mark.parametrize(("connection", "user", "name"), [("north", BEN, "Ben Abel"), ("hub", "12", "Ben Paz")])
async def test_consent_at_the_crm_and_back_in_the_same_browser(
    browser: RealBrowser, tmp_path: Path, connection: str, user: str, name: str
) -> None:
    async with open_pages(tmp_path, has_apps=True) as (site, base):
        address = await offer(site, connection)
        page = await browser.open(viewport=NARROW, locale="en")
        await page.do("goto", url=address)
        await check_looks(page, f"consent-{connection}")
        await page.do("click", name="Continue to", at="**/authorize**")
        await page.do("back")  # and again from the page
        assert (await page.look())["url"] == address
        await page.do("click", name="Continue to", at="**/authorize**")
        assert not (await page.look())["url"].startswith(base)
        await page.do("evaluate", script=f"document.querySelector('select').value = '{user}'")
        await page.do("click", name="Allow", at="**/link/*")
        seen = await check_looks(page, f"linked-{connection}")
        assert seen["url"] == address
        assert f"as {name}." in seen["text"]
        other = await browser.open("other", locale="en")
        assert await other.do("goto", url=address) == 410
        assert (await check_looks(other, "used"))["heading"] == "This link was already used"
        assert set(await site.linked()) == {(PERSON, connection)}


async def test_the_account_of_another_is_refused_and_a_hostile_name_is_text(
    browser: RealBrowser, tmp_path: Path
) -> None:
    lines = {PERSON: {"north": BEN, "hub": "x", "chat": "y"}}
    async with open_pages(tmp_path, has_apps=True, lines=lines) as (site, _):
        page = await browser.open(viewport=NARROW, locale="es")
        await page.do("goto", url=await offer(site))
        for user in (CAT, EVE):
            await page.do("click", name="Ir a", at="**/authorize**")
            await page.do("evaluate", script=f"document.querySelector('select').value = '{user}'")
            await page.do("click", name="Allow", at="**/callback**")
            seen = await check_looks(page, f"other-{user}")
            assert seen["heading"] == "Esta es la cuenta de otra persona"
            await page.do("click", name="Abrir la página de nuevo", at="**/link/*")
        assert HOSTILE[:20] not in seen["title"]
        assert await site.linked() == {}


async def test_another_site_cannot_frame_a_link_page_or_submit_its_form(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_pages(tmp_path) as (site, _):
        address, html = await offer(site), ""

        async def answer(_: Request) -> HTMLResponse:
            return HTMLResponse(f"<h1>Prize</h1>{html}")

        async with serve_sandbox(SimpleNamespace(app=Starlette(routes=[Route("/", answer)]))) as elsewhere:
            page = await browser.open(locale="en")
            await page.do("goto", url=address)
            token = await page.do("evaluate", script="document.querySelector('[name=token]').value")
            evil = await browser.open("evil", like="first")
            html = f'<iframe src="{address}"></iframe>'
            await evil.do("goto", url=elsewhere)
            assert (await evil.look())["frames"] == ["chrome-error://chromewebdata/"]
            fields = {"token": token, "step": "paste", "secret": site.token(BEN)}
            hidden = "".join(f'<input type="hidden" name="{name}" value="{text}">' for name, text in fields.items())
            html = f'<form method="post" action="{address}">{hidden}<button>Win</button></form>'
            await evil.do("goto", url=elsewhere)
            await evil.do("click", name="Win", at="**/link/*")
            assert (await evil.look())["heading"] == "This form is out of date"
            assert await site.linked() == {}


async def test_two_tabs_link_two_connections(browser: RealBrowser, tmp_path: Path) -> None:
    async with open_pages(tmp_path, has_apps=True) as (site, _):
        first = await browser.open(locale="en")
        second = await browser.open("second", like="first")
        for page, connection in ((first, "north"), (second, "hub")):
            await page.do("goto", url=await offer(site, connection))
        for page in (first, second):
            await page.do("click", name="Continue to", at="**/authorize**")
        for page, user in ((second, "12"), (first, BEN)):
            await page.do("evaluate", script=f"document.querySelector('select').value = '{user}'")
            await page.do("click", name="Allow", at="**/link/*")
            assert (await page.look())["heading"].endswith("is linked")
        assert set(await site.linked()) == {(PERSON, "north"), (PERSON, "hub")}
