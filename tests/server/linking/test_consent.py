"""Consent at the CRM: the browser that was sent there comes back once, and what it brings is kept if it is theirs."""

import json
import logging
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.hubspot.served_sandbox import BEN as HUBSPOT_BEN
from server.linking.link_site import BASE, BEN, CAT, EVE, Browser, LinkSite, open_link_site, text_of
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.oauth.grants import Grant, Kind
from taskhand.vault.credential_link import Link, OwnCredential

PERSON = "ben@example.com"
SIGNS_IN = {"north": BEN, "hub": "12"}
"""As whom the person signs in."""
MEMBERS = {"north": BEN, "hub": HUBSPOT_BEN}
NOBODY_LINKED: dict[tuple[str, str], str | None] = {}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[LinkSite]:
    async with open_link_site(tmp_path, has_apps=True) as opened:
        yield opened


async def begin(site: LinkSite, browser: Browser, connection: str = "north") -> tuple[str, str]:
    """A page, and where its button leads."""
    page = await site.ticket(connection=connection)
    await browser.open(page)
    await browser.send(page)
    return page, browser.goes_to


@pytest.mark.parametrize("connection", list(MEMBERS))
async def test_a_person_consents_at_the_crm_and_is_linked(site: LinkSite, browser: Browser, connection: str) -> None:
    page = await site.ticket(connection=connection)
    shown = await browser.open(page)
    assert "Continue to" in text_of(shown)
    assert 'type="password"' not in shown.text
    await browser.send(page)
    asked = parse_qs(urlsplit(browser.goes_to).query)
    assert asked["redirect_uri"] == [f"{BASE}/link/callback"]
    assert (asked["code_challenge_method"], len(asked["code_challenge"][0])) == (["S256"], 43)
    back = await site.allow(browser.goes_to, SIGNS_IN[connection])
    site.hubspot.faults = [Fault("status", "POST /oauth/v3/token/introspect", "every", status=503)]
    done = await browser.open(back)
    assert [one.status_code for one in done.history] == [303]
    assert str(done.url) == f"{BASE}{page}"
    assert "Ben" in text_of(done)
    assert await site.linked() == {(PERSON, connection): MEMBERS[connection]}
    link = await site.links.find(PERSON, connection)
    assert link is not None
    assert link.kind == "oauth"
    assert link.credential.refresh_token
    again = await browser.open(back)
    assert (again.status_code, "for another page" in text_of(again)) == (403, True)


@pytest.mark.parametrize("user", [CAT, EVE])
async def test_the_consent_of_another_member_is_refused_and_revoked_at_the_crm(
    site: LinkSite, browser: Browser, user: str
) -> None:
    page, crm = await begin(site, browser)
    refused = await browser.open(await site.allow(crm, user))
    assert (refused.status_code, "another person's account" in text_of(refused)) == (403, True)
    assert "<script" not in refused.text
    assert (await site.state(page)).refusal == "other_member"
    assert await site.linked() == NOBODY_LINKED
    assert [one.is_ended for one in site.close.authorization.grants] == [True]
    await browser.open(page)
    await browser.send(page)
    await browser.open(await site.allow(browser.goes_to, BEN))
    assert await site.linked() == {(PERSON, "north"): BEN}


async def test_the_answer_is_for_the_browser_that_was_sent_alone(site: LinkSite, browser: Browser) -> None:
    page, crm = await begin(site, browser)
    back = await site.allow(crm, BEN)
    stranger, thief = await site.browser(), await site.browser()
    await thief.open(await site.ticket("cat@example.com"))  # it has a cookie of its own
    assert not (await site.state(page)).is_over
    for other in (stranger, thief):
        assert (await other.open(back)).status_code == 403
    assert (await site.state(page)).is_over  # whoever asks again gets another page
    assert (await browser.http.head(back)).status_code == 200
    assert await site.linked() == NOBODY_LINKED
    assert (await browser.open(back)).status_code == 200  # those have used nothing up


