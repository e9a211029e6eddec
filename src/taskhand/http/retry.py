"""The retry decision after an attempt: a table and a little arithmetic; pure.

A read may always be sent again. A write is sent again only when the upstream did not act on it (`UNREACHED`,
`THROTTLED`, and `UNAVAILABLE`, which RFC 9110 §15.6.4 defines as not handled); a POST only in the first two cases,
and a create only in the first.
A write that may have been applied is not repeated: the caller reads the task back and decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal

from taskhand.http.rate_headers import MAX_WAIT_S

__all__ = [
    "TABLE",
    "Action",
    "AttemptEnd",
    "AttemptState",
    "Decision",
    "RequestKind",
    "Retry",
    "RetryPolicy",
    "decide",
    "event_of",
    "leaves_in_doubt",
]


class RequestKind(Enum):
    """The kinds of request, by the effect of sending one twice."""

    READ = "changes nothing: GET, HEAD, and a search that is sent as POST"
    REPLAY = "a PUT, PATCH or DELETE that was declared harmless to repeat"
    WRITE = "PUT, PATCH, DELETE, and a POST that updates as a PATCH does"
    POST = "any other POST: a second one may write twice"
    CREATE = "a POST that makes a task: the caller searches for it before it sends a throttled one again"

    @classmethod
    def of(cls, method: str) -> "RequestKind":
        """The kind of a request of which only the method is known."""
        return {"GET": cls.READ, "HEAD": cls.READ, "POST": cls.POST}.get(method, cls.WRITE)


class AttemptEnd(Enum):
    """The end of one attempt."""

    SUCCEEDED = "2xx"
    REFUSED = "any other answer that waiting does not change"
    THROTTLED = "429, 425, and 423 while a record is locked: refused before anything was done"
    UNAVAILABLE = "503"
    GATEWAY = "408, 502, 504, 520-524: a proxy does not know what the upstream did"
    FAILED = "500"
    UNREACHED = "no connection was made: refused, unknown host, handshake failed or timed out"
    PROXY_REFUSED = "the proxy did not let the request through; nothing was sent"
    UNTRUSTED = "the certificate was not accepted; nothing was sent"
    TIMED_OUT = "sent, and no answer in time"
    BROKEN = "sent, and the connection was reset or broke the protocol"
    CUT = "2xx, and the body was cut off or could not be unpacked"
    OVERSIZED = "2xx, and the body is larger than allowed"


class Action(Enum):
    """The actions in the table."""

    RETRY = "send again after a wait, while attempts and time last"
    STOP = "return the last response, or raise the error of the last attempt"
    READ_BACK = "never repeat, and raise OutcomeUnknown: only reading the task back tells whether it was applied"


def _row(*actions: Action) -> Mapping[RequestKind, Action]:
    return MappingProxyType(dict(zip(RequestKind, actions, strict=True)))


TABLE: Final[Mapping[AttemptEnd, Mapping[RequestKind, Action]]] = MappingProxyType(
    {
        #                       READ        REPLAY      WRITE       POST        CREATE
        AttemptEnd.SUCCEEDED: _row(Action.STOP, Action.STOP, Action.STOP, Action.STOP, Action.STOP),
        AttemptEnd.REFUSED: _row(Action.STOP, Action.STOP, Action.STOP, Action.STOP, Action.STOP),
        AttemptEnd.THROTTLED: _row(Action.RETRY, Action.RETRY, Action.RETRY, Action.RETRY, Action.STOP),
        AttemptEnd.UNAVAILABLE: _row(Action.RETRY, Action.RETRY, Action.RETRY, Action.READ_BACK, Action.READ_BACK),
        AttemptEnd.GATEWAY: _row(Action.RETRY, Action.RETRY, Action.READ_BACK, Action.READ_BACK, Action.READ_BACK),
        AttemptEnd.FAILED: _row(Action.RETRY, Action.STOP, Action.STOP, Action.STOP, Action.STOP),
        AttemptEnd.UNREACHED: _row(Action.RETRY, Action.RETRY, Action.RETRY, Action.RETRY, Action.RETRY),
        AttemptEnd.PROXY_REFUSED: _row(Action.STOP, Action.STOP, Action.STOP, Action.STOP, Action.STOP),
        AttemptEnd.UNTRUSTED: _row(Action.STOP, Action.STOP, Action.STOP, Action.STOP, Action.STOP),
        AttemptEnd.TIMED_OUT: _row(Action.RETRY, Action.RETRY, Action.READ_BACK, Action.READ_BACK, Action.READ_BACK),
        AttemptEnd.BROKEN: _row(Action.RETRY, Action.RETRY, Action.READ_BACK, Action.READ_BACK, Action.READ_BACK),
        AttemptEnd.CUT: _row(Action.RETRY, Action.RETRY, Action.READ_BACK, Action.READ_BACK, Action.READ_BACK),
        AttemptEnd.OVERSIZED: _row(Action.STOP, Action.READ_BACK, Action.READ_BACK, Action.READ_BACK, Action.READ_BACK),
    }
)
_AMBIGUOUS: Final = frozenset(
    {AttemptEnd.GATEWAY, AttemptEnd.TIMED_OUT, AttemptEnd.BROKEN, AttemptEnd.CUT, AttemptEnd.OVERSIZED}
)
# 520-524 are Cloudflare's; 524 is "the origin took the request and did not answer in time".
_STATUSES: Final = MappingProxyType(
    dict.fromkeys((423, 425, 429), AttemptEnd.THROTTLED)
    | {500: AttemptEnd.FAILED, 503: AttemptEnd.UNAVAILABLE}
    | dict.fromkeys((408, 502, 504, 520, 521, 522, 523, 524), AttemptEnd.GATEWAY)
)


def event_of(status: int) -> AttemptEnd:
    """The event of a response that was read whole."""
    return _STATUSES.get(status, AttemptEnd.SUCCEEDED if 200 <= status < 300 else AttemptEnd.REFUSED)  # noqa: PLR2004 - RFC 9110 §15.3


def leaves_in_doubt(kind: RequestKind, event: AttemptEnd) -> bool:
    """Whether an attempt to write ended without an answer of the CRM itself, and may have been applied."""
    return kind is not RequestKind.READ and event in _AMBIGUOUS


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The number of attempts, and the waits between them in seconds.

    Full jitter, from AWS's "Exponential Backoff And Jitter": a wait between 0 and `base_s * 2**(attempt - 1)`, at
    most `cap_s`. A `Retry-After` of up to `retry_after_cap_s` is waited out instead; a longer one is reported.
    """

    attempts: int = 4
    base_s: float = 0.5
    cap_s: float = 8.0
    retry_after_cap_s: float = MAX_WAIT_S

    def backoff_s(self, attempt: int, jitter: float) -> float:
        """Seconds to wait after the given attempt (from 1), for a roll in [0, 1)."""
        return jitter * min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 64))


