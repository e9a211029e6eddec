"""What others try on the pages: only the browser that began, with the form that it was shown, gets anything done."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest
from starlette.requests import Request
from starlette.types import Message

from server.linking.link_site import BASE, BEN, EVE, HOSTILE, Browser, LinkSite, open_link_site, text_of
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.domain.principal import Person
from taskhand.server.linking.page_html import PageContent, render
from taskhand.server.linking.submitted_form import read_form
from taskhand.server.linking.texts import TEXTS, choose_language

PERSON = "ben@example.com"


async def test_every_page_forbids_scripts_frames_referrers_and_copies(site: LinkSite, browser: Browser) -> None:
    page = await site.ticket()
    for shown in (
        await browser.open(page),
        await browser.http.post(page),
        await browser.open("/link/nothing"),
        await browser.open("/link/callback?state=x&code=y"),
    ):
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "form-action 'self'" in policy
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["cache-control"] == "no-store"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert shown.headers["x-frame-options"] == "DENY"
        assert not re.search(r"<script|\son\w+=|\sstyle=|<link|<img|https?://", shown.text)


async def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it(site: LinkSite, browser: Browser) -> None:
    page = await site.ticket()
    cookie = (await browser.open(page)).headers["set-cookie"]
    assert re.fullmatch(r"__Host-taskhand-link=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure", cookie)
    assert "set-cookie" not in (await browser.open(page)).headers
    assert "set-cookie" not in (await (await site.browser()).open("/link/nothing")).headers


async def test_on_this_machine_the_cookie_goes_without_encryption(tmp_path: Path) -> None:
    base = "http://127.0.0.1:8000"
    async with open_link_site(tmp_path, base=base) as site:
        offer = await site.linking.offer(Person.parse(PERSON), "north")
        assert offer is not None
        browser = await site.browser(base)
        cookie = (await browser.open(offer.url)).headers["set-cookie"]
        assert re.fullmatch(r"taskhand-link=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", cookie)
        assert (await browser.send(offer.url, site.token(BEN))).status_code == 200


@pytest.mark.parametrize(("size", "status"), [(15 * 1024, 200), (17 * 1024, 403)])
async def test_a_form_of_more_than_16_kib_is_not_read(site: LinkSite, browser: Browser, size: int, status: int) -> None:
    page = await site.ticket()
    await browser.open(page)
    done = await browser.send(page, site.token(BEN), more="x" * size)
    assert done.status_code == status
    assert len(await site.linked()) == (status == 200)


HOSTS = {
    "127.0.0.1": 200,
    "localhost:9": 200,
    "TASKS.example.com": 200,
    "evil.example": 421,
    "evil.example:443": 421,
    "tasks.example.com.evil.example": 421,
    "localhost.evil.example": 421,
    "localhost:evil.example": 421,
    "127.0.0.1@evil.example": 421,
}


async def test_no_page_is_shown_under_a_name_that_leads_here_and_is_not_allowed(
    site: LinkSite, browser: Browser
) -> None:
    page = await site.ticket()
    for host, status in HOSTS.items():
        for path in (page, "/link/callback", "/link/signed-in"):
            found = await browser.http.get(path, headers={"Host": host})
            assert found.status_code == (status if path == page or status == 421 else 403), (host, path)
            assert status == 200 or (found.text == "Invalid Host header" and "set-cookie" not in found.headers)


async def test_looking_at_a_page_uses_nothing_up(site: LinkSite, browser: Browser) -> None:
    page, scanner = await site.ticket(), await site.browser()
    for _ in range(12):
        assert (await scanner.open(page)).status_code == 200
        assert (await scanner.http.head(page)).status_code == 200
        scanner.http.cookies.clear()
    assert (await scanner.http.request("OPTIONS", page)).status_code == 405
    assert (await scanner.http.put(page)).status_code == 405
    assert (await scanner.http.post(page)).status_code == 403
    await browser.open(page)
    assert (await browser.send(page, site.token(BEN))).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"token": ""},
        {"token": "0" * 64},
        {"token": "ñ"},
    ],
)
async def test_a_form_without_the_browsers_own_token_does_nothing(
    site: LinkSite, browser: Browser, changed: dict[str, str]
) -> None:
    page = await site.ticket()
    await browser.open(page)
    refused = await browser.send(page, site.token(BEN), **changed)
    assert (refused.status_code, "This form is out of date" in text_of(refused)) == (403, True)
    assert await site.linked() == {}


@pytest.mark.parametrize(("size", "is_read"), [(16 * 1024, True), (16 * 1024 + 1, False)])
async def test_a_form_of_16_kib_is_the_largest_that_is_read(size: int, *, is_read: bool) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"more=".ljust(size, b"x")}

    kind = [(b"content-type", b"application/x-www-form-urlencoded")]
    assert bool(await read_form(Request({"type": "http", "headers": kind}, receive))) == is_read


async def test_a_form_of_another_browser_ticket_or_site_does_nothing(site: LinkSite, browser: Browser) -> None:
    page, token = await site.ticket(), site.token(BEN)
    await browser.open(page)
    fields = browser.fields() | {"secret": token}
    bare = await site.browser()
    assert (await bare.http.post(page, data=fields)).status_code == 403  # without the cookie
    await bare.open(page)
    assert (await bare.http.post(page, data=fields)).status_code == 403  # with a cookie of its own
    other = await site.ticket("cat@example.com")
    assert (await browser.http.post(other, data=fields)).status_code == 403  # with the token of another page
    for header, value in (
        ("Origin", "https://evil.example"),
        ("Origin", "https://tasks.example.com.evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ):
        assert (await browser.http.post(page, data=fields, headers={header: value})).status_code == 403
    assert await site.linked() == {}
    own = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    assert (await browser.http.post(page, data=fields, headers=own)).status_code == 303
    assert await site.linked() == {(PERSON, "north"): BEN}


async def test_a_page_that_one_browser_has_begun_cannot_be_opened_in_another(site: LinkSite, browser: Browser) -> None:
    page, thief = await site.ticket(), await site.browser()
    await browser.open(page)
    await browser.send(page, "wrong-key-4711")  # now it is this browser's
    for refused in (await thief.open(page), await thief.http.post(page)):
        assert (refused.status_code, "opened in another browser" in text_of(refused)) == (403, True)
    assert PERSON not in refused.text


async def test_a_page_works_once(site: LinkSite, browser: Browser) -> None:
    page = await site.ticket()
    await browser.open(page)
    fields = browser.fields() | {"secret": site.token(BEN)}
    await browser.send(page, site.token(BEN))
    again = await browser.http.post(page, data=fields)  # by the button that goes back
    assert (again.status_code, "Close is linked" in text_of(again)) == (200, True)
    [link] = await site.links.list()
    other = await (await site.browser()).open(page)
    assert (other.status_code, "was already used" in text_of(other)) == (410, True)
    assert PERSON not in other.text
    await site.links.remove(PERSON, "north")
    unlinked = await browser.http.post(page, data=fields)
    assert (unlinked.status_code, "same credential for everybody" in text_of(unlinked)) == (200, False)
    assert await site.linked() == {}
    assert link.member.id == BEN


async def test_a_form_that_is_sent_twice_links_once(site: LinkSite, browser: Browser) -> None:
    page = await site.ticket()
    await browser.open(page)
    fields = browser.fields() | {"secret": site.token(BEN)}
    answers: list[int] = []

    async def send() -> None:
        answers.append((await browser.http.post(page, data=fields)).status_code)

    async with concurrent_tasks() as group:
        for _ in range(4):
            group.start_soon(send)
    assert {*answers} <= {200, 303}
    link = await site.links.find(PERSON, "north")
    assert link is not None
    assert link.generation == 1


async def test_two_pages_in_two_tabs_of_one_browser_do_not_disturb_each_other(site: LinkSite, browser: Browser) -> None:
    mine, chat = await site.ticket(), await site.ticket(connection="chat")
    await browser.open(mine)
    tab = replace(browser)
    await tab.open(chat)
    assert (await browser.send(mine, site.token(BEN))).status_code == 200
    await tab.send(chat, await site.make_key(PERSON))
    assert (await tab.send(chat, site.vambe.key)).status_code == 200
    assert set(await site.linked()) == {(PERSON, "north"), (PERSON, "chat")}


async def test_after_ten_minutes_a_page_and_its_form_are_over(site: LinkSite, browser: Browser) -> None:
    page = await site.ticket()
    await browser.open(page)
    site.clock.move(minutes=10)
    late = await browser.send(page, site.token(BEN))
    assert (late.status_code, "expired" in text_of(late)) == (410, True)
    assert (await browser.open(page)).status_code == 410
    assert await site.linked() == {}


async def test_a_link_page_allows_ten_tries(site: LinkSite, browser: Browser) -> None:
    page = await site.ticket(connection="chat")
    await browser.open(page)
    answers = [(await browser.send(page, "no key")).status_code for _ in range(10)]
    fields = browser.fields() | {"secret": await site.make_key(PERSON)}
    assert answers == [422] * 10
    assert (await browser.http.post(page, data=fields)).status_code == 429
    shown = await browser.open(page)
    assert (shown.status_code, "There were too many attempts" in text_of(shown)) == (429, True)
    assert (await site.state(page)).is_over
    assert await site.linked() == {}


@pytest.mark.parametrize("text", ["", "x", "A" * 43, "A" * 4000, "%2e%2e%2fhealth", "a%00b", "%ff%fe", "' OR 1=1 --"])
async def test_an_address_that_is_no_page_opens_nothing(site: LinkSite, browser: Browser, text: str) -> None:
    await site.ticket()
    for answered in (await browser.open(f"/link/{text}"), await browser.http.post(f"/link/{text}")):
        assert answered.status_code in {403, 404}


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"token=" + b"a" * 20_000, b"&" * 5_000, b"{}", b"token=%FF&secret=%00"]
)
async def test_a_body_that_is_no_form_is_a_form_without_a_token(site: LinkSite, browser: Browser, body: bytes) -> None:
    page = await site.ticket()
    await browser.open(page)
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", ""):
        answered = await browser.http.post(page, content=body, headers={"Content-Type": kind})
        assert answered.status_code == 403


class _Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("language", TEXTS)
def test_a_hostile_name_is_text_on_every_page(language: str) -> None:
    names = dict.fromkeys(("crm", "person", "connection", "member"), HOSTILE)
    for key in TEXTS[language]:
        found = _Tags()
        shown = render(PageContent(key, (key,), names, shows_ticket=True, address="/link/x"), language)
        found.feed(shown)
        assert not found.tags & {"script", "img"}
        assert not [name for name in found.attributes if name.startswith("on")]
        assert "\u202e" not in shown
        assert "M" * 200 not in shown


async def test_a_hostile_member_of_the_crm_is_shown_as_text(tmp_path: Path) -> None:
    async with open_link_site(tmp_path) as site:
        page, browser = await site.ticket(), await site.browser()
        await browser.open(page)
        refused = await browser.send(page, site.token(EVE))
        assert "<script" not in refused.text
        assert "&lt;script&gt;" in refused.text


def test_both_languages_say_the_same_with_the_same_names() -> None:
    english, spanish = TEXTS["en"], TEXTS["es"]
    assert english.keys() == spanish.keys()
    named = {key: {*re.findall(r"\{(\w+)\}", text)} for key, text in english.items()}
    assert named == {key: {*re.findall(r"\{(\w+)\}", text)} for key, text in spanish.items()}


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "es-MX,es;q=0.9,en;q=0.8", "es"),
        (None, "en-US,en;q=0.9,es;q=0.8", "en"),
        (None, "fr,es;q=0.5", "es"),
        (None, "es; q=0.1, en; q=0.7", "en"),
        (None, "de, *;q=0.5", "en"),
        (None, "ES", "es"),
        (None, "es;q=x,en;q=", "en"),
        ("en", "es", "en"),
        ("xx", "es", "es"),
        (None, "es," * 5_000, "es"),
    ],
)
def test_a_page_is_in_the_language_that_the_browser_prefers(asked: str | None, accepted: str, language: str) -> None:
    assert choose_language(asked, accepted) == language


async def test_a_page_is_read_in_spanish_to_its_end(site: LinkSite, browser: Browser) -> None:
    page = await site.ticket()
    shown = await browser.open(page, **{"Accept-Language": "es-CL"})
    assert '<html lang="es">' in shown.text
    assert "Vincula tu cuenta de Close" in text_of(shown)
    english = await browser.open(f"{page}?lang=en", **{"Accept-Language": "es-CL"})
    assert "Link your Close account" in text_of(english)
    spanish = await browser.open(f"{page}?lang=es")
    assert f'action="{page}?lang=es"' in spanish.text
    done = await browser.send(f"{page}?lang=es", site.token(BEN))
    assert "Tu asistente ahora trabaja en Close como Ben Abel ." in text_of(done)


async def test_nothing_of_a_ticket_or_credential_is_logged(
    site: LinkSite, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "taskhand")
    page, token = await site.ticket(), site.token("user_cat")
    await browser.open(page)
    await browser.send(page, token)
    assert "the credential of user_cat was given on the page of ben@example.com for north" in caplog.text
    assert token not in caplog.text
    assert page.rpartition("/")[2] not in caplog.text
    assert isinstance(browser.shown, httpx2.Response)
