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
from taskhand.http.errors import invalid_answer_error, status_error
from taskhand.http.origin import base_origin, check_redirect
from taskhand.http.path import Path
from taskhand.http.reply import Json, Reply, Shape, UnexpectedBody, parse_json
from taskhand.http.retry import RequestKind, RetryPolicy
from taskhand.http.upstream import CONTEXT, WAIT, Limits, RequestContext, Runtime, Upstream, check_headers

if TYPE_CHECKING:
    import httpx2

    from taskhand.http.proxy_route import ProxyRoute
    from taskhand.http.transport import RetryTransport

__all__ = ["Client", "Options", "Request"]

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
class Request:
    """One request as a value."""

    method: str
    path: Path
    kind: RequestKind
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
            kind=RequestKind.of(
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
        policy: RetryPolicy | None = None,
        budget: Budget | None = None,
        runtime: Runtime | None = None,
        transport: "httpx2.AsyncBaseTransport | None" = None,
    ) -> None:
        self._upstream = upstream
        check_headers(upstream)
        self._origin = base_origin(upstream.base_url, variable=upstream.variable, allow_http=upstream.allow_http)
        self._limits = limits or Limits()
        self._policy = policy or RetryPolicy()
        self._runtime = runtime or Runtime()
        self._budget = budget or Budget(clock=self._runtime.clock, sleep=self._runtime.sleep)
        self._inner = transport
        self._transport: RetryTransport | None = None
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
    def proxy_route(self) -> "ProxyRoute":
        """How its requests get there."""
        from taskhand.http.proxy_route import proxy_route_for  # noqa: PLC0415 - what it imports, only requests need besides

        return proxy_route_for(self._origin)

    @property
    def headroom(self) -> Headroom:
        """What may be sent from now on."""
        return self._budget.headroom()

    async def get(self, path: Path, **options: Unpack[Options]) -> Reply:
        """GET."""
        return await self.send(Request.of("GET", path, **options))

    async def post(self, path: Path, **options: Unpack[Options]) -> Reply:
        """POST; `reads=True` if it only searches."""
        return await self.send(Request.of("POST", path, **options))

    async def put(self, path: Path, **options: Unpack[Options]) -> Reply:
        """PUT."""
        return await self.send(Request.of("PUT", path, **options))

    async def patch(self, path: Path, **options: Unpack[Options]) -> Reply:
        """PATCH."""
        return await self.send(Request.of("PATCH", path, **options))

    async def delete(self, path: Path, **options: Unpack[Options]) -> Reply:
        """DELETE."""
        return await self.send(Request.of("DELETE", path, **options))

    async def send(self, request: Request) -> Reply:
        """Send, wait out what the policy says, and parse.

        Raises CallerError (NotFound), OperatorError, UpstreamError (RateLimited), and for a write that may have been
        applied OutcomeUnknown: then read back before anything is sent again.
        """
        response = await self._answer(request)
        headers = {name.lower(): value for name, value in response.headers.items()}
        json = self._json(request, response)
        return Reply(response.status_code, json, headers, request.path.template, request.kind)

    def invalid(self, reply: Reply, why: str) -> UpstreamError:
        """Make and log the error for an answer whose inside is not what the contract says.

        `why` is a few words of ours ("without an id"), which continue "... answered". OutcomeUnknown after a write.
        """
        return self._invalid(reply.template, reply.kind, why)

    async def _answer(self, request: Request) -> "httpx2.Response":
        """Follow a GET to the same origin, three times at most; everything else must answer where it was asked."""
        transport, deadline = self._opened(), deadline_from(self._runtime.clock(), self._limits.total_s)
        url = request.url(self._upstream.base_url)
        for _ in range(_MOST_REDIRECTS + 1):
            response = await transport.handle_async_request(self._request(request, url, deadline))
            if response.is_success:
                return response
            if response.status_code not in _REDIRECTS:
                raise self._refusal(response)
            url = check_redirect(url, self._location(request, response), name=self._upstream.name)
        raise UpstreamError(f"{self._upstream.name} redirected the request too often.", code="upstream_redirect")

    def _opened(self) -> "RetryTransport":
        if not self._entered:
            raise RuntimeError("a Client is used inside `async with`")
        if self._transport is None:
            from taskhand.http import attempt, transport  # noqa: PLC0415 - they import the HTTP library

            config = transport.TransportConfig(
                self._upstream, self._origin, self._limits, self._policy, self._budget, self._runtime
            )
            inner = self._inner or attempt.direct(self._origin)
            self._transport = transport.RetryTransport(inner, config)
        return self._transport

    def _request(self, request: Request, url: str, deadline: float) -> "httpx2.Request":
        import httpx2  # noqa: PLC0415 - slow; the first request pays for it

        return httpx2.Request(
            request.method,
            url,
            headers={**_headers(request), **self._upstream.headers, **request.headers, **self._upstream.auth},
            content=request.body,
            extensions={CONTEXT: RequestContext(request.kind, request.path.template, deadline)},
        )

    def _location(self, request: Request, response: "httpx2.Response") -> str | None:
        """A write is never sent on: where it would go was not asked for."""
        location: str | None = response.headers.get("location")
        return location if request.method == "GET" else None

    def _refusal(self, response: "httpx2.Response") -> Exception:
        try:
            json: Json = parse_json(response.status_code, response.content, "any")
        except UnexpectedBody:
            json = None
        return status_error(self._upstream, response.status_code, json, retry_after_s=response.extensions[WAIT])

    def _json(self, request: Request, response: "httpx2.Response") -> Json:
        try:
            return parse_json(response.status_code, response.content, request.expect)
        except UnexpectedBody as unexpected:
            why = str(unexpected)
        raise self._invalid(request.path.template, request.kind, why)

    def _invalid(self, template: str, kind: RequestKind, why: str) -> UpstreamError:
        reference = self._runtime.ids()
        _log.warning("%s: answered %s, reference %s", template, why, reference)
        return invalid_answer_error(self._upstream, why, kind, reference)


def _headers(request: Request) -> dict[str, str]:
    """Only codings that `reply.unpacked` undoes are asked for."""
    headers = {
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "user-agent": f"taskhand/{__version__}",
    }
    return headers if request.body is None else {**headers, "content-type": "application/json"}
