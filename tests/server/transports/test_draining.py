"""The end of a server over HTTP: running calls end first, and new ones are refused."""

import http.client
import json
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult
from starlette.types import Receive, Scope, Send

from backends.sandboxed_app import TRUST
from backends.vambe.backend_case import vambe_settings
from backends.vambe.sandboxed_app import KEY, TASK, vambe
from behaviour.conftest import ERAS
from behaviour.person import Person
from safety.account import newest_change
from safety.gate import Gate
from server.transports.http_server import ACCEPTS, HELLO, session_of
from server.transports.server_process import META, Message, Web, output, serving
from server.transports.task_calls import DRAFT
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.server.transports.draining import Draining, DrainTimes
from taskhand.server.transports.host_names import ListenAddress
from taskhand.server.transports.http import Endpoint, SideRoutes, serve_http
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections
from taskhand.service.readiness import ServerReadiness
from taskhand.wiring import open_app
from time_limits import BOUND_S

if TYPE_CHECKING:
    from mcp.server import ServerRequestContext

MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}


@dataclass
class DrainedServer:
    """A server in this process, on a CRM behind a gate; `delay` ends the time in which calls are still served."""

    gate: Gate
    app: AppContext
    draining: Draining
    delay: anyio.Event
    port: int = 0
    ends: list[bool] = field(default_factory=list)
    ended: anyio.Event = field(default_factory=anyio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def open_drained_server(folder: Path, calls_s: float = 50) -> AsyncIterator[DrainedServer]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    gate, delay = Gate(vambe()), anyio.Event()
    async with (
        serve_sandbox(gate) as url,
        open_app(vambe_settings(url, vambe_api_key=KEY, journal=folder / "journal.sqlite")) as app,
        anyio.create_task_group() as tasks,
    ):
        draining = Draining(DrainTimes(7, calls_s), sleep=lambda _: delay.wait())
        drained = DrainedServer(gate, app, draining, delay)
        said, heard = anyio.create_memory_object_stream[str](2)

        async def run() -> None:
            beside = SideRoutes(ServerReadiness.of(Connections.of(app)).check)
            endpoint = Endpoint(ListenAddress("127.0.0.1", 0), draining=draining, announce=said.send_nowait)
            ended = await serve_http(create_server(app), endpoint, anyio.lowlevel.checkpoint, beside=beside)
            drained.ends.append(ended)
            drained.ended.set()

        tasks.start_soon(run)
        with said, heard, anyio.fail_after(BOUND_S):
            drained.port = int((await heard.receive()).removesuffix("/mcp").rpartition(":")[2])
            yield drained
            tasks.cancel_scope.cancel()
    for number, handler in handlers.items():
        signal.signal(number, handler)


@asynccontextmanager
async def held_call(drained: DrainedServer, era: str) -> AsyncIterator[tuple[anyio.Event, list[CallToolResult]]]:
    """A change that the CRM has carried out and does not answer until the event is set; the answer of the call."""
    go_on, sent = anyio.Event(), anyio.Event()
    answers: list[CallToolResult] = []

    async def hold() -> None:
        sent.set()
        await go_on.wait()

    async def call() -> None:
        async with Client(f"{drained.url}/mcp", mode=era) as client:
            await client.list_tools()  # the client would ask for the schema of the answer after the call
            with suppress(MCPError):
                answers.append(await client.call_tool("update_task", {"id": TASK, "title": "Changed"}))

    drained.gate.after_write = lambda _: hold()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await sent.wait()
        try:
            yield go_on, answers
        finally:
            go_on.set()  # the server ends only after the call, also if the test fails


async def wait_until_refused(client: httpx2.AsyncClient, url: str) -> httpx2.Response:
    """The first answer of a server that takes no new requests."""
    while (answer := await client.post(url, json=LISTING, headers=MODERN)).status_code == 200:
        pass
    return answer


async def test_a_cancelled_call_has_time_to_journal_the_outcome_of_its_request() -> None:
    draining, ended, written = Draining(DrainTimes(0, 0)), anyio.Event(), anyio.Event()
    call = cast("ServerRequestContext[Any, Any]", SimpleNamespace(request_id=1, method="tools/call"))

    async def work(_: object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await written.wait()

    async def serve_call() -> None:
        with pytest.raises(MCPError, match="The server ended during this call"):
            await draining.watch_calls(call, work)

    async def run() -> None:
        await draining.run(lambda: None)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_call)
        tasks.start_soon(run)
        await anyio.wait_all_tasks_blocked()
        draining.begin()
        while not draining.has_cut:
            await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
        has_waited = not ended.is_set()
        written.set()
        with anyio.fail_after(BOUND_S):
            await ended.wait()
        assert has_waited


@pytest.mark.parametrize("era", ERAS)
async def test_readiness_ends_first_then_new_calls_are_refused_and_the_one_under_way_is_answered(
    tmp_path: Path, era: str
) -> None:
    async with (
        open_drained_server(tmp_path) as drained,
        httpx2.AsyncClient(headers=ACCEPTS, verify=TRUST) as client,
        held_call(drained, era) as (go_on, answers),
    ):
        mcp = f"{drained.url}/mcp"
        served = await client.post(mcp, json=LISTING, headers=MODERN)
        assert (served.status_code, served.headers.get("connection")) == (200, None)
        assert (await client.get(f"{drained.url}/ready")).status_code == 200
        drained.draining.begin()
        ready, health = [await client.get(f"{drained.url}/{one}") for one in ("ready", "health")]
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert (health.status_code, health.json()["status"]) == (200, "draining")
        served = await client.post(mcp, json=LISTING, headers=MODERN)
        assert (served.status_code, served.headers["connection"]) == (200, "close")
        drained.delay.set()
        refused = await wait_until_refused(client, mcp)
        assert refused.status_code == 503
        assert {"retry-after": "1", "connection": "close"}.items() <= dict(refused.headers).items()
        error = refused.json()["error"]
        assert (error["code"], error["data"]["code"], error["data"]["retryable"]) == (-32603, "server_ending", True)
        assert error["data"]["retry_after_s"] == 1
        assert (await client.post(mcp, json=HELLO)).status_code == 503
        assert (await client.get(f"{drained.url}/health")).status_code == 200
        assert drained.ends == []
        go_on.set()
        await drained.ended.wait()
        with pytest.raises(httpx2.ConnectError):
            await client.get(f"{drained.url}/health")
    assert [one.is_error for one in answers] == [False]
    assert drained.ends == [True]


async def test_a_call_that_outlasts_draining_is_cut_and_its_write_is_journaled(tmp_path: Path) -> None:
    async with open_drained_server(tmp_path, calls_s=0) as drained:
        async with held_call(drained, ERAS[1]) as (go_on, answers):
            drained.draining.begin()
            drained.delay.set()
            while not drained.draining.has_cut:
                await anyio.lowlevel.checkpoint()
            go_on.set()
        await drained.ended.wait()
        change = await newest_change(drained.app)
        assert change is not None
        assert (change.outcome, drained.ends) == ("applied", [False])
        assert answers == []


async def test_a_question_is_answered_while_the_server_ends(tmp_path: Path) -> None:
    """In the older era the answer is a request of its own."""
    async with open_drained_server(tmp_path) as drained:
        person = Person("yes")

        async def answer(context: Any, params: ElicitRequestParams) -> ElicitResult:
            drained.draining.begin()
            drained.delay.set()
            async with httpx2.AsyncClient(headers=ACCEPTS, verify=TRUST) as client:
                await wait_until_refused(client, f"{drained.url}/mcp")
            return await person.asked(context, params)

        async with Client(f"{drained.url}/mcp", mode=ERAS[0], elicitation_callback=answer) as client:
            await client.list_tools()
            done = await client.call_tool("delete_task", {"id": TASK})
        assert "deleted" in (done.structured_content or {})["note"]
        await drained.ended.wait()
        assert drained.ends == [True]


async def test_streams_of_both_eras_end_and_do_not_break(tmp_path: Path) -> None:
    async with open_drained_server(tmp_path) as drained, httpx2.AsyncClient(headers=ACCEPTS, verify=TRUST) as client:
        mcp = f"{drained.url}/mcp"
        session = session_of(await client.post(mcp, json=HELLO))
        listen = {"notifications": {"resourceSubscriptions": [f"task://{TASK}"]}, "_meta": META}
        body = {"jsonrpc": "2.0", "id": "news", "method": "subscriptions/listen", "params": listen}
        newer = MODERN | {"Mcp-Method": "subscriptions/listen"}
        async with (
            client.stream("POST", mcp, json=body, headers=newer) as news,
            client.stream("GET", mcp, headers=session) as older,
        ):
            lines = news.aiter_lines()
            assert "acknowledged" in await anext(line async for line in lines if line.startswith("data: "))
            drained.draining.begin()
            drained.delay.set()
            assert await older.aread() is not None
            [last] = [line async for line in lines if line.startswith("data: ")]
            assert json.loads(last.removeprefix("data: "))["id"] == "news"
        await drained.ended.wait()
        assert drained.ends == [True]


async def test_draining_waits_for_a_request_during_authentication_but_not_for_a_missing_body() -> None:
    draining, is_known, bodies, sent = Draining(), anyio.Event(), list[Message](), list[Message]()

    async def ask_then_read(_: Scope, receive: Receive, send: Send) -> None:
        await is_known.wait()
        bodies.append(dict(await receive()))
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    async def body() -> Message:
        return {"type": "http.request", "body": b"{}"}

    async def no_body() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def keep(message: Any) -> None:
        sent.append(message)

    app = draining.watch_requests(ask_then_read)

    async def request(receive: Receive) -> None:
        await app({"type": "http", "path": "/mcp", "method": "POST", "headers": []}, receive, keep)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(request, body)
        tasks.start_soon(request, no_body)
        await anyio.wait_all_tasks_blocked()
        draining.begin()
        with anyio.move_on_after(0):
            await draining.run(lambda: None)
        assert not draining.is_idle
        is_known.set()
        with anyio.fail_after(BOUND_S):
            await draining.run(lambda: None)
        tasks.cancel_scope.cancel()
    assert (len(bodies), [one["type"] for one in sent]) == (1, ["http.response.start", "http.response.body"])
    assert draining.is_idle
    assert not draining.has_cut


class AskingCall:
    """A call of the older era to a process, which waits for a person's answer."""

    def __init__(self, web: Web, key: str, stack: ExitStack) -> None:
        self.web, self.stack = web, stack
        self.headers = ACCEPTS | {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        able = HELLO | {"params": dict(HELLO["params"]) | {"capabilities": {"elicitation": {}}}}  # type: ignore[call-overload]
        self.headers["Mcp-Session-Id"] = self.post(able).headers["mcp-session-id"]
        self.headers["MCP-Protocol-Version"] = "2025-11-25"
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        made = self.call("create_task", DRAFT | {"responsibleIds": ["Elisa Mora"]})
        task = self.next_message(made)["result"]["structuredContent"]["task"]
        self.answer = self.call("delete_task", {"id": task["id"]})
        self.question = self.next_message(self.answer)["id"]

    def post(self, message: Message) -> http.client.HTTPResponse:
        line = self.stack.enter_context(closing(self.web.connection()))
        line.request("POST", "/mcp", json.dumps(message), self.headers)
        return self.stack.enter_context(closing(line.getresponse()))

    def call(self, tool: str, arguments: Message) -> http.client.HTTPResponse:
        params = {"name": tool, "arguments": arguments}
        return self.post({"jsonrpc": "2.0", "id": tool, "method": "tools/call", "params": params})

    def next_message(self, answer: http.client.HTTPResponse) -> Message:
        lines = (line for line in iter(answer.readline, b"") if line.startswith(b"data: {"))
        message: Message = json.loads(next(lines).removeprefix(b"data: "))
        return message


def test_a_signal_ends_the_process_after_the_calls_and_a_second_one_at_once(store_file: Path, tmp_path: Path) -> None:
    keys = {"TASKHAND_KEYS": str(tmp_path / "keys.sqlite")}
    scopes = ("--scopes", "read,write,destructive")
    key = output(store_file, "keys", "create", "--person", "ana@x.test", *scopes, **keys).strip()
    with serving(store_file, "--auth", "keys", **keys) as web, ExitStack() as stack:
        asking = AskingCall(web, key, stack)
        web.process.send_signal(signal.SIGTERM)
        while asking.call("list_tasks", {}).status != 503:
            pass
        yes = {"action": "accept", "content": {"confirm": True}}
        assert asking.post({"jsonrpc": "2.0", "id": asking.question, "result": yes}).status == 202
        assert "deleted" in asking.next_message(asking.answer)["result"]["structuredContent"]["note"]
        assert web.process.ends_within(BOUND_S) == 0
    with serving(store_file, "--auth", "keys", **keys) as web, ExitStack() as stack:
        AskingCall(web, key, stack)
        web.process.send_signal(signal.SIGTERM)
        web.process.send_signal(signal.SIGINT)
        assert web.process.ends_within(20) == 1  # and not when the call does
        assert "Traceback" not in "".join(web.process.err.all())
