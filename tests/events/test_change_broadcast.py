"""A subscription at one replica hears of a change at another; also after the database was away for a while."""

import gc
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio
import psycopg
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint
from mcp import Client

from behaviour.agent import Agent
from postgres_proxy import open_postgres_proxy
from postgres_server import TestDatabase
from server.test_subscriptions import ERAS, watching
from server.transports.server_process import environment
from taskhand.cli.replica_broadcast import share_changes
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.effective_settings import Configuration
from taskhand.config.settings import Settings
from taskhand.config.settings_file import SettingsFile
from taskhand.domain.errors import OperatorError
from taskhand.events.change_broadcast import CHANNEL, TaskChanges
from taskhand.journal.journal import Result
from taskhand.postgres.database import Database
from taskhand.postgres.listener import NotifyChannel
from taskhand.server.app import create_server
from taskhand.service.change_announcements import EVERY_TASK, TaskUpdates
from taskhand.service.events.feed_poll import look
from taskhand.wiring import open_app, open_connections
from time_limits import BOUND_S


@dataclass
class Replica:
    """What one replica has heard of the connection `acme`."""

    updates: TaskUpdates = field(default_factory=TaskUpdates)
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.updates.subscribe(self.heard.append)

    def change(self, *tasks: str) -> None:
        self.updates.publish([Result(n, "applied", task) for n, task in enumerate(tasks)])

    async def has_heard(self, wanted: Callable[[list[str]], bool]) -> None:
        with anyio.fail_after(BOUND_S):
            while not wanted(self.heard):
                await checkpoint()


@asynccontextmanager
async def telling(url: str, **connections: TaskUpdates) -> AsyncIterator[None]:
    """A replica that tells others and hears them, from when it listens on."""
    channel = NotifyChannel(Database(url, sleep=lambda _: None), CHANNEL)
    changes = TaskChanges(channel, connections, lambda _: checkpoint())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(changes.run)
        yield
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def two_replicas(postgres: TestDatabase) -> AsyncIterator[tuple[Replica, Replica]]:
    one, two = Replica(), Replica()
    async with telling(postgres.url, acme=one.updates), telling(postgres.url, acme=two.updates):
        await listening(postgres, 2)
        yield one, two


async def listening(postgres: TestDatabase, count: int) -> None:
    sql = f"SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN \"{CHANNEL}\"'"  # noqa: S608
    with anyio.fail_after(BOUND_S):
        while postgres.rows(sql) != [(count,)]:
            await checkpoint()


async def test_each_replica_is_notified_once_of_its_own_and_of_others_changes(postgres: TestDatabase) -> None:
    async with two_replicas(postgres) as (one, two):
        one.change("t-1", "t-2")
        await two.has_heard(lambda heard: len(heard) == 2)
        two.change("t-3")
        await one.has_heard(lambda heard: "t-3" in heard)
    assert one.heard == two.heard == ["t-1", "t-2", "t-3"]


async def test_a_change_of_very_many_tasks_is_broadcast_whole(postgres: TestDatabase) -> None:
    ids = [f"7a5c0000-0000-4000-8000-{number:012}" for number in range(1_000)]
    async with two_replicas(postgres) as (one, two):
        one.change(*ids)
        await two.has_heard(lambda heard: len(heard) >= len(ids))
    assert two.heard == ids


async def test_a_broadcast_without_tasks_is_about_every_task(postgres: TestDatabase) -> None:
    message = json.dumps({"by": "another", "connection": "acme", "tasks": None})
    async with two_replicas(postgres) as replicas:
        postgres.rows(f"SELECT pg_notify('{CHANNEL}', '{message}')")
        for replica in replicas:
            await replica.has_heard(lambda heard: heard == [EVERY_TASK])


async def test_a_broadcast_has_only_ids_and_does_not_reach_other_connections(
    postgres: TestDatabase,
) -> None:
    other, unknown = Replica(), ["what a newer version says", "{}", "[]"]
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        async with two_replicas(postgres) as (one, two), telling(postgres.url, globex=other.updates):
            for message in unknown:
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, message))
            one.change("t-1")
            await two.has_heard(lambda heard: heard == ["t-1"])
        *newer, told = connection.notifies(timeout=10, stop_after=4)
        assert [notice.payload for notice in newer] == unknown
        assert json.loads(told.payload).keys() == {"by", "connection", "tasks"}
    assert other.heard == []


