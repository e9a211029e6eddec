"""The demand for the feed of a connection, and the events that wake its poller."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import anyio

from taskhand.call.background_requests import IdleShare

if TYPE_CHECKING:
    from taskhand.service.app_context import AppContext

__all__ = ["WANTED_FOR_S", "FeedDemand", "poll_when_wanted"]

WANTED_FOR_S: Final = 900.0
"""Seconds for which a feed stays in demand after one of its cursors or bookmarks was used."""
_LATE_S: Final = 60.0


class FeedDemand:
    """The callers of one connection who want the feed, for the poller of this process.

    No method waits or raises: they are called while a call is being answered.
    """

    def __init__(self) -> None:
        self._subscribed: dict[object, AppContext] = {}
        self._used: dict[object, tuple[AppContext, float]] = {}
        self._woken = anyio.Event()
        self._is_hinted = False
        self._has_newcomer = False
        self._look: tuple[IdleShare, anyio.CancelScope] | None = None
        self._wanted_from: float | None = None
        self.has_ended = False

    def use(self, app: "AppContext") -> None:
        """Keep the feed in demand for a while: this caller has used a cursor or a bookmark."""
        self._used[_caller(app)] = app, app.call_time.monotonic() + WANTED_FOR_S
        self._want(app)

    def subscribe(self, app: "AppContext") -> Callable[[], None]:
        """Keep the feed in demand for this caller until the returned function is called (idempotent)."""
        token = object()
        self._subscribed[token] = app
        self._has_newcomer = True
        self._want(app)

        def end() -> None:
            self._subscribed.pop(token, None)

        return end

    def wake(self) -> None:
        """Wake the poller: a hint was stored."""
        self._is_hinted = True
        self._woken.set()

    def hurry(self) -> None:
        """Wake the poller for a call that waits for its current poll."""
        if self._look is not None:
            self._look[0].end()

    def end(self) -> None:
        """Cancel the current poll, which may be interrupted, and start no other."""
        self.has_ended = True
        self._woken.set()
        if self._look is not None:
            self._look[1].cancel()

    @contextmanager
    def looking(self, share: IdleShare) -> Generator[None, None, None]:
        """Run a poll inside, in this share of the budget, until the demand ends."""
        with anyio.CancelScope() as scope:
            self._look = share, scope
            try:
                yield
            finally:
                self._look = None

    def waited_s(self, now: float) -> float:
        """Seconds since the feed was first wanted, at most 60: a feed that begins now goes back so far."""
        return 0.0 if self._wanted_from is None else min(_LATE_S, now - self._wanted_from)

    def take_hint(self) -> bool:
        """Whether a hint was stored since the last call."""
        was, self._is_hinted = self._is_hinted, False
        return was

    def take_newcomer(self) -> bool:
        """Whether a caller subscribed since the last call."""
        was, self._has_newcomer = self._has_newcomer, False
        return was

    def wanting(self, now: float) -> tuple["AppContext", ...]:
        """One application of each caller who wants the feed at this time of the monotonic clock."""
        self._used = {caller: (app, until) for caller, (app, until) in self._used.items() if now < until}
        apps = {_caller(app): app for app in self._subscribed.values()}
        return tuple((apps | {caller: app for caller, (app, _) in self._used.items()}).values())

    def _want(self, app: "AppContext") -> None:
        if self._wanted_from is None:
            self._wanted_from = app.call_time.monotonic()
        self._woken.set()

    async def wait_for_change(self) -> None:
        """Wait until the demand changes."""
        await self._woken.wait()
        self._woken = anyio.Event()


def _caller(app: "AppContext") -> object:
    """The id of the calling person; None if no person calls."""
    person = app.principal.person
    return None if person is None else person.id


async def poll_when_wanted(app: "AppContext") -> None:
    """Poll the feeds of a connection while they are in demand, until the demand ends.

    The poller is imported at the first demand.
    """
    if app.open_events is None or app.connection.problem is not None:
        return
    await app.feed_demand.wait_for_change()
    if app.shared.backend.event_source is None:
        return
    from taskhand.service.events.poll_schedule import FeedPoller  # noqa: PLC0415  most conversations want no feed

    await FeedPoller(app.shared).run()
