"""A rate limiter for one CRM whose budget several replicas share."""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from secrets import token_hex
from statistics import median
from typing import Final, Protocol

import anyio

from taskhand.budgets.fair_queue import FairQueue, Waiter
from taskhand.budgets.reservation import (
    AHEAD_S,
    ObservedHeaders,
    ReservationRequest,
    add_slots,
    find_free_slots,
    widen_window,
)
from taskhand.call.background_requests import idle_wait_s, is_idle
from taskhand.call.deadline import current_call
from taskhand.http.rate_headers import MAX_WAIT_S, RateHeaders
from taskhand.http.rate_limiter import (
    IDLE_PAUSE_S,
    Headroom,
    Rate,
    RateState,
    headroom,
    looks_now,
    ready_at,
    too_late_error,
    with_headers,
    with_pause,
)

__all__ = ["Reservation", "SharedBudget", "SharedRateLimiter"]

_LATE_S: Final = 0.02
"""Seconds that a request may leave after its slot; after that the slot is returned and another is reserved."""
_DURATIONS_KEPT: Final = 32
"""How many durations of past requests the usual duration is computed from."""
_ASSUMED_REPLICAS: Final = 4
"""The number of replicas on a budget until the database reports it."""

_LEFT_AT: ContextVar[float | None] = ContextVar("left_at", default=None)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Reserved slots, by the clock of this process, and the state of the budget after that."""

    slots: tuple[float, ...]
    again_s: float
    replicas: int
    state: RateState
    limit: int | None = None


class SharedBudget(Protocol):
    """One budget in the database that replicas share."""

    async def reserve(self, request: ReservationRequest) -> Reservation | None:
        """Reserve slots; None if the database does not answer soon. Times are by the clock of this process."""
        ...


@dataclass(eq=False, slots=True)
class _Flight:
    """A request without an answer: when it left, and the slot at which the budget counts it."""

    left_at: float
    counted_at: float


@dataclass(slots=True)
class _Report:
    """The part of the next ReservationRequest that reports; `has_pause` is whether the CRM asked for a pause."""

    sent: list[float] = field(default_factory=list)
    unused: list[float] = field(default_factory=list)
    late: list[tuple[float, float]] = field(default_factory=list)
    observed: ObservedHeaders | None = None
    has_pause: bool = False

    def observe(self, observed: ObservedHeaders) -> None:
        """Keep the headers of the request that left last; of two that left together, the lower rest."""
        if self.observed is None or observed.recency >= self.observed.recency:
            self.observed = observed

    def forget(self, request: ReservationRequest) -> None:
        """Drop what this request has reported to the budget."""
        del self.sent[: len(request.sent)], self.unused[: len(request.unused)], self.late[: len(request.late)]
        if self.observed is request.observed:
            self.observed = None
        self.has_pause = False


class SharedRateLimiter:
    """Lets requests leave at slots of the shared budget; the calls of this process take turns.

    At most `in_flight` requests of this process run at a time. While the database does not answer, this process spends
    one share of the budget, cut for the replicas that were last known and one more. It reports its requests once the
    database answers again.
    """

    def __init__(
        self,
        rate: Rate,
        in_flight: int,
        budget: SharedBudget,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._rate = rate
        self._budget = budget
        self._monotonic = monotonic
        self._sleep = sleep
        self._free_flights = in_flight
        self._flights: set[_Flight] = set()
        self._took_s: deque[float] = deque([0.0], maxlen=_DURATIONS_KEPT)
        self._queue = FairQueue()
        self._leader: Waiter | None = None
        self._name = token_hex(6)
        self._known = RateState()
        self._replicas: int | None = None
        self._report = _Report()

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
            self._took_s.append(self._monotonic() - left_at)
            self._note_late(flight)
            self._free_flights += 1
            self._wake_leader()
        await self._report_limits()

    def pause(self, for_s: float) -> None:
        """Pause the requests of all replicas for so many seconds."""
        self._known = with_pause(self._known, for_s, self._monotonic())
        self._report.has_pause = True

    def headroom(self) -> Headroom:
        """The unused part of the budget, as far as this process knows."""
        return headroom(self._rate, self._known, self._monotonic())

    def observe(self, headers: RateHeaders) -> None:
        """Note the rate headers of an answer; to be called inside the turn of its request."""
        now, left_at = self._monotonic(), _LEFT_AT.get()
        self._report.observe(ObservedHeaders(headers, now if left_at is None else left_at, now))

    async def _wait_for_turn(self, deadline: float) -> float:
        """Wait for a slot; returns the moment at which the request leaves, which is now."""
        now = self._monotonic()
        if looks_now() and now < deadline:
            self._free_flights -= 1
            self._report.sent.append(now)
            return now
        waiter = Waiter(current_call())
        wait_for_moment = self._wait_for_idle_moment if is_idle() else self._wait_for_moment
        try:
            with anyio.move_on_after(deadline - now):
                while True:
                    moment = await wait_for_moment(waiter, deadline)
                    if (wait_s := moment - self._monotonic()) > 0:
                        await self._sleep(wait_s)
                    if self._monotonic() <= moment + _LATE_S:
                        waiter.leaves_at = None
                        return moment
                    self._give_back(waiter)
        finally:
            self._queue.remove(waiter)
            self._give_back(waiter)
        raise too_late_error(None)

    async def _wait_for_moment(self, waiter: Waiter, deadline: float) -> float:
        """Wait until the request has a slot. One of the waiting requests, the leader, reserves for all of them."""
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

    async def _wait_for_idle_moment(self, waiter: Waiter, deadline: float) -> float:
        """Wait until a background request has a slot: it stands in no queue, and reserves for itself."""
        idle_by = min(deadline, self._monotonic() + idle_wait_s())
        while is_idle():
            again_s = IDLE_PAUSE_S
            if self._leader is None and not self._queue and self._free_flights > 0:
                self._leader = waiter
                try:
                    reservation = await self._reserve(1, is_idle=True)
                finally:
                    self._hand_over()
                if reservation.slots:
                    waiter.leaves_at = reservation.slots[0]
                    self._free_flights -= 1
                    return waiter.leaves_at
                again_s = max(again_s, reservation.again_s)
            if (ask_at := self._monotonic() + again_s) > idle_by:
                raise too_late_error(None)
            while is_idle() and (wait_s := ask_at - self._monotonic()) > 0:
                await self._sleep(min(wait_s, IDLE_PAUSE_S))
        return await self._wait_for_moment(waiter, deadline)

    def _hand_over(self) -> None:
        """Make the next waiting request the leader."""
        self._leader = None
        if (following := self._queue.first()) is not None:
            following.woken.set()

    async def _ask_for_all(self, waiter: Waiter, deadline: float) -> None:
        """Reserve slots for all waiting requests until this one has its slot."""
        while waiter.leaves_at is None:
            wanted = min(len(self._queue), self._free_flights)
            if wanted <= 0:
                await waiter.wait()
                continue
            reservation = await self._reserve(wanted)
            for moment in reservation.slots:
                self._assign(moment)
            if len(reservation.slots) < wanted and waiter.leaves_at is None:
                self._check_wait(reservation, deadline)
                await self._sleep(reservation.again_s)

    def _assign(self, moment: float) -> None:
        """Give a slot to the next request in the queue."""
        if len(self._queue) == 0 or self._free_flights <= 0:
            self._report.unused.append(moment)
            return
        waiter = self._queue.pop()
        waiter.leaves_at = moment
        self._free_flights -= 1
        waiter.woken.set()

    def _give_back(self, waiter: Waiter) -> None:
        """Return the slot of a request that did not leave."""
        if waiter.leaves_at is not None:
            self._report.unused.append(waiter.leaves_at)
            waiter.leaves_at = None
            self._free_flights += 1
            self._wake_leader()

    def _wake_leader(self) -> None:
        if self._leader is not None:
            self._leader.woken.set()

    def _note_late(self, flight: _Flight) -> None:
        """Note a request that took longer than usual, since the CRM may have counted it later than its slot."""
        counted_at = self._monotonic() - median(self._took_s)
        if counted_at > flight.counted_at + _LATE_S:
            self._report.late.append((flight.counted_at, counted_at))
            flight.counted_at = counted_at

    def _check_wait(self, reservation: Reservation, deadline: float) -> None:
        """RateLimited if the CRM asked for a longer wait than this call may take."""
        now, state = self._monotonic(), reservation.state
        at = ready_at(widen_window(self._rate), state, now)
        if at > deadline or at - now > MAX_WAIT_S:
            is_asked = at in {state.until, state.paused_until}
            raise too_late_error((state.reset_at if at == state.until else at) - now if is_asked else None)

    async def _reserve(self, count: int, *, is_idle: bool = False) -> Reservation:
        """Reserve slots of the shared budget, or of our own share while the database does not answer."""
        for flight in self._flights:
            self._note_late(flight)
        report = self._report
        request = ReservationRequest(
            self._name,
            count,
            len(self._flights),
            tuple(report.sent),
            tuple(report.unused),
            tuple(report.late),
            report.observed,
            self._known.paused_until,
            is_idle,
        )
        reservation = await self._budget.reserve(request)
        if reservation is None:
            return self._reserve_alone(0 if is_idle else count)
        report.forget(request)
        self._known, self._replicas = reservation.state, reservation.replicas
        if reservation.limit is not None:
            self._rate = replace(self._rate, requests=reservation.limit)
        return reservation

    def _reserve_alone(self, count: int) -> Reservation:
        """Reserve slots of our own share."""
        now, rate = self._monotonic(), self._share()
        state, observed = self._known, self._report.observed
        if observed is not None:
            state = with_headers(state, observed.headers, observed.seen_at, in_flight=len(self._flights))
            self._report.observed = None
        slots = find_free_slots(rate, state, now, count)
        self._known = state = add_slots(state, slots, spends=len(slots))
        self._report.sent += slots
        again_s = max(AHEAD_S / 2, ready_at(rate, state, now) - now)
        return Reservation(tuple(slots), again_s, self._replicas or _ASSUMED_REPLICAS, state)

    def _share(self) -> Rate:
        rate, replicas = widen_window(self._rate), (self._replicas or _ASSUMED_REPLICAS - 1) + 1
        share = rate.requests // replicas
        return Rate(share, rate.per_s) if share else Rate(1, rate.per_s * replicas / rate.requests)

    async def _report_limits(self) -> None:
        """Report at once what limits the other replicas too: this one may not reserve again for a while."""
        report = self._report
        is_known = self._known.allowance == 0 and self._monotonic() < self._known.until
        is_used_up = report.observed is not None and report.observed.headers.remaining <= 0 and not is_known
        guard_s = widen_window(self._rate).per_s - self._rate.per_s
        is_late = any(counted_at - moment > guard_s for moment, counted_at in report.late)
        if self._leader is None and (is_used_up or report.has_pause or is_late):
            report.has_pause = False
            await self._reserve(0)
