"""Conversion of statuses and failed attempts to TaskhandErrors; pure.

No message contains the upstream's text: a body reaches the caller only through a backend's `explain`.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from taskhand.domain.errors import (
    CallerError,
    Explanation,
    Forbidden,
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
from taskhand.http.certificates import explain_distrust, remedy_for_distrust
from taskhand.http.response_body import Json, is_web_page
from taskhand.http.retry import AttemptEnd, RequestKind, event_of
from taskhand.http.upstream import Upstream

__all__ = [
    "CredentialRefused",
    "UnnamedValues",
    "invalid_answer_error",
    "is_from_elsewhere",
    "no_answer_error",
    "no_time_error",
    "page_error",
    "proxy_error",
    "redirected_write_error",
    "refused_values_error",
    "status_error",
    "unconfirmed_write_error",
]

_PROXY_STATUSES: Final = frozenset({407, 511})
"""The statuses that a proxy or a network sends, and no CRM: RFC 9110 section 15.5.8, RFC 6585 section 6."""

_TOO_LONG: Final = frozenset({413, 414})
"""The statuses that a CRM's own web server answers with a page, before the API sees the request."""

_LATER: Final = "Try again later; before repeating a write, read or search for the task."
_FIRST_REFUSAL: Final = 400  # RFC 9110 section 15.5: the client erred
_FIRST_FAILURE: Final = 500  # RFC 9110 section 15.6: the server failed
_LOOK: Final = "Read or search for the task before sending the write again."


class CredentialRefused(Explanation):
    """The CRM does not accept the key, whatever the status of its refusal."""


class UnnamedValues(Explanation):
    """The CRM refused values and does not say which."""


def status_error(
    upstream: Upstream, status: int, json: Json = None, *, retry_after_s: float | None = None, page: bool = False
) -> TaskhandError:
    """The error for any status but a success; `page` is whether the body is a web page."""
    name, explained = upstream.name, upstream.explain(status, json) if upstream.explain else None
    text = explained.sentence if explained else None
    check = f"The operator of Taskhand should check {upstream.base_url_name}"
    match status:
        case 400 | 413 | 414 | 422:
            return refused_values_error(name, explained)
        case _ if status in _PROXY_STATUSES:
            return proxy_error(upstream, "", status)
        case _ if status == HTTPStatus.UNAUTHORIZED or isinstance(explained, CredentialRefused):
            return OperatorError(
                text or f"{name} does not accept the credential.",
                code="unauthorized",
                explanation=explained,
                next_step=f"Tell the person to make another key in {name}."
                if upstream.is_own
                else f"The operator of Taskhand should check {upstream.credential_name}.",
            )
        case 402 | 403:
            return Forbidden(
                text or f"{name} does not allow this to the credential, or the plan does not include it.",
                explanation=explained,
                next_step=f"Tell the person: their account in {name} lacks the right; an administrator of {name} can "
                "change that."
                if upstream.is_own
                else f"The operator of Taskhand should check what {upstream.credential_name} may do in {name}.",
            )
        case 404 | 410:
            return NotFound(
                text or f"{name} does not have the requested record.",
                explanation=explained,
                next_step="Check the ids in the call; if they are right, send the same call again later.",
            )
        case 409:
            return CallerError(
                text or f"{name} reports a conflict with the current state.",
                code="conflict",
                explanation=explained,
                next_step="Read the current state, then decide again.",
            )
        case 423 | 425 | 429 | 477:  # HubSpot: 423 while a record is locked, 477 while an account is being moved
            return RateLimited(
                text or f"{name} asks to wait before the next request.",
                next_step="Wait, then send the same call again.",
                retry_after_s=retry_after_s,
                explanation=explained,
            )
        case _ if status >= _FIRST_FAILURE:
            who = f"{name}, or a proxy or a firewall in front of it," if page else name
            return UpstreamFailed(f"{who} failed with status {status}.", next_step=_LATER, retry_after_s=retry_after_s)
        case _ if status < _FIRST_REFUSAL:  # neither a success nor a refusal: a write may have been applied
            return UpstreamFailed(
                f"{name} answered with status {status}.", next_step=f"{_LOOK} {check}.", retryable=False
            )
        case _:  # the CRM does not take such a request, whenever it is sent
            return UpstreamError(f"{name} answered with status {status}.", next_step=f"{check} and a proxy before it.")


def refused_values_error(name: str, explained: Explanation | None) -> CallerError:
    """The error for values that the CRM called `name` refused; UnnamedValues if it does not explain the refusal."""
    explained = explained or UnnamedValues(f"{name} refused the values that were sent.")
    return CallerError(
        explained.sentence,
        code="upstream_refused",
        next_step="Correct the values, ids with the tool that gives them, and send the call again.",
        explanation=explained,
    )


def redirected_write_error(upstream: Upstream) -> UpstreamFailed:
    """The error for a redirected write, whose redirect is not followed: it may have been applied (303), or not."""
    return UpstreamFailed(
        f"{upstream.name} redirected the request to an address that is not followed; it was not sent again.",
        code="upstream_redirect",
        next_step="Ask the operator of Taskhand to check the base URL.",
        retryable=False,
    )


