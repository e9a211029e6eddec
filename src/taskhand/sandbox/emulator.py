"""What every emulated CRM has: a request log, a fault script, control routes, and one ASGI application."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Mount

from taskhand.sandbox import delivery
from taskhand.sandbox.control import control_routes
from taskhand.sandbox.faults import RESETS, Fault, Script, disguise
from taskhand.sandbox.log import Logged, RequestLog
from taskhand.sandbox.messages import Request, Response, RouteMatch, find_route

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from starlette.types import Receive, Scope, Send

    from taskhand.sandbox.switches import Switches

FIRST_ERROR = 300  # a status from here on has changed nothing


class Emulator(ABC):
    """A CRM without a network: a subclass gives `routes`, `answer`, `failure`, `state` and `reseed`.

    `app` is the ASGI application. `faults` and `spec_variant` may be set while it serves; setting `faults` starts
    their counts anew.
    """

    routes: tuple[str, ...] = ()
    harmless: frozenset[str] = frozenset()  # the routes that change nothing though they are no GET
    spec_variant: Switches

    def __init__(self, faults: Sequence[Fault], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._log = RequestLog()
        self._sleep = sleep
        self.faults = tuple(faults)
        self.app = Starlette(routes=[*control_routes(self), Mount("/", app=self._serve)])

    @abstractmethod
    def answer(self, request: Request, *, stale: bool) -> Response:
        """Do what the call asks; with `stale`, lists are as they were before the last write."""

    @abstractmethod
    def failure(self, status: int) -> Response:
        """Give this CRM's body for an error status that has nothing to do with the request."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Show all that is kept, as JSON values."""

    @abstractmethod
    def reseed(self) -> None:
        """Put the data back to what it was at the start."""

    def route_of(self, request: Request) -> RouteMatch | None:
        """Find the route that a call is for; a CRM that lets a call mean another method overrides this."""
        return find_route(self.routes, request.method, request.path)

    def now(self) -> dt.datetime | None:
        """Tell what the clock of this CRM says, for the `Date` of its answers (RFC 9110 §6.6.1); None sends none."""
        return None

    @property
    def requests(self) -> tuple[Logged, ...]:
        """The requests so far, oldest first; those to `/_sandbox` are not among them."""
        return self._log.entries

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults in force; a route that does not exist here is a ValueError."""
        return self._script.faults

    @faults.setter
    def faults(self, faults: Sequence[Fault]) -> None:
        self._script = Script(faults, self.routes)

    def clear_requests(self) -> None:
        """Empty the request log."""
        self._log.clear()

    def set_spec_variant(self, items: Iterable[str]) -> None:
        """Take another reading, from `name=value` items."""
        self.spec_variant = type(self.spec_variant).parse(items)

    def reset(self) -> None:
        """Go back to the start: data, request log and fault counts; faults and reading stay."""
        self.reseed()
        self._log.clear()
        self.faults = self.faults

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await delivery.read_request(scope, receive)
        if request is None:
            return
        found = self.route_of(request)
        fault = self._script.next(found.key if found else f"{request.method} {request.path}")
        answer = self._play(request, fault, found.key if found else None)
        await self._deliver(answer, fault, scope, receive, send)

    def _play(self, request: Request, fault: Fault | None, route: str | None) -> Response:
        """Answer, disguise and log: no await in here, so a call is one step."""
        works = fault is None or fault.commits
        stale = fault is not None and fault.kind == "stale_list"
        truth = self.answer(request, stale=stale) if works else Response(500)
        shown = truth if fault is None else self._disguised(fault, truth, request)
        reads = (route or request.method).startswith("GET") or route in self.harmless
        committed = works and not reads and truth.status < FIRST_ERROR
        status = None if fault and fault.kind in RESETS else shown.status
        self._log.add(request, status=status, route=route, committed=committed, fault=fault.kind if fault else None)
        return shown

    def _disguised(self, fault: Fault, truth: Response, request: Request) -> Response:
        target = f"{request.path}?{request.query}" if request.query else request.path
        return disguise(fault, truth, self.failure(fault.status or 500), target)

    async def _deliver(self, answer: Response, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        kind = fault.kind if fault else None
        if kind in RESETS:
            await delivery.reset(scope, receive)
        elif kind == "truncated":
            await delivery.send_half(answer, scope, receive, send)
        else:
            if fault and kind == "slow":
                await delivery.wait(self._sleep, fault.seconds, receive)
            await delivery.send_answer(answer.dated(self.now()), send)
