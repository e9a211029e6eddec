"""Links, tickets and errands as values: their validity, their authenticated fields, and reprs without secrets."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from fixed_clock import NOW
from taskhand.domain.errors import OperatorError
from taskhand.domain.own_credential import OAuthClient, OwnCredential
from taskhand.domain.principal import Person
from taskhand.vault.credential_link import Link, LinkedMember, ListedLink
from taskhand.vault.oauth_grant import renew_link, revoke_link
from taskhand.vault.ticket import Errand, Ticket

SECOND = timedelta(seconds=1)
LINK = Link("ana", "north", "oauth", OwnCredential("access", "refresh", NOW), NOW)
TICKET = Ticket("t-1", Person("ana", "ana@x.test"), "north", NOW, NOW + timedelta(minutes=10))


def test_a_credential_counts_as_expired_while_a_request_may_be_on_its_way() -> None:
    assert [LINK.is_good(NOW - seconds * SECOND) for seconds in (10.1, 10, 0)] == [True, False, False]
    assert replace(LINK, credential=OwnCredential("key")).is_good(NOW + timedelta(days=9_999))
    assert "access" not in repr(LINK)
    assert "refresh" not in repr(LINK).replace("refresh_token", "")


def test_a_member_is_shown_by_name_and_id_as_far_as_they_are_known() -> None:
    members = (LinkedMember("7", "Ana"), LinkedMember("7"), LinkedMember(None, "Ana"), LinkedMember())
    assert [one.shown_name for one in members] == ["Ana (7)", "7", "Ana", None]


def test_a_listed_link_is_of_the_person_whom_its_id_or_its_address_names() -> None:
    listed = ListedLink("ana@x.test", "north", "key", "linked", LinkedMember(), None, None, None, frozenset())
    assert listed.owner == Person("ana@x.test", "ana@x.test")
    assert replace(listed, person="https://x.test#1", email="eva@x.test").owner == Person(
        "https://x.test#1", "eva@x.test"
    )
    assert replace(listed, person="ci").owner == Person("ci")


def test_a_page_can_be_used_once_in_time_and_by_the_browser_that_began() -> None:
    assert [TICKET.is_open(TICKET.expires_at - seconds * SECOND) for seconds in (1, 0, -1)] == [True, False, False]
    assert not replace(TICKET, used_at=NOW).is_open(NOW)
    begun = replace(TICKET, browser="b-1")
    assert [begun.may_go_on("b-1"), begun.may_go_on("b-2"), TICKET.may_go_on("b-2")] == [True, False, True]


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "t-2"},
        {"person": Person("ben", "ana@x.test")},
        {"person": Person("ana", "ben@x.test")},
        {"connection": "south"},
        {"expires_at": NOW},
        {"browser": "b-1"},
        {"proved_at": NOW},
    ],
)
def test_the_fields_of_a_ticket_that_restrict_its_use_are_authenticated(changed: dict[str, Any]) -> None:
    assert replace(TICKET, **changed).bound != TICKET.bound
    assert replace(TICKET, tries=3, refusal="denied", used_at=NOW, linked_at=NOW).bound == TICKET.bound


def test_an_errand_is_decoded_as_it_was_encoded_and_its_repr_shows_no_secret() -> None:
    errand = Errand("consent", "ticket-text", "verifier-text", "nonce-text", "es")
    assert Errand.of_bytes(errand.to_bytes()) == errand
    assert not any(secret in repr(errand) for secret in ("ticket-text", "verifier-text", "nonce-text"))


class App:
    """An app at the CRM, which revokes what it gave out or does not."""

    def __init__(self, *, confirms: bool = True) -> None:
        self._confirms = confirms
        self.asked: list[OwnCredential] = []

    async def renew(self, credential: OwnCredential) -> OwnCredential:
        self.asked.append(credential)
        return OwnCredential("next")

    async def revoke(self, credential: OwnCredential) -> bool:
        self.asked.append(credential)
        return self._confirms


def opening(app: App | None) -> Callable[[], AbstractAsyncContextManager[OAuthClient | None]]:
    """Opens the client of this app."""

    @asynccontextmanager
    async def open_client() -> AsyncIterator[OAuthClient | None]:
        yield cast("OAuthClient | None", app)

    return open_client


@asynccontextmanager
async def failing() -> AsyncIterator[OAuthClient | None]:
    raise OperatorError("There is half an app.")
    yield None


async def test_a_credential_from_the_crm_is_renewed_and_revoked_through_the_app() -> None:
    app = App()
    assert await renew_link(LINK, opening(app)) == OwnCredential("next")
    assert await revoke_link(LINK, opening(app))
    assert app.asked == [LINK.credential, LINK.credential]
    assert not await revoke_link(LINK, opening(App(confirms=False)))


async def test_a_key_that_was_pasted_is_not_revoked_and_without_an_app_nothing_is() -> None:
    app = App()
    for kind in ("key", "operator"):
        assert not await revoke_link(replace(LINK, kind=kind), opening(app))
    assert app.asked == []
    assert not await revoke_link(LINK, opening(None))
    assert not await revoke_link(LINK, failing)
    with pytest.raises(OperatorError, match="there is no OAuth app"):
        await renew_link(LINK, opening(None))
