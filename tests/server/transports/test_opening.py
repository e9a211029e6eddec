"""How hosts open a connection: recorded openings, and every order of asking and initializing."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.server import Server, ServerRequestContext
from mcp.types import CallToolRequestParams, CallToolResult

from server.transports.raw_connection import INITIALIZED, Message, RawConnection, connect_raw, newer, older
from server.transports.server_process import HELLO, META, environment
from server.transports.task_calls import DRAFT
from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.wiring import open_app
from time_limits import BOUND_S

RECORDED = {path.stem: path for path in sorted((Path(__file__).parent / "openings").glob("*.jsonl"))}
"""What a host sent over standard input when it was started on Taskhand, one message a line."""

VERSION = "io.modelcontextprotocol/protocolVersion"
DISCOVER = newer("server/discover", "probe")
INITIALIZE = older("initialize", 0, **HELLO)
FUTURE = older("server/discover", "future", _meta=META | {VERSION: "2027-01-01"})
BARE = older("server/discover", "bare")
LIST_NEWER, LIST_OLDER = newer("tools/list", "newer"), older("tools/list", "older")


@pytest.fixture
async def server(store_file: Path) -> AsyncIterator[Server[Any]]:
    async with open_app(Settings.from_env(environment(store_file))) as app:
        yield create_server(app)


def recorded_messages(name: str) -> list[Message]:
    return [json.loads(line) for line in RECORDED[name].read_text(encoding="utf-8").splitlines()]


async def replay(connection: RawConnection, messages: list[Message]) -> dict[object, Message]:
    """Send the messages one after the other; the answers by id. A subscription is answered only when it ends."""
    answers = {}
    for message in messages:
        if "id" in message and message["method"] != "subscriptions/listen":
            answers[message["id"]] = await connection.ask(message)
        else:
            await connection.send(message)
    return answers


async def check_that_it_works(connection: RawConnection, last: Message) -> None:
    """Call a tool in the era of the last request."""
    call = newer if VERSION in last.get("params", {}).get("_meta", {}) else older
    answer = await connection.ask(call("tools/call", "call", name="create_task", arguments=DRAFT))
    assert answer["result"]["structuredContent"]["task"]["title"] == DRAFT["title"]


@pytest.mark.parametrize("name", RECORDED)
async def test_the_recorded_opening_of_a_host_works(server: Server[Any], name: str) -> None:
    opening = recorded_messages(name)
    async with connect_raw(server) as connection:
        for answer in (await replay(connection, opening)).values():
            assert "result" in answer
        await check_that_it_works(connection, opening[-1])


@pytest.mark.parametrize("name", [name for name in RECORDED if recorded_messages(name)[0]["method"] == "initialize"])
async def test_a_host_that_asks_first_and_falls_back_is_served(server: Server[Any], name: str) -> None:
    opening = recorded_messages(name)
    async with connect_raw(server) as connection:
        answers = await replay(connection, [DISCOVER, *opening])
        assert answers["probe"]["result"]["supportedVersions"] == ["2026-07-28"]
        assert answers[opening[0]["id"]]["result"]["protocolVersion"] == opening[0]["params"]["protocolVersion"]
        await check_that_it_works(connection, opening[-1])


ORDERS: dict[str, list[Message]] = {
    "ask, then initialize": [DISCOVER, INITIALIZE, INITIALIZED, LIST_OLDER],
    "ask twice, then initialize": [DISCOVER, DISCOVER | {"id": 1}, INITIALIZE, INITIALIZED, LIST_OLDER],
    "ask, then the newer era": [DISCOVER, LIST_NEWER],
    "ask twice, then the newer era": [DISCOVER, DISCOVER | {"id": 1}, LIST_NEWER],
    "the newer era at once": [LIST_NEWER],
    "initialize, then ask": [INITIALIZE, INITIALIZED, DISCOVER, LIST_OLDER],
    "initialize, ask, then the newer era": [INITIALIZE, INITIALIZED, DISCOVER, LIST_NEWER],
    "the newer era, then initialize": [DISCOVER, LIST_NEWER, INITIALIZE, INITIALIZED, LIST_OLDER],
    "ping first": [older("ping", 1), INITIALIZE, INITIALIZED, LIST_OLDER],
    "ask, then ping": [DISCOVER, older("ping", 1), LIST_NEWER],
    "ping as the newer era writes it": [newer("ping", 1), LIST_NEWER],
    "initialize as the newer era writes it": [newer("initialize", 0, **HELLO), INITIALIZED, LIST_OLDER],
    "initialize twice": [INITIALIZE, INITIALIZED, INITIALIZE | {"id": 1}, INITIALIZED, LIST_OLDER],
    "one id in both eras": [DISCOVER | {"id": 0}, INITIALIZE, INITIALIZED, LIST_OLDER],
    "a notification first": [INITIALIZED, DISCOVER, INITIALIZE, INITIALIZED, LIST_OLDER],
}


@pytest.mark.parametrize("order", ORDERS)
async def test_every_order_of_opening_requests_works(server: Server[Any], order: str) -> None:
    messages = ORDERS[order]
    async with connect_raw(server) as connection:
        for answer in (await replay(connection, messages)).values():
            assert "result" in answer
        await check_that_it_works(connection, messages[-1])


REFUSED = {
    "an unknown version": (FUTURE, -32022),
    "a question without its version": (BARE, -32601),
    "a list before the handshake": (LIST_OLDER, -32602),
    "an unknown method": (older("tools/make", "other"), -32601),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("then", [[DISCOVER, LIST_NEWER], [INITIALIZE, INITIALIZED, older("tools/list", 2)]])
async def test_a_refused_first_request_leaves_both_eras_open(
    server: Server[Any], case: str, then: list[Message]
) -> None:
    first, code = REFUSED[case]
    async with connect_raw(server) as connection:
        assert (await connection.ask(first))["error"]["code"] == code
        for answer in (await replay(connection, then)).values():
            assert "result" in answer
        await check_that_it_works(connection, then[-1])


async def test_a_request_of_the_newer_era_without_its_version_is_refused(server: Server[Any]) -> None:
    async with connect_raw(server) as connection:
        await connection.ask(DISCOVER)
        error = (await connection.ask(LIST_OLDER))["error"]
        assert error["code"] == -32602
        assert VERSION in error["message"]


@pytest.mark.parametrize("first", ["nothing else", "a subscription"])
async def test_a_host_that_sends_everything_at_once_and_closes_gets_every_answer(
    server: Server[Any], first: str
) -> None:
    listen = newer("subscriptions/listen", "listen", notifications={"resourceSubscriptions": []})
    call = older("tools/call", "call", name="create_task", arguments=DRAFT)
    messages = [*([listen] if first == "a subscription" else []), DISCOVER, INITIALIZE, INITIALIZED, LIST_OLDER, call]
    answered = set()
    async with connect_raw(server, last_answers_s=BOUND_S) as connection:
        for message in messages:
            await connection.send(message)
        await connection.close()
        with suppress(anyio.EndOfStream):
            while True:
                answer = await connection.receive()
                answered |= {answer["id"]} if "result" in answer else set()
    assert answered == {"probe", 0, "older", "call"}


async def test_a_cancelled_subscription_leaves_the_connection_open(server: Server[Any]) -> None:
    listen = newer("subscriptions/listen", "listen", notifications={"resourceSubscriptions": []})
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "listen"}}
    async with connect_raw(server) as connection:
        await connection.send(listen)
        assert (await connection.receive())["method"] == "notifications/subscriptions/acknowledged"
        await connection.send(cancel)
        await replay(connection, [INITIALIZE, INITIALIZED])
        await check_that_it_works(connection, INITIALIZE)


@pytest.mark.parametrize(("opening", "request_of"), [([INITIALIZE, INITIALIZED], older), ([], newer)])
async def test_a_cancelled_call_ends_in_the_era_in_which_it_runs(
    opening: list[Message], request_of: Callable[..., Message]
) -> None:
    begun, ended = anyio.Event(), anyio.Event()

    async def wait(_: ServerRequestContext[Any, Any], __: CallToolRequestParams) -> CallToolResult:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()
        return CallToolResult(content=[])

    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "call"}}
    async with connect_raw(Server[Any]("test", on_call_tool=wait)) as connection:
        await replay(connection, opening)
        await connection.send(request_of("tools/call", "call", name="wait", arguments={}))
        with anyio.fail_after(BOUND_S):
            await begun.wait()
            await connection.send(cancel)
            await ended.wait()
