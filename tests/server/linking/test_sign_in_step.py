"""A person of a token signs in at the issuer first: only then the page goes on, and in that browser alone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from backends.sandboxed_app import TRUST
from issuers import Issuer, issuing
from server.linking.link_site import BEN, CAT, Browser, LinkSite, open_link_site, text_of
from taskhand.domain.principal import Person
from taskhand.http.issuer_documents import JsonDocuments
from taskhand.tokens.issuer_keys import IssuerKeys
from taskhand.tokens.sign_in import SignIn
from taskhand.tokens.token_check import TokenCheck
from taskhand.tokens.token_claims import TokenRules

EMAIL = "ben@example.com"


@dataclass
class SignInPages:
    """The pages of a server whose callers sign in at an issuer."""

    site: LinkSite
    issuer: Issuer
    browser: Browser

    @property
    def ben(self) -> Person:
        """A person of a token, with the e-mail address that it names."""
        return Person(f"{self.issuer.url}#ben", EMAIL)

    async def begin(self, connection: str = "north", browser: Browser | None = None) -> tuple[str, str]:
        """A page, and where its first button leads."""
        browser = browser or self.browser
        page = await self.site.ticket(self.ben, connection)
        assert "Sign in" in text_of(await browser.open(page))
        await browser.send(page)
        return page, browser.goes_to

    async def sign_in(self, address: str, subject: str = "ben", **claims: Any) -> str:
        """Sign in at the issuer's page; where it sends the browser back to."""
        self.issuer.person = {"sub": subject} | claims
        async with httpx2.AsyncClient(verify=TRUST) as http:
            return str((await http.get(address)).headers["location"])


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[SignInPages]:
    with issuing() as issuer:
        documents = JsonDocuments(setting="TASKHAND_SIGN_IN_SECRET")
        keys = IssuerKeys(issuer.url, documents.get)
        sign_in = SignIn(keys, ("page", "a/secret"), documents.post_code, TokenCheck([keys], TokenRules()))
        async with open_link_site(tmp_path, "oauth", sign_in=sign_in) as site:
            yield SignInPages(site, issuer, await site.browser())
        await documents.aclose()


@pytest.mark.parametrize("connection", ["north", "chat"])
async def test_a_signed_in_person_can_link_a_credential_in_the_same_browser_only(
    pages: SignInPages, connection: str
) -> None:
    page, issuer = await pages.begin(connection)
    assert issuer.startswith(f"{pages.issuer.url}/authorize?")
    skipped = await pages.browser.send(page, pages.site.token(BEN), step="paste")
    assert skipped.status_code == 403  # the page that leads to the issuer has no form
    shown = await pages.browser.open(await pages.sign_in(issuer))
    assert (shown.status_code, "API key" in text_of(shown)) == (200, True)
    assert (await (await pages.site.browser()).open(page)).status_code == 403
    secret = pages.site.vambe.key if connection == "chat" else pages.site.token(BEN)
    assert "is linked" in text_of(await pages.browser.send(page, secret))
    [kept] = await pages.site.links.list()
    assert (kept.person, kept.email, kept.connection) == (pages.ben.id, EMAIL, connection)


async def test_a_sign_in_as_another_person_is_refused(pages: SignInPages) -> None:
    page, issuer = await pages.begin()
    refused = await pages.browser.open(await pages.sign_in(issuer, "cat"))
    assert (refused.status_code, "signed in as another person" in text_of(refused)) == (403, True)
    assert "Sign in" in text_of(await pages.browser.open(page))


async def test_an_unproven_sign_in_does_not_continue(pages: SignInPages) -> None:
    for changed in ({"iss": "https://evil.example"}, {"code": ""}, {"error": "access_denied"}):
        _, issuer = await pages.begin(browser=pages.browser)
        address, _, query = (await pages.sign_in(issuer)).partition("?")
        answer = {name: one[0] for name, one in parse_qs(query).items()} | changed
        refused = await pages.browser.open(f"{address}?{urlencode(answer)}")
        assert (refused.status_code, "You have not signed in" in text_of(refused)) == (403, True)


async def test_the_answers_of_the_issuer_and_of_the_crm_do_not_stand_for_each_other(pages: SignInPages) -> None:
    _, issuer = await pages.begin()
    back = urlsplit(await pages.sign_in(issuer))
    lost = await pages.browser.open(f"/link/callback?{back.query}")
    assert (lost.status_code, "for another page" in text_of(lost)) == (403, True)
    again = await pages.browser.open(f"/link/signed-in?{back.query}")
    assert again.status_code == 403


async def test_a_signed_in_person_is_refused_the_credential_of_another(pages: SignInPages) -> None:
    page, issuer = await pages.begin()
    await pages.browser.open(await pages.sign_in(issuer))
    refused = await pages.browser.send(page, pages.site.token(CAT))
    assert (refused.status_code, "another person's account" in text_of(refused)) == (403, True)
    assert await pages.site.linked() == {}


async def test_a_person_invited_by_id_is_matched_by_the_e_mail_of_the_sign_in(pages: SignInPages) -> None:
    page = await pages.site.ticket(Person(pages.ben.id))
    await pages.browser.open(page)
    await pages.browser.send(page)
    back = await pages.sign_in(pages.browser.goes_to, email=EMAIL.upper(), email_verified=True)
    await pages.browser.open(back)
    refused = await pages.browser.send(page, pages.site.token(CAT))
    assert (refused.status_code, "another person's account" in text_of(refused)) == (403, True)
    await pages.browser.open(page)
    assert "is linked" in text_of(await pages.browser.send(page, pages.site.token(BEN)))
    [kept] = await pages.site.links.list()
    assert (kept.person, kept.email, kept.member.id) == (pages.ben.id, EMAIL, BEN)


async def test_an_unreachable_issuer_is_reported_and_the_sign_in_can_be_repeated(pages: SignInPages) -> None:
    page, issuer = await pages.begin()
    back = await pages.sign_in(issuer)
    pages.issuer.down = True
    answered = await pages.browser.open(back)
    assert (answered.status_code, "does not work at the moment" in text_of(answered)) == (503, True)
    pages.issuer.down = False
    await pages.browser.open(page)
    await pages.browser.send(page)
    assert "API key" in text_of(await pages.browser.open(await pages.sign_in(pages.browser.goes_to)))
