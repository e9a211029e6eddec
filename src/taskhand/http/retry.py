"""What to do after an attempt: a table and a little arithmetic, all pure.

Reads may be sent again whatever happened. A write is sent again by itself only when nothing arrived (`UNREACHED`,
`THROTTLED`, and `UNAVAILABLE`, which RFC 9110 §15.6.4 defines as not handled); a create only in the first two cases.
When a write may have arrived, nothing is repeated: the caller reads the task back and decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, Self

__all__ = [
    "TABLE",
    "Action",
    "AttemptState",
    "Decision",
    "Event",
    "ReadBack",
    "RequestKind",
    "Retry",
    "RetryPolicy",
    "Stop",
    "decide",
    "event_of",
    "leaves_in_doubt",
    "posix_time",
    "retry_after_s",
]


class RequestKind(Enum):
    """What sending a request twice would do."""

    READ = "changes nothing: GET, HEAD, and a search that is sent as POST"
    REPLAY = "a PUT, PATCH or DELETE that was declared harmless to repeat"
    WRITE = "PUT, PATCH, DELETE"
    CREATE = "POST: a second one makes a second task"

    @classmethod
    def of(cls, method: str, *, reads: bool = False, replay_safe: bool = False) -> Self:
        """Sort a method; `reads` declares a POST that only searches, `replay_safe` a write that may be repeated.

        Raises ValueError for a POST that is declared safe to replay: it is not.
        """
        if reads or method in {"GET", "HEAD"}:
            return cls(cls.READ)
        if method == "POST":
            if replay_safe:
                raise ValueError("a POST that creates cannot be declared safe to replay")
            return cls(cls.CREATE)
        return cls(cls.REPLAY if replay_safe else cls.WRITE)


class Event(Enum):
    """What came of one attempt."""

    SUCCEEDED = "2xx"
    REFUSED = "any other answer that waiting does not change"
    THROTTLED = "429, and 423 while a record is locked: refused at the door"
    UNAVAILABLE = "503"
    GATEWAY = "408, 502, 504, 520-524: something in between cannot say what happened behind it"
    FAILED = "500"
    UNREACHED = "no connection was made: refused, unknown host, handshake failed or timed out"
    UNTRUSTED = "the certificate was not accepted; nothing was sent"
    TIMED_OUT = "sent, and no answer in time"
    BROKEN = "sent, and the connection was reset or broke the protocol"
    CUT = "2xx, and the body was cut off or could not be unpacked"
    OVERSIZED = "2xx, and the body is larger than allowed"


class Action(Enum):
    """What the table says about one event."""

    RETRY = "send again after a wait, while attempts and time last"
    STOP = "report it"
    READ_BACK = "never repeat: the caller reads back what is there"


def _row(read: Action, replay: Action, write: Action, create: Action) -> Mapping[RequestKind, Action]:
    return MappingProxyType(
        {RequestKind.READ: read, RequestKind.REPLAY: replay, RequestKind.WRITE: write, RequestKind.CREATE: create}
    )


TABLE: Final[Mapping[Event, Mapping[RequestKind, Action]]] = MappingProxyType(
    {
        #                       READ        REPLAY      WRITE       CREATE
        Event.SUCCEEDED: _row(Action.STOP, Action.STOP, Action.STOP, Action.STOP),
        Event.REFUSED: _row(Action.STOP, Action.STOP, Action.STOP, Action.STOP),
        Event.THROTTLED: _row(Action.RETRY, Action.RETRY, Action.RETRY, Action.RETRY),
        Event.UNAVAILABLE: _row(Action.RETRY, Action.RETRY, Action.RETRY, Action.READ_BACK),
        Event.GATEWAY: _row(Action.RETRY, Action.RETRY, Action.READ_BACK, Action.READ_BACK),
        Event.FAILED: _row(Action.RETRY, Action.STOP, Action.STOP, Action.STOP),
        Event.UNREACHED: _row(Action.RETRY, Action.RETRY, Action.RETRY, Action.RETRY),
        Event.UNTRUSTED: _row(Action.STOP, Action.STOP, Action.STOP, Action.STOP),
        Event.TIMED_OUT: _row(Action.RETRY, Action.RETRY, Action.READ_BACK, Action.READ_BACK),
        Event.BROKEN: _row(Action.RETRY, Action.RETRY, Action.READ_BACK, Action.READ_BACK),
        Event.CUT: _row(Action.RETRY, Action.RETRY, Action.READ_BACK, Action.READ_BACK),
        Event.OVERSIZED: _row(Action.STOP, Action.READ_BACK, Action.READ_BACK, Action.READ_BACK),
    }
)
_AMBIGUOUS: Final = frozenset({Event.GATEWAY, Event.TIMED_OUT, Event.BROKEN, Event.CUT, Event.OVERSIZED})
# 520-524 are Cloudflare's; 524 is "the origin took the request and did not answer in time".
_STATUSES: Final = MappingProxyType(
    {423: Event.THROTTLED, 429: Event.THROTTLED, 500: Event.FAILED, 503: Event.UNAVAILABLE}
    | dict.fromkeys((408, 502, 504, 520, 521, 522, 523, 524), Event.GATEWAY)
)


def event_of(status: int) -> Event:
    """Sort the status of an answer that arrived whole."""
    return _STATUSES.get(status, Event.SUCCEEDED if 200 <= status < 300 else Event.REFUSED)  # noqa: PLR2004 - RFC 9110 §15.3


def leaves_in_doubt(kind: RequestKind, event: Event) -> bool:
    """Whether a write may have been applied by an attempt that ended so."""
    return kind is not RequestKind.READ and event in _AMBIGUOUS


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to try; the times are seconds.

    Full jitter, from AWS's "Exponential Backoff And Jitter": a wait between 0 and `base_s * 2**(attempt - 1)`, at
    most `cap_s`. A `Retry-After` of up to `retry_after_cap_s` is waited out instead; a longer one is reported.
    """

    attempts: int = 4
    base_s: float = 0.5
    cap_s: float = 8.0
    retry_after_cap_s: float = 30.0

    def backoff_s(self, attempt: int, jitter: float) -> float:
        """Seconds to wait after the given attempt (from 1), for a roll in [0, 1)."""
        return jitter * min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 64))


