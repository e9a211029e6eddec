"""HubSpot, emulated: every call through limits, token and scopes to its endpoint."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio

from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.hubspot import people
from taskhand.sandbox.hubspot.auth import SCOPES, check_scopes, check_token, granted_scopes
from taskhand.sandbox.hubspot.calculated_properties import apply_write, with_calculated
from taskhand.sandbox.hubspot.context import RequestContext
from taskhand.sandbox.hubspot.errors import ApiError, error_for_status
from taskhand.sandbox.hubspot.object_types import KINDS, TASKS
from taskhand.sandbox.hubspot.pipeline import build_pipeline
from taskhand.sandbox.hubspot.rate_limits import WAITS, Limits
from taskhand.sandbox.hubspot.record import render_record
from taskhand.sandbox.hubspot.reply import Reply
from taskhand.sandbox.hubspot.routes import HARMLESS, ROUTES, v3_path
from taskhand.sandbox.hubspot.seed import EDITOR, read_seed, read_statuses
from taskhand.sandbox.hubspot.spec_variant import SpecVariant
from taskhand.sandbox.hubspot.webhooks import Webhooks
from taskhand.sandbox.messages import find_route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from taskhand.sandbox.faults import Fault
    from taskhand.sandbox.hubspot.pipeline import TaskPipeline
    from taskhand.sandbox.hubspot.record import Record
    from taskhand.sandbox.hubspot.routes import Route
    from taskhand.sandbox.hubspot.webhooks import Delivery
    from taskhand.sandbox.messages import Request, Response, RouteMatch

RECORDED = SpecVariant()
START = dt.datetime(2026, 11, 20, 14, 0, tzinfo=dt.UTC)
STEP = dt.timedelta(milliseconds=250)  # below every limit: four searches a second, forty calls in ten
FIRST_ID = 77_597_500_001  # eleven digits
CLIENT_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"  # noqa: S105  # of the sample


def ticking_clock() -> Callable[[], dt.datetime]:
    """Make the sandbox's default clock: it moves on by itself, a quarter of a second each time it is asked."""
    steps = itertools.count()
    return lambda: START + STEP * next(steps)


