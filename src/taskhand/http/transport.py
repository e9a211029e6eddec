"""Retry and rate limit around another transport.

Each request ends with a response that was read whole, or with a TaskhandError. Errors contain nothing of the library
below: not its exceptions, their texts, or its requests with the key in their headers.
"""

import logging
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Final

import httpx2
from opentelemetry import trace

from taskhand import __version__
from taskhand.call.background_requests import is_idle
from taskhand.call.change_ownership import check_ownership
from taskhand.call.deadline import Deadline
from taskhand.call.request_log import record_request
from taskhand.domain.errors import NotAttempted, RateLimited, TaskhandError, UpstreamError
from taskhand.domain.own_credential import OwnCredential
from taskhand.http.attempt import Attempt, WholeResponse, send_once
from taskhand.http.errors import no_answer_error, no_time_error, unconfirmed_write_error
from taskhand.http.origin import Origin
from taskhand.http.proxy import proxy_route_for
from taskhand.http.rate_headers import requested_wait_s
from taskhand.http.rate_limiter import Limiter
from taskhand.http.request import Request
from taskhand.http.response_body import UnexpectedBody, parse_json
from taskhand.http.retry import (
    Action,
    AttemptEnd,
    AttemptState,
    RequestKind,
    Retry,
    RetryPolicy,
    decide,
    leaves_in_doubt,
)
from taskhand.http.upstream import Runtime, Upstream

__all__ = ["RetryTransport", "TransportConfig"]

_HEADERS: Final = {
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",  # only codings that `response_body.decompress` undoes
    "user-agent": f"taskhand/{__version__}",
}
_JSON: Final = {"content-type": "application/json"}
_UNSENT_SHARE: Final = 0.9
"""The share of an attempt's time within which the connection must be open.

A late connection then fails, with nothing sent, before the whole attempt times out with an unknown outcome.
"""
_TURN_S: Final = 0.02
"""Seconds after its turn within which a write may leave; later, the rate budget would count it at the wrong time."""

_log = logging.getLogger("taskhand.http")


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """The configuration for requests to one upstream; they are sent only to its `origin`."""

    upstream: Upstream
    origin: Origin
    policy: RetryPolicy
    rate_limiter: Limiter
    runtime: Runtime


