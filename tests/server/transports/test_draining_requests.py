"""The requests that count as under way in a server that ends, and those that it still accepts."""

import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import anyio
import pytest
from anyio.abc import TaskGroup
from mcp import MCPError
from mcp.types import INTERNAL_ERROR
from starlette.types import ASGIApp, Receive, Scope, Send

from taskhand.server.transports.draining import Draining, DrainTimes

if TYPE_CHECKING:
    from mcp.server import ServerRequestContext

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ANSWER = {"jsonrpc": "2.0", "id": 1, "result": {}}
NOTIFICATION = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
SESSION = [(b"mcp-session-id", b"s")]


async def answer(_: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body"})


async def ask(
    app: ASGIApp, method: str, headers: list[tuple[bytes, bytes]], message: object = None, path: str = "/mcp"
) -> list[dict[str, Any]]:
    """What the application sends for a request."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(message).encode()}

    async def keep(one: Any) -> None:
        sent.append(dict(one))

    await app({"type": "http", "path": path, "method": method, "headers": headers}, receive, keep)
    return sent


async def end(draining: Draining) -> None:
    draining.begin()
    await draining.run(lambda: None)


@pytest.mark.parametrize(
    ("method", "headers", "message", "status"),
    [
        ("POST", SESSION, CALL, 503),
        ("POST", SESSION, ANSWER, 200),
        ("POST", SESSION, NOTIFICATION, 200),
        ("POST", SESSION, [ANSWER], 503),
        ("POST", [], ANSWER, 503),
        ("DELETE", SESSION, None, 200),
        ("DELETE", [], None, 503),
    ],
)
async def test_a_server_that_ends_takes_answers_notifications_and_the_ends_of_sessions_alone(
    method: str, headers: list[tuple[bytes, bytes]], message: object, status: int
) -> None:
    draining = Draining()
    app = draining.watch_requests(answer)
    assert (await ask(app, method, headers, message))[0]["status"] == 200
    await end(draining)
    assert (await ask(app, method, headers, message))[0]["status"] == status
    assert (await ask(app, "GET", [], path="/ready"))[0]["status"] == 200


@pytest.mark.parametrize(
    ("request_id", "method", "is_idle"),
    [(1, "tools/call", False), (1, "subscriptions/listen", True), (None, "notifications/cancelled", True)],
)
async def test_calls_are_under_way_and_subscriptions_and_notifications_are_not(
    request_id: int | None, method: str, *, is_idle: bool
) -> None:
    draining, seen = Draining(), list[bool]()

    async def work(_: object) -> None:
        seen.append(draining.is_idle)

    context = cast("ServerRequestContext[Any, Any]", SimpleNamespace(request_id=request_id, method=method))
    await draining.watch_calls(context, work)
    assert seen == [is_idle]
    assert draining.is_idle


async def test_a_call_that_is_cut_is_answered_with_where_its_result_is() -> None:
    draining = Draining(DrainTimes(calls_s=0))
    draining.begin()
    context = cast("ServerRequestContext[Any, Any]", SimpleNamespace(request_id=1, method="tools/call"))
    async with anyio.create_task_group() as tasks:
        with pytest.raises(MCPError, match="list_changes") as cut:
            await draining.watch_calls(context, lambda _: cut_call(tasks, draining))
    assert (
        cut.value.error.model_dump(exclude_none=True).items()
        >= {
            "code": INTERNAL_ERROR,
            "data": {"code": "server_ended", "retryable": False},
        }.items()
    )


async def cut_call(tasks: TaskGroup, draining: Draining) -> None:
    """A call that lasts until the server that ends cuts it."""
    tasks.start_soon(draining.run, lambda: None)
    await anyio.sleep_forever()


def lingering(begin: Callable[[Receive, Send], Awaitable[None]]) -> ASGIApp:
    """An application that has more to do after it has begun."""

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await begin(receive, send)
        await anyio.sleep_forever()

    return app


async def test_a_request_that_was_answered_before_its_body_came_is_not_under_way() -> None:
    draining = Draining()

    async def refuse_then_read(receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 413})
        await send({"type": "http.response.body"})
        await receive()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, draining.watch_requests(lingering(refuse_then_read)), "POST", [])
        await anyio.wait_all_tasks_blocked()
        assert draining.is_idle
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("has_more", [True, False])
async def test_a_stream_has_one_end_whether_its_application_or_the_server_ends_it(*, has_more: bool) -> None:
    draining, sent = Draining(), list[dict[str, Any]]()

    async def stream(_: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"x", "more_body": has_more})

    async def serve() -> None:
        sent.extend(await ask(draining.watch_requests(lingering(stream)), "GET", []))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await anyio.wait_all_tasks_blocked()
        await end(draining)
    assert [one.get("more_body", False) for one in sent[1:]] == ([True, False] if has_more else [False])
