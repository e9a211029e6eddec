"""The poller is killed and started again while others change tasks: the feed has each change once, in order."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import anyio
import pytest
from anyio.lowlevel import checkpoint

from backends.events.random_changes import change_one, check_replay
from backends.events.sources import SOURCES, ObservedAccount, SourceCase
from journals import numbered
from server.surface import BACKENDS
from taskhand.backends.local.people_and_statuses import sequential_id
from taskhand.backends.local.sqlite import open_file_store
from taskhand.domain.event_source import Look
from taskhand.events.event_store import EventQuery, FeedName, KeptEvent
from taskhand.events.sqlite import SqliteEventStore
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.service.app_context import AppContext, CallTime
from taskhand.service.events.feed_poll import feed_of, look
from taskhand.service.events.poll_schedule import FeedPoller
from taskhand.service.lazy import Lazy

_BUSY: Final = 14
_QUIET: Final = 8
"""Pauses in which others change tasks, and after these."""


@pytest.fixture(params=[source for source in SOURCES if source.name in BACKENDS], ids=lambda source: source.name)
async def account(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObservedAccount[Any]]:
    source: SourceCase = request.param
    async with source.open(tmp_path, None) as account:
        yield account


class MortalStore(SqliteEventStore):
    """A store whose process may be killed just before a look is kept, or just after it."""

    chance: Random
    life: anyio.CancelScope

    async def save_look(
        self,
        feed: FeedName,
        version: int,
        look: Look,
        at: datetime,
        hints: Mapping[str, datetime] | None = None,
    ) -> tuple[KeptEvent, ...] | None:
        await self._may_die()
        kept = await super().save_look(feed, version, look, at, hints)
        await self._may_die()
        return kept

    async def _may_die(self) -> None:
        if self.chance.random() < 0.15:
            self.life.cancel()
            await checkpoint()


@dataclass
class Days:
    """Time that passes while the poller waits; meanwhile others work, until they have nothing to do any more."""

    account: ObservedAccount[Any]
    chance: Random
    alive: list[str]
    number: int = 0

    @property
    def are_over(self) -> bool:
        return self.number >= _BUSY + _QUIET

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.account.move(seconds)
        for _ in range(self.chance.randrange(3) if self.number < _BUSY else 0):
            await change_one(self.account, self.alive, self.chance, self.number)
            self.account.move(self.chance.choice((0.004, 1, 3)))
        self.number += 1
        await checkpoint()


class Process:
    """A process with the files in a folder, which polls while others work."""

    def __init__(self, account: ObservedAccount[Any], days: Days, folder: Path) -> None:
        self.life = anyio.CancelScope()
        self._days = days
        self.store = MortalStore(folder / "events.sqlite")
        self.store.chance, self.store.life = days.chance, self.life
        backend = open_file_store(
            folder / "unused.sqlite", clock=account.now, new_id=sequential_id, user="Elena", timezone=None
        )
        backend.event_source = account.source
        journal = SqliteJournal(AccountOwner(folder / "journal.sqlite", "crm"), clock=account.now, new_id=numbered)
        self.app = AppContext(
            backend,
            Lazy(lambda: journal),
            account.now,
            call_time=CallTime(sleep=self._sleep),
            open_events=lambda: self.store,
        )

    async def poll(self) -> bool:
        """Poll until the days are over; False where it was killed before."""
        with self.life:
            self.app.feed_demand.subscribe(self.app)
            await FeedPoller(self.app).run()
        return not self.life.cancelled_caught

    async def close(self) -> None:
        """Close the files."""
        await self.store.aclose()
        await self.app.aclose()

    async def _sleep(self, seconds: float) -> None:
        await self._days.sleep(seconds)
        if self._days.are_over:
            self.app.feed_demand.end()


@asynccontextmanager
async def start(account: ObservedAccount[Any], days: Days, folder: Path) -> AsyncIterator[Process]:
    """A process."""
    process = Process(account, days, folder)
    try:
        yield process
    finally:
        await process.close()


async def test_each_change_is_kept_once_and_in_order_however_often_the_poller_is_killed(
    account: ObservedAccount[Any], tmp_path: Path
) -> None:
    chance = Random(7)  # noqa: S311  not for secrets
    days = Days(account, chance, [await account.other_user.create(f"Task {number}") for number in range(4)])
    account.move(400)
    async with start(account, days, tmp_path) as first:
        first.store.chance = Random(7)  # noqa: S311  it lives
        await look(first.app)
        feed, before = await feed_of(first.app), await account.real()
    kills, is_over = 0, False
    while not is_over:
        async with start(account, days, tmp_path) as process:
            is_over = await process.poll()
            kills += not is_over
            kept = await process.store.list_events(feed, EventQuery(1_000))
    assert kills >= 2
    assert len(kept) >= 8
    await check_replay(account, before, [one.event for one in kept])
