"""Statuses and failed attempts as errors of ours; pure.

No message contains the upstream's text: a body reaches the caller only through a backend's `explain`.
"""

from collections.abc import Mapping
from typing import Final

from taskhand.domain.errors import (
    CallerError,
    NoAnswer,
    NotAttempted,
    NotFound,
    OperatorError,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.http.reply import Json
from taskhand.http.retry import Event, RequestKind
from taskhand.http.upstream import Upstream

__all__ = ["invalid_answer_error", "no_answer_error", "no_time_error", "status_error", "unconfirmed_write_error"]

_LATER: Final = "Try again later; before repeating a write, read the task."
_FIRST_FAILURE: Final = 500  # RFC 9110 section 15.6: the server failed
_LOOK: Final = "Read the task before sending the write again."


def status_error(
    upstream: Upstream, status: int, json: Json = None, *, retry_after_s: float | None = None
) -> TaskhandError:
    """The error for any status but a success."""
    name = upstream.name
    error: TaskhandError
    match status:
        case 400 | 413 | 414 | 422:
            error = CallerError(
                _explanation(upstream, status, json) or f"{name} refused the values that were sent.",
                code="upstream_refused",
                next_step="Check each value that was sent, and send the call again with other values.",
            )
        case 401:
            error = OperatorError(
                _explanation(upstream, status, json) or f"{name} does not accept the credential.",
                code="unauthorized",
                next_step=f"Whoever runs Taskhand should check {upstream.credential}.",
            )
        case 402 | 403:
            error = OperatorError(
                _explanation(upstream, status, json)
                or f"{name} does not allow this to the credential, or the plan does not include it.",
                code="forbidden",
                next_step=f"Whoever runs Taskhand should check what {upstream.credential} may do in {name}.",
            )
        case 404 | 410:
            error = NotFound(_explanation(upstream, status, json) or f"{name} does not have what was asked for.")
        case 409:
            error = CallerError(
                _explanation(upstream, status, json) or f"{name} reports a conflict with the current state.",
                code="conflict",
                next_step="Read the current state, then decide again.",
            )
        case 423 | 429 | 477:  # HubSpot: 423 while a record is locked, 477 while an account is being moved
            error = RateLimited(
                _explanation(upstream, status, json) or f"{name} asks to wait before the next request.",
                next_step="Wait, then send the same call again.",
                retry_after_s=retry_after_s,
            )
        case _ if status >= _FIRST_FAILURE:
            error = UpstreamFailed(
                f"{name} failed with status {status}.", next_step=_LATER, retry_after_s=retry_after_s
            )
        case _:
            error = UpstreamError(f"{name} answered with status {status}.", next_step=_LATER)
    return error


def _explanation(upstream: Upstream, status: int, json: Json) -> str | None:
    return upstream.explain(status, json) if upstream.explain else None


_FAILURES: Final[Mapping[Event, str]] = {
    Event.UNREACHED: "could not be reached",
    Event.TIMED_OUT: "did not answer in time",
    Event.BROKEN: "broke the connection off",
}
_UNREADABLE: Final[Mapping[Event, str]] = {
    Event.CUT: "with a body that was cut off",
    Event.OVERSIZED: "with a body larger than is accepted",
}


def no_answer_error(upstream: Upstream, event: Event, kind: RequestKind, reference: str) -> TaskhandError:
    """The error for an attempt without a usable answer."""
    if event is Event.UNTRUSTED:
        return OperatorError(
            f"The certificate that {upstream.name} showed is not trusted; nothing was sent.",
            next_step="Whoever runs Taskhand should add the certificate authority to the system, or set SSL_CERT_FILE.",
        )
    if event in _UNREADABLE:
        return invalid_answer_error(upstream, _UNREADABLE[event], kind, reference)
    check = f" Whoever runs Taskhand should check {upstream.variable} and the network."
    return UpstreamError(
        f"{upstream.name} {_FAILURES[event]} (reference {reference}).",
        next_step=_LATER + (check if event is Event.UNREACHED else ""),
        retryable=True,
    )


def no_time_error(upstream: Upstream, kind: RequestKind) -> TaskhandError:
    """The error for a request that is not sent, because the call that it belongs to has no time for it any more."""
    if kind is RequestKind.READ:
        return UpstreamError(
            f"The call's time ran out before {upstream.name} had answered everything that was asked.",
            next_step="Send the same call again later, or one that reads less.",
            retryable=True,
        )
    return NotAttempted(
        f"The call's time ran out before the write could be sent to {upstream.name}; it was not sent.",
        next_step="Send the same call again.",
    )


def invalid_answer_error(upstream: Upstream, why: str, kind: RequestKind, reference: str) -> UpstreamError:
    """The error `upstream_invalid` for a success that cannot be parsed; OutcomeUnknown for a write.

    `why` is our text and continues "... answered".
    """
    message = f"{upstream.name} answered {why} (reference {reference})."
    if kind is RequestKind.READ:
        return UpstreamError(
            message,
            code="upstream_invalid",
            next_step="Try once more; if it fails again, give the reference to whoever runs Taskhand.",
        )
    return OutcomeUnknown(message, code="upstream_invalid", next_step=_LOOK)


def unconfirmed_write_error(upstream: Upstream, reference: str, *, is_late: bool = False) -> OutcomeUnknown:
    """The error for a write that was sent and not confirmed; `is_late` is whether an answer may come yet."""
    return (NoAnswer if is_late else OutcomeUnknown)(
        f"{upstream.name} did not confirm the write, which may have been applied (reference {reference}).",
        next_step=_LOOK,
    )
