"""Whether somebody wants to know what changes on a connection, and what makes the poller look at once."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import anyio

from taskhand.domain.idle_share import IdleShare

if TYPE_CHECKING:
    from taskhand.service.app_context import AppContext

__all__ = ["WANTED_FOR_S", "FeedDemand", "poll_when_wanted"]

WANTED_FOR_S: Final = 900.0
"""Seconds for which a feed is wanted after a cursor or a bookmark of it was used."""
_LATE_S: Final = 60.0


class FeedDemand:
    """The callers of one connection who want to know of changes, for the poller of this process.

    Nothing here waits or raises: it is called while a call is being answered.
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
        """The caller of this application has used a cursor or a bookmark: the feed is wanted for a while."""
        self._used[_caller(app)] = app, app.monotonic() + WANTED_FOR_S
        self._want(app)

    def subscribe(self, app: "AppContext") -> Callable[[], None]:
        """The caller of this application wants the feed until the returned function is called, perhaps twice."""
        token = object()
        self._subscribed[token] = app
        self._has_newcomer = True
        self._want(app)

        def end() -> None:
            self._subscribed.pop(token, None)

        return end

    def wake(self) -> None:
        """A hint was kept: whoever wants to know should, at once."""
        self._is_hinted = True
        self._woken.set()

    def hurry(self) -> None:
        """A call waits for the look that the poller may have under way."""
        if self._look is not None:
            self._look[0].end()

    def end(self) -> None:
        """Let no look begin any more, and end the one under way: it is not needed, and may be interrupted."""
        self.has_ended = True
        self._woken.set()
        if self._look is not None:
            self._look[1].cancel()

    @contextmanager
    def looking(self, share: IdleShare) -> Generator[None, None, None]:
        """The poller looks inside, in this share of the budget, unless the demand ends meanwhile."""
        with anyio.CancelScope() as scope:
            self._look = share, scope
            try:
                yield
            finally:
                self._look = None

    def waited_s(self, now: float) -> float:
        """Seconds since somebody wanted to know first, a minute at most: so long ago a feed begins that begins now."""
        return 0.0 if self._wanted_from is None else min(_LATE_S, now - self._wanted_from)

    def take_hint(self) -> bool:
        """Whether a hint was kept since this was asked last."""
        was, self._is_hinted = self._is_hinted, False
        return was

    def take_newcomer(self) -> bool:
        """Whether somebody has subscribed since this was asked last."""
        was, self._has_newcomer = self._has_newcomer, False
        return was

    def wanting(self, now: float) -> tuple["AppContext", ...]:
        """One application of each caller who wants the feed at that reading of their clock."""
        self._used = {caller: (app, until) for caller, (app, until) in self._used.items() if now < until}
        found = {_caller(app): app for app in self._subscribed.values()}
        return tuple((found | {caller: app for caller, (app, _) in self._used.items()}).values())

    def _want(self, app: "AppContext") -> None:
        if self._wanted_from is None:
            self._wanted_from = app.monotonic()
        self._woken.set()

    async def changed(self) -> None:
        """Wait until somebody wants something more."""
        await self._woken.wait()
        self._woken = anyio.Event()


def _caller(app: "AppContext") -> object:
    """Who calls, as far as feeds differ by it."""
    person = app.principal.person
    return None if person is None else person.id


async def poll_when_wanted(app: "AppContext") -> None:
    """Look at the feeds of a connection while somebody wants to know of changes, until the demand ends.

    The poller is imported when that is so for the first time.
    """
    if app.open_events is None or app.problem is not None:
        return
    await app.demand.changed()
    if app.shared.backend.change_source is None:
        return
    from taskhand.service.feed_poller import FeedPoller  # noqa: PLC0415  most conversations want no feed

    await FeedPoller(app.shared).run()
