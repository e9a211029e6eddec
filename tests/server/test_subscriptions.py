"""Subscriptions to tasks: in both protocol eras, every change is told, and a subscriber never holds up a write."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.server import Server

from behaviour.agent import Agent, Refused
from server.example_calls import DUE_DATE, ON_A_TASK, calls_on
from server.transports.raw_connection import INITIALIZED, RawConnection, connect_raw, newer, older
from server.transports.server_process import HELLO, environment
from taskhand.config.settings import Settings
from taskhand.domain.policy import Policy
from taskhand.server.access import EVERYONE, Access
from taskhand.server.app import create_server
from taskhand.server.late_handlers import LateHandlers
from taskhand.server.subscriptions import MAX_ADDRESSES, TaskSubscriptions
from taskhand.service.app_context import AppContext
from taskhand.service.events.feed_poll import look
from taskhand.wiring import open_app
from time_limits import BOUND_S

ERAS = ("legacy", "auto")
ABSENT = "99999999-9999-4999-8999-999999999999"


@pytest.fixture
async def app(store_file: Path) -> AsyncIterator[AppContext]:
    async with open_app(Settings.from_env(environment(store_file))) as app:
        yield app


@dataclass
class Watcher:
    """A client that is subscribed to some tasks; `next` is the address that it is told next."""

    next: Callable[[], Awaitable[str]]


@asynccontextmanager
async def watching(app: AppContext, era: str, *addresses: str, access: Access = EVERYONE) -> AsyncIterator[Watcher]:
    """A client of that era that is subscribed to these addresses."""
    if era == "legacy":
        async with connect_raw(create_server(app, access=access)) as connection:
            await open_older(connection)
            for uri in addresses:
                assert (await connection.ask(older("resources/subscribe", "s", uri=uri)))["result"] == {}

            async def next_notification() -> str:
                return str((await connection.receive())["params"]["uri"])

            yield Watcher(next_notification)
        return
    async with (
        Client(create_server(app, access=access), mode=era) as client,
        client.listen(resource_subscriptions=list(addresses)) as stream,
    ):

        async def next_event() -> str:
            return str(getattr(await anext(stream), "uri", None))

        yield Watcher(next_event)


Act = Callable[[Agent, str, str], Awaitable[Any]]


async def apply_filtered(agent: Agent, _: str, __: str) -> None:
    plan = await agent("bulk_update_tasks", filter={"text": "watched"}, changes={"priority": "2"})
    await agent("apply_plan", planId=plan["planId"])


async def delete(agent: Agent, task: str, _: str) -> dict[str, Any]:
    return await agent("apply_plan", planId=(await agent("delete_task", id=task))["planId"])


async def undo(agent: Agent, first: str, second: str) -> None:
    done = await agent("bulk_update_tasks", taskIds=[first, second], changes={"priority": "2"})
    await agent("undo_change", changeId=done["changeId"])


def example_of(tool: str) -> Act:
    """The call of the tool with the first task."""

    async def act(agent: Agent, task: str, _: str) -> None:
        await agent(tool, **calls_on(task)[tool])

    return act


AT_ONCE = [tool.name for tool in ON_A_TASK if tool.kind in {"update", "repeat"}]
CHANGES: dict[str, tuple[Act, int]] = {
    **{tool: (example_of(tool), 1) for tool in AT_ONCE},
    "bulk_update_tasks of many": (
        lambda agent, one, two: agent("bulk_update_tasks", taskIds=[one, two], changes={"priority": "2"}),
        2,
    ),
    "apply_plan of many": (apply_filtered, 2),
    "apply_plan of a deletion": (delete, 1),
    "undo_change": (undo, 2),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_subscriber_in_either_era_is_notified_of_a_change_of_the_task(app: AppContext, change: str) -> None:
    act, count = CHANGES[change]
    async with AsyncExitStack() as stack:
        agent = Agent(await stack.enter_async_context(Client(create_server(app))))
        titles = ("watched", "watched too", "another")
        first, second, third = [(await agent.create(title, dueDate=DUE_DATE))["id"] for title in titles]
        addresses = [f"task://{one}" for one in (first, second, third)]
        watchers = [await stack.enter_async_context(watching(app, era, *addresses)) for era in ERAS]
        await act(agent, first, second)
        await agent("update_task", id=third, title="the last one")
        for watcher in watchers:
            with anyio.fail_after(BOUND_S):
                told = [await watcher.next()]
                while told[-1] != addresses[2]:
                    told.append(await watcher.next())
            assert set(told[:-1]) == set(addresses[:count])


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_without_changes_sends_no_notification(app: AppContext, era: str) -> None:
    async with Client(create_server(app)) as client:
        agent = Agent(client)
        task = (await agent.create())["id"]
        other = (await agent.create("Other"))["id"]
        async with watching(app, era, f"task://{task}", f"task://{other}") as watcher:
            await agent("update_task", id=task, title="Only planned", dryRun=True)
            await agent("update_task", id=task, title="Call Acme")
            with pytest.raises(Refused):
                await agent("update_task", id=task, priority="9")
            await agent("update_task", id=other, title="Changed")
            with anyio.fail_after(BOUND_S):
                assert await watcher.next() == f"task://{other}"


@pytest.mark.parametrize("era", ERAS)
async def test_a_subscriber_that_lost_access_to_a_task_is_not_notified_of_it(app: AppContext, era: str) -> None:
    rules = {"tools": "all"}
    access = Access(lambda: Policy(rules))
    async with Client(create_server(app)) as client:
        agent = Agent(client)
        task, other = (await agent.create())["id"], (await agent.create("Other"))["id"]
        async with watching(app, era, f"task://{task}", f"task://{other}", access=access) as watcher:
            rules["tools"] = "-get_task"
            await agent("update_task", id=task, title="Not to be told")
            await anyio.wait_all_tasks_blocked()
            rules["tools"] = "all"
            await agent("update_task", id=other, title="Changed")
            with anyio.fail_after(BOUND_S):
                assert await watcher.next() == f"task://{other}"


async def test_subscribers_are_notified_of_a_new_task_and_of_a_restored_one(app: AppContext) -> None:
    heard: list[str] = []
    app.updates.subscribe(heard.append)
    async with Client(create_server(app)) as client:
        agent = Agent(client)
        made = (await agent.create())["id"]
        gone = await delete(agent, made, "")
        back = await agent("undo_change", changeId=gone["changeId"])
    assert heard == [made, made, back["task"]["id"]]


@pytest.mark.parametrize("era", ERAS)
async def test_changes_by_others_are_notified_and_own_changes_once(app: AppContext, store_file: Path, era: str) -> None:
    async with (
        Client(create_server(app)) as client,
        open_app(Settings.from_env(environment(store_file, TASKHAND_JOURNAL=f"{store_file}.other"))) as elsewhere,
        Client(create_server(elsewhere)) as other_client,
    ):
        agent, somebody = Agent(client), Agent(other_client)
        theirs, ours = (await agent.create())["id"], (await agent.create(title="Ours"))["id"]
        await look(app)
        async with watching(app, era, f"task://{theirs}", f"task://{ours}") as watcher:
            await agent("update_task", id=ours, priority="2")
            with anyio.fail_after(BOUND_S):
                assert await watcher.next() == f"task://{ours}"
            await somebody("update_task", id=theirs, priority="2")
            await look(app)
            with anyio.fail_after(BOUND_S):
                assert await watcher.next() == f"task://{theirs}"


@pytest.mark.parametrize("era", ERAS)
async def test_a_subscriber_to_the_feed_is_notified_once_of_each_poll(
    app: AppContext, store_file: Path, era: str
) -> None:
    async with (
        Client(create_server(app)) as client,
        open_app(Settings.from_env(environment(store_file, TASKHAND_JOURNAL=f"{store_file}.other"))) as elsewhere,
        Client(create_server(elsewhere)) as other_client,
    ):
        agent, somebody = Agent(client), Agent(other_client)
        theirs, ours = (await agent.create())["id"], (await agent.create(title="Ours"))["id"]
        await look(app)
        async with watching(app, era, "taskhand://events", f"task://{theirs}", f"task://{ours}") as watcher:
            told: list[str] = []
            with anyio.fail_after(BOUND_S):
                await agent("update_task", id=ours, priority="2")
                told.append(await watcher.next())
                await look(app)
                told.append(await watcher.next())
                await look(app)
                for title in ("Theirs", "Theirs still"):
                    await somebody("update_task", id=theirs, title=title)
                await look(app)
                told += [await watcher.next(), await watcher.next()]
        assert told[:2] == [f"task://{ours}", "taskhand://events"], (
            "an own change is told at once, and its echo by feed"
        )
        assert set(told[2:]) == {f"task://{theirs}", "taskhand://events"}


@pytest.mark.parametrize("era", ERAS)
async def test_a_feed_is_wanted_as_long_as_somebody_is_subscribed(app: AppContext, era: str) -> None:
    def wanting() -> int:
        return len(app.feed_demand.wanting(0.0))

    async with watching(app, era, f"task://{ABSENT}"):
        assert wanting() == 1
    with anyio.fail_after(BOUND_S):
        while wanting():
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("era", ERAS)
async def test_a_notification_has_the_uri_as_the_client_wrote_it(app: AppContext, era: str) -> None:
    async with Client(create_server(app)) as client:
        agent = Agent(client)
        task = (await agent.create())["id"]
        async with watching(app, era, f"task://{task.upper()}") as watcher:
            await agent("update_task", id=task, title="Changed")
            with anyio.fail_after(BOUND_S):
                assert await watcher.next() == f"task://{task.upper()}"


async def test_subscriptions_that_are_sent_at_once_are_all_kept(app: AppContext) -> None:
    async with connect_raw(create_server(app)) as connection:
        await open_older(connection)
        tasks = [await make(connection, f"Task {number}") for number in range(5)]
        for task in tasks:
            await connection.send(older("resources/subscribe", task, uri=task))
        answers = [await connection.receive() for _ in tasks]
        assert {answer["id"] for answer in answers} == set(tasks)
        for task in tasks:
            await change(connection, task)
        while len(connection.notifications) < len(tasks):
            connection.notifications.append(await connection.receive())
        assert {one["params"]["uri"] for one in connection.notifications} == set(tasks)


async def test_no_notification_is_sent_after_unsubscribing(app: AppContext) -> None:
    async with connect_raw(create_server(app)) as connection:
        await open_older(connection)
        task, other = await make(connection), await make(connection, "Other")
        for address in (task, other):
            assert (await connection.ask(older("resources/subscribe", "s", uri=address)))["result"] == {}
        assert (await connection.ask(older("resources/unsubscribe", "u", uri=task)))["result"] == {}
        assert (await connection.ask(older("resources/unsubscribe", "u", uri=task)))["result"] == {}
        await change(connection, task)
        await change(connection, other)
        while not connection.notifications:
            connection.notifications.append(await connection.receive())
        assert [one["params"]["uri"] for one in connection.notifications] == [other]


@pytest.mark.parametrize(
    "address",
    [
        "taskhand://members",
        "taskhand://statuses",
        "taskhand://here/events",
        "task://7",
        "task://",
        "https://example.com",
        "task",
        "",
    ],
)
async def test_only_tasks_and_events_can_be_subscribed_to(app: AppContext, address: str) -> None:
    async with connect_raw(create_server(app)) as connection:
        await open_older(connection)
        error = (await connection.ask(older("resources/subscribe", "s", uri=address)))["error"]
        assert error["code"] == -32602
        wanted = {"resourceSubscriptions": [address, f"task://{ABSENT}"], "toolsListChanged": True}
        await connection.send(newer("subscriptions/listen", "listen", notifications=wanted))
        kept = (await connection.receive())["params"]["notifications"]
        assert kept == {"resourceSubscriptions": [f"task://{ABSENT}"]}


@pytest.mark.parametrize("era", ERAS)
async def test_the_advertised_subscriptions_are_the_supported_ones(store_file: Path, era: str) -> None:
    for configured, subscribe in (
        ({}, True),
        ({"TASKHAND_READ_ONLY": "true"}, True),
        ({"TASKHAND_TOOLS": "write"}, False),
    ):
        async with (
            open_app(Settings.from_env(environment(store_file, **configured))) as app,
            Client(create_server(app), mode=era) as client,
        ):
            promised = client.server_capabilities
            assert promised.tools is not None
            assert promised.prompts is not None
            assert promised.resources is not None
            assert promised.resources.subscribe is subscribe
            assert not any(lists.list_changed for lists in (promised.tools, promised.prompts, promised.resources))
            if not subscribe:
                async with connect_raw(create_server(app)) as connection:
                    await open_older(connection)
                    for ask in (
                        older("resources/subscribe", 1, uri=f"task://{ABSENT}"),
                        newer("subscriptions/listen", 2, notifications={"toolsListChanged": True}),
                    ):
                        assert (await connection.ask(ask))["error"]["message"] == "Method not found"


async def test_a_session_that_does_not_read_holds_up_no_write(app: AppContext) -> None:
    async with (
        connect_raw(create_server(app), buffer=0) as deaf,
        connect_raw(create_server(app)) as other,
        Client(create_server(app)) as client,
    ):
        await open_older(deaf)
        agent = Agent(client)
        task = (await agent.create())["id"]
        await deaf.ask(older("resources/subscribe", "s", uri=f"task://{task}"))
        await other.send(
            newer("subscriptions/listen", "l", notifications={"resourceSubscriptions": [f"task://{task}"]})
        )
        with anyio.fail_after(BOUND_S):
            for number in range(30):
                await agent("update_task", id=task, title=f"Title {number}")
        assert (await deaf.receive())["params"]["uri"] == f"task://{task}"


async def test_a_session_that_is_gone_breaks_no_write_and_is_forgotten(app: AppContext) -> None:
    server = create_server(app)
    async with Client(server) as client:
        agent = Agent(client)
        task = (await agent.create())["id"]
        for era in ERAS:
            async with watching(app, era, f"task://{task}"):
                pass
        await agent("update_task", id=task, title="Changed")


def count_subscriptions() -> int:
    gc.collect()
    kinds = {"_Sessions", "_UpdateBus", "ListenHandler"}
    return sum(type(one).__name__ in kinds for one in gc.get_objects())


async def test_nothing_is_kept_of_subscriptions_that_have_ended(app: AppContext) -> None:
    before = count_subscriptions()
    async with Client(create_server(app)) as client:
        served = count_subscriptions()
        async with client.listen(resource_subscriptions=[f"task://{ABSENT}"]):
            pass
        await anyio.wait_all_tasks_blocked()
        assert count_subscriptions() == served
    del client
    assert count_subscriptions() == before


async def test_the_addresses_of_a_session_and_of_a_stream_are_bounded(app: AppContext) -> None:
    addresses = [f"task://00000000-0000-4000-8000-{number:012}" for number in range(MAX_ADDRESSES + 1)]
    async with connect_raw(create_server(app)) as connection:
        await open_older(connection)
        for address in addresses[:-1]:
            assert "result" in await connection.ask(older("resources/subscribe", "s", uri=address))
        assert "result" in await connection.ask(older("resources/subscribe", "s", uri=addresses[0]))
        error = (await connection.ask(older("resources/subscribe", "s", uri=addresses[-1])))["error"]
        assert (error["code"], f"At most {MAX_ADDRESSES}" in error["message"]) == (-32602, True)
        listen = newer("subscriptions/listen", "l", notifications={"resourceSubscriptions": addresses})
        assert (await connection.ask(listen))["error"].items() >= {"code": -32602, "message": error["message"]}.items()
        most = {"resourceSubscriptions": addresses[:-1]}
        await connection.send(newer("subscriptions/listen", "m", notifications=most))
        assert (await connection.receive())["params"]["notifications"] == most


async def test_one_open_stream_more_than_the_limit_is_refused(app: AppContext) -> None:
    served = create_server(app).served
    assert served is not None
    subscriptions = TaskSubscriptions(served.connections, LateHandlers(served), most_streams=2)
    server = Server[Any]("test", lifespan=subscriptions.lifespan, on_subscriptions_listen=subscriptions.listen)
    wanted = {"resourceSubscriptions": [f"task://{ABSENT}"]}
    async with connect_raw(server) as connection:
        for name in ("one", "two"):
            await connection.send(newer("subscriptions/listen", name, notifications=wanted))
            assert (await connection.receive())["params"]["notifications"] == wanted
        refused = await connection.ask(newer("subscriptions/listen", "three", notifications=wanted))
        message = "Too many subscriptions are open; close one, or try again later."
        assert refused["error"] == {"code": -32603, "message": message}


async def open_older(connection: RawConnection) -> None:
    """Open a session of the older era."""
    assert "result" in await connection.ask(older("initialize", 0, **HELLO))
    await connection.send(INITIALIZED)


async def make(connection: RawConnection, title: str = "Call Acme") -> str:
    """Make a task; its address."""
    body = {"title": title, "responsibleIds": ["me"], "priority": "1"}
    answer = await connection.ask(older("tools/call", "make", name="create_task", arguments=body))
    return f"task://{answer['result']['structuredContent']['task']['id']}"


async def change(connection: RawConnection, address: str) -> None:
    """Change the task at an address."""
    body = {"id": address.removeprefix("task://"), "title": "Changed"}
    assert "result" in await connection.ask(older("tools/call", "change", name="update_task", arguments=body))


async def test_the_end_of_subscriptions_ends_the_polling_for_changes(app: AppContext) -> None:
    server, demand = create_server(app), app.feed_demand
    server.end_subscriptions()
    assert demand.has_ended
