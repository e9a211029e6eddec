"""The base of every emulated CRM: request log, fault script, control routes, and one ASGI application."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypedDict

import anyio
from starlette.applications import Starlette
from starlette.routing import Mount

from taskhand.sandbox import asgi_io
from taskhand.sandbox.control import control_routes
from taskhand.sandbox.faults import RESETS, Fault, FaultScript, disguise
from taskhand.sandbox.messages import ReceivedRequest, Response
from taskhand.sandbox.odd_data import OddRows
from taskhand.sandbox.request_log import Holder, Logged, ReceivedRequests
from taskhand.sandbox.routing import RouteMatch, find_route
from taskhand.sandbox.webhook_outbox import FoundOutbox, WebhookSender

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from taskhand.sandbox.oauth.authorization_server import AuthorizationServer
    from taskhand.sandbox.odd_data import OddFields
    from taskhand.sandbox.spec_variant import Switches
    from taskhand.sandbox.webhook_outbox import Outbox, Post

FIRST_ERROR = 300  # a response with this status or a higher one changed nothing


class EmulatorOptions(TypedDict, total=False):
    """The constructor arguments of every sandbox.

    `seed` is "demo", "empty" or data in the form that the CRM's `seed` module describes. `faults` are in force from
    the start. `ids` gives the ids of new tasks; by default they are sequential. `sleep` is awaited by the fault `slow`.
    """

    seed: str | Mapping[str, Any]
    faults: Sequence[Fault]
    ids: Callable[[], str] | None
    sleep: Callable[[float], Awaitable[None]]


class Emulator(ABC):
    """A CRM without a network: a subclass gives `routes`, `answer`, `failure`, `state`, `reseed` and `find_holder`.

    `app` is the ASGI application. `clock` gives aware datetimes. `faults` and `spec_variant` may be set while it
    serves; setting `faults` restarts their counts.
    """

    routes: tuple[str, ...] = ()
    harmless: frozenset[str] = frozenset()  # routes that change nothing although their method is not GET
    spec_variant: Switches
    authorization: AuthorizationServer[Any] | None = None  # None for a CRM without OAuth

    def __init__(
        self,
        spec_variant: Switches,
        clock: Callable[[], dt.datetime],
        *,
        seed: str | Mapping[str, Any] = "demo",
        faults: Sequence[Fault] = (),
        ids: Callable[[], str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.spec_variant = spec_variant
        self._clock = clock
        self._seed = seed
        self._ids = ids
        self._sleep = sleep
        self._log = ReceivedRequests()
        self._odd_rows: OddRows | None = None
        self.faults = tuple(faults)
        self.app = Starlette(routes=[*control_routes(self), Mount("/", app=self._serve)])
        self.reseed()
        self.sender = self._open_sender()

    @abstractmethod
    def answer(self, request: ReceivedRequest, *, stale: bool) -> Response:
        """Do the work of a request; with `stale`, lists are as they were before the last write."""

    @abstractmethod
    def failure(self, status: int) -> Response:
        """Return this CRM's error body for a failure that does not depend on the request."""

    @abstractmethod
    def find_holder(self, request: ReceivedRequest) -> Holder | None:
        """Return the holder of a request's credential, for the log; None without a credential."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return all stored data as JSON values."""

    @abstractmethod
    def reseed(self) -> None:
        """Restore the initial data."""

    @property
    @abstractmethod
    def tasks(self) -> list[dict[str, Any]]:
        """The live tasks as objects, independent of the spec variant."""

    @property
    @abstractmethod
    def odd_fields(self) -> Mapping[str, OddFields]:
        """The fields of seeded tasks that are sent in another form than documented, by task id."""

    def open_outbox(self) -> Outbox[Any]:
        """Return an outbox of webhook deliveries from which nothing was sent yet; empty for a CRM without webhooks."""
        return FoundOutbox(tuple, (), 1)

    def route_of(self, request: ReceivedRequest) -> RouteMatch | None:
        """Return the route of a request; a CRM that lets a header or an alias change it overrides this."""
        return find_route(self.routes, request.method, request.path)

    def failure_of(self, route: str | None, status: int) -> Response:
        """Return the error body for a status on a route."""
        server = self.authorization
        response = server.failure(status) if server and route in server.endpoints else None
        return response or self.failure(status)

    def now(self) -> dt.datetime:
        """Return the time of the CRM's clock."""
        return self._clock()

    async def deliver(self, post: Post) -> tuple[Any, ...]:
        """Send the webhooks that are due through `post(url, headers, body)`, and return them.

        `post` returns a status or raises OSError. A failed delivery is due again later.
        """
        return await self.sender.deliver(post)

    def tick(self) -> dt.datetime:
        """Return the time of an event that is not a request."""
        return self._clock()

    @property
    def requests(self) -> tuple[Logged, ...]:
        """The requests so far, oldest first, without those to `/_sandbox`."""
        return self._log.entries

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults in force; ValueError if a fault for an unknown route is set."""
        return self._script.faults

    @faults.setter
    def faults(self, faults: Sequence[Fault]) -> None:
        self._script = FaultScript(faults, self.routes)

    def clear_requests(self) -> None:
        """Empty the request log."""
        self._log.clear()

    def set_spec_variant(self, items: Iterable[str]) -> None:
        """Replace the spec variant by one parsed from `name=value` items."""
        self.spec_variant = type(self.spec_variant).parse(items)

    def reset(self) -> None:
        """Restore the initial data, request log and fault counts; faults and spec variant stay."""
        self.reseed()
        self._odd_rows = None
        self._log.clear()
        self.faults = self.faults
        self.sender = self._open_sender()

    def _open_sender(self) -> WebhookSender[Any]:
        return WebhookSender(self.open_outbox(), self.tick, self._next_fault)

    def _next_fault(self, route: str) -> Fault | None:
        return self._script.next(route)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await asgi_io.read_request(scope, receive)
        if request is None:
            return
        route = self.route_of(request)
        fault = self._next_fault(route.key if route else f"{request.method} {request.path}")
        response = self._play(request, fault, route.key if route else None)
        self.sender.note_change()
        await self._deliver(response, fault, scope, receive, send)

    def _play(self, request: ReceivedRequest, fault: Fault | None, route: str | None) -> Response:
        """Answer, apply the fault and log. This has no await, so that requests never interleave."""
        works = fault is None or fault.commits
        holder = self.find_holder(request) or (self.authorization.find_holder(request) if self.authorization else None)
        stale = fault is not None and fault.kind == "stale_list"
        true = self._answer_with_odd_rows(request, stale=stale) if works else Response(500)
        visible = disguise(fault, true, self.failure_of(route, fault.status or 500), request.target) if fault else true
        reads = (route or request.method).startswith("GET") or route in self.harmless
        committed = works and not reads and true.status < FIRST_ERROR
        status = None if fault and fault.kind in RESETS else visible.status
        kind = fault.kind if fault else None
        self._log.add(request, status=status, route=route, committed=committed, fault=kind, holder=holder)
        return visible

    def _answer_with_odd_rows(self, request: ReceivedRequest, *, stale: bool) -> Response:
        if not self.odd_fields:
            return self.answer(request, stale=stale)
        self._odd_rows = self._odd_rows or OddRows(self.odd_fields, self.tasks)
        response = self.answer(request, stale=stale)
        return self._odd_rows.show(response, self.tasks)

    async def _deliver(
        self, response: Response, fault: Fault | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        kind = fault.kind if fault else None
        if kind in RESETS:
            await asgi_io.reset(scope, receive)
        elif kind == "truncated":
            await asgi_io.send_half(response, scope, receive, send)
        else:
            if fault and kind == "slow":
                await asgi_io.wait(self._sleep, fault.seconds, receive)
            await asgi_io.send_response(response.with_date(self.now()), send)


def sequential_ids(template: str, first: int = 1) -> Callable[[], str]:
    """Return a function that fills `template` with the numbers from `first`."""
    numbers = itertools.count(first)
    return lambda: template.format(next(numbers))
