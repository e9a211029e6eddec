"""Retry and rate budget, as a transport around another.

Whoever sends through it gets either an answer that was read whole, or an error of ours. Nothing of the library below
(its exceptions, their texts, its requests with the key in their headers) is attached to what is raised here.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import assert_never

import httpx2
from opentelemetry import trace

from taskhand.domain.errors import RateLimited, TaskhandError, UpstreamError
from taskhand.domain.request_log import record_request
from taskhand.http.attempt import Attempt, send_once
from taskhand.http.budget import Budget
from taskhand.http.errors import no_answer_error, unconfirmed_write_error
from taskhand.http.origin import Origin
from taskhand.http.reply import UnexpectedBody, parse_json
from taskhand.http.retry import (
    AttemptState,
    Event,
    ReadBack,
    Retry,
    RetryPolicy,
    Stop,
    decide,
    leaves_in_doubt,
    posix_time,
    retry_after_s,
)
from taskhand.http.upstream import CONTEXT, WAIT, Limits, RequestContext, Runtime, Upstream

__all__ = ["RetryTransport", "TransportConfig"]

_log = logging.getLogger("taskhand.http")


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """The terms on which requests leave for one upstream, and for no other `origin`."""

    upstream: Upstream
    origin: Origin
    limits: Limits
    policy: RetryPolicy
    budget: Budget
    runtime: Runtime


class RetryTransport(httpx2.AsyncBaseTransport):
    """Sends each request as often as the policy says, each time on the budget.

    `sent` counts the attempts. Raises UpstreamError (RateLimited and OutcomeUnknown among them) and OperatorError;
    answers of any status are returned.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, config: TransportConfig) -> None:
        self._inner = inner
        self._config = config
        self._home = httpx2.URL(config.upstream.base_url)
        self._tracer = config.runtime.tracer or trace.get_tracer("taskhand.http")
        self.sent = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send until the policy says stop; the body of the answer is already there, unpacked."""
        self._refuse_strangers(request.url)
        call: RequestContext = request.extensions[CONTEXT]
        in_doubt = False
        for attempt in count(1):
            seen = await self._in_turn(request, call, attempt, in_doubt=in_doubt)
            match decide(self._config.policy, self._state(call, seen, attempt, in_doubt=in_doubt)):
                case Retry(after_s):
                    in_doubt = in_doubt or leaves_in_doubt(call.kind, seen.event)
                    await self._config.runtime.sleep(after_s)
                case ReadBack():
                    raise self._unknown(call, seen)
                case Stop():
                    return self._result(call, seen)
                case unheard_of:
                    assert_never(unheard_of)
        raise AssertionError("count() does not end")

    async def aclose(self) -> None:
        """Close what is underneath."""
        await self._inner.aclose()

    def _refuse_strangers(self, url: httpx2.URL) -> None:
        """Look once more, at the URL as the library itself understands it: the key is in the headers."""
        home = self._home
        if (url.scheme, url.raw_host, url.port) != (home.scheme, home.raw_host, home.port):
            raise UpstreamError("A request was about to leave for another host.", code="upstream_redirect")

    async def _in_turn(self, request: httpx2.Request, call: RequestContext, attempt: int, *, in_doubt: bool) -> Attempt:
        try:
            async with self._config.budget.turn(call.deadline):
                return await self._attempt(request, call, attempt)
        except RateLimited:
            if not in_doubt:
                raise
        raise self._unknown(call, Attempt(Event.THROTTLED, cause="no turn for another attempt"))

    async def _attempt(self, request: httpx2.Request, call: RequestContext, attempt: int) -> Attempt:
        self.sent += 1
        within_s = self._left_s(call)
        request.extensions["timeout"] = self._timeouts(within_s)
        with self._told(request.method, call, attempt) as told:
            body_bytes = self._config.limits.body_bytes
            seen = await send_once(self._inner, request, within_s=within_s, body_bytes=body_bytes)
            told.append(seen)
        record_request(request.method, request.url.path, seen.outcome)
        self._heed(seen)
        return seen

    def _timeouts(self, within_s: float) -> dict[str, float]:
        limits = self._config.limits
        read_s = min(limits.read_s, within_s)
        return {"connect": min(limits.connect_s, within_s), "read": read_s, "write": read_s, "pool": within_s}

    def _heed(self, seen: Attempt) -> None:
        """Let the budget learn from the headers; a 429 that names a time holds everyone back."""
        if (learned := self._config.upstream.read_headers(seen.headers)) is not None:
            self._config.budget.observe(learned)
        asked_s = self._asked_s(seen)
        if seen.event is Event.THROTTLED and asked_s is not None:
            self._config.budget.pause(asked_s)
        if seen.response is not None:
            seen.response.extensions[WAIT] = asked_s

    def _asked_s(self, seen: Attempt) -> float | None:
        """Dates are counted from the upstream's own clock, where it tells it (RFC 9110 §6.6.1)."""
        told = posix_time(seen.headers.get("date"))
        now = self._config.runtime.wall() if told is None else told
        asked_s = retry_after_s(seen.headers.get("retry-after"), now=now)
        if asked_s is None and seen.event is Event.THROTTLED:
            learned = self._config.upstream.read_headers(seen.headers)
            spent_s = learned.reset_s if learned is not None and learned.remaining <= 0 else None
            return spent_s if (told_s := self._told_s(seen)) is None else told_s
        return asked_s

    def _told_s(self, seen: Attempt) -> float | None:
        """Seconds to wait that the body of a refusal tells."""
        read_wait = self._config.upstream.read_wait
        if read_wait is None or seen.response is None:
            return None
        try:
            return read_wait(parse_json(seen.response.status_code, seen.response.content, "any"))
        except UnexpectedBody:
            return None

    def _state(self, call: RequestContext, seen: Attempt, attempt: int, *, in_doubt: bool) -> AttemptState:
        return AttemptState(
            kind=call.kind,
            event=seen.event,
            attempt=attempt,
            left_s=self._left_s(call),
            jitter=self._config.runtime.jitter(),
            asked_s=self._asked_s(seen),
            in_doubt=in_doubt,
        )

    def _left_s(self, call: RequestContext) -> float:
        return call.deadline - self._config.runtime.clock()

    def _result(self, call: RequestContext, seen: Attempt) -> httpx2.Response:
        if seen.response is None:
            raise self._failed(call, seen)
        return seen.response

    def _failed(self, call: RequestContext, seen: Attempt) -> TaskhandError:
        reference = self._config.runtime.ids()
        _log.warning("%s: %s (%s), reference %s", call.template, seen.event.name, seen.cause, reference)
        return no_answer_error(self._config.upstream, seen.event, call.kind, reference)

    def _unknown(self, call: RequestContext, seen: Attempt) -> TaskhandError:
        if seen.event in {Event.CUT, Event.OVERSIZED}:
            return self._failed(call, seen)
        reference = self._config.runtime.ids()
        _log.warning("%s: outcome unknown (%s), reference %s", call.template, seen.outcome, reference)
        return unconfirmed_write_error(self._config.upstream, reference)

    @contextmanager
    def _told(self, method: str, call: RequestContext, attempt: int) -> Generator[list[Attempt], None, None]:
        """Tell the trace and the log of one attempt: never the URL, which holds ids, names and e-mail addresses.

        Attributes as in OpenTelemetry's semantic conventions for HTTP client spans: one span for each sending.
        """
        began = self._config.runtime.clock()
        seen: list[Attempt] = []
        with self._tracer.start_as_current_span(
            f"{method} {call.template}",
            kind=trace.SpanKind.CLIENT,
            attributes={
                "http.request.method": method,
                "url.template": call.template,
                "server.address": self._config.origin.host,
                "server.port": self._config.origin.port,
                "http.request.resend_count": attempt - 1,
            },
            record_exception=False,
        ) as span:
            try:
                yield seen
            finally:
                _describe(span, seen)
                outcome = seen[0].outcome if seen else "cancelled"
                took_s = self._config.runtime.clock() - began
                _log.debug("%s %s: %s in %.3f s, attempt %d", method, call.template, outcome, took_s, attempt)


def _describe(span: trace.Span, seen: list[Attempt]) -> None:
    if not seen:
        return
    if seen[0].response is not None:
        span.set_attribute("http.response.status_code", seen[0].response.status_code)
    if seen[0].event is not Event.SUCCEEDED:
        span.set_attribute("error.type", seen[0].outcome)
        span.set_status(trace.StatusCode.ERROR)
