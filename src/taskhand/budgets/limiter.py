"""The queue in front of one CRM where several replicas share its rate budget."""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from secrets import token_hex
from statistics import median
from typing import Final, Protocol

import anyio

from taskhand.budgets.shares import AHEAD_S, Ask, Seen, guarded
from taskhand.domain.deadline import current_call
from taskhand.domain.idle_share import idle_wait_s, is_idle
from taskhand.http.rate_limiter import (
    IDLE_PAUSE_S,
    LONGEST_WAIT_S,
    Headroom,
    Rate,
    RateHeaders,
    RateState,
    headroom,
    looks_now,
    ready_at,
    too_late_error,
    with_headers,
    with_pause,
)

__all__ = ["SharedBudget", "SharedRateLimiter", "Taken"]

_LATE_S: Final = 0.02
"""How late a request may leave; the moment of a later one is given back, and it gets another."""
_TYPICAL: Final = 32
"""The latest requests by which it is told how long one usually takes."""
_UNKNOWN_TAKERS: Final = 4
"""How many take from a budget while that is not known, since the database has not answered yet."""

_LEFT_AT: ContextVar[float | None] = ContextVar("left_at", default=None)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was dealt out, with times by the clock of this process. `state` is what all know together."""

    moments: tuple[float, ...]
    again_s: float
    takers: int
    state: RateState
    limit: int | None = None


class SharedBudget(Protocol):
    """One budget in the database that replicas share."""

    async def take(self, ask: Ask) -> Taken | None:
        """Take a portion; None where the database does not answer soon. Times are by the clock of this process."""
        ...


@dataclass(eq=False, slots=True)
class _Flight:
    """A request that is under way: when it left, and the moment at which the budget counts it."""

    left_at: float
    counted_at: float


@dataclass(eq=False, slots=True)
class _Waiter:
    """A request that waits for its turn, and the moment at which it may leave."""

    call: object
    woken: anyio.Event = field(default_factory=anyio.Event)
    leaves_at: float | None = None

    async def wait(self) -> None:
        """Wait until woken."""
        await self.woken.wait()
        self.woken = anyio.Event()


class _FairQueue:
    """Requests that wait: the calls take turns, and each call's requests are served as they came."""

    def __init__(self) -> None:
        self._by_call: dict[object, deque[_Waiter]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_call.values()))

    def add(self, waiter: _Waiter) -> None:
        self._by_call.setdefault(waiter.call, deque()).append(waiter)

    def remove(self, waiter: _Waiter) -> None:
        waiting = self._by_call.get(waiter.call)
        if waiting is not None and waiter in waiting:
            waiting.remove(waiter)
            if not waiting:
                del self._by_call[waiter.call]

    def first(self) -> _Waiter | None:
        """Whose turn is next."""
        return next((waiting[0] for waiting in self._by_call.values()), None)

    def pop(self) -> _Waiter:
        """Whose turn it is; its call waits behind the others then."""
        call, waiting = next(iter(self._by_call.items()))
        waiter = waiting.popleft()
        del self._by_call[call]
        if waiting:
            self._by_call[call] = waiting
        return waiter


