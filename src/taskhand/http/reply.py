"""Answers: bodies into JSON, statuses and failures into errors; all pure.

No text of the upstream's enters a message: what a body says reaches the caller only through a backend's `explain`.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from json import dumps, loads
from typing import Final, Literal, NoReturn, TypeAlias

from taskhand.domain.errors import (
    CallerError,
    NotFound,
    OperatorError,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.http.retry import Event, Sending
from taskhand.http.upstream import Upstream

__all__ = ["Json", "Nonsense", "Reply", "Shape", "failure", "invalid", "json_of", "lost", "refusal", "unpacked"]

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
Shape = Literal["any", "object", "object or nothing", "array", "nothing"]


class Nonsense(ValueError):
    """A body is not what was expected; the text is ours and says what it is instead."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer: header names are in lower case; `json` is None for an answer without a body."""

    status: int
    json: Json = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    template: str
    sending: Sending

    @property
    def object(self) -> dict[str, Json]:
        """The body of a request made with expect="object"; TypeError otherwise (a bug of ours)."""
        if not isinstance(self.json, dict):
            raise TypeError('ask with expect="object"')
        return self.json

    @property
    def array(self) -> list[Json]:
        """The body of a request made with expect="array"; TypeError otherwise (a bug of ours)."""
        if not isinstance(self.json, list):
            raise TypeError('ask with expect="array"')
        return self.json


def unpacked(raw: bytes, coding: str, limit: int) -> bytes | None:
    """Undo gzip or deflate (RFC 9110 §8.4.1), producing at most `limit` + 1 bytes; None when it cannot be undone."""
    if coding in {"", "identity"}:
        return raw
    if coding not in {"gzip", "x-gzip", "deflate"}:
        return None
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: tells gzip and zlib apart by itself
    try:
        body = inflater.decompress(raw, limit + 1)
    except zlib.error:
        return None
    return body if inflater.eof or len(body) > limit else None


def json_of(status: int, body: bytes, expect: Shape) -> Json:
    """Parse the body of a successful answer; Nonsense when it is not JSON of the expected shape.

    204 and 205 have no body (RFC 9110 §15.3.5): None, unless a shape was expected.
    """
    if expect == "nothing" or (expect == "any" and status in {204, 205} and not body):
        return None
    if expect == "object or nothing" and not body.strip():
        return None
    json = _parsed(body)
    if expect in {"object", "object or nothing"} and not isinstance(json, dict):
        raise Nonsense(f"with {_kind(json)} where an object belongs")
    if expect == "array" and not isinstance(json, list):
        raise Nonsense(f"with {_kind(json)} where an array belongs")
    return json


def _parsed(body: bytes) -> Json:
    if not body.strip():
        raise Nonsense("with an empty body")
    try:
        json: Json = loads(body, parse_constant=_refuse_constant)
        return _mended(json) if b"\\u" in body else json
    except (ValueError, RecursionError):
        page = body.lstrip()[:1] == b"<"
        raise Nonsense("with a web page instead of data" if page else "with malformed or cut-off JSON") from None


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON (RFC 8259 §6)")


def _mended(json: Json) -> Json:
    r"""Replace lone surrogates: an escape such as \ud800 parses, and nobody could ever write it out again."""
    mended: Json = loads(dumps(json, ensure_ascii=False).encode("utf-8", "replace"))
    return mended


def _kind(json: Json) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(json), "a number")


def refusal(upstream: Upstream, status: int, json: Json = None, *, retry_after_s: float | None = None) -> TaskhandError:
    """Turn any status but success into an error; the only place that does."""
    name = upstream.name
    error: TaskhandError
    match status:
        case 400 | 413 | 414 | 422:
            error = CallerError(
                _said(upstream, status, json) or f"{name} refused the values that were sent.",
                code="upstream_refused",
                next_step="Check each value that was sent, and send the call again with other values.",
            )
        case 401:
            error = OperatorError(
                _said(upstream, status, json) or f"{name} does not accept the credential.",
                code="unauthorized",
                next_step=f"Whoever runs Taskhand should check {upstream.credential}.",
            )
        case 402 | 403:
            error = OperatorError(
                _said(upstream, status, json)
                or f"{name} does not allow this to the credential, or the plan does not include it.",
                code="forbidden",
                next_step=f"Whoever runs Taskhand should check what {upstream.credential} may do in {name}.",
            )
        case 404 | 410:
            error = NotFound(_said(upstream, status, json) or f"{name} does not have what was asked for.")
        case 409:
            error = CallerError(
                _said(upstream, status, json) or f"{name} says that this conflicts with what is there.",
                code="conflict",
                next_step="Read what is there now, then decide again.",
            )
        case 423 | 429 | 477:  # HubSpot: 423 while a record is locked, 477 while an account is being moved
            error = RateLimited(
                _said(upstream, status, json) or f"{name} asks to wait.",
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


_LATER: Final = "Try again later; before repeating a write, read what is there."


_FIRST_FAILURE: Final = 500  # RFC 9110 section 15.6: the server failed


def _said(upstream: Upstream, status: int, json: Json) -> str | None:
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


def failure(upstream: Upstream, event: Event, sending: Sending, reference: str) -> TaskhandError:
    """Turn an attempt that brought no usable answer into an error."""
    if event is Event.UNTRUSTED:
        return OperatorError(
            f"The certificate that {upstream.name} showed is not trusted; nothing was sent.",
            next_step="Whoever runs Taskhand should add the certificate authority to the system, or set SSL_CERT_FILE.",
        )
    if event in _UNREADABLE:
        return invalid(upstream, _UNREADABLE[event], sending, reference)
    check = f" Whoever runs Taskhand should check {upstream.variable} and the network."
    return UpstreamError(
        f"{upstream.name} {_FAILURES[event]} (reference {reference}).",
        next_step=_LATER + (check if event is Event.UNREACHED else ""),
        retryable=True,
    )


def invalid(upstream: Upstream, why: str, sending: Sending, reference: str) -> UpstreamError:
    """Make `upstream_invalid`: a success that cannot be read, so that a write may well have been applied.

    It is an OutcomeUnknown for a write. `why` is ours and continues "... answered".
    """
    message = f"{upstream.name} answered {why} (reference {reference})."
    if sending is Sending.READ:
        return UpstreamError(
            message,
            code="upstream_invalid",
            next_step="Try once more; if it stays so, give the reference to whoever runs Taskhand.",
        )
    return OutcomeUnknown(message, code="upstream_invalid", next_step=_LOOK)


_LOOK: Final = "Read what is there before sending the write again."


def lost(upstream: Upstream, reference: str) -> OutcomeUnknown:
    """Make the error for a write that left and was not confirmed."""
    return OutcomeUnknown(
        f"{upstream.name} did not confirm the write, which may have been applied (reference {reference}).",
        next_step=_LOOK,
    )
