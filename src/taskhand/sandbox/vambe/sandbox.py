"""The emulated Vambe: checks rate limit and key of each request, and calls its endpoint."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Unpack

from taskhand.sandbox.emulator import Emulator, EmulatorOptions, sequential_ids
from taskhand.sandbox.messages import Response
from taskhand.sandbox.vambe.auth import check_key, find_holder
from taskhand.sandbox.vambe.contact import render_contact
from taskhand.sandbox.vambe.context import RequestContext
from taskhand.sandbox.vambe.errors import ApiError, error_for_status
from taskhand.sandbox.vambe.rate_limits import RateLimit
from taskhand.sandbox.vambe.routes import CREATING, ENDPOINTS
from taskhand.sandbox.vambe.seed import read_seed
from taskhand.sandbox.vambe.spec_variant import SpecVariant
from taskhand.sandbox.vambe.task_events import find_deliveries
from taskhand.sandbox.webhook_outbox import FoundOutbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from taskhand.sandbox.messages import ReceivedRequest
    from taskhand.sandbox.odd_data import OddFields
    from taskhand.sandbox.request_log import Holder

DOCUMENTED = SpecVariant()
FIXED_TIME = dt.datetime(2025, 10, 20, 10, 30, tzinfo=dt.UTC)  # `created_at` of the documented task
RETRIES = tuple(dt.timedelta(seconds=pause) for pause in (1, 10, 60))  # that retries exist is documented
MAX_ATTEMPTS = 4


class VambeSandbox(Emulator):
    """Vambe's documented API over state in memory; `app` is its ASGI application.

    `key` is expected in `x-api-key`. `clock` gives aware datetimes; by default the time stands still. `ids` gives
    UUIDs. The seed "empty" has members and statuses, and neither tasks nor contacts.
    """

    routes = tuple(ENDPOINTS)
    spec_variant: SpecVariant

    def __init__(
        self,
        *,
        key: str = "vambe-sandbox-key",
        spec_variant: SpecVariant = DOCUMENTED,
        clock: Callable[[], dt.datetime] = lambda: FIXED_TIME,
        **options: Unpack[EmulatorOptions],
    ) -> None:
        self.key = key
        super().__init__(spec_variant, clock, **options)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The organisation's live tasks as documented objects, independent of the spec variant."""
        return self._store.visible_tasks()

    @property
    def odd_fields(self) -> Mapping[str, OddFields]:
        """The odd fields of seeded tasks, by task id."""
        return self._store.odd

    def reseed(self) -> None:
        """Restore the seed's tasks, people, contacts and webhooks, and the initial ids and rate limit."""
        self._store = read_seed(self._seed, self._clock())
        self._fresh_id = self._ids or sequential_ids("00000000-0000-4000-8000-{:012d}")
        self._rate_limit = RateLimit()

    def state(self) -> dict[str, Any]:
        """Return live tasks, members, statuses, contacts and webhooks."""
        return {
            "tasks": self.tasks,
            "members": [asdict(member) for member in self._store.members],
            "statuses": [asdict(status) for status in self._store.statuses],
            "contacts": [render_contact(contact, self.spec_variant) for contact in self._store.contacts],
            "webhooks": [asdict(hook) | {"secret": None} for hook in self._store.webhooks.values()],
        }

    def open_outbox(self) -> FoundOutbox:
        """Return the deliveries of webhooks."""
        return FoundOutbox(lambda: find_deliveries(self._store, self.spec_variant), RETRIES, MAX_ATTEMPTS)

    def failure(self, status: int) -> Response:
        """Return Vambe's body for an error status."""
        return error_for_status(status).response(self.spec_variant)

    def find_holder(self, request: ReceivedRequest) -> Holder | None:
        """Return the holder of the request's key, the organisation if the key is right; None without a key."""
        return find_holder(request, self.key)

    def answer(self, request: ReceivedRequest, *, stale: bool) -> Response:
        """Apply the rate limit and the redirect, then find the route, check the key and call the endpoint."""
        if not self._rate_limit.admit(self._clock(), self.spec_variant):
            return self.failure(429).with_headers(("retry-after", "1"))
        if self.spec_variant.redirect:
            location = f"{self.spec_variant.redirect.rstrip('/')}{request.target}"
            return Response(308, b"", (("location", location),))
        try:
            return self._call_endpoint(request, stale=stale)
        except ApiError as error:
            return error.response(self.spec_variant)

    def _call_endpoint(self, request: ReceivedRequest, *, stale: bool) -> Response:
        route = self.route_of(request)
        if route is None:  # NestJS answers an unknown method or path with 404
            raise ApiError(404, f"Cannot {request.method} {request.path}")
        check_key(request, self.key)
        ctx = RequestContext(
            request, self.spec_variant, self._store, self._clock(), self._fresh_id, route.values, stale
        )
        status = self.spec_variant.created if route.key in CREATING else 200
        return Response.of_json(status, ENDPOINTS[route.key](ctx))
