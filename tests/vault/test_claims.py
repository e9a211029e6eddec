"""The claims of a renewal in the store: one process holds the claim of a link, for a limited time."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from fixed_clock import FixedClock
from taskhand.vault.sqlite import SqliteLinkStore
from vault.vaults import link_of, links_at

LIMIT_S = 30.0


class Claim(Protocol):
    """Claims a generation of ana's link for a process."""

    async def __call__(self, process: str, generation: int = 1) -> bool: ...


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteLinkStore]:
    """A store with the link of ana, in its first generation."""
    links = links_at(path)
    await links.save(link_of("ana"))
    await links.aclose()
    store = SqliteLinkStore(path)
    yield store
    await store.aclose()


@pytest.fixture
def claim(store: SqliteLinkStore, clock: FixedClock) -> Claim:
    async def claim(process: str, generation: int = 1) -> bool:
        return await store.claim("ana", "north", generation=generation, by=process, now=clock(), s=LIMIT_S)

    return claim


async def test_a_claim_is_released_by_its_holder_alone(store: SqliteLinkStore, claim: Claim) -> None:
    assert [await claim(process) for process in ("first", "second", "first")] == [True, False, True]
    await store.release("ana", "north", "second")
    assert not await claim("second")
    await store.release("ana", "north", "first")
    assert await claim("second")


async def test_a_claim_expires_and_one_of_a_clock_that_is_ahead_does_not_count(claim: Claim, clock: FixedClock) -> None:
    assert await claim("first")
    clock.move(seconds=LIMIT_S - 1)
    assert not await claim("second")
    clock.move(seconds=1)
    assert await claim("second")
    clock.move(seconds=-1)
    assert await claim("first")


async def test_a_link_that_has_ended_or_was_replaced_cannot_be_claimed(
    store: SqliteLinkStore, path: Path, claim: Claim, clock: FixedClock
) -> None:
    links = links_at(path)
    await links.save(link_of("ana"))
    assert [await claim("first", generation) for generation in (1, 2, 3)] == [False, True, False]
    assert await store.end("ana", "north", generation=2, at=clock())
    assert not await claim("first", 2)
    await links.aclose()
