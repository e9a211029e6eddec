"""One budget for many replicas: the rate holds in every window, is used, and nobody starves; by a virtual clock."""

import heapq
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhand.budgets.reservation import (
    BudgetState,
    ObservedHeaders,
    ReservationRequest,
    reserve,
    widen_window,
)
from taskhand.budgets.reservation import Replica as QueuedReplica
from taskhand.http.rate_headers import RateHeaders
from taskhand.http.rate_limiter import Rate

TWENTY = Rate(20, 1.0)
AHEAD_S = 0.1


@dataclass
class Replica:
    """A replica whose callers want so many requests; it asks again when it was told to, or has had its answers."""

    name: str
    wanted: int
    begins_at: float = 0.0
    ends_at: float = 1e9
    at_once: int = 8
    left: list[float] = field(default_factory=list)

    def under_way(self, now: float) -> int:
        return sum(1 for at in self.left if at > now - 0.1)


@dataclass
class Simulation:
    """Replicas that share one budget, in virtual time."""

    rate: Rate
    replicas: list[Replica]
    budget: BudgetState = field(default_factory=BudgetState)
    asked: int = 0

    def run(self, until: float) -> None:
        order = count()
        events = [(one.begins_at, next(order), one) for one in self.replicas]
        heapq.heapify(events)
        while events and events[0][0] < until:
            now, _, one = heapq.heappop(events)
            wanted = min(one.wanted - len(one.left), one.at_once - one.under_way(now))
            if now >= one.ends_at or len(one.left) >= one.wanted:
                continue
            again_s = 0.02
            if wanted > 0:
                self.asked += 1
                request = ReservationRequest(one.name, wanted, one.under_way(now))
                self.budget, grant = reserve(self.rate, self.budget, request, now)
                assert len(grant.slots) <= wanted
                assert all(now <= at <= now + AHEAD_S for at in grant.slots)
                one.left += grant.slots
                again_s = 0.02 if len(grant.slots) == wanted else grant.again_s
            heapq.heappush(events, (now + again_s, next(order), one))

    @property
    def left(self) -> list[float]:
        return sorted(at for one in self.replicas for at in one.left)


def assert_within(rate: Rate, left: list[float]) -> None:
    """No window, wherever it begins, holds more than the rate."""
    for early, late in zip(left, left[rate.requests :], strict=False):
        assert late - early >= rate.per_s


@given(
    requests=st.integers(1, 60),
    per_s=st.sampled_from([0.5, 1.0, 10.0]),
    replicas=st.lists(st.tuples(st.integers(1, 200), st.floats(0, 3), st.floats(0, 6)), min_size=1, max_size=6),
)
def test_no_window_holds_more_than_the_rate_however_many_take(
    requests: int, per_s: float, replicas: list[tuple[int, float, float]]
) -> None:
    rate = Rate(requests, per_s)
    simulation = Simulation(
        rate, [Replica(str(n), wanted, begin, begin + life) for n, (wanted, begin, life) in enumerate(replicas)]
    )
    simulation.run(8.0)
    assert_within(rate, simulation.left)


