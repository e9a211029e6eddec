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
from taskhand.sandbox.close.context import Desk
from taskhand.sandbox.close.dates import read_zone
from taskhand.sandbox.close.errors import URL_NOT_FOUND, RefusedError, failed, refused, unauthorized
from taskhand.sandbox.close.routes import CREATING, DELETING, ENDPOINTS, HARMLESS, ROOT
from taskhand.sandbox.close.seed import read_seed
from taskhand.sandbox.close.spec_variant import Reading
from taskhand.sandbox.close.webhook import deliveries
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.messages import Answer, Found, find_route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from taskhand.sandbox.close.webhook import Delivery
    from taskhand.sandbox.faults import Fault
    from taskhand.sandbox.messages import Call

DOCUMENTED = Reading()
THE_DAY = dt.datetime(2025, 11, 5, 15, 30, tzinfo=dt.UTC)  # the day of §2.2's sample of a call


def the_day() -> dt.datetime:
    """Tell the sandbox's default time, which stands still."""
    return THE_DAY


class CloseSandbox(Emulator):
    """Close's API over state in memory; `app` is its ASGI application, under `/api/v1`.

    `key` is asked for as the user name of Basic, `token` as a Bearer. `seed` is "demo", "empty" (people alone) or
    data in the form that `taskhand.sandbox.close.seed` describes. `clock` gives aware datetimes; `ids` gives the
    ids of new tasks, by default one after the other. `sleep` is what a slow fault waits with.
    """

    routes = tuple(ENDPOINTS)
    harmless = HARMLESS
    reading: Reading

    def __init__(  # every one is optional and named
        self,
        *,
        key: str = "close-sandbox-key",
        token: str = "close-sandbox-token",  # noqa: S107  # it opens nothing but this sandbox
        seed: str | Mapping[str, Any] = "demo",
        reading: Reading = DOCUMENTED,
        faults: Sequence[Fault] = (),
        clock: Callable[[], dt.datetime] = the_day,
        ids: Callable[[], str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.key = key
        self.token = token
        self.reading = reading
        self._seed = seed
        self._clock = clock
        self._ids = ids
        self.reseed()
        super().__init__(faults, sleep)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """All tasks of every type as documented objects, whatever the reading in force."""
        desk = self._desk(DOCUMENTED)
        return [task.shown(each, desk) for each in self._store.tasks.values()]

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """The signed requests that the webhooks are due, in order; nothing is sent from here."""
        return tuple(deliveries(self._desk(self.reading)))

    def reseed(self) -> None:
        """Put everything back to the seed, fresh ids to the first, and the rate windows to the full."""
        self._store = read_seed(self._seed, self._clock(), self._ids)
        self._meter = rate_limits.Meter()
        self._calls = 0

    def state(self) -> dict[str, Any]:
        """Show what is kept: tasks, people, leads, contacts, completions, events and deliveries."""
        desk = self._desk(DOCUMENTED)
        return {
            "tasks": self.tasks,
            "users": [asdict(user) | {"date_created": str(user.date_created)} for user in desk.store.users.values()],
            "leads": [lead.plain(each, desk) for each in desk.store.leads.values()],
            "contacts": [lead.shown_contact(each, desk) for each in desk.store.contacts.values()],
            "completions": [asdict(each) | {"at": str(each.at)} for each in desk.store.completions.values()],
            "deliveries": [asdict(delivery) for delivery in self.deliveries],
        }

    def now(self) -> dt.datetime:
        """Tell the sandbox's time."""
        return self._clock()

    def failure(self, status: int) -> Answer:
        """Give Close's body for an error status; a 429 says when to come back (§5 [D])."""
        if status == request_parsing.TOO_MANY:
            return rate_limits.too_many(rate_limits.full(self.reading), self.reading)
        return failed(status)

    def route_of(self, call: Call) -> Found | None:
        """Find the route by the method that a call means (§1.1 [D])."""
        return find_route(self.routes, request_parsing.meant_method(call), call.path)

    def answer(self, call: Call, *, stale: bool) -> Answer:
        """Answer a call: the rate first, then the path, the credential, and the endpoint."""
        self._calls += 1
        found, now = self.route_of(call), self._clock()
        group = found.key if found else call.path
        rate = self._meter.spend(group, now, self.reading)
        if rate is None:
            return rate_limits.too_many(self._meter.spent(group, now, self.reading), self.reading)
        if self.reading.throttle and self._calls % self.reading.throttle == 0:
            return rate_limits.too_many(rate, self.reading)  # §5 [D]: hidden limits refuse with requests remaining
        return rate_limits.rated(self._tried(call, found, stale=stale), rate, self.reading)

    def _tried(self, call: Call, found: Found | None, *, stale: bool) -> Answer:
        try:
            return self._answered(call, found, stale=stale)
        except RefusedError as refusal:
            return refusal.answer()

    def _answered(self, call: Call, found: Found | None, *, stale: bool) -> Answer:
        found = self._checked(call, found)
        if not call.path.endswith("/"):
            query = f"?{call.query}" if call.query else ""
            return Answer(308, b"", (("location", f"{call.path}/{query}"),))  # §1.1 [?]
        if not self._is_known(call.header("authorization") or ""):
            raise unauthorized(self.reading)
        desk = self._called(call, found, stale=stale)
        if desk.method != "GET":
            desk.store.begin(desk.now)
        value = ENDPOINTS[found.key](desk)
        if found.key in DELETING and self.reading.deleted == "empty":  # §2.8 [L]
            return Answer(200, b"")
        return Answer.of_json(201 if found.key in CREATING else 200, value)

    def _checked(self, call: Call, found: Found | None) -> Found:
        """Check the path: a missing slash, an unknown one, another method, one that is too long."""
        if not call.path.endswith("/") and (found is None or self.reading.slash == "missing"):
            raise refused(404, URL_NOT_FOUND)  # §1.1 [?]
        if found is None:
            if any(find_route(self.routes, method, call.path) for method in request_parsing.METHODS):
                raise refused(405, "The method is not allowed for the requested URL.")  # §10.1 [I]
            raise refused(404, URL_NOT_FOUND)  # §1.4 [S3 probe]: also without a credential
        if 0 < self.reading.max_url < len(call.path) + len(call.query) + 1:
            raise refused(414, "Request-URI Too Large")  # §1.1 [?]
        return found

    def _called(self, call: Call, found: Found, *, stale: bool) -> Desk:
        body = request_parsing.read_body(call)
        params = request_parsing.read_params(call, body, self.reading)
        now, home = self._clock(), self._store.users[self._store.key_owner].zone
        return Desk(
            reading=self.reading,
            store=self._store,
            now=now,
            zone=read_zone(call.header("x-tz-offset"), home, now, self.reading),
            method=request_parsing.meant_method(call),
            path=call.path.removeprefix(ROOT),
            params=params,
            body={name: value for name, value in body.items() if name != request_parsing.PARAMS},
            values=found.values,
            is_stale=stale,
        )

    def _desk(self, reading: Reading) -> Desk:
        return Desk(reading, self._store, self._clock())

    def _is_known(self, header: str) -> bool:
        """Whether this is the key as the user name of Basic with no password, or the token (§1.2 [D])."""
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