_FAILURES: Final[Mapping[AttemptEnd, str]] = {
    AttemptEnd.UNREACHED: "could not be reached",
    AttemptEnd.TIMED_OUT: "did not answer in time",
    AttemptEnd.BROKEN: "broke the connection off",
}
_UNREADABLE: Final[Mapping[AttemptEnd, str]] = {
    AttemptEnd.CUT: "with a body that was cut off",
    AttemptEnd.OVERSIZED: "with a body larger than is accepted",
}


def no_answer_error(
    upstream: Upstream,
    event: AttemptEnd,
    kind: RequestKind,
    reference: str,
    *,
    code: int | None = None,
    proxy: str = "",
) -> TaskhandError:
    """The error for an attempt without a usable response; `code` as in `Attempt`, `proxy` the host of the proxy."""
    if event is AttemptEnd.UNTRUSTED:
        return OperatorError(
            f"The certificate that {upstream.name} showed is not trusted: {explain_distrust(code)}. Nothing was sent.",
            next_step=remedy_for_distrust(code, upstream.base_url_name),
        )
    if code is not None:
        return proxy_error(upstream, proxy, code)
    if event in _UNREADABLE:
        return invalid_answer_error(upstream, _UNREADABLE[event], kind, reference)
    check = f" The operator of Taskhand should check {upstream.base_url_name} and the network."
    way = f" through the proxy {proxy}" if proxy and event is AttemptEnd.UNREACHED else ""
    return UpstreamError(
        f"{upstream.name} {_FAILURES[event]}{way} (reference {reference}).",
        next_step=_LATER + (check if event is AttemptEnd.UNREACHED else ""),
        retryable=True,
    )


def no_time_error(upstream: Upstream, kind: RequestKind) -> TaskhandError:
    """The error for a request that is not sent because its call has no time left."""
    if kind is RequestKind.READ:
        return UpstreamError(
            f"The call's time ran out before {upstream.name} had answered all requests.",
            next_step="Send the same call again later, or one that reads less.",
            retryable=True,
        )
    return NotAttempted(
        f"The call's time ran out before the write could be sent to {upstream.name}; it was not sent.",
        next_step="Send the same call again.",
    )


def proxy_error(upstream: Upstream, proxy: str, status: int) -> TaskhandError:
    """The error for a refusal by the proxy, which does not concern the CRM or its key."""
    name, host = upstream.name, f"The proxy {proxy}".rstrip()
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return OperatorError(
            f"{host} asks for a user name and a password (status 407). {name} was not reached.",
            next_step="The operator of Taskhand should set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, or exempt "
            f"{name}'s host in NO_PROXY.",
        )
    if status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED:
        return OperatorError(
            f"The network asks to sign in first (status 511). {name} was not reached.",
            next_step="The operator of Taskhand should sign in to the network.",
        )
    if status < _FIRST_FAILURE:
        return OperatorError(
            f"{host} refused to connect to {name} (status {status}). Nothing was sent.",
            next_step=f"The operator of Taskhand should have {name}'s host allowed there, or exempt it in NO_PROXY.",
        )
    return UpstreamError(
        f"{host} could not connect to {name} (status {status}). Nothing was sent.",
        next_step="Try again later. The operator of Taskhand should check the proxy (HTTPS_PROXY, NO_PROXY).",
        retryable=True,
    )


def is_from_elsewhere(status: int, body: bytes) -> bool:
    """Whether a refusal does not come from the CRM: it is a web page, and its status does not identify a sender."""
    is_refusal = event_of(status) is AttemptEnd.REFUSED
    return is_refusal and is_web_page(body) and status not in _PROXY_STATUSES | _TOO_LONG


def page_error(upstream: Upstream, status: int, kind: RequestKind, reference: str) -> UpstreamError:
    """The error `upstream_invalid` for a web page in place of a response; OutcomeUnknown for a write with a success.

    The CRM did not refuse: its API sends JSON, but a firewall, a proxy or a login page may answer in its place.
    """
    message = (
        f"A web page was received instead of {upstream.name}'s answer (status {status}, reference {reference}): a "
        f"proxy, a firewall or a login page in front of {upstream.name} sent it."
    )
    check = f"The operator of Taskhand should check the network, HTTPS_PROXY and {upstream.base_url_name}."
    if kind is RequestKind.READ:
        return UpstreamError(message, code="upstream_invalid", next_step=check)
    is_in_doubt = event_of(status) is AttemptEnd.SUCCEEDED
    return (OutcomeUnknown if is_in_doubt else UpstreamError)(
        message, code="upstream_invalid", next_step=f"{_LOOK} {check}"
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
            next_step="Try once more; if it fails again, give the reference to the operator of Taskhand.",
        )
    return OutcomeUnknown(message, code="upstream_invalid", next_step=_LOOK)


def unconfirmed_write_error(upstream: Upstream, reference: str, *, is_late: bool = False) -> OutcomeUnknown:
    """The error for a write that was sent and not confirmed; `is_late` is whether a response may still come."""
    return (NoAnswer if is_late else OutcomeUnknown)(
        f"{upstream.name} did not confirm the write, which may have been applied (reference {reference}).",
        next_step=_LOOK,
    )
