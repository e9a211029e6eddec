"""Close, emulated: which endpoint answers which route, behind the key."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import secrets
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anyio

from taskhand.sandbox.close import lead, rate_limits, request_parsing, task
from taskhand.sandbox.close.context import RequestContext
from taskhand.sandbox.close.dates import parse_zone
from taskhand.sandbox.close.errors import URL_NOT_FOUND, ApiError, error_for_status, error_with_message, unauthorized
from taskhand.sandbox.close.routes import CREATING, DELETING, ENDPOINTS, HARMLESS, ROOT
from taskhand.sandbox.close.seed import read_seed
from taskhand.sandbox.close.spec_variant import SpecVariant
from taskhand.sandbox.close.webhook import deliveries
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.messages import Response, RouteMatch, find_route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from taskhand.sandbox.close.webhook import Delivery
    from taskhand.sandbox.faults import Fault
    from taskhand.sandbox.messages import Request

DOCUMENTED = SpecVariant()
FIXED_TIME = dt.datetime(2025, 11, 5, 15, 30, tzinfo=dt.UTC)  # the day of §2.2's sample of a call


def fixed_time() -> dt.datetime:
    """Tell the sandbox's default time, which stands still."""
    return FIXED_TIME


class CloseSandbox(Emulator):
    """Close's API over state in memory; `app` is its ASGI application, under `/api/v1`.

    `key` is asked for as the user name of Basic, `token` as a Bearer. `seed` is "demo", "empty" (people alone) or
    data in the form that `taskhand.sandbox.close.seed` describes. `clock` gives aware datetimes; `ids` gives the
    ids of new tasks, by default one after the other. `sleep` is what a slow fault waits with.
    """

    routes = tuple(ENDPOINTS)
    harmless = HARMLESS
    spec_variant: SpecVariant

    def __init__(  # every one is optional and named
        self,
        *,
        key: str = "close-sandbox-key",
        token: str = "close-sandbox-token",  # noqa: S107  # it opens nothing but this sandbox
        seed: str | Mapping[str, Any] = "demo",
        spec_variant: SpecVariant = DOCUMENTED,
        faults: Sequence[Fault] = (),
        clock: Callable[[], dt.datetime] = fixed_time,
        ids: Callable[[], str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.key = key
        self.token = token
        self.spec_variant = spec_variant
        self._seed = seed
        self._clock = clock
        self._ids = ids
        self.reseed()
        super().__init__(faults, sleep)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """All tasks of every type as documented objects, whatever the reading in force."""
        ctx = self._desk(DOCUMENTED)
        return [task.render_task(each, ctx) for each in self._store.tasks.values()]

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """The signed requests that the webhooks are due, in order; nothing is sent from here."""
        return tuple(deliveries(self._desk(self.spec_variant)))

    def reseed(self) -> None:
        """Put everything back to the seed, fresh ids to the first, and the rate windows to the full."""
        self._store = read_seed(self._seed, self._clock(), self._ids)
        self._meter = rate_limits.Meter()
        self._calls = 0

    def state(self) -> dict[str, Any]:
        """Show what is kept: tasks, people, leads, contacts, completions, events and deliveries."""
        ctx = self._desk(DOCUMENTED)
        return {
            "tasks": self.tasks,
            "users": [asdict(user) | {"date_created": str(user.date_created)} for user in ctx.store.users.values()],
            "leads": [lead.render_lead_without_tasks(each, ctx) for each in ctx.store.leads.values()],
            "contacts": [lead.render_contact(each, ctx) for each in ctx.store.contacts.values()],
            "completions": [asdict(each) | {"at": str(each.at)} for each in ctx.store.completions.values()],
            "deliveries": [asdict(delivery) for delivery in self.deliveries],
        }

    def now(self) -> dt.datetime:
        """Tell the sandbox's time."""
        return self._clock()

    def failure(self, status: int) -> Response:
        """Give Close's body for an error status; a 429 says when to come back."""
        if status == request_parsing.TOO_MANY:
            return rate_limits.rate_limit_response(rate_limits.exhausted_window(self.spec_variant), self.spec_variant)
        return error_for_status(status)

    def route_of(self, request: Request) -> RouteMatch | None:
        """Find the route by the method that a call means."""
        return find_route(self.routes, request_parsing.effective_method(request), request.path)

    def answer(self, request: Request, *, stale: bool) -> Response:
        """Answer a call: the rate first, then the path, the credential, and the endpoint."""
        self._calls += 1
        found, now = self.route_of(request), self._clock()
        group = found.key if found else request.path
        rate = self._meter.spend(group, now, self.spec_variant)
        if rate is None:
            return rate_limits.rate_limit_response(self._meter.spent(group, now, self.spec_variant), self.spec_variant)
        if self.spec_variant.throttle and self._calls % self.spec_variant.throttle == 0:
            return rate_limits.rate_limit_response(
                rate, self.spec_variant
            )  # hidden limits refuse with requests remaining
        return rate_limits.add_rate_header(self._tried(request, found, stale=stale), rate, self.spec_variant)

    def _tried(self, request: Request, found: RouteMatch | None, *, stale: bool) -> Response:
        try:
            return self._answered(request, found, stale=stale)
        except ApiError as refusal:
            return refusal.answer()

    def _answered(self, request: Request, found: RouteMatch | None, *, stale: bool) -> Response:
        found = self._checked(request, found)
        if not request.path.endswith("/"):
            query = f"?{request.query}" if request.query else ""
            return Response(308, b"", (("location", f"{request.path}/{query}"),))
        if not self._is_known(request.header("authorization") or ""):
            raise unauthorized(self.spec_variant)
        ctx = self._called(request, found, stale=stale)
        if ctx.method != "GET":
            ctx.store.begin(ctx.now)
        value = ENDPOINTS[found.key](ctx)
        if found.key in DELETING and self.spec_variant.deleted == "empty":
            return Response(200, b"")
        return Response.of_json(201 if found.key in CREATING else 200, value)

    def _checked(self, request: Request, found: RouteMatch | None) -> RouteMatch:
        """Check the path: a missing slash, an unknown one, another method, one that is too long."""
        if not request.path.endswith("/") and (found is None or self.spec_variant.slash == "missing"):
            raise error_with_message(404, URL_NOT_FOUND)
        if found is None:
            if any(find_route(self.routes, method, request.path) for method in request_parsing.METHODS):
                raise error_with_message(405, "The method is not allowed for the requested URL.")
            raise error_with_message(404, URL_NOT_FOUND)  # also without a credential
        if 0 < self.spec_variant.max_url < len(request.path) + len(request.query) + 1:
            raise error_with_message(414, "Request-URI Too Large")
        return found

    def _called(self, request: Request, found: RouteMatch, *, stale: bool) -> RequestContext:
        body = request_parsing.read_body(request)
        params = request_parsing.read_params(request, body, self.spec_variant)
        now, home = self._clock(), self._store.users[self._store.key_owner].zone
        return RequestContext(
            spec_variant=self.spec_variant,
            store=self._store,
            now=now,
            zone=parse_zone(request.header("x-tz-offset"), home, now, self.spec_variant),
            method=request_parsing.effective_method(request),
            path=request.path.removeprefix(ROOT),
            params=params,
            body={name: value for name, value in body.items() if name != request_parsing.PARAMS},
            values=found.values,
            is_stale=stale,
        )

    def _desk(self, spec_variant: SpecVariant) -> RequestContext:
        return RequestContext(spec_variant, self._store, self._clock())

    def _is_known(self, header: str) -> bool:
        """Whether this is the key as the user name of Basic with no password, or the token."""
        scheme, _, credential = header.partition(" ")
        if scheme.lower() == "bearer":
            return secrets.compare_digest(credential.strip().encode(), self.token.encode())
        if scheme.lower() != "basic":
            return False
        try:
            sent = base64.b64decode(credential, validate=True)
        except (binascii.Error, ValueError):
            return False
        return secrets.compare_digest(sent, f"{self.key}:".encode())