async def test_two_connections_to_one_account_are_distinguished_by_name(postgres: TestDatabase) -> None:
    crm = Settings(backend="vambe", vambe_api_key="k")
    found = Configuration(
        Settings(state=postgres.url),
        {},
        SettingsFile(Path("taskhand.toml"), exists=False),
        named=(ConnectionSettings("north", crm), ConnectionSettings("south", crm)),
        has_default=False,
    )
    heard: list[tuple[str, str]] = []

    def hear(name: str, task: str) -> None:
        heard.append((name, task))

    async with open_connections(found.connections) as first, open_connections(found.connections) as second:
        for name, app in second.by_name.items():
            app.updates.subscribe(partial(hear, name))
        async with anyio.create_task_group() as tasks:
            for connections in (first, second):
                tasks.start_soon(share_changes(found, connections))
            await listening(postgres, 2)
            for name, app in first.by_name.items():
                app.updates.publish([Result(0, "applied", f"of-{name}")])
            with anyio.fail_after(BOUND_S):
                while len(heard) < 2:
                    await checkpoint()
            tasks.cancel_scope.cancel()
    assert sorted(heard) == [("north", "of-north"), ("south", "of-south")]


async def test_after_a_cut_connection_all_subscribers_are_notified_once_that_their_tasks_may_have_changed(
    postgres: TestDatabase,
) -> None:
    async with two_replicas(postgres) as (one, two):
        postgres.cut_connections()
        for replica in (one, two):
            await replica.has_heard(lambda heard: EVERY_TASK in heard)
        await listening(postgres, 2)
        one.change("t-1")
        await two.has_heard(lambda heard: "t-1" in heard)
        assert one.heard == two.heard == [EVERY_TASK, "t-1"]


async def test_a_database_that_is_away_is_looked_for_and_nothing_else_is_held_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    alone = Replica()
    async with telling("postgresql://ana:s3cret@127.0.0.1:1/none", acme=alone.updates):
        alone.change("t-1")
        while len(caplog.records) < 2:
            await checkpoint()
    assert alone.heard == ["t-1"]
    assert "s3cret" not in caplog.text


async def test_a_connection_that_opens_after_a_replica_has_ended_is_closed(postgres: TestDatabase) -> None:
    with open_postgres_proxy(postgres.url) as proxy:
        proxy.hold()
        async with telling(proxy.url, acme=TaskUpdates()):
            await anyio.wait_readable(proxy.listening)
        proxy.release()
        assert await to_thread.run_sync(proxy.left.wait, 10)
    gc.collect()  # a connection that was left open would warn


async def test_after_lost_messages_the_other_replicas_learn_that_any_task_may_have_changed() -> None:
    class LosingChannel:
        """A channel that loses the first messages."""

        lost = 0

        def __init__(self) -> None:
            self.sent: list[str] = []

        async def send(self, messages: Sequence[str]) -> None:
            if self.lost < 7:
                self.lost += 1
                raise OperatorError("The database is away.")
            self.sent += messages

        async def listen(self) -> None:
            pass

        async def receive(self) -> list[str]:
            await anyio.sleep_forever()
            return []

        async def aclose(self) -> None:
            pass

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await checkpoint()

    channel, replica, pauses = LosingChannel(), Replica(), list[float]()
    changes = TaskChanges(channel, {"acme": replica.updates}, sleep)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(changes.run)
        for number in (1, 2):
            replica.change(f"t-{number}")
            with anyio.fail_after(BOUND_S):
                while len(channel.sent) < number:
                    await checkpoint()
        tasks.cancel_scope.cancel()
    assert [json.loads(one)["tasks"] for one in channel.sent] == [None, ["t-2"]]
    assert pauses == [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0]