class SharedRateLimiter:
    """Spends from the budget of all replicas; the calls of this one take turns.

    At most `in_flight` requests of this process are under way at a time. While the database does not answer, the share
    of one among as many as were last seen is spent, and one more: that is told once it answers again.
    """

    def __init__(
        self,
        rate: Rate,
        in_flight: int,
        budget: SharedBudget,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._rate = rate
        self._budget = budget
        self._clock = clock
        self._sleep = sleep
        self._places = in_flight
        self._flights: set[_Flight] = set()
        self._took_s: deque[float] = deque([0.0], maxlen=_TYPICAL)
        self._queue = _FairQueue()
        self._leader: _Waiter | None = None
        self._name = token_hex(6)
        self._known = RateState()
        self._takers: int | None = None
        self._sent: list[float] = []
        self._unused: list[float] = []
        self._late: list[tuple[float, float]] = []
        self._seen: Seen | None = None
        self._has_pause = False

    @asynccontextmanager
    async def turn(self, deadline: float) -> AsyncGenerator[None, None]:
        """Wait for a turn; as `RateLimiter.turn`."""
        left_at = await self._wait_for_turn(deadline)
        token = _LEFT_AT.set(left_at)
        flight = _Flight(left_at, left_at)
        self._flights.add(flight)
        try:
            yield
        finally:
            _LEFT_AT.reset(token)
            self._flights.discard(flight)
            self._took_s.append(self._clock() - left_at)
            self._note_late(flight)
            self._places += 1
            self._wake_leader()
        await self._tell()

    def pause(self, for_s: float) -> None:
        """Hold every request of all replicas back for so many seconds."""
        self._known = with_pause(self._known, for_s, self._clock())
        self._has_pause = True

    def headroom(self) -> Headroom:
        """How much may be sent from now on, as far as this process knows."""
        return headroom(self._rate, self._known, self._clock())

    def observe(self, headers: RateHeaders) -> None:
        """Take note of an answer's headers; call it inside the turn that got the answer."""
        now, left_at = self._clock(), _LEFT_AT.get()
        seen = Seen(headers, now if left_at is None else left_at, now)
        before = self._seen
        if before is None or (seen.left_at, -headers.remaining) >= (before.left_at, -before.headers.remaining):
            self._seen = seen

    async def _wait_for_turn(self, deadline: float) -> float:
        """The moment at which the request leaves, which is now."""
        now = self._clock()
        if looks_now() and now < deadline:
            self._places -= 1
            self._sent.append(now)
            return now
        waiter = _Waiter(current_call())
        wait_for_moment = self._wait_for_idle_moment if is_idle() else self._wait_for_moment
        try:
            with anyio.move_on_after(deadline - now):
                while True:
                    moment = await wait_for_moment(waiter, deadline)
                    if (wait_s := moment - self._clock()) > 0:
                        await self._sleep(wait_s)
                    if self._clock() <= moment + _LATE_S:
                        waiter.leaves_at = None
                        return moment
                    self._give_back(waiter)
        finally:
            self._queue.remove(waiter)
            self._give_back(waiter)
        raise too_late_error(None)

    async def _wait_for_moment(self, waiter: _Waiter, deadline: float) -> float:
        """The moment that was dealt to the request. Of those that wait one asks for all."""
        self._queue.add(waiter)
        while waiter.leaves_at is None:
            if self._leader is not None:
                await waiter.wait()
                continue
            self._leader = waiter
            try:
                await self._ask_for_all(waiter, deadline)
            finally:
                self._hand_over()
        return waiter.leaves_at

    async def _wait_for_idle_moment(self, waiter: _Waiter, deadline: float) -> float:
        """The moment that was dealt to a request that nobody waits for: it waits in no queue, and asks for itself."""
        idle_by = min(deadline, self._clock() + idle_wait_s())
        while is_idle():
            again_s = IDLE_PAUSE_S
            if self._leader is None and not self._queue and self._places > 0:
                self._leader = waiter
                try:
                    taken = await self._take(1, is_idle=True)
                finally:
                    self._hand_over()
                if taken.moments:
                    waiter.leaves_at = taken.moments[0]
                    self._places -= 1
                    return waiter.leaves_at
                again_s = max(again_s, taken.again_s)
            if (ask_at := self._clock() + again_s) > idle_by:
                raise too_late_error(None)
            while is_idle() and (wait_s := ask_at - self._clock()) > 0:
                await self._sleep(min(wait_s, IDLE_PAUSE_S))
        return await self._wait_for_moment(waiter, deadline)

    def _hand_over(self) -> None:
        """Let the next one that waits ask for all."""
        self._leader = None
        if (following := self._queue.first()) is not None:
            following.woken.set()

    async def _ask_for_all(self, waiter: _Waiter, deadline: float) -> None:
        """Ask for what waits here until this one has its moment."""
        while waiter.leaves_at is None:
            wanted = min(len(self._queue), self._places)
            if wanted <= 0:
                await waiter.wait()
                continue
            taken = await self._take(wanted)
            for moment in taken.moments:
                self._deal(moment)
            if len(taken.moments) < wanted and waiter.leaves_at is None:
                self._check_wait(taken, deadline)
                await self._sleep(taken.again_s)

    def _deal(self, moment: float) -> None:
        """Give a moment to whose turn it is."""
        if len(self._queue) == 0 or self._places <= 0:
            self._unused.append(moment)
            return
        waiter = self._queue.pop()
        waiter.leaves_at = moment
        self._places -= 1
        waiter.woken.set()

    def _give_back(self, waiter: _Waiter) -> None:
        """Take back the moment at which a request did not leave."""
        if waiter.leaves_at is not None:
            self._unused.append(waiter.leaves_at)
            waiter.leaves_at = None
            self._places += 1
            self._wake_leader()

    def _wake_leader(self) -> None:
        if self._leader is not None:
            self._leader.woken.set()

    def _note_late(self, flight: _Flight) -> None:
        """Note a request that takes, or took, longer than usual: the CRM may have counted it so much later."""
        counted_at = self._clock() - median(self._took_s)
        if counted_at > flight.counted_at + _LATE_S:
            self._late.append((flight.counted_at, counted_at))
            flight.counted_at = counted_at

    def _check_wait(self, taken: Taken, deadline: float) -> None:
        """RateLimited where the CRM has asked for a wait that is not waited out."""
        now, state = self._clock(), taken.state
        at = ready_at(guarded(self._rate), state, now)
        if at > deadline or at - now > LONGEST_WAIT_S:
            is_asked = at in {state.until, state.paused_until}
            raise too_late_error((state.reset_at if at == state.until else at) - now if is_asked else None)

    async def _take(self, wanted: int, *, is_idle: bool = False) -> Taken:
        """A portion of the budget, of all replicas' or, while the database does not answer, of our own share."""
        for flight in self._flights:
            self._note_late(flight)
        ask = Ask(
            self._name,
            wanted,
            len(self._flights),
            tuple(self._sent),
            tuple(self._unused),
            tuple(self._late),
            self._seen,
            self._known.paused_until,
            is_idle,
        )
        taken = await self._budget.take(ask)
        if taken is None:
            return self._take_alone(0 if is_idle else wanted)
        self._forget_told(ask)
        self._known, self._takers = taken.state, taken.takers
        if taken.limit is not None:
            self._rate = replace(self._rate, requests=taken.limit)
        return taken

    def _forget_told(self, ask: Ask) -> None:
        self._sent = self._sent[len(ask.sent) :]
        self._unused = self._unused[len(ask.unused) :]
        self._late = self._late[len(ask.late) :]
        if self._seen is ask.seen:
            self._seen = None
        self._has_pause = False

    def _take_alone(self, wanted: int) -> Taken:
        """What the share of one lets leave now."""
        now, rate = self._clock(), self._share()
        state = self._known
        if self._seen is not None:
            state = with_headers(state, self._seen.headers, self._seen.seen_at, in_flight=len(self._flights))
            self._seen = None
        moments: list[float] = []
        while len(moments) < wanted and (at := ready_at(rate, state, now)) <= now + AHEAD_S:
            left = None if state.allowance is None else max(0, state.allowance - 1)
            state = replace(state, sent=tuple(sorted((*state.sent, at))), allowance=left)
            moments.append(at)
        self._known = state
        self._sent += moments
        again_s = max(AHEAD_S / 2, ready_at(rate, state, now) - now)
        return Taken(tuple(moments), again_s, self._takers or _UNKNOWN_TAKERS, state)

    def _share(self) -> Rate:
        rate, among = guarded(self._rate), (self._takers or _UNKNOWN_TAKERS - 1) + 1
        share = rate.requests // among
        return Rate(share, rate.per_s) if share else Rate(1, rate.per_s * among / rate.requests)

    async def _tell(self) -> None:
        """Tell the others at once what holds them back too: nobody here may ask for long."""
        is_known = self._known.allowance == 0 and self._clock() < self._known.until
        is_used_up = self._seen is not None and self._seen.headers.remaining <= 0 and not is_known
        guard_s = guarded(self._rate).per_s - self._rate.per_s
        is_late = any(counted_at - moment > guard_s for moment, counted_at in self._late)
        if self._leader is None and (is_used_up or self._has_pause or is_late):
            self._has_pause = False
            await self._take(0)