async def test_the_state_of_another_page_brings_its_own_ticket_and_no_other(site: LinkSite, browser: Browser) -> None:
    """The code of one page with the state of another: PKCE binds each code to its own."""
    _, first = await begin(site, browser)
    other = await site.browser()
    _, second = await begin(site, other)
    code = parse_qs(urlsplit(await site.allow(second, BEN)).query)["code"][0]
    state = parse_qs(urlsplit(first).query)["state"][0]
    injected = await browser.open(f"/link/callback?{urlencode({'code': code, 'state': state})}")
    assert (injected.status_code, "did not allow the app" in text_of(injected)) == (403, True)
    assert await site.linked() == NOBODY_LINKED


@pytest.mark.parametrize(
    "query",
    ["", "code=x", "state=", "state=x&code=y", "state=x&error=access_denied", "state=%00&code=%ff", "state=a&state=b"],
)
async def test_an_answer_without_a_good_state_does_nothing(site: LinkSite, browser: Browser, query: str) -> None:
    await begin(site, browser)
    answered = await browser.open(f"/link/callback?{query}")
    assert (answered.status_code, "for another page" in text_of(answered)) == (403, True)
    assert await site.linked() == NOBODY_LINKED


async def test_another_consent_takes_the_place_of_the_one_before_which_is_revoked(
    site: LinkSite, browser: Browser
) -> None:
    for _ in range(2):
        _, crm = await begin(site, browser)
        assert (await browser.open(await site.allow(crm, BEN))).status_code == 200
    assert [one.is_ended for one in site.close.authorization.grants] == [True, False]
    link = await site.links.find(PERSON, "north")
    assert link is not None
    assert link.generation == 2
    found = site.close.authorization.find_access(link.credential.access_token)
    assert found is not None
    assert not found.grant.is_ended


async def test_a_refresh_token_that_the_crm_gives_out_again_is_not_revoked(site: LinkSite, browser: Browser) -> None:
    grants = site.close.authorization.grants
    issue, given = grants.issue, list[str]()

    def issue_one_refresh_token(kind: Kind, grant: Grant, ends: datetime | None, size: int = 32) -> str:
        if kind != "refresh_token":
            return issue(kind, grant, ends, size)
        given.extend([] if given else [issue(kind, grant, ends, size)])
        return given[0]

    grants.issue = issue_one_refresh_token  # type: ignore[method-assign]
    for _ in range(2):
        _, crm = await begin(site, browser)
        assert (await browser.open(await site.allow(crm, BEN))).status_code == 200
    assert [one.is_ended for one in grants] == [False, False]


async def test_a_pasted_key_that_a_consent_replaces_is_not_revoked(site: LinkSite, browser: Browser) -> None:
    token = site.token(BEN)
    await site.links.save(Link(PERSON, "north", "key", OwnCredential(token), site.clock()))
    _, crm = await begin(site, browser)
    assert (await browser.open(await site.allow(crm, BEN))).status_code == 200
    link = await site.links.find(PERSON, "north")
    assert link is not None
    assert link.kind == "oauth"
    found = site.close.authorization.find_access(token)
    assert found is not None
    assert found.is_good(site.close.now())


async def test_a_person_who_declines_consent_can_begin_again_from_the_page(site: LinkSite, browser: Browser) -> None:
    page, crm = await begin(site, browser)
    declined = await browser.open(await site.allow(crm, BEN, "deny"))
    assert (declined.status_code, "Access was not allowed" in text_of(declined)) == (403, True)
    assert f'href="{page}"' in declined.text
    assert (await site.state(page)).refusal == "denied"
    await browser.open(page)
    await browser.send(page)
    assert (await site.state(page)).refusal is None
    await browser.open(await site.allow(browser.goes_to, BEN))
    assert await site.linked() == {(PERSON, "north"): BEN}


async def test_the_last_of_several_beginnings_counts(site: LinkSite, browser: Browser) -> None:
    page, first = await begin(site, browser)
    await browser.open(page)  # by the button that goes back
    await browser.send(page)
    assert (await browser.open(await site.allow(first, BEN))).status_code == 403
    await browser.open(page)
    await browser.send(page)
    assert (await browser.open(await site.allow(browser.goes_to, BEN))).status_code == 200


