from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhand.http.rate_headers import retry_after_s
from taskhand.http.retry import (
    TABLE,
    Action,
    AttemptEnd,
    AttemptState,
    Decision,
    RequestKind,
    Retry,
    RetryPolicy,
    decide,
    event_of,
    leaves_in_doubt,
)

POLICY = RetryPolicy(attempts=3, base_s=1.0, cap_s=8.0, retry_after_cap_s=30.0)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AMBIGUOUS = {AttemptEnd.GATEWAY, AttemptEnd.TIMED_OUT, AttemptEnd.BROKEN, AttemptEnd.CUT, AttemptEnd.OVERSIZED}


def state(
    kind: RequestKind, event: AttemptEnd, *, attempt: int = 1, asked_s: float | None = None, in_doubt: bool = False
) -> AttemptState:
    return AttemptState(kind, event, attempt, left_s=60.0, jitter=0.5, asked_s=asked_s, in_doubt=in_doubt)


def find_events(kind: RequestKind, attempt: int, decision: type[Retry] | Action) -> set[AttemptEnd]:
    """The events after which an attempt to send a request of this kind leads to this decision."""
    made = {event: decide(POLICY, state(kind, event, attempt=attempt)) for event in AttemptEnd}
    return {event for event, one in made.items() if one is decision or type(one) is decision}


def test_every_event_and_every_sending_is_decided() -> None:
    assert set(TABLE) == set(AttemptEnd)
    assert all(set(row) == set(RequestKind) for row in TABLE.values())


def test_a_request_is_sent_again_after_more_events_the_less_a_second_sending_can_do() -> None:
    create = {AttemptEnd.UNREACHED}
    post = create | {AttemptEnd.THROTTLED}
    write = post | {AttemptEnd.UNAVAILABLE}
    replay = write | AMBIGUOUS - {AttemptEnd.OVERSIZED}
    expected = (replay | {AttemptEnd.FAILED}, replay, write, post, create)
    assert [find_events(kind, 1, Retry) for kind in RequestKind] == [*expected]
    assert [find_events(kind, 3, Retry) for kind in RequestKind] == [set()] * 5


def test_a_write_that_may_have_arrived_and_is_not_sent_again_is_read_back() -> None:
    unhandled = {AttemptEnd.UNAVAILABLE}
    replay, write, post = {AttemptEnd.OVERSIZED}, AMBIGUOUS, AMBIGUOUS | unhandled
    assert [find_events(kind, 1, Action.READ_BACK) for kind in RequestKind] == [set(), replay, write, post, post]
    assert [find_events(kind, 3, Action.READ_BACK) for kind in RequestKind] == [set(), write, write, post, post]


@pytest.mark.parametrize("event", [event for event in AttemptEnd if event is not AttemptEnd.SUCCEEDED])
def test_only_a_success_ends_the_doubt_about_an_earlier_attempt(event: AttemptEnd) -> None:
    last = state(RequestKind.REPLAY, event, attempt=3, in_doubt=True)
    assert decide(POLICY, last) is Action.READ_BACK
    assert decide(POLICY, state(RequestKind.REPLAY, AttemptEnd.SUCCEEDED, attempt=3, in_doubt=True)) is Action.STOP


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (200, AttemptEnd.SUCCEEDED),
        (207, AttemptEnd.SUCCEEDED),
        (299, AttemptEnd.SUCCEEDED),
        (300, AttemptEnd.REFUSED),
        (302, AttemptEnd.REFUSED),
        (400, AttemptEnd.REFUSED),
        (404, AttemptEnd.REFUSED),
        (408, AttemptEnd.GATEWAY),
        (409, AttemptEnd.REFUSED),
        (423, AttemptEnd.THROTTLED),
        (425, AttemptEnd.THROTTLED),
        (429, AttemptEnd.THROTTLED),
        (500, AttemptEnd.FAILED),
        (501, AttemptEnd.REFUSED),
        (502, AttemptEnd.GATEWAY),
        (503, AttemptEnd.UNAVAILABLE),
        (504, AttemptEnd.GATEWAY),
        (505, AttemptEnd.REFUSED),
        (519, AttemptEnd.REFUSED),
        (520, AttemptEnd.GATEWAY),
        (521, AttemptEnd.GATEWAY),
        (522, AttemptEnd.GATEWAY),
        (523, AttemptEnd.GATEWAY),
        (524, AttemptEnd.GATEWAY),
        (525, AttemptEnd.REFUSED),
    ],
)
def test_a_status_is_an_event(status: int, event: AttemptEnd) -> None:
    assert event_of(status) is event


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("GET", RequestKind.READ),
        ("HEAD", RequestKind.READ),
        ("POST", RequestKind.POST),
        ("PUT", RequestKind.WRITE),
        ("PATCH", RequestKind.WRITE),
        ("DELETE", RequestKind.WRITE),
    ],
)
def test_each_method_has_a_request_kind(method: str, kind: RequestKind) -> None:
    assert RequestKind.of(method) is kind


