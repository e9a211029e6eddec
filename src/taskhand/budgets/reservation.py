"""Reservation of send slots in one rate budget that replicas share; pure. Times are seconds of one clock.

A slot is the moment at which one request may leave. Slots are granted for the next tenth of a second only: a replica
cannot save them up and send a burst, and one that dies loses no more than these.

The rate holds in every window, wherever it begins. Windows are a little longer here than at the CRM, because requests
take unequal times to arrive. The replica with the fewest recent slots is served first.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from taskhand.http.rate_headers import RateHeaders
from taskhand.http.rate_limiter import Rate, RateState, idle_at, ready_at, with_headers, with_pause

__all__ = [
    "AHEAD_S",
    "BudgetState",
    "GrantedSlots",
    "ObservedHeaders",
    "Replica",
    "ReservationRequest",
    "add_slots",
    "find_free_slots",
    "reserve",
    "widen_window",
]

AHEAD_S: Final = 0.1
"""How many seconds ahead slots are granted, so that one transaction grants several."""
_GUARD_SHARE: Final = 0.035
_MAX_GUARD_S: Final = 0.1
_REORDER_S: Final = 0.05
"""The CRM may count requests in another order that left within so many seconds of each other."""
_WAIT_GRACE_S: Final = 0.5
"""A replica keeps its place in the queue for so many seconds after it should have asked again."""
_REPLICA_TTL_S: Final = 60.0
"""A replica counts as running for so many seconds after its last request."""
_MIN_POLL_S: Final = 0.02
"""The shortest pause between two requests of one replica, in seconds."""
_CLOCK_TOLERANCE_S: Final = 0.005
_MAX_SLOTS: Final = 2_000


@dataclass(frozen=True, slots=True)
class ObservedHeaders:
    """The headers of an answer that came at `seen_at`, to a request that left at `left_at`."""

    headers: RateHeaders
    left_at: float
    seen_at: float

    @property
    def recency(self) -> tuple[float, int]:
        """Greater for the request that left later; of two that left together, for the one with the lower rest."""
        return self.left_at, -self.headers.remaining


@dataclass(frozen=True, slots=True)
class ReservationRequest:
    """What a replica wants, and what it reports of its earlier slots.

    `wanted` requests wait there, and `under_way` have no answer yet. `sent` are moments of requests that left without a
    slot, `unused` are slots at which nothing left. A pair in `late` is a slot and the later moment at which the CRM may
    have counted its request. The CRM asked for a pause until `paused_until`. `is_idle` is whether no caller waits for
    the requests.
    """

    replica: str
    wanted: int
    under_way: int = 0
    sent: Sequence[float] = ()
    unused: Sequence[float] = ()
    late: Sequence[tuple[float, float]] = ()
    observed: ObservedHeaders | None = None
    paused_until: float = 0.0
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica in the queue: the requests `waiting` there `since` a moment, and `until` when its place is kept.

    `recent` is the number of slots granted to it since `counted_from`.
    """

    waiting: int
    since: float
    until: float
    asked_at: float
    under_way: int = 0
    recent: int = 0
    counted_from: float = 0.0


@dataclass(frozen=True, slots=True)
class BudgetState:
    """The budget as all replicas know it. `limit` is the CRM's limit for any window, once an answer has named it."""

    state: RateState = field(default_factory=RateState)
    limit: int | None = None
    counted_at: float = 0.0
    """When the request left whose answer set the allowance."""
    replicas: Mapping[str, Replica] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GrantedSlots:
    """The granted `slots`, the seconds until more can be asked for, and the number of `replicas` on the budget."""

    slots: tuple[float, ...]
    again_s: float
    replicas: int


def widen_window(rate: Rate) -> Rate:
    """The rate with a slightly longer window."""
    return Rate(rate.requests, rate.per_s + min(_GUARD_SHARE * rate.per_s, _MAX_GUARD_S))


def reserve(
    rate: Rate, budget: BudgetState, request: ReservationRequest, now: float
) -> tuple[BudgetState, GrantedSlots]:
    """Grant slots in the near future; returns the budget after that. `rate` is the configured one."""
    budget = _apply_report(rate, budget, request, now)
    rate = widen_window(_effective_rate(rate, budget))
    replicas = {
        name: replica
        for name, replica in budget.replicas.items()
        if now - replica.asked_at < _REPLICA_TTL_S and name != request.replica
    }
    me = budget.replicas.get(request.replica)
    since = me.since if me is not None and me.waiting and now < me.until else now
    recent, counted_from = _recent_count(me, rate, now)
    waiting = [
        _Applicant(name, replica.waiting, _recent_count(replica, rate, now)[0], replica.since)
        for name, replica in replicas.items()
        if replica.waiting and now < replica.until
    ]
    if request.is_idle:
        slots = [] if waiting else find_free_slots(rate, budget.state, now, request.wanted, idle_at)
    else:
        queue = [*waiting, _Applicant(request.replica, request.wanted, recent, since)]
        free = find_free_slots(rate, budget.state, now, sum(applicant.wanted for applicant in queue))
        slots = free[: _allot_fairly(queue, len(free))[request.replica]]
    state = add_slots(budget.state, slots, spends=len(slots))
    left = 0 if request.is_idle else request.wanted - len(slots)
    next_at = (idle_at if request.is_idle else ready_at)(rate, state, now)
    again_s = max(_MIN_POLL_S, next_at - now - AHEAD_S / 2)
    mine = Replica(
        waiting=left,
        since=now if slots else since,
        until=now + again_s + _WAIT_GRACE_S,
        asked_at=now,
        under_way=request.under_way + len(slots),
        recent=recent + len(slots),
        counted_from=counted_from,
    )
    after = replace(budget, state=_drop_old_slots(rate, state, now), replicas={**replicas, request.replica: mine})
    return after, GrantedSlots(tuple(slots), again_s, len(after.replicas))


