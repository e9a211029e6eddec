"""One HTTP connection, which is closed if its request does not arrive or its answer is not read in time."""

import asyncio
import sys
from collections.abc import Sequence
from typing import ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.open_http_connections import OpenConnections

__all__ = ["connection_class"]

_HEADERS_TOO_LARGE: Final = 431


def connection_class(limits: HttpLimits, connections: OpenConnections) -> type[H11Protocol]:
    """The connection class of one server; `open_connections` counts its connections."""

    class Connection(_LimitedConnection):
        http_limits = limits
        open_connections = connections

    return Connection


class _JoinedAnswers(h11.Connection):
    """The state of a connection; the head of an answer waits for its body, so that both are sent at once.

    The head of a stream, which has no length, does not wait: its body may come much later.
    """

    _head: Sequence[bytes] = ()

    def send_with_data_passthrough(self, event: h11.Event) -> list[bytes] | None:
        """The bytes to send now."""
        parts = super().send_with_data_passthrough(event)
        if type(event) is h11.Response and any(name == b"content-length" for name, _ in event.headers):
            self._head = parts or ()
            return []
        if self._head and parts is not None:
            parts, self._head = [*self._head, *parts], ()
        return parts


class _LimitedConnection(H11Protocol):
    """uvicorn's HTTP/1.1 connection with limits on the arrival of a request and on the wait for a client that reads.

    uvicorn limits only the time between two requests: a client that sends nothing, or half a request, or does not read
    its answer would keep its connection and task for ever. The time that the server takes for an answer is not limited.
    """

    http_limits: ClassVar[HttpLimits]
    open_connections: ClassVar[OpenConnections]
    """The connections of the server, this one included."""

    _address: str = ""
    _waits_since: float | None = None
    """The loop's time since which a request is awaited or incomplete; None while one is answered."""
    _arrival: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own signature
        """Wait for the first request."""
        super().connection_made(transport)
        self.conn = _JoinedAnswers(h11.SERVER)
        self._address = self.open_connections.add(self.client[0] if self.client else "", transport)
        self._watch_arrival()

    def handle_events(self) -> None:
        """Handle what arrived, and wait for the rest of the request or for the next one."""
        super().handle_events()
        self._watch_arrival()

    def pause_writing(self) -> None:
        """Wait for the client to read: the write buffer is full."""
        super().pause_writing()
        self._watch_reading()
        self.open_connections.leave_unread(self._address, self.transport)

    def resume_writing(self) -> None:
        """Resume the answer."""
        self._stop_reading_watch()
        self.open_connections.read(self._address, self.transport)
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Wait for the client to read the rest, and for its next request."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self._watch_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._stop_arrival_watch()
        self._stop_reading_watch()
        self.open_connections.remove(self._address, self.transport)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, or has too large headers, and close the connection."""
        error = sys.exception()
        is_large = isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == _HEADERS_TOO_LARGE
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()  # in the middle of an answer
            return
        text = f"The headers of a request have at most {self.http_limits.header_bytes} bytes." if is_large else msg
        status = _HEADERS_TOO_LARGE if is_large else 400
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")]
        parts = [h11.Response(status_code=status, headers=headers), h11.Data(data=text.encode()), h11.EndOfMessage()]
        self.transport.write(b"".join(self.conn.send(part) or b"" for part in parts))
        self.transport.close()

    def _watch_arrival(self) -> None:
        """Start the timer while a request is awaited or incomplete; one timer serves many requests."""
        if self.transport.is_closing():
            return
        if self._is_answering():
            self._waits_since = None
            self.open_connections.answer(self._address, self.transport)
        elif self._waits_since is None:
            self._waits_since = self.loop.time()
            self.open_connections.wait(self._address, self.transport)
            if self._arrival is None:
                self._start_arrival_watch(self._waits_since)

    def _give_up(self) -> None:
        """Close the connection if its time is over, unless the client still reads the last answer."""
        self._arrival = None
        if self._waits_since is None:
            return
        if self.transport.get_write_buffer_size():
            self._waits_since = self.loop.time()
        if self._waits_since + self.http_limits.request_s > self.loop.time():
            self._start_arrival_watch(self._waits_since)
        else:
            self.transport.abort()

    def _start_arrival_watch(self, since: float) -> None:
        self._arrival = self.loop.call_at(since + self.http_limits.request_s, self._give_up)

    def _is_answering(self) -> bool:
        """Whether a request has arrived whole and is not answered yet."""
        current: RequestResponseCycle | None = getattr(self, "cycle", None)  # None before the first request
        return current is not None and not current.more_body and not current.response_complete

    def _watch_reading(self) -> None:
        """Close the connection if the client reads nothing within `answer_s`."""
        self._stop_reading_watch()
        unread = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(self.http_limits.answer_s, self._end_unread, unread)

    def _end_unread(self, unread: int) -> None:
        now = self.transport.get_write_buffer_size()
        if now >= unread > 0:
            self.transport.abort()
        elif now:
            self._watch_reading()

    def _stop_arrival_watch(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _stop_reading_watch(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
