"""Renewals while the store of the links cannot be written or the CRM is down, and afterwards."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from fixed_clock import FixedClock
from taskhand.domain.errors import OperatorError, UpstreamError
from taskhand.vault.credential_link import Link, OwnCredential
from taskhand.vault.links_of_persons import Links
from vault.vaults import link_of, links_at, rows


class TokenEndpoint:
    """A CRM that gives out a numbered token at each renewal, unless it `is_down`."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.renewals = 0
        self.is_down = False

    async def renew(self, _: Link) -> OwnCredential:
        self.renewals += 1
        if self.is_down:
            raise UpstreamError("The CRM is down.", retryable=True)
        name = f"-{self.renewals}"
        return OwnCredential(f"access{name}", f"refresh{name}", self.clock() + timedelta(hours=1))

    async def token(self, links: Links, rejected: Link | None = None) -> str:
        """The token of ana's next call at a server."""
        link = await links.fresh("ana", "north", self.renew, rejected=rejected)
        assert link is not None
        return link.credential.access_token


@pytest.fixture
def endpoint(clock: FixedClock) -> TokenEndpoint:
    return TokenEndpoint(clock)


@pytest.fixture
async def links(path: Path, clock: FixedClock) -> AsyncIterator[Links]:
    """The links of a server; ana has linked, and her token ends in half an hour."""
    links = links_at(path, clock=clock)
    await links.save(link_of("ana"))
    yield links
    await links.aclose()


def stop(path: Path, kind: str) -> None:
    """Refuse every INSERT or UPDATE of a link."""
    with rows(path) as other:
        other.execute(f"CREATE TRIGGER full BEFORE {kind} ON link BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")


def resume(path: Path) -> None:
    with rows(path) as other:
        other.execute("DROP TRIGGER full")


async def test_a_token_that_is_good_is_used_while_no_renewal_can_be_claimed(
    links: Links, endpoint: TokenEndpoint, path: Path, clock: FixedClock
) -> None:
    stop(path, "UPDATE")
    clock.move(minutes=26)
    assert await endpoint.token(links) == "access-of-ana"
    clock.move(minutes=5)
    with pytest.raises(OperatorError, match="the disk is full"):
        await endpoint.token(links)
    resume(path)
    assert await endpoint.token(links) == "access-1"


async def test_a_renewal_that_was_saved_later_leaves_the_next_ones_to_any_process(
    links: Links, endpoint: TokenEndpoint, path: Path, clock: FixedClock
) -> None:
    stop(path, "INSERT")
    clock.move(minutes=26)
    assert await endpoint.token(links) == "access-1"
    resume(path)
    assert await endpoint.token(links) == "access-1"
    clock.move(minutes=60)
    endpoint.is_down = True
    with pytest.raises(UpstreamError):
        await endpoint.token(links)
    endpoint.is_down = False
    other_process = links_at(path, clock=clock)
    assert await endpoint.token(other_process) == "access-3"
    await other_process.aclose()


async def test_a_failed_renewal_is_repeated_at_once_after_the_person_has_linked_again(
    links: Links, endpoint: TokenEndpoint, clock: FixedClock
) -> None:
    clock.move(minutes=31)
    endpoint.is_down = True
    for _ in range(2):
        with pytest.raises(UpstreamError):
            await endpoint.token(links)
    assert endpoint.renewals == 1
    endpoint.is_down = False
    await links.save(replace(link_of("ana"), linked_at=clock()))
    assert await endpoint.token(links) == "access-2"
