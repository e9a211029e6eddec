"""The poller looks while somebody wants to know: often after activity, seldom in quiet, and never in the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint

from behaviour.world import NOW
from service.feed_app import FeedApp, open_feed
from taskhand.call.background_requests import is_idle
from taskhand.domain.errors import (
    CallerError,
    LinkBroken,
    LinkRequired,
    NotAllowed,
    RateLimited,
    TaskhandError,
    UpstreamFailed,
)
from taskhand.domain.event_source import Look
from taskhand.domain.principal import Person, Principal
from taskhand.events.event_store import EventQuery
from taskhand.service.app_context import AppContext, CallTime, ConnectionState, OwnCredentials
from taskhand.service.events.feed_demand import FeedDemand, poll_when_wanted
from taskhand.service.events.feed_poll import feed_of
from taskhand.service.events.poll_schedule import Pace

START = NOW.astimezone(UTC)
MIN_PAUSE_S, MAX_PAUSE_S, WANTED_FOR_S = 5.0, 120.0, 900.0


class Demand(FeedDemand):
    """Demand that knows whether its poller has nothing to do."""

    is_at_rest = False

    async def wait_for_change(self) -> None:
        self.is_at_rest = True
        try:
            await super().wait_for_change()
        finally:
            self.is_at_rest = False


@dataclass
class Clock:
    """Time that passes once no poller has anything to do."""

    now: float = 0.0
    sleepers: dict[object, tuple[float, anyio.Event]] = field(default_factory=dict)
    demands: list[Demand] = field(default_factory=list)

    def moment(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def seconds(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        token, woken = object(), anyio.Event()
        self.sleepers[token] = self.now + seconds, woken
        try:
            await woken.wait()
        finally:
            del self.sleepers[token]

    async def pass_until(self, end: float) -> None:
        await self.rest()
        while self.sleepers and (first := min(self.sleepers.values(), key=lambda one: one[0]))[0] <= end:
            self.now = first[0]
            first[1].set()
            await self.rest()
        self.now = end

    async def rest(self) -> None:
        """Let the pollers begin what they were woken for, and end it."""
        for _ in range(5):
            await checkpoint()
        while not all(one.is_at_rest or one.has_ended for one in self.demands):
            await checkpoint()


@dataclass
class PollingProcess:
    """A process that polls a feed; `looks` are when it has looked."""

    feed: FeedApp
    app: AppContext
    clock: Clock
    looks: list[float]

    async def kept(self) -> int:
        return len(await self.feed.store.list_events(await feed_of(self.app), EventQuery(500)))


@asynccontextmanager
async def polled(folder: Path, processes: int = 1) -> AsyncIterator[list[PollingProcess]]:
    """Processes that share one store and have one clock, each with a poller."""
    clock, found = Clock(), list[PollingProcess]()
    async with anyio.create_task_group() as tasks, open_feed(folder) as feed:
        for _ in range(processes):
            looks: list[float] = []
            clock.demands.append(demand := Demand())
            app = replace(feed.app, clock=clock.moment, call_time=CallTime(monotonic=clock.seconds, sleep=clock.sleep))
            app = replace(app, _state=ConnectionState(feed_demand=demand))
            found.append(PollingProcess(feed, app, clock, looks))
            tasks.start_soon(poll_when_wanted, app)
        feed.source.on_look = lambda: found[0].looks.append(clock.now)
        yield found
        tasks.cancel_scope.cancel()


def test_the_pause_grows_in_quiet_and_is_short_again_after_activity() -> None:
    pace, pauses = Pace(), list[float]()
    for _ in range(12):
        pauses.append(pace.pause_s)
        pace = pace.after(has_events=False)
    assert pauses[:4] == [5.0, 7.5, 11.25, 16.875]
    assert pauses[-1] == MAX_PAUSE_S
    assert pace.after(has_events=True) == Pace(MIN_PAUSE_S)


@pytest.mark.parametrize(
    ("looked", "hinted", "wait_s"),
    [(None, False, 0.0), (0, False, 20.0), (-15, False, 5.0), (0, True, 1.0)],
)
def test_the_next_look_counts_from_the_last_one_of_anybody(*, looked: int | None, hinted: bool, wait_s: float) -> None:
    at = None if looked is None else START + timedelta(seconds=looked)
    assert Pace(20.0).wait_s(at, START, hinted=hinted) == wait_s


async def test_a_poller_polls_only_while_its_feed_is_in_demand(tmp_path: Path) -> None:
    async with polled(tmp_path) as [one]:
        await one.clock.rest()
        assert one.looks == []
        one.app.feed_demand.use(one.app)
        await one.clock.pass_until(60)
        assert one.looks == [0.0, 5.0, 12.5, 23.75, 40.625]
        await one.feed.others.create("Nueva")
        await one.clock.pass_until(80)
        assert await one.kept() == 1
        assert one.looks[5:] == [65.9375, 70.9375, 78.4375]
        await one.clock.pass_until(3 * WANTED_FOR_S)
        assert WANTED_FOR_S - MAX_PAUSE_S < one.looks[-1] < WANTED_FOR_S


async def test_a_subscription_is_polled_for_until_it_ends(tmp_path: Path) -> None:
    async with polled(tmp_path) as [one]:
        end = one.app.feed_demand.subscribe(one.app)
        await one.clock.pass_until(2 * WANTED_FOR_S)
        assert one.looks[-1] - one.looks[-2] == MAX_PAUSE_S
        assert len(one.looks) < 25
        seen = len(one.looks)
        ends = [end, one.app.feed_demand.subscribe(one.app)]
        await one.clock.pass_until(2 * WANTED_FOR_S + 10)
        assert one.looks[seen:] == [2 * WANTED_FOR_S, 2 * WANTED_FOR_S + 7.5], (
            "no newcomer waits for the pause of before"
        )
        for end in ends:
            end()
        seen = len(one.looks)
        await one.clock.pass_until(3 * WANTED_FOR_S)
        assert len(one.looks) == seen


async def test_the_demand_for_a_feed_is_recorded_again_after_a_third_of_the_time_for_which_it_holds(
    tmp_path: Path,
) -> None:
    async with polled(tmp_path) as [one]:
        one.app.feed_demand.subscribe(one.app)
        told = []
        for end in (60, WANTED_FOR_S / 3 - MAX_PAUSE_S, WANTED_FOR_S / 3 + MAX_PAUSE_S):
            await one.clock.pass_until(end)
            state = await one.feed.store.find_feed(await feed_of(one.app))
            assert state is not None
            assert state.wanted_until is not None
            told.append((state.wanted_until - START).total_seconds() - WANTED_FOR_S)
        assert told[:2] == [0, 0]
        assert WANTED_FOR_S / 3 < told[2] == pytest.approx(one.looks[-1])


@pytest.mark.parametrize(
    "error",
    [
        LinkRequired.of_unlinked("default"),
        LinkBroken.at("default", "was altered"),
        NotAllowed.by("own_credential", "The shared credential is not for you."),
        CallerError("The account is not known."),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_caller_without_a_valid_credential_does_not_stop_polls_for_others(
    error: TaskhandError, tmp_path: Path
) -> None:
    async def is_own() -> bool:
        raise error.but()

    async with polled(tmp_path) as [one]:
        ben = replace(one.app, principal=Principal(Person.parse("ben")), own_credentials=OwnCredentials(is_used=is_own))
        one.app.feed_demand.subscribe(ben)
        await one.clock.pass_until(30)
        assert one.looks == []
        one.app.feed_demand.subscribe(one.app)
        await one.clock.pass_until(40)
        assert one.looks == [30.0, 35.0]


async def test_a_hint_is_followed_at_once_and_a_storm_of_them_once_a_second(tmp_path: Path) -> None:
    async with polled(tmp_path) as [one]:
        one.app.feed_demand.subscribe(one.app)
        await one.clock.pass_until(400)
        one.looks.clear()
        for _ in range(50):
            one.app.feed_demand.wake()
            await one.clock.pass_until(one.clock.now + 0.1)
        assert one.looks[0] == 400
        assert 5 <= (in_storm := len(one.looks)) <= 6
        await one.clock.pass_until(one.clock.now + 60)
        assert len(one.looks) <= in_storm + 1, "the hints were followed"


async def test_a_hint_within_a_second_of_a_poll_is_followed_though_somebody_else_wakes_the_poller(
    tmp_path: Path,
) -> None:
    async with polled(tmp_path) as [one]:
        one.app.feed_demand.subscribe(one.app)
        await one.clock.pass_until(400)
        one.looks.clear()
        for at in (400.0, 400.25):
            await one.clock.pass_until(at)
            one.app.feed_demand.wake()
        await one.clock.pass_until(400.5)
        one.app.feed_demand.use(one.app)
        await one.clock.pass_until(402)
        assert one.looks == [400.0, 401.0]


async def test_replicas_keep_one_pace_and_follow_a_hint_for_each_other(tmp_path: Path) -> None:
    async with polled(tmp_path, processes=2) as [one, other]:
        one.app.feed_demand.subscribe(one.app)
        other.app.feed_demand.subscribe(other.app)
        await one.clock.pass_until(600)
        assert len(one.looks) <= 13, "hardly more often than one alone"
    (tmp_path / "hinted").mkdir()
    async with polled(tmp_path / "hinted", processes=2) as [one, other]:
        one.app.feed_demand.subscribe(one.app)
        await one.clock.pass_until(400)
        one.looks.clear()
        other.app.feed_demand.wake()
        await one.clock.pass_until(401)
        assert one.looks == [400]
    (tmp_path / "quiet").mkdir()
    async with polled(tmp_path / "quiet") as [one]:
        one.app.feed_demand.wake()
        await one.clock.pass_until(600)
        assert one.looks == [], "nobody wants to know"


async def test_a_poll_of_a_replica_whose_clock_is_an_hour_ahead_delays_no_poll_of_others(tmp_path: Path) -> None:
    async with polled(tmp_path) as [one]:
        one.app.feed_demand.subscribe(one.app)
        await one.clock.pass_until(1)
        state = await one.feed.store.find_feed(await feed_of(one.app))
        assert state is not None
        ahead = START + timedelta(hours=1)
        await one.feed.store.save_look(state.name, state.version, Look((), state.position), ahead)
        await one.clock.pass_until(60)
        assert len(one.looks) > 1


async def test_a_failing_poll_is_logged_once_and_retried_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    looking = CallerError("Somebody looks.", code="in_progress")
    errors = [UpstreamFailed("Close answered 500."), KeyError("a bug"), RateLimited("later"), looking]

    def fail() -> None:
        assert is_idle()
        one.looks.append(one.clock.now)
        if len(one.looks) <= 4:
            raise errors[len(one.looks) - 1]

    def fail_again() -> None:
        raise UpstreamFailed("Close answers 500 again.")

    async with polled(tmp_path) as [one]:
        one.feed.source.on_look = fail
        one.app.feed_demand.subscribe(one.app)
        await one.clock.pass_until(50)
        assert one.looks == [0.0, 7.5, 18.75, 30.0, 41.25]
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        one.feed.source.on_look = lambda: None
        await one.clock.pass_until(200)
        one.feed.source.on_look = fail_again
        await one.clock.pass_until(1_000)
        assert [record.getMessage() for record in caplog.records[1:]] == [
            "changes by others cannot be read for now: Close answers 500 again."
        ]


async def test_a_call_that_looks_while_the_poller_does_makes_it_hurry_and_the_end_ends_it(tmp_path: Path) -> None:
    seen: list[bool] = []

    def look() -> None:
        one.app.feed_demand.hurry()
        seen.append(is_idle())

    async with polled(tmp_path) as [one]:
        one.feed.source.on_look = look
        one.app.feed_demand.subscribe(one.app)
        await one.clock.pass_until(1)
        assert seen == [False]
        one.app.end_demand()
        await one.clock.pass_until(600)
        assert len(seen) == 1
