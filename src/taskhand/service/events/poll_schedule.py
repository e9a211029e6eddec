"""When the feeds of a connection are polled: while they are in demand, at intervals that grow in quiet.

Replicas share one pace: before a poll, each reads from the store when another has polled. A poll uses only idle
requests, ends at once if it is no longer needed, and may be interrupted at any moment.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from taskhand.call.background_requests import idle_share
from taskhand.call.deadline import call_deadline
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.domain.errors import CallerError, LinkBroken, LinkRequired, NotAllowed, RateLimited, TaskhandError
from taskhand.domain.unreadable_fields import ODD
from taskhand.events.event_store import Feed, FeedName
from taskhand.service.app_context import AppContext
from taskhand.service.events.feed_demand import WANTED_FOR_S
from taskhand.service.events.feed_poll import feed_of, look

__all__ = ["MAX_PAUSE_S", "MIN_PAUSE_S", "FeedPoller", "Pace"]

_log = logging.getLogger(__name__)

MIN_PAUSE_S: Final = 5.0
MAX_PAUSE_S: Final = 120.0
"""Maximum seconds between two polls: after activity, and in quiet."""
_SLOWER: Final = 1.5
_HINTED_S: Final = 1.0
"""Minimum seconds between two polls while webhooks arrive continuously."""
_LOOK_S: Final = 30.0
"""Maximum seconds for one poll."""
_LOOKING: Final = "in_progress"
"""The error code if another call or replica polls the same feed."""
_TOLD_AGAIN_S: Final = WANTED_FOR_S / 3
"""Seconds after which the demand for a feed is recorded again."""

_OF_CALLER: Final = (CallerError, LinkBroken, LinkRequired, NotAllowed)
"""Errors of one caller, who may have to link a credential again."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The interval between polls; it grows in quiet, and after failures."""

    pause_s: float = MIN_PAUSE_S

    def after(self, *, has_events: bool) -> "Pace":
        """The pace after a poll, by whether it found something."""
        return Pace() if has_events else Pace(min(MAX_PAUSE_S, _SLOWER * self.pause_s))

    def wait_s(self, looked_at: datetime | None, now: datetime, *, hinted: bool = False) -> float:
        """Seconds until the next poll; the last one of any replica began at `looked_at`."""
        if looked_at is None:
            return 0.0
        pause_s = min(_HINTED_S, self.pause_s) if hinted else self.pause_s
        return pause_s - (now - looked_at).total_seconds()


@dataclass(slots=True)
class _Watched:
    """A feed in demand: the application that reads it, its pace, and its state when the pace was set.

    `tried_at` is the time of this process's last attempt to poll.
    """

    app: AppContext
    pace: Pace = Pace()
    state: Feed | None = None
    tried_at: datetime | None = None
    is_hinted: bool = False
    has_failed: bool = False