@given(busy=st.integers(1, 6), rate=st.sampled_from([TWENTY, Rate(10, 1.0), Rate(100, 10.0), Rate(190, 10.0)]))
def test_replicas_that_have_enough_to_send_use_95_percent_of_the_rate_with_few_questions(busy: int, rate: Rate) -> None:
    simulation = Simulation(rate, [Replica(str(n), 10_000, at_once=64 // busy) for n in range(busy)])
    simulation.run(60.0)
    assert len(simulation.left) >= 0.95 * 60 / rate.per_s * rate.requests
    assert simulation.asked <= 15 * 60 * busy


@given(bulks=st.integers(1, 4), begins=st.floats(0.5, 3.0), rate=st.sampled_from([TWENTY, Rate(100, 10.0)]))
def test_a_single_call_waits_for_one_window_and_no_longer_however_large_the_bulks_are(
    bulks: int, begins: float, rate: Rate
) -> None:
    single = Replica("single", 3, begins)
    simulation = Simulation(rate, [*(Replica(str(n), 10_000) for n in range(bulks)), single])
    simulation.run(begins + 3 * rate.per_s)
    assert len(single.left) == 3
    assert single.left[-1] <= begins + widen_window(rate).per_s + AHEAD_S + 0.1


@pytest.mark.parametrize("rate", [TWENTY, Rate(1, 1.0)])
def test_replicas_with_enough_to_send_get_equal_shares(rate: Rate) -> None:
    simulation = Simulation(rate, [Replica(str(n), 10_000) for n in range(4)])
    simulation.run(30.0)
    counts = [len(one.left) for one in simulation.replicas]
    assert max(counts) - min(counts) <= 0.2 * max(counts)


def test_slots_of_a_dead_replica_are_free_for_others_after_one_window() -> None:
    budget, grant = reserve(TWENTY, BudgetState(), ReservationRequest("dead", 100), 0.0)
    assert len(grant.slots) == 20
    budget, grant = reserve(TWENTY, budget, ReservationRequest("other", 100), 0.5)
    assert grant.slots == ()
    assert grant.again_s < 0.55
    _, grant = reserve(TWENTY, budget, ReservationRequest("other", 100), 0.5 + grant.again_s)
    assert len(grant.slots) == 20


def test_moments_that_were_not_used_go_to_others_at_once() -> None:
    budget, grant = reserve(TWENTY, BudgetState(), ReservationRequest("one", 20), 0.0)
    budget, _ = reserve(TWENTY, budget, ReservationRequest("one", 0, unused=grant.slots[:5]), 0.01)
    _, grant = reserve(TWENTY, budget, ReservationRequest("other", 20), 0.02)
    assert len(grant.slots) == 5


def test_requests_sent_without_a_reservation_count() -> None:
    budget, _ = reserve(TWENTY, BudgetState(), ReservationRequest("one", 0, sent=[0.1] * 18), 0.2)
    _, grant = reserve(TWENTY, budget, ReservationRequest("other", 20), 0.3)
    assert len(grant.slots) == 2


def test_a_pause_that_one_is_asked_for_holds_all() -> None:
    budget, _ = reserve(TWENTY, BudgetState(), ReservationRequest("one", 0, paused_until=5.0), 1.0)
    budget, grant = reserve(TWENTY, budget, ReservationRequest("other", 1), 2.0)
    assert grant.slots == ()
    _, grant = reserve(TWENTY, budget, ReservationRequest("other", 1), 2.0 + grant.again_s)
    assert grant.slots == (5.0,)


def test_the_limit_of_an_answer_corrects_the_budget_for_all() -> None:
    budget, _ = reserve(TWENTY, BudgetState(), ReservationRequest("one", 1), 0.0)
    observed = ObservedHeaders(RateHeaders(remaining=3, reset_s=4.0), 0.0, 0.1)
    budget, _ = reserve(TWENTY, budget, ReservationRequest("one", 0, observed=observed), 0.1)
    budget, grant = reserve(TWENTY, budget, ReservationRequest("other", 20), 0.2)
    assert len(grant.slots) == 3
    _, grant = reserve(TWENTY, budget, ReservationRequest("third", 20), 4.1)
    assert grant.slots[0] == 4.1


def test_a_larger_limit_than_the_configured_one_is_used() -> None:
    budget, _ = reserve(TWENTY, BudgetState(), ReservationRequest("one", 1), 0.0)
    observed = ObservedHeaders(RateHeaders(remaining=99, reset_s=4.0), 0.0, 0.1)
    _, grant = reserve(TWENTY, budget, ReservationRequest("one", 200, observed=observed), 0.1)
    assert len(grant.slots) == 99


def test_where_any_ten_seconds_are_a_window_the_requests_of_strangers_are_counted_too() -> None:
    rate = Rate(100, 10.0)
    budget, _ = reserve(rate, BudgetState(), ReservationRequest("one", 10), 0.0)
    observed = ObservedHeaders(RateHeaders(60, 10.0, rolling_limit=150), 0.0, 0.2)  # 90 are counted: 80 are of others
    budget, grant = reserve(rate, budget, ReservationRequest("one", 0, observed=observed), 0.2)
    _, grant = reserve(rate, budget, ReservationRequest("two", 200), 0.3)
    assert len(grant.slots) == 60


def test_a_request_that_nobody_waits_for_gets_no_slot_while_another_replica_waits() -> None:
    request = ReservationRequest("me", 1, is_idle=True)
    for waiting, granted in ((1, 0), (0, 1)):
        other = QueuedReplica(waiting=waiting, since=0.0, until=10.0, asked_at=0.0)
        assert len(reserve(TWENTY, BudgetState(replicas={"other": other}), request, 1.0)[1].slots) == granted


def test_a_replica_that_does_not_ask_is_counted_for_a_minute() -> None:
    budget = BudgetState(replicas={"other": QueuedReplica(waiting=0, since=0.0, until=0.0, asked_at=0.0)})
    request = ReservationRequest("me", 1)
    assert [reserve(TWENTY, budget, request, now)[1].replicas for now in (59.0, 60.0)] == [2, 1]


def test_a_request_that_the_crm_may_have_counted_later_counts_for_longer() -> None:
    budget, grant = reserve(TWENTY, BudgetState(), ReservationRequest("one", 20), 0.0)
    late = [(grant.slots[0], 0.5)]
    budget, _ = reserve(TWENTY, budget, ReservationRequest("one", 0, late=late), 0.5)
    over = widen_window(TWENTY).per_s + 0.01
    budget, grant = reserve(TWENTY, budget, ReservationRequest("other", 30), over)
    assert len(grant.slots) == 19
    _, grant = reserve(TWENTY, budget, ReservationRequest("other", 30), 0.5 + over)
    assert len(grant.slots) == 1


def test_unused_slots_of_an_observed_limit_are_free_for_others() -> None:
    budget, _ = reserve(TWENTY, BudgetState(), ReservationRequest("one", 1), 0.0)
    observed = ObservedHeaders(RateHeaders(remaining=3, reset_s=4.0), 0.0, 0.1)
    budget, grant = reserve(TWENTY, budget, ReservationRequest("one", 5, observed=observed), 0.1)
    assert len(grant.slots) == 3
    budget, grant = reserve(TWENTY, budget, ReservationRequest("other", 5), 0.15)
    assert grant.slots == ()
    unused = [0.1, 0.1]
    budget, _ = reserve(TWENTY, budget, ReservationRequest("one", 0, unused=unused), 0.2)
    _, grant = reserve(TWENTY, budget, ReservationRequest("other", 5), 0.25)
    assert len(grant.slots) == 2


def test_an_answer_that_was_overtaken_does_not_raise_the_limit() -> None:
    later = ObservedHeaders(RateHeaders(remaining=3, reset_s=4.0), 0.2, 0.3)
    budget, _ = reserve(TWENTY, BudgetState(), ReservationRequest("one", 0, observed=later), 0.3)
    earlier = ObservedHeaders(RateHeaders(remaining=9, reset_s=4.0), 0.1, 0.4)
    budget, _ = reserve(TWENTY, budget, ReservationRequest("two", 0, observed=earlier), 0.4)
    _, grant = reserve(TWENTY, budget, ReservationRequest("one", 20), 0.5)
    assert len(grant.slots) == 3


def test_requests_of_others_that_the_answer_did_not_count_yet_are_taken_off() -> None:
    budget, _ = reserve(TWENTY, BudgetState(), ReservationRequest("other", 4), 0.0)
    budget, _ = reserve(TWENTY, budget, ReservationRequest("one", 1), 0.0)
    observed = ObservedHeaders(RateHeaders(remaining=9, reset_s=4.0), 0.0, 0.1)
    _, grant = reserve(TWENTY, budget, ReservationRequest("one", 20, observed=observed), 0.1)
    assert len(grant.slots) == 5


def test_requests_that_have_ended_are_in_the_answer_to_an_earlier_one() -> None:
    budget, _ = reserve(TWENTY, BudgetState(), ReservationRequest("one", 1), 0.0)
    budget, _ = reserve(TWENTY, budget, ReservationRequest("other", 4), 0.0)
    budget, _ = reserve(TWENTY, budget, ReservationRequest("other", 0), 0.1)
    observed = ObservedHeaders(RateHeaders(remaining=9, reset_s=4.0), 0.0, 0.2)
    _, grant = reserve(TWENTY, budget, ReservationRequest("one", 20, observed=observed), 0.2)
    assert len(grant.slots) == 9


def test_of_two_answers_to_requests_that_left_together_the_smaller_rest_counts() -> None:
    budget = BudgetState()
    for remaining in (3, 5):
        observed = ObservedHeaders(RateHeaders(remaining=remaining, reset_s=4.0), 0.1, 0.2)
        budget, _ = reserve(TWENTY, budget, ReservationRequest("one", 0, observed=observed), 0.2)
    _, grant = reserve(TWENTY, budget, ReservationRequest("one", 20), 0.3)
    assert len(grant.slots) == 3


def test_a_request_that_counts_for_longer_spends_an_observed_limit_once() -> None:
    observed = ObservedHeaders(RateHeaders(remaining=5, reset_s=4.0), 0.0, 0.1)
    budget, grant = reserve(TWENTY, BudgetState(), ReservationRequest("one", 3, observed=observed), 0.1)
    late = [(grant.slots[0], 0.4)]
    budget, _ = reserve(TWENTY, budget, ReservationRequest("one", 0, late=late), 0.4)
    _, grant = reserve(TWENTY, budget, ReservationRequest("other", 20), 0.4)
    assert len(grant.slots) == 2


def test_a_replica_gets_no_more_than_it_wants_by_now() -> None:
    budget, _ = reserve(TWENTY, BudgetState(), ReservationRequest("one", 30), 0.0)
    _, grant = reserve(TWENTY, budget, ReservationRequest("one", 1), 1.2)
    assert len(grant.slots) == 1


def test_a_slot_that_was_never_granted_gives_no_other_back() -> None:
    budget, _ = reserve(TWENTY, BudgetState(), ReservationRequest("one", 0, sent=[0.9] * 20), 0.9)
    budget, _ = reserve(TWENTY, budget, ReservationRequest("one", 0, unused=[0.5]), 0.9)
    _, grant = reserve(TWENTY, budget, ReservationRequest("other", 20), 0.9)
    assert grant.slots == ()


def test_a_waiting_replica_keeps_its_place_and_an_ended_pause_delays_no_slot() -> None:
    full, _ = reserve(TWENTY, BudgetState(), ReservationRequest("bulk", 20), 0.0)
    waiting, grant = reserve(TWENTY, full, ReservationRequest("one", 1), 0.1)
    assert grant.slots == ()
    over = widen_window(TWENTY).per_s
    assert waiting.replicas["one"].since == 0.1
    again, _ = reserve(TWENTY, waiting, ReservationRequest("one", 1), 0.2)
    assert again.replicas["one"].since == 0.1
    _, grant = reserve(TWENTY, again, ReservationRequest("one", 1, paused_until=0.5), over)
    assert grant.slots == (over,)
