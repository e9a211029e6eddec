"""A key of one's own, pasted on the page: it is tried, and kept only where it is the person's."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sandbox.close.served_sandbox import SEED, user
from server.linking.link_site import BEN, CAT, LinkSite, open_link_site, text_of
from taskhand.domain.principal import Person
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.vault.credential_link import Link, LinkedMember
from taskhand.wiring import open_as_person
from vault.vaults import link_of

PERSON = "ben@example.com"


async def test_a_person_pastes_the_own_key_and_is_linked_as_the_crm_says(site: LinkSite) -> None:
    page, browser = await site.ticket(), await site.browser()
    shown = await browser.open(page)
    assert shown.status_code == 200
    assert text_of(shown) == (
        "Link your Close account For ben@example.com Connection north Your assistant will work in Close as you: with "
        "your permissions, and under your name. Taskhand keeps the credential encrypted and shows it to nobody. It "
        "can be removed at any time. Your own Close API key Copy it from your settings in Close . It is checked before "
        "it is stored. Check and link If you are not ben@example.com , or did not ask for this, close this page."
    )
    token = site.token(BEN)
    done = await browser.send(page, f" {token}\n")
    assert (done.status_code, [one.status_code for one in done.history]) == (200, [303])
    assert "Your assistant now works in Close as Ben Abel ." in text_of(done)
    assert token not in done.text
    link = await site.links.find(PERSON, "north")
    assert link is not None
    assert (link.kind, link.email, link.credential.access_token, link.member.id) == ("key", None, token, BEN)


async def test_a_member_whose_name_the_crm_does_not_tell_is_shown_by_the_id(site: LinkSite) -> None:
    page, browser = await site.ticket(), await site.browser()
    await browser.open(page)
    await browser.send(page, site.token(BEN))
    link = await site.links.find(PERSON, "north")
    assert link is not None
    await site.links.save(replace(link, member=LinkedMember(BEN)))
    assert f"works in Close as {BEN}" in text_of(await browser.open(page))


async def test_the_offer_is_taken_once_the_person_has_linked(site: LinkSite) -> None:
    offer = await site.linking.offer(Person.parse(PERSON), "north")
    assert offer is not None
    assert "/link/" not in repr(offer)
    browser = await site.browser()
    await browser.open(offer.url)
    assert not (await site.linking.find_state(offer.id, Person.parse(PERSON))).is_linked
    await browser.send(offer.url, site.token(BEN))
    assert (await site.linking.find_state(offer.id, Person.parse(PERSON))).is_linked
    assert not (await site.linking.find_state(offer.id, Person.parse("cat@example.com"))).is_linked


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "This is not a key."),
        ("  \n", "This is not a key."),
        ("${CLOSE_KEY}", "This is not a key."),
        ('"quoted-key-1234"', "This is not a key."),
        (f"thk_{'a1' * 5}_{'b2' * 32}", "This is not a key."),
        (f"thv_{'a1' * 32}", "This is not a key."),
        ("api_nobody.has-this-key-4711", "Close does not accept this key."),
        ("clave-con-ñ-4711", "This is not a key."),
        ("line\r\nX-Injected: 1", "This is not a key."),
    ],
)
async def test_an_invalid_or_rejected_key_is_explained_beside_the_field(site: LinkSite, secret: str, said: str) -> None:
    page, browser = await site.ticket(), await site.browser()
    await browser.open(page)
    answered = await browser.send(page, secret)
    assert answered.status_code == 422
    assert said in text_of(answered)
    assert secret.strip() not in answered.text or not secret.strip()
    assert 'aria-invalid="true"' in answered.text
    assert await site.linked() == {}
    assert (await browser.send(page, site.token(BEN))).status_code == 200  # the page is not used up
    assert await site.linked() == {(PERSON, "north"): BEN}


async def test_the_key_of_another_member_is_refused_and_nothing_is_kept(site: LinkSite) -> None:
    page, browser = await site.ticket(), await site.browser()
    await browser.open(page)
    refused = await browser.send(page, site.token(CAT))
    assert refused.status_code == 403
    assert "This page is for ben@example.com , but according to Close the account belongs to Cat Paz ." in text_of(
        refused
    )
    assert await site.linked() == {}
    await browser.open(page)
    await browser.send(page, site.token(BEN))
    assert await site.linked() == {(PERSON, "north"): BEN}


@pytest.mark.parametrize("person", [Person("bea"), Person("https://login.x.test#bea", "bea")])
async def test_a_credential_must_belong_to_the_member_that_people_toml_names(tmp_path: Path, person: Person) -> None:
    async with open_link_site(tmp_path, lines={"bea": {"north": "cat@example.com"}}) as site:
        page, browser = await site.ticket(person), await site.browser()
        await browser.open(page)
        assert (await browser.send(page, site.token(BEN))).status_code == 403
        await browser.open(page)
        assert (await browser.send(page, site.token(CAT))).status_code == 200
        assert await site.linked() == {(person.id, "north"): CAT}


@pytest.mark.parametrize(("person", "connection"), [(PERSON, "chat"), ("dan", "north")])
async def test_a_person_whom_the_crm_does_not_identify_proves_the_identity_with_a_taskhand_key(
    site: LinkSite, person: str, connection: str
) -> None:
    page, browser = await site.ticket(person, connection), await site.browser()
    first = await browser.open(page)
    assert "Your Taskhand key" in text_of(first)
    secret = site.vambe.key if connection == "chat" else site.token(CAT)
    skipped = await browser.send(page, secret, step="paste")
    assert (skipped.status_code, "Your Taskhand key" in text_of(skipped)) == (200, True)
    assert await site.linked() == {}
    wrong = await browser.send(page, await site.make_key("eve@example.com"))
    assert (wrong.status_code, f"This is not a key of {person} ," in text_of(wrong)) == (422, True)
    other = await site.browser()
    await other.open(page)
    second = await browser.send(page, f" {await site.make_key(person)}\n")
    assert "API key" in text_of(second)
    again = await browser.send(page, await site.make_key(person), step="prove")
    assert (again.status_code, "API key" in text_of(again)) == (200, True)  # it was not sent to the CRM
    assert (await other.open(page)).status_code == 403
    assert (await site.state(page)).is_over  # whoever asks again gets another page, and this one goes on
    done = await browser.send(page, secret)
    assert "is linked" in text_of(done)
    assert await site.linked() == {(person, connection): None if connection == "chat" else CAT}
    is_vambe = connection == "chat"
    assert ("under your name" in text_of(second), "does not report the owner of a key" in text_of(second)) == (
        not is_vambe,
        is_vambe,
    )
    assert ("Your own" in text_of(second), "credential for everybody" in text_of(done)) == (not is_vambe, is_vambe)


@pytest.mark.parametrize(
    ("person", "known", "other"),
    [
        ("dan@example.com", {}, "cat@example.com"),
        ("dan", {"bea": {"north": CAT}}, "bea"),
        ("dan", {"bea": {"north": BEN, "chat": "Cat"}}, None),
        ("dan", {"cat@example.com": {"chat": "Cat"}}, "cat@example.com"),
        ("dan", replace(link_of("bea"), member=LinkedMember(CAT)), "bea"),
        ("dan", replace(link_of("https://login.x.test#cat"), email="cat@example.com"), "cat@example.com"),
    ],
)
async def test_an_unlisted_person_is_refused_the_member_of_another_person(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    person: str,
    known: Link | dict[str, dict[str, str]],
    other: str | None,
) -> None:
    caplog.set_level("INFO", "taskhand")
    async with open_link_site(tmp_path, lines={} if isinstance(known, Link) else known) as site:
        if isinstance(known, Link):
            await site.links.save(known)
        page, browser = await site.ticket(person), await site.browser()
        await browser.open(page)
        await browser.send(page, await site.make_key(person))
        done = await browser.send(page, site.token(CAT))
        told = [one for one in caplog.messages if person in one]
        if other is None:
            assert (done.status_code, told) == (200, [f"{person} has linked north as Cat Paz ({CAT})"])
            return
        assert (done.status_code, "another person's account" in text_of(done)) == (403, True)
        assert "to people.toml" in text_of(done)
        assert [f"that member is {other}; nothing was kept" in one for one in told] == [True]
        assert (person, "north") not in await site.linked()


async def test_whom_people_toml_names_links_though_another_has_linked_as_that_member(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_link_site(tmp_path, lines={"bea": {"north": CAT}}) as site:
        await site.links.save(replace(link_of("dan"), member=LinkedMember(CAT)))
        page, browser = await site.ticket("bea"), await site.browser()
        await browser.open(page)
        assert (await browser.send(page, site.token(CAT))).status_code == 200
        assert f"bea and dan are one member of north (Cat Paz ({CAT}))" in caplog.text


async def test_a_person_with_proven_identity_is_refused_the_credential_of_another(tmp_path: Path) -> None:
    async with open_link_site(tmp_path) as site:
        page, browser = await site.ticket(), await site.browser()
        await browser.open(page)
        ticket = await site.linking.tickets.find(page.rpartition("/")[2])
        assert ticket is not None
        await browser.send(page, "x")
        found = await site.linking.tickets.find(page.rpartition("/")[2])
        assert found is not None
        assert found.browser
        await site.linking.tickets.prove(found, found.browser)
        await browser.open(page)
        assert (await browser.send(page, site.token(CAT))).status_code == 403
        assert await site.linked() == {}


FAR = {"users": [user("user_far", "Far")]}


@pytest.mark.parametrize(
    ("person", "member", "seed"),
    [
        (PERSON, BEN, SEED | {"organization": "orga_far"}),  # the person is a member of both
        ("dan", "user_far", FAR),  # the person has proved who they are, and is nobody whom the shared one sees
        ("dan", "user_far", FAR | {"organization": "orga_far"}),
    ],
)
async def test_a_key_for_another_account_of_the_crm_is_refused(
    site: LinkSite, person: str, member: str, seed: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = CloseSandbox(seed=seed)
    token = str(elsewhere.authorization.sign_in(member, elsewhere.now())["access_token"])
    refused = await paste_elsewhere(site, elsewhere, (person, "north"), token)
    assert refused.status_code == 403
    assert "This is another account of Close" in text_of(refused)
    assert "north uses another account. Use your own user of that account." in text_of(refused)
    assert f"the credential of {member} was given on the page of {person} for north (other_account)" in caplog.text
    assert await site.linked() == {}


@pytest.mark.parametrize("shares", [False, True])
async def test_a_key_for_another_team_is_refused_where_the_crm_tells_no_account(
    site: LinkSite, *, shares: bool
) -> None:
    """One member may be in both teams."""
    team = VambeSandbox(seed="empty").state()["members"]
    others = [one | {"id": f"{one['id'][:-4]}beef"} for one in team[1:]]
    elsewhere = VambeSandbox(seed={"members": others + team[:shares]})
    refused = await paste_elsewhere(site, elsewhere, (PERSON, "chat"), elsewhere.key)
    assert (refused.status_code, "another account of Vambe" in text_of(refused)) == (403, True)
    assert await site.linked() == {}


async def paste_elsewhere(
    site: LinkSite, crm: CloseSandbox | VambeSandbox, offered: tuple[str, str], key: str
) -> httpx2.Response:
    """Paste a key on the page of a person for a connection whose host answers with another account for that key."""
    page, browser = await site.ticket(*offered), await site.browser()
    if "Your Taskhand key" in text_of(await browser.open(page)):
        await browser.send(page, await site.make_key(offered[0]))
    async with serve_sandbox(crm) as url:
        [own] = [one for one in site.found.connections if one.name == offered[1]]
        by_backend, name = own.settings.by_backend, own.settings.backend
        base = {f"{name}_base_url": f"{url}/api/v1" if name == "close" else url}
        moved = {**by_backend, name: by_backend[name].model_copy(update=base)}
        far = replace(own, settings=own.settings.model_copy(update={"by_backend": moved}))
        method = replace(site.linking.methods[offered[1]], open_as=partial(open_as_person, far))
        site.linking.methods = {offered[1]: method}
        return await browser.send(page, key)


async def test_a_page_is_not_offered_if_its_user_could_not_be_identified(tmp_path: Path) -> None:
    async with open_link_site(tmp_path, "oauth") as site:
        token_person = Person("https://login.example.com#4711")
        assert await site.linking.offer(Person.parse(PERSON), "chat") is None
        assert await site.linking.offer(token_person, "north") is None
        assert await site.linking.offer(Person(token_person.id, PERSON), "north") is not None
        assert await site.linking.offer(Person.parse(PERSON), "nowhere") is None


async def test_an_error_of_the_crm_is_explained_and_the_page_works_afterwards(site: LinkSite) -> None:
    page, browser = await site.ticket(), await site.browser()
    await browser.open(page)
    token = site.token(BEN)
    for fault, status, said in (
        (Fault("status", "GET /api/v1/me", status=403), 403, "This account lacks permissions in Close"),
        (Fault("not_json", "GET /api/v1/me"), 502, "Close could not be reached"),
    ):
        site.close.faults = [fault]
        answered = await browser.send(page, token)
        assert (answered.status_code, said in text_of(answered)) == (status, True)
        await browser.open(page)
    assert await site.linked() == {}
    site.close.faults = []
    await browser.open(page)
    await browser.send(page, token)
    assert await site.linked() == {(PERSON, "north"): BEN}
