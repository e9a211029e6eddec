"""The pool of connections: a credential that the CRM rejects is renewed for all who use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from fixed_clock import NOW
from taskhand.domain.errors import OperatorError, UpstreamError
from taskhand.domain.own_credential import OwnCredential, OwnToken
from taskhand.vault.credential_link import Link, LinkedMember
from taskhand.vault.links_of_persons import Links
from taskhand.vault.personal_connections import ConnectionPool
from vault.vaults import link_of, links_at


class RecordingCrm:
    """A CRM that gives out `next-1`, `next-2` and so on; `events` has what it was asked for and what was opened."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def renew(self, _: Link) -> OwnCredential:
        self.events.append("renew")
        return OwnCredential(f"next-{self.events.count('renew')}")

    @asynccontextmanager
    async def open_with(self, link: Link, token: OwnToken) -> AsyncIterator[OwnToken]:
        self.events.append(f"open with {link.credential.access_token}")
        await anyio.lowlevel.checkpoint()
        yield token
        self.events.append("close")

    def notice(self, link: Link) -> None:
        self.events.append(f"notice {link.credential.access_token}")


@pytest.fixture
def crm() -> RecordingCrm:
    return RecordingCrm()


@pytest.fixture
async def links(path: Path) -> AsyncIterator[Links]:
    links = links_at(path)
    await links.save(link_of("ana"))
    yield links
    await links.aclose()


@pytest.fixture
async def pool(links: Links, crm: RecordingCrm) -> AsyncIterator[ConnectionPool[OwnToken]]:
    pool = ConnectionPool(links, "north", crm.open_with, renew=crm.renew, notice=crm.notice)
    yield pool
    await pool.aclose()


OPENED = ["notice access-of-ana", "open with access-of-ana"]


async def test_a_rejected_credential_is_renewed_once_and_noticed_before_requests_carry_it(
    pool: ConnectionPool[OwnToken], crm: RecordingCrm
) -> None:
    async with pool.lease(["ana"]) as opened:
        assert opened is not None
        token = opened.value
        for _ in range(2):  # two requests were sent with the credential at opening
            assert await token.reject(None, again=False) is None
        assert token.renewed == OwnCredential("next-1", "refresh-of-ana", None, link_of("ana").credential.scopes)
        error = await token.reject(token.renewed, again=True)
        assert isinstance(error, UpstreamError)
        assert error.retryable
        assert await token.reject(token.renewed, again=False) is None
    async with pool.lease(["ana"]) as same:
        assert same is opened
    assert crm.events == [*OPENED, "renew", "notice next-1", "renew", "notice next-2", "notice next-2"]


LINKED_AGAIN: dict[str, dict[str, Any]] = {
    "later": {"linked_at": NOW + timedelta(minutes=1)},
    "as another member": {"member": LinkedMember("18", "Ben")},
    "by a key": {"kind": "key"},
}


@pytest.mark.parametrize("how", [*LINKED_AGAIN])
async def test_a_connection_whose_person_links_again_during_a_call_closes_after_it(
    pool: ConnectionPool[OwnToken], links: Links, crm: RecordingCrm, how: str
) -> None:
    async with pool.lease(["ana"]) as opened:
        assert opened is not None
        await links.save(replace(link_of("ana"), credential=OwnCredential("newer"), **LINKED_AGAIN[how]))
        error = await opened.value.reject(None, again=False)
        assert isinstance(error, OperatorError)
        assert (error.code, error.retryable) == ("link_required", True)
        assert opened.value.renewed is None
        assert crm.events == OPENED
    assert crm.events == [*OPENED, "close"]
    async with pool.lease(["ana"]):
        assert crm.events[3:] == ["notice newer", "open with newer"]


async def test_a_rejection_of_an_earlier_credential_leaves_the_newer_connection_in_the_pool(
    pool: ConnectionPool[OwnToken], links: Links, crm: RecordingCrm
) -> None:
    async with pool.lease(["ana"]) as earlier:
        assert earlier is not None
        await links.save(replace(link_of("ana"), linked_at=NOW + timedelta(minutes=1)))
        async with pool.lease(["ana"]) as newer:
            assert newer is not earlier
        assert isinstance(await earlier.value.reject(None, again=False), OperatorError)
    async with pool.lease(["ana"]) as same:
        assert same is newer
    assert crm.events.count("close") == 1


async def test_the_connection_that_was_not_used_for_the_longest_time_is_closed_for_a_new_one(
    links: Links, crm: RecordingCrm
) -> None:
    for person in ("ben", "cat"):
        await links.save(link_of(person))
    pool = ConnectionPool(links, "north", crm.open_with, most=2)
    for person in ("ana", "ben", "ana", "cat", "ana"):
        async with pool.lease([person]):
            pass
    assert crm.events == [*(f"open with access-of-{one}" for one in ("ana", "ben", "cat")), "close"]
    async with pool.lease(["ben"]), pool.lease(["cat"]), pool.lease(["ana"]):
        assert crm.events.count("close") == 3, "a connection that is in use stays open"
    async with pool.lease(["ana"]) as held:
        for person in ("ben", "cat"):
            async with pool.lease([person]):
                pass
        async with pool.lease(["ana"]) as same:
            assert same is held
    await pool.aclose()


async def test_a_link_that_another_person_has_made_under_the_same_address_does_not_count(
    pool: ConnectionPool[OwnToken], links: Links
) -> None:
    ana = ["https://login.x.test#1", "ana@x.test"]
    await links.save(link_of("ana@x.test"))
    assert [await pool.is_linked(names) for names in (ana, ana[1:])] == [False, True]
    async with pool.lease(ana) as opened:
        assert opened is None
    await links.save(link_of("ana@x.test", kind="operator"))
    assert await pool.is_linked(ana)


async def test_calls_at_the_same_time_share_one_connection(pool: ConnectionPool[OwnToken], crm: RecordingCrm) -> None:
    async def call() -> None:
        async with pool.lease(["ana"]):
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(call)
    await pool.aclose()
    assert (crm.events.count(OPENED[1]), crm.events.count("close")) == (1, 1)


async def test_the_end_of_the_pool_closes_a_connection_in_use_once(
    pool: ConnectionPool[OwnToken], crm: RecordingCrm
) -> None:
    async with pool.lease(["ana"]):
        await pool.aclose()
        assert crm.events == [*OPENED, "close"]
    assert crm.events == [*OPENED, "close"]