@dataclass(frozen=True, slots=True)
class _Applicant:
    """A replica that wants slots: how many, how many it was granted recently, and since when it waits."""

    name: str
    wanted: int
    recent: int
    since: float


def _recent_count(replica: Replica | None, rate: Rate, now: float) -> tuple[int, float]:
    """The slots granted to a replica in the current window, and when that window began."""
    if replica is None or now - replica.counted_from >= rate.per_s:
        return 0, now
    return replica.recent, replica.counted_from


def _effective_rate(rate: Rate, budget: BudgetState) -> Rate:
    return rate if budget.limit is None else Rate(budget.limit, rate.per_s)


def find_free_slots(
    rate: Rate,
    state: RateState,
    now: float,
    most: int,
    next_at: Callable[[Rate, RateState, float], float] = ready_at,
) -> list[float]:
    """Up to `most` slots in the near future that are not granted yet."""
    slots: list[float] = []
    while len(slots) < most and (at := next_at(rate, state, now)) <= now + AHEAD_S:
        slots.append(at)
        state = add_slots(state, [at], spends=1)
    return slots


def _allot_fairly(queue: Sequence[_Applicant], count: int) -> dict[str, int]:
    """The number of slots for each: the next one always goes to the fewest recent slots, then to the longest wait."""
    granted = dict.fromkeys((applicant.name for applicant in queue), 0)
    for _ in range(count):
        unserved = [applicant for applicant in queue if granted[applicant.name] < applicant.wanted]
        if not unserved:
            break
        granted[
            min(
                unserved,
                key=lambda applicant: (applicant.recent + granted[applicant.name], applicant.since, applicant.name),
            ).name
        ] += 1
    return granted


def add_slots(state: RateState, slots: Sequence[float], *, spends: int) -> RateState:
    """The state after these slots were granted, `spends` of them from the allowance that the CRM has named."""
    if not slots:
        return state
    sent = tuple(sorted((*state.sent, *slots)))
    left = None if state.allowance is None else max(0, state.allowance - spends)
    return state._replace(sent=sent, allowance=left)


def _drop_old_slots(rate: Rate, state: RateState, now: float) -> RateState:
    kept = [at for at in state.sent if now - at < max(rate.per_s, 2 * _REORDER_S)]
    return state._replace(sent=tuple(kept[-_MAX_SLOTS:]))


def _apply_report(rate: Rate, budget: BudgetState, request: ReservationRequest, now: float) -> BudgetState:
    """The budget after a replica's report."""
    state = add_slots(budget.state, list(request.sent), spends=len(request.sent))
    kept = _remove_slots(state.sent, request.unused)
    returned = len(state.sent) - len(kept)
    is_limited = state.allowance is not None and now < state.until
    state = state._replace(sent=kept, allowance=(state.allowance or 0) + returned if is_limited else state.allowance)
    for moment, counted_at in request.late:
        rest = _remove_slots(state.sent, [moment])
        if len(rest) < len(state.sent):
            state = add_slots(state._replace(sent=rest), [counted_at], spends=0)
    if request.paused_until > now:
        state = with_pause(state, request.paused_until - now, now)
    budget = replace(budget, state=state)
    return budget if request.observed is None else _apply_headers(rate, budget, request, request.observed)


def _remove_slots(slots: Sequence[float], unused: Sequence[float]) -> tuple[float, ...]:
    """The slots without the unused ones. Clocks differ a little, so the nearest slot within the tolerance counts."""
    kept = list(slots)
    for slot in unused:
        at = bisect_left(kept, slot - _CLOCK_TOLERANCE_S)
        if at < len(kept) and kept[at] <= slot + _CLOCK_TOLERANCE_S:
            del kept[at]
    return tuple(kept)


def _apply_headers(
    rate: Rate, budget: BudgetState, request: ReservationRequest, observed: ObservedHeaders
) -> BudgetState:
    headers, state = observed.headers, budget.state
    if headers.rolling_limit is not None and headers.reset_s == rate.per_s:
        return _apply_rolling_limit(rate, budget, observed)
    if observed.left_at < budget.counted_at - _CLOCK_TOLERANCE_S:
        return budget  # a later request was answered first
    others = sum(replica.under_way for name, replica in budget.replicas.items() if name != request.replica)
    later = sum(1 for at in state.sent if at > observed.left_at - _REORDER_S) - 1
    uncounted = max(0, min(later, others + request.under_way))
    is_same = abs(observed.left_at - budget.counted_at) <= _CLOCK_TOLERANCE_S
    known = state if is_same else state._replace(allowance=None)
    return replace(
        budget, state=with_headers(known, headers, observed.seen_at, in_flight=uncounted), counted_at=observed.left_at
    )


def _apply_rolling_limit(rate: Rate, budget: BudgetState, observed: ObservedHeaders) -> BudgetState:
    """Apply the limit of a rolling window; what the CRM counted and no replica sent came from other clients."""
    limit = observed.headers.rolling_limit or 1
    begin, end = observed.seen_at - rate.per_s, observed.left_at + _REORDER_S
    ours = sum(1 for at in budget.state.sent if begin < at <= end)
    foreign = max(0, limit - observed.headers.remaining - ours)
    state = add_slots(budget.state, [observed.seen_at] * foreign, spends=0)
    return replace(budget, state=state, limit=limit)