def test_a_throttled_create_is_read_back_if_an_earlier_attempt_is_in_doubt() -> None:
    assert decide(POLICY, state(RequestKind.CREATE, AttemptEnd.THROTTLED, in_doubt=True)) is Action.READ_BACK


def test_a_write_is_in_doubt_after_an_attempt_that_may_have_arrived_and_a_read_never() -> None:
    for kind in RequestKind:
        doubted = {event for event in AttemptEnd if leaves_in_doubt(kind, event)}
        assert doubted == (set() if kind is RequestKind.READ else AMBIGUOUS)


def test_a_request_is_sent_four_times_at_most_with_short_waits_unless_the_upstream_asks_for_longer_ones() -> None:
    policy = RetryPolicy()
    assert [policy.backoff_s(attempt, 1.0) for attempt in (1, 2, 5, 6)] == [0.5, 1.0, 8.0, 8.0]
    last = [decide(policy, state(RequestKind.READ, AttemptEnd.FAILED, attempt=attempt)) for attempt in (3, 4)]
    assert [type(one) for one in last] == [Retry, Action]
    assert last[1] is Action.STOP
    asked = [decide(policy, state(RequestKind.READ, AttemptEnd.THROTTLED, asked_s=seconds)) for seconds in (30.0, 30.1)]
    assert asked == [Retry(30.0), Action.STOP]


def test_a_wait_doubles_up_to_the_cap() -> None:
    assert [POLICY.backoff_s(attempt, 1.0) for attempt in range(1, 6)] == [1.0, 2.0, 4.0, 8.0, 8.0]


def test_retry_after_is_waited_out_up_to_the_cap_and_reported_beyond_it() -> None:
    assert decide(POLICY, state(RequestKind.READ, AttemptEnd.THROTTLED, asked_s=30.0)) == Retry(30.0)
    assert decide(POLICY, state(RequestKind.READ, AttemptEnd.THROTTLED, asked_s=30.1)) is Action.STOP


@pytest.mark.parametrize(("left_s", "decision"), [(0.4, Action.STOP), (0.5, Action.STOP), (0.6, Retry(0.5))])
def test_a_wait_that_leaves_no_time_is_not_begun(left_s: float, decision: Decision) -> None:
    now = AttemptState(RequestKind.READ, AttemptEnd.UNREACHED, attempt=1, left_s=left_s, jitter=0.5)
    assert decide(POLICY, now) == decision


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_the_jitter_is_full_and_bounded(attempt: int, jitter: float) -> None:
    wait = POLICY.backoff_s(attempt, jitter)
    assert 0 <= wait < 8.0
    assert POLICY.backoff_s(attempt, 0.0) == 0.0
    assert wait <= 1.0 * 2.0 ** min(attempt - 1, 10)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("9" * 400, 86_400.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30.0),
        ("Sun Mar  1 12:00:30 2026", 30.0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("nan", None),
        ("1e3", None),
        ("٣", None),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
        ("Sun, 01 Mar 99999999999 12:00:30 GMT", None),
    ],
)
@pytest.mark.usefixtures("in_santiago")
def test_retry_after_in_every_spelling(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, now=NOW.timestamp()) == seconds


@given(st.integers(0, 86_400))
def test_retry_after_means_the_same_in_seconds_and_as_a_date(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    now = NOW.timestamp()
    assert retry_after_s(str(seconds), now=now) == retry_after_s(date, now=now) == float(seconds)


@given(st.one_of(st.text(), st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [+-]?\w*", fullmatch=True)))
def test_nothing_an_upstream_sends_breaks_the_parser(value: str) -> None:
    seconds = retry_after_s(value, now=NOW.timestamp())
    assert seconds is None or 0 <= seconds <= 86_400
