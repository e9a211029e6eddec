"""A request that counts for its caller: its bytes while they arrive, then the request until it is answered."""

from typing import Self

from starlette.types import Message, Receive, Send

from taskhand.server.transports.caller_usage import CallerLimits
from taskhand.server.transports.limit_refusal import Refusal

__all__ = ["CountedRequest", "OverLimit"]


class OverLimit(Exception):
    """The usage of the caller is over a limit, and this request is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class CountedRequest:
    """Counts a request inside its `with`; raises OverLimit before the application has read it whole.

    A request that does not arrive whole is never carried out, so it does not count as open.
    """

    def __init__(self, receive: Receive, send: Send, callers: CallerLimits, caller: str, *, is_stream: bool) -> None:
        self._receive, self._send, self._callers = receive, send, callers
        self._caller, self._is_stream = caller, is_stream
        self._arrived = 0
        self._is_whole = False
        self._is_open = False

    def __enter__(self) -> Self:
        _raise_if(self._callers.refuse_rate(self._caller))
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_whole:
            self._callers.forget(self._caller, self._arrived)
        self._end()

    async def receive(self) -> Message:
        """The next message of the request."""
        message = await self._receive()
        if message["type"] == "http.request" and not self._is_whole:
            self._count(len(message.get("body", b"")), is_last=not message.get("more_body", False))
        return message

    async def send(self, message: Message) -> None:
        """Send a message of the answer; work of the application after the last message does not count."""
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._end()

    def _end(self) -> None:
        if self._is_open:
            self._is_open = False
            self._callers.end(self._caller, is_stream=self._is_stream)

    def _count(self, size: int, *, is_last: bool) -> None:
        if not is_last:
            refusal = self._callers.receive(self._caller, size, self._arrived)
            self._arrived += size
            _raise_if(refusal)
            return
        self._is_whole = True
        self._callers.forget(self._caller, self._arrived)
        _raise_if(self._callers.begin(self._caller, is_stream=self._is_stream))
        self._is_open = True


def _raise_if(refusal: Refusal | None) -> None:
    if refusal:
        raise OverLimit(refusal)
