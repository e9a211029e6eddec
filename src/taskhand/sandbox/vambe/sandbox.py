"""Vambe, emulated: which endpoint answers which route, behind the key."""

from __future__ import annotations

import datetime as dt
import itertools
import secrets
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anyio

from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.messages import Response, find_route
from taskhand.sandbox.vambe import contact, contacts, people, tasks, webhooks
from taskhand.sandbox.vambe.context import RequestContext
from taskhand.sandbox.vambe.errors import ApiError, error_for_status, unauthorized
from taskhand.sandbox.vambe.seed import read_seed
from taskhand.sandbox.vambe.spec_variant import SpecVariant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from taskhand.sandbox.faults import Fault
    from taskhand.sandbox.messages import Request

    Endpoint = Callable[[RequestContext], Any]

ENDPOINTS: dict[str, Endpoint] = {
    "GET /api/public/tasks": tasks.list_tasks,
    "POST /api/public/tasks": tasks.create_task,
    "GET /api/public/tasks/{id}": tasks.get_task,
    "PUT /api/public/tasks/{id}": tasks.update_task,
    "DELETE /api/public/tasks/{id}": tasks.delete_task,
    "GET /api/public/team-members/all": people.list_members,
    "GET /api/public/contacts/search": contacts.search_contacts,
    "GET /api/public/contacts": contacts.recent_contacts,
    "GET /api/public/contact/{aiContactId}/info": contacts.contact_info,
    "GET /api/webhooks/topics": webhooks.list_topics,
    "GET /api/webhooks/calls": webhooks.list_calls,
    "GET /api/webhooks": webhooks.list_webhooks,
    "POST /api/webhooks": webhooks.create_webhook,
    "GET /api/webhooks/{id}": webhooks.get_webhook,
    "PUT /api/webhooks/{id}": webhooks.update_webhook,
    "DELETE /api/webhooks/{id}": webhooks.delete_webhook,
    "POST /api/webhooks/{id}/restore": webhooks.restore_webhook,
}
CREATING = frozenset({"POST /api/public/tasks", "POST /api/webhooks"})
DOCUMENTED = SpecVariant()
A_SECOND = dt.timedelta(seconds=1)
FIXED_TIME = dt.datetime(2025, 10, 20, 10, 30, tzinfo=dt.UTC)  # `created_at` of the page's sample


def fixed_time() -> dt.datetime:
    """Tell the sandbox's default time, which stands still."""
    return FIXED_TIME


class VambeSandbox(Emulator):
    """Vambe's documented API over state in memory; `app` is its ASGI application.

    `seed` is "demo", "empty" (people and statuses, no tasks or contacts) or data in the form that
    `taskhand.sandbox.vambe.seed` describes. `clock` gives aware datetimes; `ids` gives UUIDs for new tasks,
    by default one after the other. `sleep` is what a slow fault waits with.
    """

    routes = tuple(ENDPOINTS)
    spec_variant: SpecVariant

    def __init__(  # every one is optional and named
        self,
        *,
        key: str = "vambe-sandbox-key",
        seed: str | Mapping[str, Any] = "demo",
        spec_variant: SpecVariant = DOCUMENTED,
        faults: Sequence[Fault] = (),
        clock: Callable[[], dt.datetime] = fixed_time,
        ids: Callable[[], str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.key = key
        self.spec_variant = spec_variant
        self._seed = seed
        self._clock = clock
        self._ids = ids
        self.reseed()
        super().__init__(faults, sleep)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The organisation's live tasks as documented objects, whatever the reading in force."""
        return self._store.visible_tasks()

    def reseed(self) -> None:
        """Put tasks, people, contacts and webhooks back to the seed, and fresh ids to the first."""
        self._store = read_seed(self._seed, self._clock())
        self._fresh_id = self._ids or _sequential()
        self._calls = 0
        self._answered: list[dt.datetime] = []

    def state(self) -> dict[str, Any]:
        """Show what is kept: live tasks, members, statuses, contacts and webhooks."""
        return {
            "tasks": self.tasks,
            "members": [asdict(member) for member in self._store.members],
            "statuses": [asdict(status) for status in self._store.statuses],
            "contacts": [contact.render_contact(who, self.spec_variant) for who in self._store.contacts],
            "webhooks": [asdict(hook) | {"secret": None} for hook in self._store.webhooks.values()],
        }

    def now(self) -> dt.datetime:
        """Tell the sandbox's time."""
        return self._clock()

    def failure(self, status: int) -> Response:
        """Give Vambe's body for an error status."""
        return error_for_status(status).answer(self.spec_variant)

    def answer(self, request: Request, *, stale: bool) -> Response:
        """Answer a call: limits and the redirect first, then the route, the key, and the endpoint."""
        if self._is_too_much():
            refused = error_for_status(429).answer(self.spec_variant)
            return Response(429, refused.body, (*refused.headers, ("retry-after", "1")))
        if self.spec_variant.redirect:  # one of the two hosts may redirect to the other
            return Response(308, b"", (("location", self._elsewhere(request)),))
        try:
            return self._answer(request, stale=stale)
        except ApiError as refused:
            return refused.answer(self.spec_variant)

    def _answer(self, request: Request, *, stale: bool) -> Response:
        found = find_route(ENDPOINTS, request.method, request.path)
        if found is None:  # Nest answers an unknown method or path with 404
            raise ApiError(404, f"Cannot {request.method} {request.path}")
        if not secrets.compare_digest((request.header("x-api-key") or "").encode(), self.key.encode()):
            raise unauthorized()  # `x-api-key`, required
        ctx = RequestContext(
            request, self.spec_variant, self._store, self._clock(), self._fresh_id, found.values, stale
        )
        status = self.spec_variant.created if found.key in CREATING else 200
        return Response.of_json(status, ENDPOINTS[found.key](ctx))

    def _is_too_much(self) -> bool:
        """Whether a call is refused to slow its sender down; what is refused does not count against it."""
        self._calls += 1
        nth, most, now = self.spec_variant.throttle, self.spec_variant.per_second, self._clock()
        self._answered = [at for at in self._answered if most and now - at < A_SECOND]
        if (nth and self._calls % nth == 0) or (most and len(self._answered) >= most):
            return True
        self._answered.append(now)
        return False

    def _elsewhere(self, request: Request) -> str:
        query = f"?{request.query}" if request.query else ""
        return f"{self.spec_variant.redirect.rstrip('/')}{request.path}{query}"


def _sequential() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012d}"