@pytest.mark.parametrize("era", ERAS)
async def test_a_subscriber_in_either_era_is_notified_of_a_change_at_another_replica(
    postgres: TestDatabase, store_file: Path, era: str
) -> None:
    settings = Settings.from_env(environment(store_file))
    async with open_app(settings) as first, open_app(settings) as second, Client(create_server(second)) as client:
        agent = Agent(client)
        task, other = [(await agent.create(title))["id"] for title in ("watched", "another")]
        async with (
            telling(postgres.url, acme=first.updates),
            telling(postgres.url, acme=second.updates),
            watching(first, era, f"task://{task}", f"task://{other}", "taskhand://events") as watcher,
        ):
            await listening(postgres, 2)
            await look(second)
            await agent("update_task", id=task, title="Changed elsewhere")
            with anyio.fail_after(BOUND_S):
                assert await watcher.next() == f"task://{task}"
                await look(second)
                assert await watcher.next() == "taskhand://events", "our own doing, once"
                first.updates.announce_all_here()
                told = {f"task://{task}", f"task://{other}", "taskhand://events"}
                assert {await watcher.next() for _ in told} == told
                await agent("update_task", id=other, title="Changed too")
                assert await watcher.next() == f"task://{other}"


class ListedSubscriptions:
    """Subscriptions that only show who listens to them."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[str], None]] = []

    def relay(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Add the listener."""
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def announce_here(self, task_id: str) -> None:
        """Nobody is told."""

    def announce_all_here(self) -> None:
        """Nobody is told."""


class SilentChannel:
    """A channel on which nothing is ever received."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, messages: Sequence[str]) -> None:
        """Nobody listens."""
        self.sent += messages

    async def listen(self) -> None:
        """Be ready."""

    async def receive(self) -> list[str]:
        """Wait."""
        await anyio.sleep_forever()
        return []

    async def aclose(self) -> None:
        """Nothing is open."""


async def test_a_broadcast_that_has_ended_listens_to_no_changes() -> None:
    relays = ListedSubscriptions()
    changes = TaskChanges(SilentChannel(), {"acme": relays})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(changes.run)
        await anyio.wait_all_tasks_blocked()
        assert len(relays.listeners) == 1
        tasks.cancel_scope.cancel()
    assert relays.listeners == []


class CutChannel(SilentChannel):
    """A channel that fails as it is told: at which listen, or receive, in this order."""

    def __init__(self, *fails: str) -> None:
        super().__init__()
        self._fails = [*fails]

    def _fail(self, at: str) -> None:
        if self._fails[:1] == [at]:
            self._fails.pop(0)
            raise OperatorError("The database is away.")

    async def listen(self) -> None:
        """Be ready, or fail."""
        self._fail("listen")

    async def receive(self) -> list[str]:
        """Fail, or wait."""
        self._fail("receive")
        return await super().receive()


async def test_each_cut_is_logged_once_and_its_pauses_begin_short_again(caplog: pytest.LogCaptureFixture) -> None:
    pauses, replica = list[float](), Replica()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    channel = CutChannel("listen", "listen", "receive", "receive")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(TaskChanges(channel, {"acme": replica.updates}, sleep).run)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert pauses == [0.1, 0.2, 0.1, 0.1]
    assert caplog.text.count("are not received at the moment") == 3
    assert replica.heard == [EVERY_TASK] * 3


class FullChannel(SilentChannel):
    """A channel on which these messages are received."""

    def __init__(self, *messages: str) -> None:
        super().__init__()
        self._waiting = [*messages]

    async def receive(self) -> list[str]:
        """All messages at once; then nothing more."""
        messages, self._waiting = self._waiting, []
        return messages or await super().receive()


async def test_more_changes_than_are_queued_become_one_message_that_tells_others_of_every_task() -> None:
    relays, channel = ListedSubscriptions(), SilentChannel()
    changes = TaskChanges(channel, {"acme": relays})
    for number in range(10_001):
        relays.listeners[0](f"t-{number}")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(changes.run)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert [json.loads(one)["tasks"] for one in channel.sent] == [None]
    other = Replica()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(TaskChanges(FullChannel(*channel.sent), {"acme": other.updates}).run)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert other.heard == [EVERY_TASK]