@dataclass(frozen=True, slots=True)
class AttemptState:
    """The input of the decision: `attempt` counts from 1, the times are seconds.

    `asked_s` is the wait that the upstream asked for, `left_s` the rest of the call's time, `jitter` a random number in
    [0, 1), `in_doubt` whether an earlier attempt may have applied the write.
    """

    kind: RequestKind
    event: AttemptEnd
    attempt: int
    left_s: float
    jitter: float
    asked_s: float | None = None
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the same request once more, `after_s` seconds from now."""

    after_s: float


Decision = Retry | Literal[Action.STOP, Action.READ_BACK]


def decide(policy: RetryPolicy, state: AttemptState) -> Decision:
    """Decide whether to retry, to stop, or to have the task read back."""
    action = TABLE[state.event][state.kind]
    if action is Action.RETRY and (wait_s := _affordable_wait_s(policy, state)) is not None:
        return Retry(wait_s)
    if state.event is AttemptEnd.SUCCEEDED:
        return Action.STOP
    if action is Action.READ_BACK or state.in_doubt or leaves_in_doubt(state.kind, state.event):
        return Action.READ_BACK
    return Action.STOP


def _affordable_wait_s(policy: RetryPolicy, state: AttemptState) -> float | None:
    wait_s = policy.backoff_s(state.attempt, state.jitter) if state.asked_s is None else state.asked_s
    too_long = state.asked_s is not None and state.asked_s > policy.retry_after_cap_s
    return None if too_long or state.attempt >= policy.attempts or wait_s >= state.left_s else wait_s
