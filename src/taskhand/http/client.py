"""The HTTP client of a backend: sends requests to one upstream, parses JSON, and raises only TaskhandErrors.

The HTTP library is imported by the first request, because a stdio server starts with every conversation.
"""

import logging
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, Unpack

from taskhand.call.deadline import Deadline, current_deadline
from taskhand.call.request_log import record_foreign_refusal
from taskhand.domain.errors import OperatorError, TaskhandError, UpstreamError
from taskhand.http.errors import (
    invalid_answer_error,
    is_from_elsewhere,
    page_error,
    redirected_write_error,
    status_error,
)
from taskhand.http.origin import base_origin
from taskhand.http.rate_limiter import Headroom, Limiter, RateLimiter
from taskhand.http.redirects import check_redirect
from taskhand.http.request import Request, RequestOptions
from taskhand.http.response_body import Json, Reply, UnexpectedBody, is_web_page, parse_json
from taskhand.http.retry import RequestKind, RetryPolicy
from taskhand.http.upstream import Runtime, Upstream, check_headers
from taskhand.http.url_path import Path

if TYPE_CHECKING:
    from taskhand.domain.own_credential import OwnCredential, OwnToken
    from taskhand.http.attempt import WholeResponse
    from taskhand.http.proxy import ProxyRoute
    from taskhand.http.transport import RetryTransport

__all__ = ["Client"]

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS: Final = 3
_log = logging.getLogger("taskhand.http")


