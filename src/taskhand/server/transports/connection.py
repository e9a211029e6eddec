"""One HTTP connection to the server, which ends where its request does not arrive whole in time."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

__all__ = ["TimedConnection"]


class TimedConnection(H11Protocol):
    """uvicorn's HTTP/1.1 connection with a limit on the arrival of a request.

    uvicorn limits only the time between two requests: a client that opens a connection and sends nothing, or half a
    request, would keep it and its task for ever. The time of an answer is not limited.
    """

    request_s: ClassVar[float]
    """Seconds in which a request must arrive whole; more of its bytes do not prolong them."""

    _arrival: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own signature
        """Wait for the first request."""
        super().connection_made(transport)
        self._watch_arrival()

    def handle_events(self) -> None:
        """Handle what arrived, and wait for the rest of the request or for the next one."""
        super().handle_events()
        self._watch_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_watching()
        super().connection_lost(exc)

    def _watch_arrival(self) -> None:
        """Let the time run while a request is awaited or incomplete."""
        if self._is_answering():
            self._stop_watching()
        elif self._arrival is None:
            self._arrival = self.loop.call_later(self.request_s, self.transport.abort)

    def _is_answering(self) -> bool:
        """Whether a request has arrived whole and is not answered yet."""
        current: RequestResponseCycle | None = getattr(self, "cycle", None)  # None before the first request
        return current is not None and not current.more_body and not current.response_complete

    def _stop_watching(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None