class HubSpotSandbox(Emulator):
    """HubSpot's recorded API over state in memory; `app` is its ASGI application.

    `seed` is "demo", "empty" (owners, no records) or data in the form that `taskhand.sandbox.hubspot.seed`
    describes. `scopes` are the token's. `clock` gives aware datetimes and is asked once a call; search lag and rate
    limits go by it, so that with a clock that stands still a new task is never found and a limit never ends.
    `ids` gives numeric ids for new records, by default one after the other. `sleep` is what a slow fault waits
    with. Routes are named by their v3 paths, whichever version a call uses. `hooks` has the webhook target and
    the subscriptions; `deliver` sends what they have to tell.
    """

    routes = tuple(ROUTES)
    harmless = HARMLESS
    spec_variant: SpecVariant

    def __init__(  # every one is optional and named
        self,
        *,
        token: str = "pat-na1-sandbox",  # noqa: S107  # opens nothing but this sandbox
        seed: str | Mapping[str, Any] = "demo",
        spec_variant: SpecVariant = RECORDED,
        faults: Sequence[Fault] = (),
        clock: Callable[[], dt.datetime] | None = None,
        ids: Callable[[], str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        scopes: Iterable[str] = SCOPES,
    ) -> None:
        self.token = token
        self.spec_variant = spec_variant
        self.scopes = frozenset(scopes)
        self.client_secret = CLIENT_SECRET
        self.hooks = Webhooks()
        self._seed = seed
        self._given_clock = clock
        self._ids = ids
        self.reseed()
        super().__init__(faults, sleep)

    @property
    def portal(self) -> TaskPipeline:
        """The status options and the stages, as the reading in force has them."""
        return build_pipeline(self.spec_variant, read_statuses(self._seed))

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The live tasks as objects with all their properties, whatever the reading in force."""
        return [self._whole(record) for record in self._store.all(TASKS) if not record.is_archived]

    def reseed(self) -> None:
        """Put records, links, limits and the default clock back to the start; webhook subscriptions stay."""
        self._clock = self._given_clock or ticking_clock()
        self._now = self._clock()
        self._store = read_seed(self._seed, self._now)
        self._fresh_id = self._ids or _sequential()
        self._limits = Limits()
        self._calls = 0
        self.hooks.forget()

    def state(self) -> dict[str, Any]:
        """Show what is kept: owners, every kind of record, archived ones too, links and subscriptions."""
        records = {kind.name: [self._whole(record) for record in self._store.all(kind)] for kind in KINDS}
        return {
            "owners": [people.render_owner(owner) for owner in self._store.owners],
            **records,
            "links": [link._asdict() for link in self._store.links],
            "subscriptions": [one._asdict() for one in self.hooks.subscriptions],
        }

    def edit(self, task_id: str, **properties: str) -> None:
        """Change a task as a person would in HubSpot's own web app, behind the back of whoever uses the API."""
        now = self._now = self._clock()
        self._store.begin(now)
        record = self._store.find(TASKS, task_id)
        if record is None or record.is_archived:
            raise ValueError(f"there is no task {task_id!r}")
        changed = apply_write(record.properties, properties, now, self.portal, self.spec_variant)
        new = replace(record, properties=changed, updated_at=now, source="CRM_UI", user_id=EDITOR)
        self._store.put(new, now)
        self.hooks.changed(record, new, now, EDITOR)

    async def deliver(self, post: Callable[[str, dict[str, str], bytes], Awaitable[int]]) -> tuple[Delivery, ...]:
        """Send the webhooks that are due through `post(url, headers, body)`, which answers a status or raises OSError.

        What was not answered with success comes again with a later delivery, its `attemptNumber` one higher.
        """
        now = self._now = self._clock()
        ripe = self.hooks.due(now)
        for one in ripe:
            try:
                status = await post(one.url, one.headers(self.client_secret, now), one.body)
            except OSError:
                self.hooks.settle(one, None, now)
            else:
                self.hooks.settle(one, status, now)
        return tuple(ripe)

    def now(self) -> dt.datetime:
        """Tell the time of the last call."""
        return self._now

    def failure(self, status: int) -> Response:
        """Give HubSpot's body for an error status."""
        return self._refused(error_for_status(status, self.spec_variant), ())

    def route_of(self, request: Request) -> RouteMatch | None:
        """Find the route by the v3 path that a call's path stands for."""
        return find_route(ROUTES, request.method, v3_path(request.path))

    def answer(self, request: Request, *, stale: bool) -> Response:
        """Answer a call: the token first, then the limits, the scopes, and the endpoint."""
        self._calls += 1
        now = self._now = self._clock()
        found = self.route_of(request)
        if found is None:  # the words of a path that does not exist
            text = f"Unable to find {request.method} {request.path}"
            return self._refused(ApiError(404, text, "OBJECT_NOT_FOUND"), ())
        route = ROUTES[found.key]
        try:
            check_token(request, self.token if route.has_token else None, now, self.spec_variant)
        except ApiError as refused:
            return self._refused(refused, ())
        return self._admitted(request, found, route, now, stale=stale)

    def _admitted(
        self, request: Request, found: RouteMatch, route: Route, now: dt.datetime, *, stale: bool
    ) -> Response:
        try:
            self._limits.admit(now, self.spec_variant, is_search=route.is_search)
            check_scopes(route.scopes, granted_scopes(self.scopes, self.spec_variant), self.spec_variant)
            self._store.begin(now)
            reply = route.endpoint(self._desk(request, found, route, now, stale=stale))
        except ApiError as refused:
            return self._refused(refused, self._headers(route, now))
        return reply.answer(self._correlation(), self._headers(route, now))

    def _desk(
        self, request: Request, found: RouteMatch, route: Route, now: dt.datetime, *, stale: bool
    ) -> RequestContext:
        return RequestContext(
            request=request,
            spec_variant=self.spec_variant,
            store=self._store,
            portal=self.portal,
            hooks=self.hooks,
            now=now,
            fresh_id=self._fresh_id,
            scopes=granted_scopes(self.scopes, self.spec_variant),
            token=self.token,
            values=found.values | ({"kind": route.kind} if route.kind else {}),
            is_stale=stale,
            used=self._limits.used,
        )

    def _headers(self, route: Route, now: dt.datetime) -> tuple[tuple[str, str], ...]:
        return () if route.is_search else self._limits.headers(now, self.spec_variant)

    def _refused(self, refused: ApiError, headers: tuple[tuple[str, str], ...]) -> Response:
        if refused.limit is not None and self.spec_variant.retry_after == "sent":
            headers = (*headers, ("retry-after", WAITS[refused.limit]))
        return Reply(refused.status, refused.body(self._correlation())).answer(self._correlation(), headers)

    def _correlation(self) -> str:
        return f"01932f3a-0000-7000-8000-{self._calls:012x}"  # a UUID of version 7

    def _whole(self, record: Record) -> dict[str, Any]:
        return render_record(record, with_calculated(record, self._now, self.portal, self._store.owners, RECORDED))


def _sequential() -> Callable[[], str]:
    numbers = itertools.count(FIRST_ID)
    return lambda: str(next(numbers))
