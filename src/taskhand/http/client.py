"""What a backend holds: asks an upstream for JSON, and raises only errors of ours.

The HTTP library is imported by the first request: a stdio server starts with every conversation.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypedDict, Unpack
from urllib.parse import urlencode

from taskhand import __version__
from taskhand.domain.deadline import deadline_from
from taskhand.domain.errors import UpstreamError
from taskhand.http.budget import Budget, Headroom
from taskhand.http.origin import base_origin, redirected
from taskhand.http.path import Path
from taskhand.http.reply import Json, Nonsense, Reply, Shape, invalid, json_of, refusal
from taskhand.http.retry import Policy, Sending
from taskhand.http.upstream import CALL, WAIT, Call, Limits, Upstream, World, check_headers

if TYPE_CHECKING:
    import httpx2

    from taskhand.http.proxy_route import ProxyRoute
    from taskhand.http.transport import PatientTransport

__all__ = ["Ask", "Client", "Options"]

Params = Mapping[str, str] | Sequence[tuple[str, str]]

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 3
_log = logging.getLogger("taskhand.http")


class Options(TypedDict, total=False):
    """What may be said about a request.

    `params` as a mapping or as pairs (for repeated names); `json` any value that JSON can carry; `headers` without
    secrets; `expect` the shape of the answer ("nothing" leaves the body unread, "object or nothing" also takes an
    empty one); `reads` for a POST that only searches; `replay_safe` for a PUT, PATCH or DELETE that may be repeated
    even if it may have been applied.
    """

    params: Params
    json: object
    headers: Mapping[str, str]
    expect: Shape
    reads: bool
    replay_safe: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as a value."""

    method: str
    path: Path
    sending: Sending
    query: str = field(default="", repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    expect: Shape = "any"

    @classmethod
    def of(cls, method: str, path: Path, **options: Unpack[Options]) -> Self:
        """Build it; ValueError for what JSON cannot carry and for a POST said to be safe to replay (bugs of ours)."""
        return cls(
            method=method,
            path=path,
            sending=Sending.of(
                method, reads=options.get("reads", False), replay_safe=options.get("replay_safe", False)
            ),
            query=urlencode(options.get("params", {})),
            body=dumps(options["json"], allow_nan=False).encode() if "json" in options else None,
            headers=options.get("headers", {}),
            expect=options.get("expect", "any"),
        )

    def url(self, base_url: str) -> str:
        """Join to a base URL, whose own path is kept."""
        return base_url.rstrip("/") + self.path.raw + (f"?{self.query}" if self.query else "")


class Client:
    """One upstream, as an async context manager: `async with Client(upstream) as client: await client.get(path)`.

    Whatever is not given has its default; `transport` goes in place of real connections, under retry and budget.
    Raises OperatorError for a base URL or a key that cannot be used.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        limits: Limits | None = None,
        policy: Policy | None = None,
        budget: Budget | None = None,
        world: World | None = None,
        transport: "httpx2.AsyncBaseTransport | None" = None,
    ) -> None:
        self._upstream = upstream
        check_headers(upstream)
        self._origin = base_origin(upstream.base_url, variable=upstream.variable, allow_http=upstream.allow_http)
        self._limits = limits or Limits()
        self._policy = policy or Policy()
        self._world = world or World()
        self._budget = budget or Budget(clock=self._world.clock, sleep=self._world.sleep)
        self._inner = transport
        self._transport: PatientTransport | None = None
        self._entered = False

    def __repr__(self) -> str:
        return f"Client({self._upstream.name!r})"

    async def __aenter__(self) -> Self:
        self._entered = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered = False
        if self._transport is not None:
            await self._transport.aclose()

    @property
    def sent(self) -> int:
        """How many requests have been sent, repetitions included."""
        return 0 if self._transport is None else self._transport.sent

    @property
    def upstream(self) -> Upstream:
        """Whom this client speaks to."""
        return self._upstream

    @property
    def road(self) -> "ProxyRoute":
        """How its requests get there."""
        from taskhand.http.proxy_route import proxy_route_for  # noqa: PLC0415 - what it imports, only requests need besides

        return proxy_route_for(self._origin)

    @property
    def headroom(self) -> Headroom:
        """What may be sent from now on."""
        return self._budget.headroom()

    async def get(self, path: Path, **options: Unpack[Options]) -> Reply:
        """GET."""
        return await self.send(Ask.of("GET", path, **options))

    async def post(self, path: Path, **options: Unpack[Options]) -> Reply:
        """POST; `reads=True` if it only searches."""
        return await self.send(Ask.of("POST", path, **options))

    async def put(self, path: Path, **options: Unpack[Options]) -> Reply:
        """PUT."""
        return await self.send(Ask.of("PUT", path, **options))

    async def patch(self, path: Path, **options: Unpack[Options]) -> Reply:
        """PATCH."""
        return await self.send(Ask.of("PATCH", path, **options))

    async def delete(self, path: Path, **options: Unpack[Options]) -> Reply:
        """DELETE."""
        return await self.send(Ask.of("DELETE", path, **options))

    async def send(self, ask: Ask) -> Reply:
        """Send, wait out what the policy says, and parse.

        Raises CallerError (NotFound), OperatorError, UpstreamError (RateLimited), and for a write that may have been
        applied OutcomeUnknown: then read back before anything is sent again.
        """
        response = await self._answer(ask)
        headers = {name.lower(): value for name, value in response.headers.items()}
        json = self._json(ask, response)
        return Reply(response.status_code, json, headers, ask.path.template, ask.sending)

    def invalid(self, reply: Reply, why: str) -> UpstreamError:
        """Make and log the error for an answer whose inside is not what the contract says.

        `why` is a few words of ours ("without an id"), which continue "... answered". OutcomeUnknown after a write.
        """
        return self._invalid(reply.template, reply.sending, why)

    async def _answer(self, ask: Ask) -> "httpx2.Response":
        """Follow a GET to the same origin, three times at most; everything else must answer where it was asked."""
        transport, deadline = self._opened(), deadline_from(self._world.clock(), self._limits.total_s)
        url = ask.url(self._upstream.base_url)
        for _ in range(_MOST_REDIRECTS + 1):
            response = await transport.handle_async_request(self._request(ask, url, deadline))
            if response.is_success:
                return response
            if response.status_code not in _REDIRECTS:
                raise self._refusal(response)
            url = redirected(url, self._location(ask, response), name=self._upstream.name)
        raise UpstreamError(f"{self._upstream.name} redirected the request too often.", code="upstream_redirect")

    def _opened(self) -> "PatientTransport":
        if not self._entered:
            raise RuntimeError("a Client is used inside `async with`")
        if self._transport is None:
            from taskhand.http import exchange, transport  # noqa: PLC0415 - they import the HTTP library

            terms = transport.Terms(self._upstream, self._origin, self._limits, self._policy, self._budget, self._world)
            inner = self._inner or exchange.direct(self._origin)
            self._transport = transport.PatientTransport(inner, terms)
        return self._transport

    def _request(self, ask: Ask, url: str, deadline: float) -> "httpx2.Request":
        import httpx2  # noqa: PLC0415 - slow; the first request pays for it

        return httpx2.Request(
            ask.method,
            url,
            headers={**_headers(ask), **self._upstream.headers, **ask.headers, **self._upstream.auth},
            content=ask.body,
            extensions={CALL: Call(ask.sending, ask.path.template, deadline)},
        )

    def _location(self, ask: Ask, response: "httpx2.Response") -> str | None:
        """A write is never sent on: where it would go was not asked for."""
        location: str | None = response.headers.get("location")
        return location if ask.method == "GET" else None

    def _refusal(self, response: "httpx2.Response") -> Exception:
        try:
            json: Json = json_of(response.status_code, response.content, "any")
        except Nonsense:
            json = None
        return refusal(self._upstream, response.status_code, json, retry_after_s=response.extensions[WAIT])

    def _json(self, ask: Ask, response: "httpx2.Response") -> Json:
        try:
            return json_of(response.status_code, response.content, ask.expect)
        except Nonsense as nonsense:
            why = str(nonsense)
        raise self._invalid(ask.path.template, ask.sending, why)

    def _invalid(self, template: str, sending: Sending, why: str) -> UpstreamError:
        reference = self._world.ids()
        _log.warning("%s: answered %s, reference %s", template, why, reference)
        return invalid(self._upstream, why, sending, reference)


def _headers(ask: Ask) -> dict[str, str]:
    """Only codings that `reply.unpacked` undoes are asked for."""
    headers = {
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "user-agent": f"taskhand/{__version__}",
    }
    return headers if ask.body is None else {**headers, "content-type": "application/json"}
