"""A subscriber over real pipes and sockets is told of a change in both protocol eras."""

import gc
import json
from contextlib import closing
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp import Client

from server.transports.http_server import ACCEPTS, served, session_of
from server.transports.http_server import HELLO as HELLO_OVER_HTTP
from server.transports.raw_connection import older
from server.transports.server_process import HELLO, Message, Pipe, Web, serving
from server.transports.task_calls import create_task
from taskhand.server.session_notifications import SessionFeed
from time_limits import BOUND_S

INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def next_notification(pipe: Pipe, method: str) -> Message:
    while (line := pipe.out.next()) is not None:
        if (message := json.loads(line)).get("method") == method:
            return dict(message["params"])
    raise AssertionError("".join(pipe.err.all()))


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
def test_subscriptions_work_over_stdio(store_file: Path, era: str) -> None:
    with Pipe(store_file) as pipe:
        task = create_task(pipe)
        pipe.ask_tool("list_events", {})
        uri, feed = f"task://{task['id']}", "taskhand://events"
        if era == "2025-11-25":
            pipe.send(json.dumps(older("initialize", 100, **HELLO)))
            assert pipe.answer(100)["result"]["capabilities"]["resources"]["subscribe"] is True
            pipe.send(json.dumps(INITIALIZED))
            for request_id, address in enumerate((uri, feed), 101):
                pipe.send(json.dumps(older("resources/subscribe", request_id, uri=address)))
                assert pipe.answer(request_id)["result"] == {}
        else:
            pipe.ask("subscriptions/listen", notifications={"resourceSubscriptions": [uri, feed]})
            kept = next_notification(pipe, "notifications/subscriptions/acknowledged")["notifications"]
            assert kept == {"resourceSubscriptions": [uri, feed]}
        pipe.ask_tool("update_task", {"id": task["id"], "title": "Changed"})
        assert next_notification(pipe, "notifications/resources/updated")["uri"] == uri
        pipe.ask_tool("list_events", {})
        assert next_notification(pipe, "notifications/resources/updated")["uri"] == feed
        pipe.stdin.close()
        assert pipe.ends_within(BOUND_S) == 0
        assert pipe.err.all() == []


def send_older(web: Web, method: str, message: Message | None, **headers: str) -> tuple[str | None, bytes]:
    """Send one request of the older era: the id of its session, and the body of the answer."""
    kinds = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    with closing(web.connection()) as line:
        line.request(method, "/mcp", json.dumps(message) if message else None, kinds | headers)
        reply = line.getresponse()
        assert reply.status < 300
        return reply.headers["mcp-session-id"], reply.read()


def test_subscriptions_work_over_http_in_the_older_era(store_file: Path) -> None:
    with serving(store_file) as web:
        task = create_task(web)
        uri = f"task://{task['id']}"
        session_id, _ = send_older(web, "POST", older("initialize", 1, **HELLO))
        session = {"Mcp-Session-Id": session_id or "", "MCP-Protocol-Version": "2025-11-25"}
        send_older(web, "POST", INITIALIZED, **session)
        with closing(web.connection()) as stream:
            stream.request("GET", "/mcp", headers=session | {"Accept": "text/event-stream"})
            told = stream.getresponse()
            assert told.status == 200
            assert b'"result":{}' in send_older(web, "POST", older("resources/subscribe", 2, uri=uri), **session)[1]
            web.call("update_task", {"id": task["id"], "title": "Changed"})
            data = next(line for line in iter(told.readline, b"") if line.startswith(b"data: {"))
            assert json.loads(data.removeprefix(b"data: "))["params"]["uri"] == uri
            told.close()
        assert "result" in web.call("update_task", {"id": task["id"], "title": "Changed again"})
        send_older(web, "DELETE", None, **session)
        assert "result" in web.call("update_task", {"id": task["id"], "title": "Changed a third time"})


async def test_subscriptions_work_over_http_in_the_newer_era(store_file: Path) -> None:
    with serving(store_file) as web, anyio.fail_after(BOUND_S):
        task = create_task(web)
        web.call("list_events", {})
        async with (
            Client(web.url) as client,
            client.listen(
                resource_subscriptions=[f"task://{task['id']}", "taskhand://events"], tools_list_changed=True
            ) as stream,
        ):
            assert not stream.honored.tools_list_changed
            await client.call_tool("update_task", {"id": task["id"], "title": "Changed"})
            assert getattr(await anext(stream), "uri", None) == f"task://{task['id']}"
            await client.call_tool("list_events", {})
            assert getattr(await anext(stream), "uri", None) == "taskhand://events"
        assert "result" in web.call("update_task", {"id": task["id"], "title": "Changed again"})


async def test_a_new_session_makes_the_server_forget_the_subscriptions_of_an_ended_one(store_file: Path) -> None:
    async with served(store_file) as port, httpx2.AsyncClient(headers=ACCEPTS) as client:
        url, watched = f"http://127.0.0.1:{port}/mcp", list[int]()
        for _ in range(3):
            session = session_of(await client.post(url, json=HELLO_OVER_HTTP))
            await client.post(url, json=INITIALIZED, headers=session)
            subscribe = older("resources/subscribe", 2, uri="taskhand://events")
            assert (await client.post(url, json=subscribe, headers=session)).status_code == 200
            await anyio.wait_all_tasks_blocked()
            gc.collect()
            watched.append(sum(isinstance(one, SessionFeed) for one in gc.get_objects()))
            assert (await client.delete(url, headers=session)).status_code == 200
    assert watched == watched[:1] * 3