async def test_a_late_consent_is_not_kept(site: LinkSite, browser: Browser) -> None:
    _, crm = await begin(site, browser)
    back = await site.allow(crm, BEN)
    site.clock.move(minutes=10)
    late = await browser.open(back)
    assert (late.status_code, "expired" in text_of(late)) == (410, True)
    assert [one for one in site.close.requests if one.path == "/oauth2/token/"] == []
    assert await site.linked() == NOBODY_LINKED


@pytest.mark.parametrize(
    ("fault", "said", "is_ended"),
    [
        (Fault("status", "POST /oauth2/token", status=400), "Close did not allow the app", []),
        (Fault("status", "POST /oauth2/token", status=401), "does not work at the moment", []),
        (Fault("not_json", "GET /api/v1/me"), "Close could not be reached", [True]),
    ],
)
async def test_a_failed_token_exchange_is_explained_on_the_page_and_links_no_credential(
    site: LinkSite, fault: Fault, said: str, is_ended: list[bool], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "taskhand")
    browser = await site.browser()
    _, crm = await begin(site, browser)
    back = await site.allow(crm, BEN)
    site.close.faults = [fault]
    answered = await browser.open(back)
    assert (answered.status_code in {403, 502, 503}, said in text_of(answered)) == (True, True)
    assert await site.linked() == NOBODY_LINKED
    assert [one.is_ended for one in site.close.authorization.grants if is_ended] == is_ended
    for secret in parse_qs(urlsplit(back).query).values():
        assert secret[0] not in caplog.text
        assert secret[0] not in answered.text


async def test_an_error_that_a_crm_sends_instead_of_a_code_is_shown_and_logged(
    site: LinkSite, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    for error, status, said in (
        ("access_denied", 403, "Access was not allowed"),
        ("invalid_scope", 403, "Close did not allow the app"),
        ("unauthorized_client", 403, "Close did not allow the app"),
        ("temporarily_unavailable", 502, "Close could not be reached"),
        ("", 502, "Close could not be reached"),
    ):
        _, crm = await begin(site, browser)
        query = {"error": error, "state": parse_qs(urlsplit(crm).query)["state"][0]}
        answered = await browser.open(f"/link/callback?{urlencode(query)}")
        assert (answered.status_code, said in text_of(answered)) == (status, True)
        assert error == "access_denied" or repr(error) in caplog.messages[-1]


@pytest.mark.parametrize(
    ("address", "query", "said"),
    [
        ("/link/callback", "?state=x&code=y", "Esta respuesta es de otra página"),
        ("/link/unknown", "", "Este enlace no es válido"),
    ],
)
async def test_an_error_page_links_to_its_spanish_version(
    browser: Browser, address: str, query: str, said: str
) -> None:
    shown = await browser.open(address + query)
    [other] = re.findall(r'href="([^"]+)"', shown.text)
    assert other == f"{address}?lang=es"
    assert said in text_of(await browser.open(other))


async def test_the_answer_to_a_consent_is_in_the_language_of_the_page(site: LinkSite, browser: Browser) -> None:
    page = f"{await site.ticket()}?lang=es"
    for decision in ("deny", "allow"):
        await browser.open(page)
        await browser.send(page)
        answered = await browser.open(await site.allow(browser.goes_to, BEN, decision))
        assert ('<html lang="es">' in answered.text, page in answered.text + str(answered.url)) == (True, True)
    assert await site.linked() == {(PERSON, "north"): BEN}


async def test_secrets_of_the_browser_are_not_stored_in_the_file_of_links(
    site: LinkSite, browser: Browser, tmp_path: Path
) -> None:
    page, crm = await begin(site, browser)
    kept = b"".join(one.read_bytes() for one in tmp_path.glob("links.sqlite*"))  # noqa: ASYNC240  the test's own
    state = parse_qs(urlsplit(crm).query)["state"][0]
    for secret in (state, page.rpartition("/")[2], *browser.http.cookies.values()):
        assert secret.encode() not in kept
    assert json.dumps(PERSON).strip('"').encode() in kept
