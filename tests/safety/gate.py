"""A gate in front of a CRM, which calls the test before a write is handled and before its answer is sent."""

from typing import TYPE_CHECKING

from starlette.types import Message, Receive, Scope, Send

from taskhand.sandbox import asgi_io
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.messages import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Gate"]


class Gate:
    """An application to serve instead of the CRM.

    `before_write` is called with the number of a write, from 1, before the CRM handles it. `after_write` is called when
    it is handled and before the answer is sent; an awaitable that it returns is awaited. While the gate `is_shut`,
    nothing is handled and nothing is answered. `requests` are those that have arrived.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.writes = 0
        self.is_shut = False
        self.requests: list[ReceivedRequest] = []
        self.before_write: Callable[[int], object] = lambda _: None
        self.after_write: Callable[[int], Awaitable[object] | None] = lambda _: None

    @property
    def app(self) -> "Gate":
        """The application to serve."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on once it has arrived completely, unless the gate is shut."""
        call = await asgi_io.read_request(scope, receive)
        if call is None:
            return
        self.requests.append(call)
        number = None
        if self._is_write(call) and not self.is_shut:
            self.writes += 1
            number = self.writes
            self.before_write(number)
        if not self.is_shut:
            await self.emulator.app(scope, _again(call, receive), self._answering(number, send))
        while self.is_shut and (await receive())["type"] != "http.disconnect":
            pass

    def _is_write(self, call: ReceivedRequest) -> bool:
        found = self.emulator.route_of(call)
        key = found.key if found else call.method
        return not key.startswith("GET") and key not in self.emulator.harmless

    def _answering(self, number: int | None, send: Send) -> Send:
        """Send the answer after `after_write`, and not at all while the gate is shut."""

        async def answer(message: Message) -> None:
            if number is not None and message["type"] == "http.response.start":
                waits = self.after_write(number)
                if waits is not None:
                    await waits
            if not self.is_shut:
                await send(message)

        return answer


def _again(call: ReceivedRequest, receive: Receive) -> Receive:
    """A `receive` that repeats the body, then passes on later messages."""
    bodies = iter([call.body])

    async def received() -> Message:
        body = next(bodies, None)
        return await receive() if body is None else {"type": "http.request", "body": body, "more_body": False}

    return received
