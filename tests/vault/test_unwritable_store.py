"""Renewals while the store of the links cannot be written, and after it can be written again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from fixed_clock import FixedClock
from taskhand.domain.errors import OperatorError
from taskhand.vault.link import Link, OwnCredential
from taskhand.vault.links import Links
from vault.vaults import link_of, links_at, rows

Token = Callable[..., Awaitable[str]]


@pytest.fixture
async def links(path: Path, clock: FixedClock) -> AsyncIterator[Links]:
    """The links of a server; ana has linked, and her token ends in half an hour."""
    links = links_at(path, clock=clock)
    await links.save(link_of("ana"))
    yield links
    await links.aclose()


@pytest.fixture
def token(clock: FixedClock) -> Token:
    """The token of ana's next call at a server, of a CRM that gives out a numbered one at each renewal."""
    renewals: list[str] = []

    async def renew(link: Link) -> OwnCredential:
        renewals.append(link.credential.refresh_token or "")
        return OwnCredential(f"access-{len(renewals)}", f"refresh-{len(renewals)}", clock() + timedelta(hours=1))

    async def find(links: Links, rejected: Link | None = None) -> str:
        link = await links.fresh("ana", "north", renew, rejected=rejected)
        assert link is not None
        return link.credential.access_token

    return find


def stop(path: Path, kind: str) -> None:
    """Refuse every INSERT or UPDATE of a link."""
    with rows(path) as other:
        other.execute(f"CREATE TRIGGER full BEFORE {kind} ON link BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")


def resume(path: Path) -> None:
    with rows(path) as other:
        other.execute("DROP TRIGGER full")


async def test_a_token_that_is_good_is_used_while_no_renewal_can_be_claimed(
    links: Links, token: Token, path: Path, clock: FixedClock
) -> None:
    stop(path, "UPDATE")
    clock.move(minutes=26)
    assert await token(links) == "access-of-ana"
    clock.move(minutes=5)
    with pytest.raises(OperatorError, match="the disk is full"):
        await token(links)
    resume(path)
    assert await token(links) == "access-1"


async def test_a_renewal_that_was_saved_later_leaves_the_next_ones_to_any_process(
    links: Links, token: Token, path: Path, clock: FixedClock
) -> None:
    stop(path, "INSERT")
    clock.move(minutes=26)
    assert await token(links) == "access-1"
    resume(path)
    assert await token(links) == "access-1"
    clock.move(minutes=60)
    assert await token(links) == "access-2"
    other_process = links_at(path, clock=clock)
    assert await token(other_process, rejected=await links.find("ana", "north")) == "access-3"
    await other_process.aclose()