@dataclass(frozen=True, slots=True)
class AttemptState:
    """All that a decision depends on: attempts count from 1, the times are seconds.

    `asked_s` is what the upstream asked to wait, `left_s` what is left of the call's time, `jitter` chance in [0, 1),
    `in_doubt` whether an earlier attempt may have been applied.
    """

    kind: RequestKind
    event: Event
    attempt: int
    left_s: float
    jitter: float
    asked_s: float | None = None
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the same request once more, `after_s` seconds from now."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Report what happened last."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Report that the outcome is unknown: only reading can tell."""


Decision = Retry | Stop | ReadBack


def decide(policy: RetryPolicy, now: AttemptState) -> Decision:
    """Wait, give up, or have the task read back."""
    move = TABLE[now.event][now.kind]
    if move is Action.RETRY and (wait_s := _affordable_wait_s(policy, now)) is not None:
        return Retry(wait_s)
    if now.event is Event.SUCCEEDED:
        return Stop()
    if move is Action.READ_BACK or now.in_doubt or leaves_in_doubt(now.kind, now.event):
        return ReadBack()
    return Stop()


def _affordable_wait_s(policy: RetryPolicy, now: AttemptState) -> float | None:
    wait_s = policy.backoff_s(now.attempt, now.jitter) if now.asked_s is None else now.asked_s
    too_long = now.asked_s is not None and now.asked_s > policy.retry_after_cap_s
    return None if too_long or now.attempt >= policy.attempts or wait_s >= now.left_s else wait_s


_YEAR_S: Final = 365 * 86_400.0


def retry_after_s(value: str | None, *, now: float) -> float | None:
    """Seconds that a `Retry-After` asks for, as a number or a date (RFC 9110 §10.2.3); None when it says nothing.

    `now` is POSIX time, best taken from the same answer's `Date`. A date that has passed asks for 0; whatever asks
    for more than a year asks for a year. Fractions of a second are not in the RFC but are met in the wild.
    """
    text = (value or "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return min(float(text), _YEAR_S)
    moment = posix_time(text)
    return None if moment is None else min(max(moment - now, 0.0), _YEAR_S)


def posix_time(value: str | None) -> float | None:
    """POSIX time of an HTTP date in any of its three forms (RFC 9110 §5.6.7); None when it is none."""
    try:
        moment = parsedate_to_datetime(value or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
