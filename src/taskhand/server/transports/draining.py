"""The end of a server over HTTP in steps, so that another server can replace it and no call is lost.

First `/ready` answers 503, while calls are still served: the load balancer stops sending requests here. Then new
requests are refused, streams end, and the calls under way have time to end. Calls that still run after that are
cancelled: they send nothing more, and journal the outcome of what they have sent.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass, field
from typing import Any, Final

import anyio
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.server.transports.first_header import first_header

__all__ = ["DrainTimes", "Draining"]

_log = logging.getLogger(__name__)

_ALWAYS_ANSWERED: Final = frozenset({"/health", "/ready"})
_LISTEN: Final = "subscriptions/listen"
_RETRY_AFTER_S: Final = 1
"""Within this time a load balancer finds another server, or this one is back."""
_MAX_READ: Final = 64 * 1024
"""Bytes of a message that are read to decide whether it is an answer to a question; such an answer is short."""
_LAST_EVENTS_S: Final = 1.0
"""Seconds in which a subscription may send its last events."""
_JOURNAL_S: Final = 5.0
"""Seconds in which a cancelled call journals the outcome of what it has sent."""


@dataclass(frozen=True, slots=True)
class DrainTimes:
    """Seconds from the signal until new requests are refused, and from then until calls under way are cancelled."""

    delay_s: float = 0.0
    calls_s: float = 50.0


@dataclass(slots=True)
class Draining:
    """The requests and calls under way in a server, and the state of its end.

    `leave` ends the process with an exit code if the rest takes too long. `has_cut` is whether a call was cancelled.
    """

    times: DrainTimes = field(default_factory=DrainTimes)
    leave: Callable[[int], object] = lambda _: None
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    is_leaving: bool = False
    has_cut: bool = False
    _refuses: bool = False
    _begun: anyio.Event = field(default_factory=anyio.Event)
    _requests: int = 0
    _calls: set[anyio.CancelScope] = field(default_factory=set)
    _streams: dict[anyio.CancelScope, bool] = field(default_factory=dict)
    """The open streams, and whether each ends by itself once subscriptions end."""
    _ended: anyio.Event | None = None
    """Set when a request, call or stream ends; None unless a task waits for it."""

    @property
    def is_idle(self) -> bool:
        """Whether no request and no call is under way; streams do not count."""
        return not self._requests and not self._calls

    def begin(self) -> None:
        """Begin to drain; a second call changes nothing."""
        self.is_leaving = True
        self._begun.set()

    def cut(self) -> None:
        """Note that the server ends now, and calls under way are cancelled."""
        self.has_cut = self.has_cut or not self.is_idle

    async def run(self, end_subscriptions: Callable[[], None]) -> None:
        """Wait for `begin`, and return once everything has ended or was cancelled."""
        await self._begun.wait()
        _log.info("ending: new requests are refused in %g s, calls under way have %g s then", *astuple(self.times))
        await self.sleep(self.times.delay_s)
        self._refuses = True
        end_subscriptions()
        self._end_streams(all_of_them=False)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._wait_for_streams)
            await self._end_calls()

    async def watch_calls(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Middleware of the MCP server: a call of the older era continues after its HTTP request has ended."""
        if ctx.request_id is None or ctx.method == _LISTEN:
            return await call_next(ctx)
        with anyio.CancelScope() as scope:
            self._calls.add(scope)
            try:
                return await call_next(ctx)
            finally:
                self._calls.discard(scope)
                self._note_end()
        raise MCPError(
            INTERNAL_ERROR,
            "The server ended during this call and sends nothing more for it; `list_changes` has the result.",
            {"code": "server_ended", "retryable": False},
        )

    def watch_requests(self, app: ASGIApp) -> ASGIApp:
        """`app` with its requests counted, and refused while the server drains."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] in _ALWAYS_ANSWERED:
                await app(scope, receive, send)
                return
            if self._refuses:
                is_part, receive = await _read_ahead(scope, receive)
                if not is_part:
                    await _refusal(scope)(scope, receive, self._closing(send))
                    return
            if _is_stream(scope):
                await self._serve_stream(app, scope, receive, send)
            else:
                await self._serve_request(app, scope, receive, send)

        return answer

    async def _serve_request(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request. It is under way until its answer is sent, except while its body is still arriving."""
        is_counted = is_answered = False
        is_whole = scope["method"] not in {"POST", "PUT", "PATCH"}

        def count(*, is_open: bool) -> None:
            nonlocal is_counted
            if is_open == is_counted:
                return
            self._requests += is_open - is_counted
            is_counted = is_open
            if not is_open:
                self._note_end()

        async def send_and_count(message: Message) -> None:
            nonlocal is_answered
            await send(self._close_after(message))
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                is_answered = True
                count(is_open=False)

        async def arrive() -> Message:
            nonlocal is_whole
            if is_whole:
                return await receive()
            count(is_open=False)
            message = await receive()
            is_whole = not message.get("more_body", False)
            count(is_open=not is_answered)
            return message

        count(is_open=True)
        try:
            await app(scope, arrive, send_and_count)
        finally:
            count(is_open=False)

    async def _serve_stream(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a stream until it ends, or end it so that its client sees a regular end and no failure."""
        has_begun = has_ended = False

        async def watch(message: Message) -> None:
            nonlocal has_begun, has_ended
            await send(self._close_after(message))
            has_begun = True
            has_ended = message["type"] == "http.response.body" and not message.get("more_body", False)

        with anyio.CancelScope() as ending:
            self._streams[ending] = scope["method"] == "POST"
            try:
                await app(scope, receive, watch)
            finally:
                del self._streams[ending]
                self._note_end()
        if ending.cancelled_caught and not has_ended:
            if has_begun:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await _refusal(scope)(scope, receive, self._closing(send))

    async def _end_calls(self) -> None:
        """Wait for the requests and calls under way for at most `times.calls_s`; then cancel them."""
        await self._wait_until(lambda: self.is_idle, self.times.calls_s)
        if self.is_idle:
            return
        self.has_cut = True
        _log.warning("ending: %d calls have not ended in %g s and are cancelled", len(self._calls), self.times.calls_s)
        for call in list(self._calls):
            call.cancel()
        await self._wait_until(lambda: self.is_idle, _JOURNAL_S)

    async def _wait_for_streams(self) -> None:
        """Wait for the subscriptions, which end by themselves if their clients read the last events."""
        for _ in range(2):
            await self._wait_until(lambda: not self._streams, _LAST_EVENTS_S)
            self._end_streams(all_of_them=True)

    def _end_streams(self, *, all_of_them: bool) -> None:
        for stream, ends_by_itself in list(self._streams.items()):
            if all_of_them or not ends_by_itself:
                stream.cancel()

    async def _wait_until(self, is_so: Callable[[], bool], seconds: float) -> None:
        with anyio.move_on_after(seconds):
            while not is_so():
                self._ended = self._ended or anyio.Event()
                await self._ended.wait()

    def _note_end(self) -> None:
        if self._ended is not None:
            self._ended.set()
            self._ended = None

    def _closing(self, send: Send) -> Send:
        """Sends an answer, with `Connection: close` while the server drains."""

        async def send_last(message: Message) -> None:
            await send(self._close_after(message))

        return send_last

    def _close_after(self, message: Message) -> Message:
        """The message of an answer, whose head says `Connection: close` while the server drains."""
        if not self.is_leaving or message["type"] != "http.response.start":
            return message
        kept = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"connection"]
        return {**message, "headers": [*kept, (b"connection", b"close")]}


def _is_stream(scope: Scope) -> bool:
    """Whether the answer lasts until one side ends it."""
    if scope["method"] == "GET":
        return bool(scope["path"].rstrip("/") == "/mcp")
    return first_header(scope, b"mcp-method") == _LISTEN


async def _read_ahead(scope: Scope, receive: Receive) -> tuple[bool, Receive]:
    """Whether a request belongs to a call under way or ends a session, and a `receive` that returns the request again.

    In the older era the answer of a person to a question of a call, and a cancellation, come as requests of their own.
    """
    if first_header(scope, b"mcp-session-id") is None:
        return False, receive
    if scope["method"] != "POST":
        return scope["method"] == "DELETE", receive
    body, has_more = b"", True
    while has_more and len(body) <= _MAX_READ:
        message = await receive()
        body += message.get("body", b"")
        has_more = message["type"] == "http.request" and message.get("more_body", False)
    is_read = False

    async def receive_again() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": has_more}

    return not has_more and _is_answer_or_notification(body), receive_again


def _is_answer_or_notification(body: bytes) -> bool:
    """Whether a message is a notification or an answer."""
    try:
        sent: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(sent, dict) and ("id" not in sent or "method" not in sent)


def _refusal(scope: Scope) -> Response:
    """The refusal of a request that the client should send to another server."""
    headers = {"Retry-After": str(_RETRY_AFTER_S)}
    text = "This server is ending, and takes no new requests: send it again, and another one answers."
    if scope["path"].rstrip("/") != "/mcp":
        return Response(text, 503, headers, "text/plain")
    data = {"code": "server_ending", "retryable": True, "retry_after_s": _RETRY_AFTER_S}
    error = {"code": INTERNAL_ERROR, "message": text, "data": data}
    return Response(json.dumps({"jsonrpc": "2.0", "id": None, "error": error}), 503, headers, "application/json")
