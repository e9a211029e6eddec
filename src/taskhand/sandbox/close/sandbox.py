"""The emulated Close: checks rate limit, path and credential of each request, and calls its endpoint."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Unpack

from taskhand.sandbox.close import rate_limits
from taskhand.sandbox.close.auth import Keys, find_holder, read_bearer
from taskhand.sandbox.close.context import RequestContext
from taskhand.sandbox.close.dates import parse_zone
from taskhand.sandbox.close.errors import URL_NOT_FOUND, ApiError, error_for_status, error_with_message, unauthorized
from taskhand.sandbox.close.lead import render_contact, render_lead_without_tasks
from taskhand.sandbox.close.notes import render_note
from taskhand.sandbox.close.oauth import OAUTH_ROUTES, CloseAuthorization, people_of
from taskhand.sandbox.close.request_parsing import METHODS, PARAMS, effective_method, read_body, read_params
from taskhand.sandbox.close.routes import CREATING, DELETING, ENDPOINTS, HARMLESS, ROOT
from taskhand.sandbox.close.seed import read_seed
from taskhand.sandbox.close.spec_variant import SpecVariant
from taskhand.sandbox.close.task import render_task
from taskhand.sandbox.close.webhook import deliveries, find_deliveries
from taskhand.sandbox.emulator import Emulator, EmulatorOptions
from taskhand.sandbox.messages import Response
from taskhand.sandbox.oauth.grants import App, Grants
from taskhand.sandbox.request_log import NOBODY
from taskhand.sandbox.routing import RouteMatch, find_route
from taskhand.sandbox.webhook_outbox import FoundOutbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from taskhand.sandbox.close.webhook import Delivery
    from taskhand.sandbox.messages import ReceivedRequest
    from taskhand.sandbox.oauth.grants import Issued
    from taskhand.sandbox.odd_data import OddFields
    from taskhand.sandbox.request_log import Holder

DOCUMENTED = SpecVariant()
FIXED_TIME = dt.datetime(2025, 11, 5, 15, 30, tzinfo=dt.UTC)
TOO_MANY_REQUESTS = 429
RETRIES = (*(dt.timedelta(seconds=2**step) for step in range(11)), dt.timedelta(minutes=20))
MAX_ATTEMPTS = 227  # documented: growing pauses of up to 20 minutes, for 72 hours
OAUTH_APP = App("oa2client_sandbox", "close-sandbox-secret")


class CloseSandbox(Emulator):
    """Close's API over state in memory; `app` is its ASGI application, under `/api/v1`.

    `key` is expected as the user name of Basic, `token` as Bearer; `authorization` issues tokens of other users to
    `oauth_app`. `clock` gives aware datetimes; by default the time stands still. The seed "empty" has users only.
    """

    routes = (*ENDPOINTS, *OAUTH_ROUTES)
    harmless = HARMLESS | frozenset(OAUTH_ROUTES)
    spec_variant: SpecVariant
    authorization: CloseAuthorization

    def __init__(
        self,
        *,
        key: str = "api_close-sandbox-key",
        token: str = "close-sandbox-token",  # noqa: S107  # it opens nothing but this sandbox
        oauth_app: App = OAUTH_APP,
        spec_variant: SpecVariant = DOCUMENTED,
        clock: Callable[[], dt.datetime] = lambda: FIXED_TIME,
        **options: Unpack[EmulatorOptions],
    ) -> None:
        self.key = key
        self.token = token
        self.authorization = CloseAuthorization(oauth_app, lambda: people_of(self._store), lambda: self.spec_variant)
        super().__init__(spec_variant, clock, **options)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """All tasks of every type as documented objects, independent of the spec variant."""
        ctx = self._context(DOCUMENTED)
        return [render_task(task, ctx) for task in self._store.tasks.values()]

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """All webhook requests that are due, sent or not, in order."""
        return tuple(deliveries(self._context(self.spec_variant)))

    @property
    def odd_fields(self) -> Mapping[str, OddFields]:
        """The odd fields of seeded tasks, by task id."""
        return self._store.odd

    def reseed(self) -> None:
        """Restore the seed's data, and the initial ids and rate windows; all sign-ins end."""
        self._store = read_seed(self._seed, self._clock(), self._ids)
        self.authorization.grants = Grants()
        self.authorization.organization_id = self._store.organization.id
        self._meter = rate_limits.Meter()
        self._count = 0

    def state(self) -> dict[str, Any]:
        """Return tasks, users, leads, contacts, notes, completions and webhook deliveries."""
        ctx = self._context(DOCUMENTED)
        return {
            "tasks": self.tasks,
            "users": [asdict(user) | {"date_created": str(user.date_created)} for user in ctx.store.users.values()],
            "leads": [render_lead_without_tasks(lead, ctx) for lead in ctx.store.leads.values()],
            "contacts": [render_contact(contact, ctx) for contact in ctx.store.contacts.values()],
            "notes": [render_note(note, ctx) for note in ctx.store.notes.values()],
            "completions": [asdict(made) | {"at": str(made.at)} for made in ctx.store.completions.values()],
            "deliveries": [asdict(delivery) for delivery in self.deliveries],
        }

    def open_outbox(self) -> FoundOutbox:
        """Return the deliveries of webhooks."""
        return FoundOutbox(lambda: find_deliveries(self._context(self.spec_variant)), RETRIES, MAX_ATTEMPTS)

    def failure(self, status: int) -> Response:
        """Return Close's body for an error status; a 429 has the time of the next try."""
        if status == TOO_MANY_REQUESTS:
            return rate_limits.rate_limit_response(rate_limits.exhausted_window(self.spec_variant), self.spec_variant)
        return error_for_status(status)

    def find_holder(self, request: ReceivedRequest) -> Holder | None:
        """Return the user of the key or token."""
        header = request.header("authorization") or ""
        keys = Keys(self.key, self.token, self._store.key_owner)
        return find_holder(header, keys, self._find_issued(request))

    def route_of(self, request: ReceivedRequest) -> RouteMatch | None:
        """Return the route by the effective method."""
        return find_route(self.routes, effective_method(request), request.path)

    def answer(self, request: ReceivedRequest, *, stale: bool) -> Response:
        """Apply the rate limit, then check path and credential and call the endpoint."""
        self._count += 1
        route, now = self.route_of(request), self._clock()
        if route is not None and route.key in self.authorization.endpoints:
            return self.authorization.answer(request, route, now)
        group = route.key if route else request.path
        window = self._meter.spend(group, now, self.spec_variant)
        if window is None:
            return rate_limits.rate_limit_response(self._meter.spent(group, now, self.spec_variant), self.spec_variant)
        if self.spec_variant.throttle and self._count % self.spec_variant.throttle == 0:
            return rate_limits.rate_limit_response(window, self.spec_variant)
        try:
            response = self._call_endpoint(request, route, stale=stale)
        except ApiError as error:
            response = error.response
        return rate_limits.add_rate_header(response, window, self.spec_variant)

    def _call_endpoint(self, request: ReceivedRequest, route: RouteMatch | None, *, stale: bool) -> Response:
        route = self._check_path(request, route)
        if not request.path.endswith("/"):
            query = f"?{request.query}" if request.query else ""
            return Response(308, b"", (("location", f"{request.path}/{query}"),))
        issued = self._find_issued(request)
        if self.find_holder(request) in {None, NOBODY} or (issued and not issued.is_good(self._clock())):
            raise unauthorized(self.spec_variant)
        ctx = self._request_context(request, route, stale=stale)
        if ctx.method != "GET":
            ctx.store.begin(ctx.now)
        value = ENDPOINTS[route.key](ctx)
        if route.key in DELETING and self.spec_variant.deleted == "empty":
            return Response(200, b"")
        return Response.of_json(201 if route.key in CREATING else 200, value)

    def _check_path(self, request: ReceivedRequest, route: RouteMatch | None) -> RouteMatch:
        """Refuse a missing slash, an unknown path (also without a credential), a wrong method and a long URL."""
        if not request.path.endswith("/") and (route is None or self.spec_variant.slash == "missing"):
            raise error_with_message(404, URL_NOT_FOUND)
        if route is None:
            if any(find_route(self.routes, method, request.path) for method in METHODS):
                raise error_with_message(405, "The method is not allowed for the requested URL.")
            raise error_with_message(404, URL_NOT_FOUND)
        if 0 < self.spec_variant.max_url < len(request.path) + len(request.query) + 1:
            raise error_with_message(414, "Request-URI Too Large")
        return route

    def _request_context(self, request: ReceivedRequest, route: RouteMatch, *, stale: bool) -> RequestContext:
        body = read_body(request)
        params = read_params(request, body, self.spec_variant)
        issued = self._find_issued(request)
        signed_in = issued.grant.user.id if issued else None
        now, home = self._clock(), self._store.users[signed_in or self._store.key_owner].zone
        return RequestContext(
            spec_variant=self.spec_variant,
            store=self._store,
            now=now,
            zone=parse_zone(request.header("x-tz-offset"), home, now, self.spec_variant),
            method=effective_method(request),
            path=request.path.removeprefix(ROOT),
            params=params,
            body={name: value for name, value in body.items() if name != PARAMS},
            values=route.values,
            is_stale=stale,
            signed_in=signed_in,
        )

    def _find_issued(self, request: ReceivedRequest) -> Issued | None:
        """Return the OAuth token of a request, valid or not."""
        bearer = read_bearer(request.header("authorization") or "")
        return self.authorization.find_access(bearer) if bearer else None

    def _context(self, spec_variant: SpecVariant) -> RequestContext:
        return RequestContext(spec_variant, self._store, self._clock())
