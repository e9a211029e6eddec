"""How one rate budget is dealt out to replicas: pure arithmetic on a state; times are by one clock, in seconds.

Who takes from it gets the very moments at which its requests may leave. So nothing that was dealt out can be hoarded
and sent at once, and a replica that dies takes with it only what was dealt out for the next tenth of a second.

The rate holds in any window, wherever it begins. A window counts a little longer than the CRM's own, since requests do
not take equally long to get there. Who has had least lately is dealt to first.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from taskhand.http.rate_limiter import Rate, RateHeaders, RateState, idle_at, ready_at, with_headers, with_pause

__all__ = ["AHEAD_S", "Ask", "Portion", "Seen", "Shares", "Taker", "guarded", "take"]

AHEAD_S: Final = 0.1
"""How many seconds ahead moments are dealt out, so that nobody has to ask for each of them."""
_GUARD_SHARE: Final = 0.035
_LONGEST_GUARD_S: Final = 0.1
_SPREAD_S: Final = 0.05
"""Requests that left within so many seconds of each other may be counted in another order."""
_GONE_S: Final = 0.5
"""Seconds after the moment at which one who waits should have asked again when nobody waits for it any more."""
_KNOWN_S: Final = 60.0
"""Seconds for which a taker is counted that does not ask."""
_SOONEST_S: Final = 0.02
"""Nobody asks again sooner."""
_SAME_S: Final = 0.005
_MOST_SENT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Seen:
    """The headers of an answer that came at `seen_at`, to a request that left at `left_at`."""

    headers: RateHeaders
    left_at: float
    seen_at: float


@dataclass(frozen=True, slots=True)
class Ask:
    """What a taker asks for, and what it has to tell.

    It has `wanted` requests waiting, and `under_way` without an answer. It sent some at the moments `sent` that nobody
    had dealt to it, and did not send those that were dealt to it for `unused`. Those of `late` took longer than usual:
    the CRM may have counted them only at the second moment of each pair. The CRM asked to wait until `paused_until`.
    `is_idle` is whether nobody waits for what it wants.
    """

    taker: str
    wanted: int
    under_way: int = 0
    sent: Sequence[float] = ()
    unused: Sequence[float] = ()
    late: Sequence[tuple[float, float]] = ()
    seen: Seen | None = None
    paused_until: float = 0.0
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class Taker:
    """One who takes: how many requests wait there, since when, and until when it is waited for.

    It `had` so many since `counted_from`.
    """

    waiting: int
    since: float
    until: float
    asked_at: float
    under_way: int = 0
    had: int = 0
    counted_from: float = 0.0


@dataclass(frozen=True, slots=True)
class Shares:
    """What all know together. `limit` is what the CRM lets through in any window, where it has said so."""

    state: RateState = field(default_factory=RateState)
    limit: int | None = None
    counted_at: float = 0.0
    """When the request left by whose answer the allowance was set."""
    takers: Mapping[str, Taker] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Portion:
    """What was dealt out: the `moments` at which requests may leave, and in how many seconds to ask for more.

    `takers` is how many take from the budget.
    """

    moments: tuple[float, ...]
    again_s: float
    takers: int


def guarded(rate: Rate) -> Rate:
    """The rate with a window that counts a little longer."""
    return Rate(rate.requests, rate.per_s + min(_GUARD_SHARE * rate.per_s, _LONGEST_GUARD_S))


def take(rate: Rate, shares: Shares, ask: Ask, now: float) -> tuple[Shares, Portion]:
    """Deal out what may leave soon; the shares after that. `rate` is the configured one."""
    shares = _with_report(rate, shares, ask, now)
    rate = guarded(_actual(rate, shares))
    takers = {name: one for name, one in shares.takers.items() if now - one.asked_at < _KNOWN_S and name != ask.taker}
    me = shares.takers.get(ask.taker)
    since = me.since if me is not None and me.waiting and now < me.until else now
    had, counted_from = _had(me, rate, now)
    waiting = [
        _Place(name, one.waiting, _had(one, rate, now)[0], one.since)
        for name, one in takers.items()
        if one.waiting and now < one.until
    ]
    if ask.is_idle:
        moments = [] if waiting else _free(rate, shares.state, now, ask.wanted, idle_at)
    else:
        queue = [*waiting, _Place(ask.taker, ask.wanted, had, since)]
        free = _free(rate, shares.state, now, sum(one.wanted for one in queue))
        moments = free[: _dealt(queue, len(free))[ask.taker]]
    state = _with_sent(shares.state, moments, spends=len(moments))
    left = 0 if ask.is_idle else ask.wanted - len(moments)
    next_at = (idle_at if ask.is_idle else ready_at)(rate, state, now)
    again_s = max(_SOONEST_S, next_at - now - AHEAD_S / 2)
    mine = Taker(
        waiting=left,
        since=now if moments else since,
        until=now + again_s + _GONE_S,
        asked_at=now,
        under_way=ask.under_way + len(moments),
        had=had + len(moments),
        counted_from=counted_from,
    )
    after = replace(shares, state=_without_old(rate, state, now), takers={**takers, ask.taker: mine})
    return after, Portion(tuple(moments), again_s, len(after.takers))


@dataclass(frozen=True, slots=True)
class _Place:
    """One who waits: how many requests, how many it had lately, and since when it waits."""

    name: str
    wanted: int
    had: int
    since: float


def _had(taker: Taker | None, rate: Rate, now: float) -> tuple[int, float]:
    """How many a taker had lately, and since when that is counted."""
    if taker is None or now - taker.counted_from >= rate.per_s:
        return 0, now
    return taker.had, taker.counted_from


def _actual(rate: Rate, shares: Shares) -> Rate:
    return rate if shares.limit is None else Rate(shares.limit, rate.per_s)


def _free(
    rate: Rate,
    state: RateState,
    now: float,
    most: int,
    next_at: Callable[[Rate, RateState, float], float] = ready_at,
) -> list[float]:
    """The moments in the near future at which requests may leave that nobody has yet."""
    found: list[float] = []
    while len(found) < most and (at := next_at(rate, state, now)) <= now + AHEAD_S:
        found.append(at)
        state = _with_sent(state, [at], spends=1)
    return found


def _dealt(queue: Sequence["_Place"], count: int) -> dict[str, int]:
    """How many each gets where each next one is for who has had least lately, of these for who has waited longest."""
    dealt = dict.fromkeys((one.name for one in queue), 0)
    for _ in range(count):
        hungry = [one for one in queue if dealt[one.name] < one.wanted]
        if not hungry:
            break
        dealt[min(hungry, key=lambda one: (one.had + dealt[one.name], one.since, one.name)).name] += 1
    return dealt


def _with_sent(state: RateState, moments: Sequence[float], *, spends: int) -> RateState:
    if not moments:
        return state
    sent = tuple(sorted((*state.sent, *moments)))
    left = None if state.allowance is None else max(0, state.allowance - spends)
    return replace(state, sent=sent, allowance=left)


def _without_old(rate: Rate, state: RateState, now: float) -> RateState:
    kept = [at for at in state.sent if now - at < max(rate.per_s, 2 * _SPREAD_S)]
    return replace(state, sent=tuple(kept[-_MOST_SENT:]))


def _with_report(rate: Rate, shares: Shares, ask: Ask, now: float) -> Shares:
    """The shares after what the taker has told."""
    state = _with_sent(shares.state, list(ask.sent), spends=len(ask.sent))
    kept = _without(state.sent, ask.unused)
    returned = len(state.sent) - len(kept)
    is_limited = state.allowance is not None and now < state.until
    state = replace(state, sent=kept, allowance=(state.allowance or 0) + returned if is_limited else state.allowance)
    for moment, counted_at in ask.late:
        rest = _without(state.sent, [moment])
        if len(rest) < len(state.sent):
            state = _with_sent(replace(state, sent=rest), [counted_at], spends=0)
    if ask.paused_until > now:
        state = with_pause(state, ask.paused_until - now, now)
    shares = replace(shares, state=state)
    return shares if ask.seen is None else _with_seen(rate, shares, ask, ask.seen)


def _without(moments: Sequence[float], unused: Sequence[float]) -> tuple[float, ...]:
    """The moments but one for each that was not used, which another clock may have told not quite exactly."""
    kept = list(moments)
    for one in unused:
        at = bisect_left(kept, one - _SAME_S)
        if at < len(kept) and kept[at] <= one + _SAME_S:
            del kept[at]
    return tuple(kept)


def _with_seen(rate: Rate, shares: Shares, ask: Ask, seen: Seen) -> Shares:
    headers, state = seen.headers, shares.state
    if headers.rolling_limit is not None and headers.reset_s == rate.per_s:
        return _with_foreign(rate, shares, seen)
    if seen.left_at < shares.counted_at - _SAME_S:
        return shares  # an answer that was overtaken
    others = sum(one.under_way for name, one in shares.takers.items() if name != ask.taker)
    later = sum(1 for at in state.sent if at > seen.left_at - _SPREAD_S) - 1
    uncounted = max(0, min(later, others + ask.under_way))
    is_same = abs(seen.left_at - shares.counted_at) <= _SAME_S
    known = state if is_same else replace(state, allowance=None)
    return replace(
        shares, state=with_headers(known, headers, seen.seen_at, in_flight=uncounted), counted_at=seen.left_at
    )


def _with_foreign(rate: Rate, shares: Shares, seen: Seen) -> Shares:
    """The limit of a window that rolls; what was counted there and not sent by us was sent by somebody else."""
    limit = seen.headers.rolling_limit or 1
    begin, end = seen.seen_at - rate.per_s, seen.left_at + _SPREAD_S
    ours = sum(1 for at in shares.state.sent if begin < at <= end)
    foreign = max(0, limit - seen.headers.remaining - ours)
    state = _with_sent(shares.state, [seen.seen_at] * foreign, spends=0)
    return replace(shares, state=state, limit=limit)
