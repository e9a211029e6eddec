"""The feed of one session: whether its connection is open, and what waits for it."""

from functools import partial
from typing import Any

import anyio
from mcp.server import Server, ServerRequestContext
from mcp.types import EmptyResult, SubscribeRequestParams

from server.transports.raw_connection import INITIALIZED, connect_raw, older
from server.transports.server_process import HELLO
from taskhand.server.session_notifications import SessionFeed


async def test_a_feed_knows_whether_its_session_is_open_without_asking_the_client() -> None:
    feeds: list[SessionFeed] = []

    async def subscribe(ctx: ServerRequestContext[Any, Any], _: SubscribeRequestParams) -> EmptyResult:
        feeds.append(SessionFeed(ctx.session))
        return EmptyResult()

    server = Server[Any]("test", on_subscribe_resource=subscribe)
    async with connect_raw(server) as connection:
        await connection.ask(older("initialize", 0, **HELLO))
        await connection.send(INITIALIZED)
        await connection.ask(older("resources/subscribe", 1, uri="task://1"))
        assert await feeds[0].is_open()
        await connection.ask(older("ping", 2))
        assert connection.notifications == []
    assert not await feeds[0].is_open()


async def test_a_change_is_queued_once_however_often_it_happens() -> None:
    sent: list[str] = []
    ended: list[int] = []
    feeds: list[SessionFeed] = []

    async def subscribe(ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams) -> EmptyResult:
        feed = SessionFeed(ctx.session)
        for number in range(2):
            feed.add("A", params.uri, end=partial(ended.append, number))
        feed.add("b", "task://b")
        for task_id in ("a", "A", "b", "a", "c"):
            feed.queue(task_id)
        feed.remove("task://b")
        feeds.append(feed)
        return EmptyResult()

    async with connect_raw(Server[Any]("test", on_subscribe_resource=subscribe)) as connection:
        await connection.ask(older("initialize", 0, **HELLO))
        await connection.ask(older("resources/subscribe", 1, uri="task://A"))
        assert ended == [0], "the later subscription to an address takes the place of the earlier one"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(feeds[0].deliver)
            sent.append((await connection.receive())["params"]["uri"])
            await connection.ask(older("ping", 2))
            feeds[0].stop()
    assert ended == [0, 1]
    assert sent == ["task://A"]
    assert connection.notifications == []
