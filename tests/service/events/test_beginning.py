"""Nothing is lost around the beginning of a feed, however late the CRM shows it and whenever somebody asks."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from backends.events.sources import SOURCES, ObservedAccount, open_close, open_hubspot
from journals import numbered
from taskhand.backends.local.people_and_statuses import sequential_id
from taskhand.backends.local.sqlite import open_file_store
from taskhand.domain.event_source import EventSource, KnownTasks, Look
from taskhand.events.sqlite import SqliteEventStore
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.sandbox.close import SpecVariant
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.service.list_events import EventsRequest, list_events, save_position

_ROUNDS: Final = 3
_OPENERS: Final = {
    "local": SOURCES[0].open,
    "close": lambda *_: open_close(spec_variant=SpecVariant(event_lag=20)),
    "hubspot": lambda *_: open_hubspot(search_lag=20),
}


@pytest.fixture(params=_OPENERS)
async def account(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObservedAccount[Any]]:
    async with _OPENERS[request.param](tmp_path, None) as account:
        yield account


@dataclass
class BusyColleagues(EventSource):
    """Others who change tasks before, between and after the requests of a source."""

    account: ObservedAccount[Any]
    chance: Random
    made: list[tuple[str, str, datetime]] = field(default_factory=list)
    """The task, its title afterwards, and when that was."""
    works: bool = True

    async def begin(self, at: datetime) -> str:
        await self.work()
        position = await self.account.source.begin(at)
        await self.work()
        return position

    async def look(self, position: str, known: KnownTasks, hints: Collection[str] = ()) -> Look:
        await self.work()
        found = await self.account.source.look(position, known, hints)
        await self.work()
        return found

    async def work(self) -> None:
        """Change one or two tasks, or none."""
        for _ in range(self.chance.randrange(3) if self.works else 0):
            self.account.move(self.chance.choice((0.004, 0.3, 1)))
            title = f"T{len(self.made)}"
            if self.made and self.chance.random() < 0.5:
                task_id = self.chance.choice(self.made)[0]
                await self.account.other_user.rename(task_id, title)
            else:
                task_id = await self.account.other_user.create(title)
            self.made.append((task_id, title, self.account.now()))


class PollingProcess:
    """A process with files of its own, whose clock tells whole seconds, as a CRM does."""

    def __init__(self, folder: Path, busy: BusyColleagues) -> None:
        folder.mkdir()
        backend = open_file_store(
            folder / "unused.sqlite", clock=self._clock, new_id=sequential_id, user="Elena", timezone=None
        )
        backend.event_source = busy
        self._world = busy.account
        self._store = SqliteEventStore(folder / "events.sqlite")
        journal = SqliteJournal(AccountOwner(folder / "journal.sqlite", "crm"), clock=self._clock, new_id=numbered)
        self._app = AppContext(backend, Lazy(lambda: journal), self._clock, open_events=lambda: self._store)

    def _clock(self) -> datetime:
        return self._world.now().replace(microsecond=0)

    async def ask(self, caller: str, since: datetime | None = None) -> list[tuple[str, str]]:
        """The task and the title of each event that a caller is shown."""
        asked = EventsRequest(caller, 500, since=since)
        page = await list_events(self._app, asked)
        await save_position(self._app, asked, page, len(page.events))
        return [(one.event.task_id, one.event.title or "") for one in page.events]

    async def close(self) -> None:
        """Close the files."""
        await self._store.aclose()
        await self._app.aclose()


async def test_changes_around_the_first_look_are_reported_once(account: ObservedAccount[Any], tmp_path: Path) -> None:
    busy = BusyColleagues(account, Random(11))  # noqa: S311  not for secrets
    for number in range(_ROUNDS):
        desk = PollingProcess(tmp_path / str(number), busy)
        await busy.work()
        account.move(busy.chance.choice((0, 0.004, 0.5, 5)))
        since = account.now() - timedelta(seconds=busy.chance.choice((0, 0.2, 3, 70)))
        if number % 2:
            await desk.ask("past", since)
        began_at = account.now()
        told = await desk.ask("news")
        for pause in (0, 1, 30, 400):
            await desk.ask("past", since)
            told += await desk.ask("news")
            account.move(pause)
        busy.works = False
        told += await desk.ask("news")
        past = await desk.ask("past", since)
        busy.works = True
        await desk.close()
        happened = [(task_id, title) for task_id, title, at in busy.made if at >= since]
        assert past == happened
        assert len({*told}) == len(told)
        assert {(task_id, title) for task_id, title, at in busy.made if at > began_at} <= {*told}


async def test_past_events_have_the_values_of_their_time(tmp_path: Path) -> None:
    async with open_close(spec_variant=SpecVariant(completion_events="completed")) as account:
        other_user = account.other_user
        desk = PollingProcess(tmp_path / "desk", BusyColleagues(account, Random(0), works=False))  # noqa: S311  as above
        task_id = await other_user.create("Call")
        account.move(1800)
        since = account.now()
        await other_user.set_finished(task_id, finished=True)
        account.move(1800)
        await desk.ask("news")
        account.move(1)
        await other_user.rename(task_id, "Called")
        assert await desk.ask("news") == [(task_id, "Called")]
        assert await desk.ask("past", since) == [(task_id, title) for title in ("Call", "Called")]
        await desk.close()