class RetryTransport:
    """Sends each request as often as the policy permits, within the rate limit.

    `request_count` counts the attempts.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, config: TransportConfig) -> None:
        self._inner = inner
        self._config = config
        self._home = httpx2.URL(config.upstream.base_url)
        self._tracer = config.runtime.tracer or trace.get_tracer("taskhand.http")
        self._observer = config.runtime.observer
        self.request_count = 0

    async def send(
        self, request: Request, url: str, deadline: Deadline, renewed: OwnCredential | None = None
    ) -> WholeResponse:
        """Send until the policy stops; return a response of any status. `renewed` replaces the upstream's key.

        Raises UpstreamError (including RateLimited and OutcomeUnknown) and OperatorError; NotAttempted for a write
        without time before the deadline.
        """
        wire = self._to_wire(request, url, renewed)
        in_doubt = is_late = False
        leave_by = deadline.at if request.kind is RequestKind.READ else deadline.write_by
        number = 0
        while True:
            number += 1
            attempt = await self._attempt_in_turn(wire, request, deadline, number, in_doubt=in_doubt)
            is_late = is_late or attempt.event is AttemptEnd.TIMED_OUT
            state = AttemptState(
                kind=request.kind,
                event=attempt.event,
                attempt=number,
                left_s=leave_by - self._config.runtime.monotonic(),
                jitter=self._config.runtime.jitter(),
                asked_s=attempt.asked_s,
                in_doubt=in_doubt,
            )
            decision = decide(self._config.policy, state)
            if isinstance(decision, Retry):
                in_doubt = in_doubt or leaves_in_doubt(request.kind, attempt.event)
                await self._config.runtime.sleep(decision.after_s)
                continue
            if decision is Action.READ_BACK:
                raise self._unknown_outcome(request, attempt, is_late=is_late)
            if attempt.answer is None:
                raise self._failure(request, attempt)
            return attempt.answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    def _to_wire(self, request: Request, url: str, renewed: OwnCredential | None) -> httpx2.Request:
        """The library's request. Its URL is checked as the library parses it, because the headers contain the key."""
        wire = httpx2.Request(
            request.method,
            url,
            headers={
                **_HEADERS,
                **({} if request.body is None else _JSON),
                **request.headers,
                **(_bearer(renewed) if renewed else self._config.upstream.auth),
            },
            content=request.body,
        )
        home, target = self._home, wire.url
        if (target.scheme, target.raw_host, target.port) != (home.scheme, home.raw_host, home.port):
            raise UpstreamError("A request to another host was stopped before it was sent.", code="upstream_redirect")
        return wire

    async def _attempt_in_turn(
        self, wire: httpx2.Request, request: Request, deadline: Deadline, number: int, *, in_doubt: bool
    ) -> Attempt:
        """One attempt in its turn; the rest of the call's time is for its confirmation or read back."""
        is_read = request.kind is RequestKind.READ
        leave_by, end_by = (deadline.at, deadline.at) if is_read else (deadline.write_by, deadline.confirm_by)
        try:
            if (asked := self._config.runtime.monotonic()) >= leave_by:
                raise no_time_error(self._config.upstream, request.kind)
            while True:
                async with self._config.rate_limiter.turn(leave_by):
                    if self._observer is not None:
                        self._observer.turn_came(self._config.runtime.monotonic() - asked)
                    if is_read or await self._owns_at_once():
                        return await self._attempt(wire, request, end_by, number)
        except RateLimited as error:
            if not in_doubt and (error.retry_after_s is not None or is_idle()):
                raise
            if not in_doubt:
                raise no_time_error(self._config.upstream, request.kind) from None
        except NotAttempted:
            if not in_doubt:
                raise
        raise self._unknown_outcome(
            request, Attempt(AttemptEnd.THROTTLED, cause="no turn for another attempt"), is_late=True
        )

    async def _owns_at_once(self) -> bool:
        """Check that this process may write; False if the check took so long that the request needs another turn."""
        began = self._config.runtime.monotonic()
        await check_ownership()
        return self._config.runtime.monotonic() - began <= _TURN_S

    async def _attempt(self, wire: httpx2.Request, request: Request, end_by: float, number: int) -> Attempt:
        self.request_count += 1
        limits, within_s = self._config.runtime.limits, end_by - self._config.runtime.monotonic()
        unsent_s = _UNSENT_SHARE * within_s
        read_s, connect_s = min(limits.read_s, within_s), min(limits.connect_s, unsent_s)
        wire.extensions["timeout"] = {"connect": connect_s, "read": read_s, "write": read_s, "pool": unsent_s}
        with self._trace(request, number) as ended:
            attempt = await send_once(self._inner, wire, within_s=within_s, body_bytes=limits.body_bytes)
            ended.append(attempt)
        path = wire.url.raw_path.decode().partition("?")[0]  # as it was sent, also an id with a slash
        record_request(request.method, path, attempt.status or attempt.cause)
        return attempt if attempt.answer is None else self._apply_to_limiter(attempt, attempt.answer)

    def _apply_to_limiter(self, attempt: Attempt, answer: WholeResponse) -> Attempt:
        """Apply a response to the rate limit: its headers, and a 429 that names a time, which delays all requests."""
        rate = self._config.upstream.read_headers(answer.headers)
        if rate is not None:
            self._config.rate_limiter.observe(rate)
        if attempt.event is AttemptEnd.SUCCEEDED:
            return attempt
        is_throttled = attempt.event is AttemptEnd.THROTTLED
        body_s = self._wait_in_body(answer) if is_throttled else None
        asked_s = requested_wait_s(
            answer.status,
            answer.headers,
            rate if is_throttled else None,
            wall=self._config.runtime.wall(),
            body_s=body_s,
        )
        if is_throttled and asked_s is not None:
            self._config.rate_limiter.pause(asked_s)
        return replace(attempt, answer=replace(answer, retry_after_s=asked_s))

    def _wait_in_body(self, answer: WholeResponse) -> float | None:
        """The wait in seconds that the body of a refusal names."""
        if (read_wait := self._config.upstream.read_wait) is None:
            return None
        try:
            return read_wait(parse_json(answer.status, answer.body, "any"))
        except UnexpectedBody:
            return None

    def _failure(self, request: Request, attempt: Attempt) -> TaskhandError:
        reference = self._config.runtime.new_reference()
        _log.warning("%s: %s (%s), reference %s", request.path.template, attempt.event.name, attempt.cause, reference)
        proxy = proxy_route_for(self._config.origin).proxy_host
        return no_answer_error(
            self._config.upstream, attempt.event, request.kind, reference, code=attempt.code, proxy=proxy
        )

    def _unknown_outcome(self, request: Request, attempt: Attempt, *, is_late: bool) -> TaskhandError:
        if attempt.event in {AttemptEnd.CUT, AttemptEnd.OVERSIZED}:
            return self._failure(request, attempt)
        reference = self._config.runtime.new_reference()
        _log.warning("%s: outcome unknown (%s), reference %s", request.path.template, attempt.label, reference)
        return unconfirmed_write_error(self._config.upstream, reference, is_late=is_late)

    @contextmanager
    def _trace(self, request: Request, number: int) -> Generator[list[Attempt], None, None]:
        """Trace and log one attempt, which the caller appends; not its URL, which holds ids, names and addresses.

        Attributes as in OpenTelemetry's semantic conventions for HTTP client spans: one span for each attempt.
        """
        began = self._config.runtime.monotonic()
        ended: list[Attempt] = []
        method, template = request.method, request.path.template
        with self._span(method, template, number) as span:
            try:
                yield ended
            finally:
                attempt = ended[0] if ended else Attempt(AttemptEnd.TIMED_OUT, cause="cancelled")
                _describe(span, attempt)
                took_s = self._config.runtime.monotonic() - began
                _log.debug("%s %s: %s in %.3f s, attempt %d", method, template, attempt.label, took_s, number)
                if self._observer is not None:
                    self._observer.request_ended(method, attempt.status, took_s)

    def _span(self, method: str, template: str, number: int) -> AbstractContextManager[trace.Span]:
        """A span of one attempt; an empty one if spans are not exported."""
        if self._config.runtime.tracer is None and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            return nullcontext(trace.INVALID_SPAN)
        return self._tracer.start_as_current_span(
            f"{method} {template}",
            kind=trace.SpanKind.CLIENT,
            attributes={
                "http.request.method": method,
                "url.template": template,
                "server.address": self._config.origin.host,
                "server.port": self._config.origin.port,
                **({"http.request.resend_count": number - 1} if number > 1 else {}),
            },
            record_exception=False,
        )


def _bearer(credential: OwnCredential) -> Mapping[str, str]:
    return {"authorization": f"Bearer {credential.access_token}"}


def _describe(span: trace.Span, attempt: Attempt) -> None:
    if attempt.answer is not None:
        span.set_attribute("http.response.status_code", attempt.answer.status)
    if attempt.event is not AttemptEnd.SUCCEEDED:
        span.set_attribute("error.type", attempt.label)
        span.set_status(trace.StatusCode.ERROR)