@dataclass(slots=True)
class FeedPoller:
    """Polls the feeds of the connection of `app`: the shared one and those of callers with an own credential."""

    app: AppContext
    _watched: dict[FeedName, _Watched] = field(default_factory=dict)

    async def run(self) -> None:
        """Poll while the feeds are in demand, until the demand ends."""
        demand = self.app.feed_demand
        while not demand.has_ended:
            wait_s: float | None
            try:
                wait_s = await self._poll_due_feeds()
            except TaskhandError as error:
                _log.warning("the wanted changes could not be determined: %s", error.message)
                wait_s = MAX_PAUSE_S
            await self._wait(wait_s)

    async def _poll_due_feeds(self) -> float | None:
        """Poll each feed that is due; returns seconds until the next is due, None if none is wanted."""
        await self._find_wanted()
        waits: list[float] = []
        for name, watched in list(self._watched.items()):
            wait_s = await self._time_left(name, watched)
            if wait_s <= 0:
                await self._look(name, watched)
                wait_s = await self._time_left(name, watched)
            waits.append(max(wait_s, 0.0))
        return min(waits, default=None)

    async def _find_wanted(self) -> None:
        """Find the feeds in demand here, and the shared one if a hint arrived and another replica wants it."""
        hinted, wanting = self.app.feed_demand.take_hint(), dict[FeedName, AppContext]()
        is_new = self.app.feed_demand.take_newcomer()
        for app in self.app.feed_demand.wanting(self.app.call_time.monotonic()):
            try:
                wanting[await feed_of(app)] = app
            except _OF_CALLER:
                continue
        if hinted and not any(name.person is None for name in wanting):
            wanting |= await self._wanted_elsewhere()
        self._watched = {name: self._watched.get(name) or _Watched(app) for name, app in wanting.items()}
        for name, watched in self._watched.items():
            watched.app = wanting[name]
            watched.is_hinted = watched.is_hinted or hinted
            watched.pace = Pace() if is_new else watched.pace

    async def _wanted_elsewhere(self) -> dict[FeedName, AppContext]:
        """The shared feed, if another replica has recorded a demand for it."""
        store, shared = self.app.events, self.app.shared
        name = await feed_of(shared)
        feed = await store.find_feed(name) if store is not None else None
        is_wanted = feed is not None and feed.wanted_until is not None and feed.wanted_until > self.app.clock()
        return {name: shared} if is_wanted else {}

    async def _time_left(self, name: FeedName, watched: _Watched) -> float:
        """Seconds until the next poll of a feed, at the pace shared by all replicas."""
        state, before = await self._state(name), watched.state
        if state is not None and before is not None and state.looked_at != before.looked_at:
            watched.pace = watched.pace.after(has_events=state.last_seq > before.last_seq)
        watched.state = state
        now, moments = self.app.clock(), (watched.tried_at, state.looked_at if state is not None else None)
        # The clock of another replica may be ahead, so that its poll began in the future.
        looked_at = max((at for at in moments if at is not None and at <= now), default=None)
        return watched.pace.wait_s(looked_at, now, hinted=watched.is_hinted)

    async def _state(self, name: FeedName) -> Feed | None:
        store = self.app.events
        return await store.find_feed(name) if store is not None else None

    async def _look(self, name: FeedName, watched: _Watched) -> None:
        """Poll once, in the idle share; after a failure the next poll is later, and the reason is logged once."""
        watched.tried_at, watched.is_hinted = self.app.clock(), False
        try:
            await self._look_in_idle_share(watched.app)
        except TaskhandError as error:
            if isinstance(error, RateLimited) or error.code == _LOOKING:
                return  # calls need the budget, or another poll is in progress: the pace stays
            self._note_failure(watched, "changes by others cannot be read for now: %s", error.message)
            return
        except ODD:
            self._note_failure(watched, "changes by others cannot be read", exc_info=True)
            return
        watched.has_failed = False
        await self._keep_wanted(name)

    async def _look_in_idle_share(self, app: AppContext) -> None:
        """Poll, unless another replica is polling."""
        with (
            call_deadline(_LOOK_S, app.call_time.monotonic),
            idle_share() as share,
            self.app.feed_demand.looking(share),
        ):
            await look(app, unless_after=app.clock())

    async def _keep_wanted(self, name: FeedName) -> None:
        """Record the demand in the store, so that a hint which reaches another replica is followed."""
        store, now = self.app.events, self.app.clock()
        state = await self._state(name)
        if store is None or state is None:
            return
        until = now + timedelta(seconds=WANTED_FOR_S)
        if state.wanted_until is None or (until - state.wanted_until).total_seconds() > _TOLD_AGAIN_S:
            await store.request_looks(name, until)

    def _note_failure(self, watched: _Watched, why: str, *given: object, exc_info: bool = False) -> None:
        if not watched.has_failed:
            _log.warning(why, *given, exc_info=exc_info)
        watched.has_failed, watched.pace = True, watched.pace.after(has_events=False)

    async def _wait(self, seconds: float | None) -> None:
        """Wait for this time, or until the demand changes; None: without a limit."""
        if seconds is None:
            await self.app.feed_demand.wait_for_change()
            return
        async with concurrent_tasks() as group:

            async def wake() -> None:
                await self.app.feed_demand.wait_for_change()
                group.cancel_scope.cancel()

            group.start_soon(wake)
            await self.app.call_time.sleep(seconds)
            group.cancel_scope.cancel()
