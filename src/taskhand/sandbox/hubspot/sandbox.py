"""The emulated HubSpot: checks token, rate limits and scopes of each request, and calls its endpoint."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from taskhand.sandbox.emulator import Emulator, EmulatorOptions, sequential_ids
from taskhand.sandbox.hubspot.account import USER
from taskhand.sandbox.hubspot.auth import (
    SCOPES,
    check_issued,
    check_token,
    find_holder,
    granted_scopes,
    read_bearer,
    require_scopes,
    scopes_for_links,
)
from taskhand.sandbox.hubspot.calculated_properties import apply_write, with_calculated
from taskhand.sandbox.hubspot.context import RequestContext
from taskhand.sandbox.hubspot.errors import ApiError, error_for_status
from taskhand.sandbox.hubspot.oauth import OAUTH_ROUTES, HubSpotAuthorization, people_of
from taskhand.sandbox.hubspot.object_types import OBJECT_TYPES, TASKS
from taskhand.sandbox.hubspot.people import render_owner
from taskhand.sandbox.hubspot.pipeline import build_pipeline
from taskhand.sandbox.hubspot.rate_limits import WAITS, RateLimits
from taskhand.sandbox.hubspot.record import render_record
from taskhand.sandbox.hubspot.reply import JsonResponse
from taskhand.sandbox.hubspot.routes import HARMLESS, ROUTES, linked_types, v3_path
from taskhand.sandbox.hubspot.seed import EDITOR, read_properties, read_seed, read_stages, read_statuses
from taskhand.sandbox.hubspot.spec_variant import SpecVariant
from taskhand.sandbox.hubspot.webhooks import AppWebhooks
from taskhand.sandbox.oauth.grants import App, Grants
from taskhand.sandbox.routing import RouteMatch, find_route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from taskhand.sandbox.hubspot.pipeline import TaskPipeline
    from taskhand.sandbox.hubspot.record import RecordVersion
    from taskhand.sandbox.hubspot.routes import Route
    from taskhand.sandbox.messages import ReceivedRequest, Response
    from taskhand.sandbox.oauth.grants import Issued
    from taskhand.sandbox.odd_data import OddFields
    from taskhand.sandbox.request_log import Holder

    Headers = tuple[tuple[str, str], ...]

DOCUMENTED = SpecVariant()
START = dt.datetime(2026, 11, 20, 14, 0, tzinfo=dt.UTC)
STEP = dt.timedelta(milliseconds=250)  # below every limit: four searches a second, forty requests in ten
FIRST_ID = 77_597_500_001
CLIENT_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"  # noqa: S105  # of the documented sample
OAUTH_APP = App("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", CLIENT_SECRET)


def ticking_clock() -> Callable[[], dt.datetime]:
    """Return a clock that advances by a quarter of a second with every call."""
    steps = itertools.count()
    return lambda: START + STEP * next(steps)


class HubSpotSandbox(Emulator):
    """HubSpot's API over state in memory; `app` is its ASGI application.

    `token` is expected as Bearer and has `scopes`; `authorization` issues tokens of users to `oauth_app`. `clock` gives
    aware datetimes and is called once for each request. Search lag and rate limits depend on it: with a clock that
    stands still, a new task is never found and a limit never ends. `ids` gives numeric ids. The seed "empty" has owners
    and no records. Routes are named by their v3 paths in all versions. `hooks` has the webhook target and the
    subscriptions; `deliver` sends their events.
    """

    routes = (*ROUTES, *OAUTH_ROUTES)
    harmless = HARMLESS | frozenset(OAUTH_ROUTES)
    spec_variant: SpecVariant
    authorization: HubSpotAuthorization

    def __init__(
        self,
        *,
        token: str = "pat-na1-sandbox",  # noqa: S107  # opens nothing but this sandbox
        scopes: Iterable[str] = SCOPES,
        oauth_app: App = OAUTH_APP,
        spec_variant: SpecVariant = DOCUMENTED,
        clock: Callable[[], dt.datetime] | None = None,
        **options: Unpack[EmulatorOptions],
    ) -> None:
        self.token = token
        self.scopes = frozenset(scopes)
        self.authorization = HubSpotAuthorization(
            oauth_app, lambda: people_of(self._store.owners), lambda: self.spec_variant
        )
        self.authorization.scopes = tuple(sorted(self.scopes))
        self.hooks = AppWebhooks(oauth_app.client_secret)
        self._given_clock = clock
        super().__init__(spec_variant, clock or ticking_clock(), **options)

    @property
    def pipeline(self) -> TaskPipeline:
        """The status options and stages of the spec variant."""
        pipeline = build_pipeline(self.spec_variant, read_statuses(self._seed), read_stages(self._seed))
        return replace(pipeline, properties=read_properties(self._seed))

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The live tasks as objects with all their properties, independent of the spec variant."""
        return [self._render_whole(record) for record in self._store.all(TASKS) if not record.is_archived]

    @property
    def odd_fields(self) -> Mapping[str, OddFields]:
        """The odd fields of seeded tasks, by task id."""
        return self._store.odd

    def reseed(self) -> None:
        """Restore the initial records, links, limits and default clock; webhook subscriptions stay.

        All sign-ins end.
        """
        self._clock = self._given_clock or ticking_clock()
        self._now = self._clock()
        self._store = read_seed(self._seed, self._now)
        self._fresh_id = self._ids or sequential_ids("{}", FIRST_ID)
        self._limits = RateLimits()
        self._count = 0
        self.hooks.clear_events()
        self.authorization.grants = Grants()

    def state(self) -> dict[str, Any]:
        """Return owners, records of every type including archived ones, links and webhook subscriptions."""
        records = {
            object_type.name: [self._render_whole(record) for record in self._store.all(object_type)]
            for object_type in OBJECT_TYPES
        }
        return {
            "owners": [render_owner(owner) for owner in self._store.owners],
            **records,
            "links": [link._asdict() for link in self._store.links],
            "subscriptions": [subscription._asdict() for subscription in self.hooks.subscriptions],
        }

    def edit(self, task_id: str, **properties: str) -> None:
        """Change a task as a person would in HubSpot's web app; ValueError for an unknown or archived task."""
        now = self.tick()
        self._store.begin(now)
        record = self._store.find(TASKS, task_id)
        if record is None or record.is_archived:
            raise ValueError(f"there is no task {task_id!r}")
        changed = apply_write(record.properties, properties, now, self.pipeline, self.spec_variant)
        new = replace(record, properties=changed, updated_at=now, source="CRM_UI", user_id=EDITOR)
        self._store.put(new, now)
        self.hooks.emit_changed(record, new, now, EDITOR)

    def open_outbox(self) -> AppWebhooks:
        """Return the deliveries of webhooks."""
        return self.hooks

    def tick(self) -> dt.datetime:
        """Return the time of an event that is not a request."""
        self._now = self._clock()
        return self._now

    def now(self) -> dt.datetime:
        """Return the time of the last request."""
        return self._now

    def failure(self, status: int) -> Response:
        """Return HubSpot's body for an error status."""
        return self._error(error_for_status(status, self.spec_variant))

    def route_of(self, request: ReceivedRequest) -> RouteMatch | None:
        """Return the route by the v3 form of the path."""
        return find_route(self.routes, request.method, v3_path(request.path))

    def find_holder(self, request: ReceivedRequest) -> Holder | None:
        """Return the user of the token; the private app's token belongs to the user in the recorded events."""
        return find_holder(read_bearer(request), self.token, USER, self._find_issued(request))

    def answer(self, request: ReceivedRequest, *, stale: bool) -> Response:
        """Check the token, apply the rate limits, check the scopes and call the endpoint."""
        self._count += 1
        now = self.tick()
        match = self.route_of(request)
        if match is None:
            text = f"Unable to find {request.method} {request.path}"
            return self._error(ApiError(404, text, "OBJECT_NOT_FOUND"))
        try:
            if match.key in self.authorization.endpoints:
                response = self.authorization.answer(request, match, now)
                return response.with_headers(("x-hubspot-correlation-id", self._correlation_id()))
            route = ROUTES[match.key]
            issued = self._check_token(request) if route.has_token else None
        except ApiError as error:
            return self._error(error)
        try:
            reply = self._call_endpoint(request, match, route, issued, stale=stale)
        except ApiError as error:
            return self._error(error, self._headers(route))
        return reply.response(self._correlation_id(), self._headers(route))

    def _find_issued(self, request: ReceivedRequest) -> Issued | None:
        """Return the OAuth token of a request, valid or not."""
        return self.authorization.find_access(read_bearer(request))

    def _check_token(self, request: ReceivedRequest) -> Issued | None:
        """Refuse a wrong token; return the OAuth token, or None for the private app's token."""
        issued = self._find_issued(request)
        if issued is None:
            check_token(read_bearer(request), self.token, self._now, self.spec_variant)
        else:
            check_issued(issued, self._now)
        return issued

    def _call_endpoint(
        self, request: ReceivedRequest, match: RouteMatch, route: Route, issued: Issued | None, *, stale: bool
    ) -> JsonResponse:
        scopes = granted_scopes(issued.grant.scopes if issued else self.scopes, self.spec_variant)
        shows_user = self.spec_variant.oauth_author == "user"
        self._limits.admit(self._now, self.spec_variant, is_search=route.is_search)
        for needed in (route.scopes, *scopes_for_links(linked_types(request, match))):
            require_scopes(needed, scopes, self.spec_variant)
        self._store.begin(self._now)
        ctx = RequestContext(
            request=request,
            spec_variant=self.spec_variant,
            store=self._store,
            pipeline=self.pipeline,
            hooks=self.hooks,
            now=self._now,
            fresh_id=self._fresh_id,
            scopes=scopes,
            token=self.token,
            values={**match.values, **({"kind": route.object_type} if route.object_type else {})},
            is_stale=stale,
            used=self._limits.used,
            user_id=int(issued.grant.user.id) if issued and shows_user else None,
        )
        return route.endpoint(ctx)

    def _headers(self, route: Route) -> Headers:
        return () if route.is_search else self._limits.headers(self._now, self.spec_variant)

    def _error(self, error: ApiError, headers: Headers = ()) -> Response:
        if error.limit is not None and self.spec_variant.retry_after == "sent":
            headers = (*headers, ("retry-after", WAITS[error.limit]))
        correlation = self._correlation_id()
        return JsonResponse(error.status, error.body(correlation)).response(correlation, headers)

    def _correlation_id(self) -> str:
        return f"01932f3a-0000-7000-8000-{self._count:012x}"  # a UUID of version 7

    def _render_whole(self, record: RecordVersion) -> dict[str, Any]:
        return render_record(record, with_calculated(record, self._now, self.pipeline, self._store.owners, DOCUMENTED))