class Client:
    """One upstream, as an async context manager: `async with Client(upstream) as client: await client.get(path)`.

    Raises OperatorError for a base URL or a key that cannot be used.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        policy: RetryPolicy | None = None,
        rate_limiter: Limiter | None = None,
        runtime: Runtime | None = None,
        own_token: "OwnToken | None" = None,
    ) -> None:
        """`own_token` is the credential if it is a person's; it may be renewed while the client is open."""
        self._upstream = upstream
        check_headers(upstream)
        self._origin = base_origin(upstream.base_url, variable=upstream.base_url_name)
        self._policy = policy or RetryPolicy()
        self._runtime = runtime or Runtime()
        self._rate_limiter = rate_limiter or RateLimiter(monotonic=self._runtime.monotonic, sleep=self._runtime.sleep)
        self._own = own_token
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
        if self._transport is not None and self._runtime.transport is None:
            await self._transport.aclose()

    @property
    def request_count(self) -> int:
        """The number of requests sent, including repetitions."""
        return 0 if self._transport is None else self._transport.request_count

    @property
    def upstream(self) -> Upstream:
        """The upstream that this client sends to."""
        return self._upstream

    @property
    def proxy_route(self) -> "ProxyRoute":
        """The route of requests to the upstream: directly or through a proxy."""
        from taskhand.http.proxy import proxy_route_for  # noqa: PLC0415 - slow; otherwise only requests need it

        return proxy_route_for(self._origin)

    @property
    def headroom(self) -> Headroom:
        """The rest of the rate budget."""
        return self._rate_limiter.headroom()

    async def get(self, path: Path, **options: Unpack[RequestOptions]) -> Reply:
        """Send a GET request."""
        return await self.send(Request.of("GET", path, **options))

    async def post(self, path: Path, **options: Unpack[RequestOptions]) -> Reply:
        """Send a POST request, with its `kind`."""
        return await self.send(Request.of("POST", path, **options))

    async def put(self, path: Path, **options: Unpack[RequestOptions]) -> Reply:
        """Send a PUT request."""
        return await self.send(Request.of("PUT", path, **options))

    async def patch(self, path: Path, **options: Unpack[RequestOptions]) -> Reply:
        """Send a PATCH request."""
        return await self.send(Request.of("PATCH", path, **options))

    async def delete(self, path: Path, **options: Unpack[RequestOptions]) -> Reply:
        """Send a DELETE request."""
        return await self.send(Request.of("DELETE", path, **options))

    async def send(self, request: Request) -> Reply:
        """Send a request with the retries of the policy, and parse the response.

        Raises CallerError (NotFound), OperatorError, UpstreamError (RateLimited), and OutcomeUnknown for a write that
        may have been applied: read back before sending again.
        """
        answer = await self._answer(request)
        try:
            json = parse_json(answer.status, answer.body, request.expect)
            return Reply(answer.status, json, answer.headers, request.path.template, request.kind)
        except UnexpectedBody as unexpected:
            why = str(unexpected)
        if is_web_page(answer.body):
            raise self._page(answer, request)
        raise self._invalid(request.path.template, request.kind, why)

    def invalid(self, reply: Reply, why: str) -> UpstreamError:
        """Make and log the error for a response whose fields are not those of the contract.

        `why` is our own text ("without an id"), which continues "... answered". OutcomeUnknown after a write.
        """
        return self._invalid(reply.template, reply.kind, why)

    async def _answer(self, request: Request) -> "WholeResponse":
        """The response to a request, which is sent again if a person's own credential was renewed for it."""
        deadline, again = current_deadline(self._runtime.limits.total_s, self._runtime.monotonic), False
        while True:
            renewed = self._own.renewed if self._own else None
            try:
                return await self._answer_to(request, deadline, renewed)
            except OperatorError as error:
                if self._own is None or error.code != "unauthorized":
                    raise
                if (problem := await self._own.reject(renewed, again=again)) is not None:
                    raise problem from None
                again = True  # the upstream refused the request without executing it, so a write may also be sent again

    async def _answer_to(
        self, request: Request, deadline: Deadline, renewed: "OwnCredential | None"
    ) -> "WholeResponse":
        """The response to a request with the credential, or with the renewed one.

        At most three redirects of a GET to the same origin are followed; a redirected write is not sent again.
        """
        transport, url = self._open(), request.url(self._upstream.base_url)
        for _ in range(_MAX_REDIRECTS + 1):
            answer = await transport.send(request, url, deadline, renewed)
            if answer.is_success:
                return answer
            if answer.status not in _REDIRECTS:
                raise self._refusal(answer, request)
            if request.kind is not RequestKind.READ:
                raise redirected_write_error(self._upstream)
            location = answer.headers.get("location") if request.method == "GET" else None
            url = check_redirect(url, location, name=self._upstream.name)
        raise UpstreamError(
            f"{self._upstream.name} redirected the request too often.",
            code="upstream_redirect",
            next_step=f"Ask the operator of Taskhand to check {self._upstream.base_url_name}.",
        )

    def _open(self) -> "RetryTransport":
        if not self._entered:
            raise RuntimeError("a Client is used inside `async with`")
        if self._transport is not None:
            return self._transport
        from taskhand.http.attempt import open_transport  # noqa: PLC0415 - slow; the first request pays for it
        from taskhand.http.transport import RetryTransport, TransportConfig  # noqa: PLC0415 - as above

        config = TransportConfig(self._upstream, self._origin, self._policy, self._rate_limiter, self._runtime)
        self._transport = RetryTransport(self._runtime.transport or open_transport(self._origin), config)
        return self._transport

    def _refusal(self, answer: "WholeResponse", request: Request) -> TaskhandError:
        try:
            json: Json = parse_json(answer.status, answer.body, "any")
        except UnexpectedBody:
            json = None
        if request.kind is not RequestKind.READ and not self._upstream.is_own_error(json):
            record_foreign_refusal()
        if is_from_elsewhere(answer.status, answer.body):
            return self._page(answer, request)
        wait_s, page = answer.retry_after_s, is_web_page(answer.body)
        error = status_error(self._upstream, answer.status, json, retry_after_s=wait_s, page=page)
        if isinstance(error, OperatorError):
            _log.warning("%s: status %d: %s", request.path.template, answer.status, error.message)
        return error

    def _page(self, answer: "WholeResponse", request: Request) -> UpstreamError:
        reference = self._runtime.new_reference()
        _log.warning("%s: a web page with status %d, reference %s", request.path.template, answer.status, reference)
        return page_error(self._upstream, answer.status, request.kind, reference)

    def _invalid(self, template: str, kind: RequestKind, why: str) -> UpstreamError:
        reference = self._runtime.new_reference()
        _log.warning("%s: answered %s, reference %s", template, why, reference)
        return invalid_answer_error(self._upstream, why, kind, reference)
