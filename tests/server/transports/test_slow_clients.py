"""A client that is slow, half gone or greedy keeps nobody else from being served. Served in this process."""

import gc
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager, closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from server.transports.http_server import ACCEPTS, HELLO, client_at, read_to_the_end, served, session_of
from server.transports.server_process import META, environment
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.http_refusal_log import RefusalLines
from taskhand.server.transports.open_http_connections import OpenConnections, cap_connections
from time_limits import BOUND_S

SMALL = HttpLimits(
    connections=60,
    connections_of_one=20,
    open_requests=10,
    open_streams=5,
    sessions_of_one=10,
    sessions=15,
    answer_s=0.3,
)
ATTACKER, OTHER = "127.0.0.3", "127.0.0.2"
MANY = 30
HEAD = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def request(method: str, **params: Any) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a request of the newer era."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": META}}).encode()
    headers = {"Content-Type": "application/json", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    return body, headers | ({"Mcp-Name": params["name"]} if "name" in params else {})


async def count_answers(address: str, port: int, count: int) -> int:
    """How many calls from this address are answered."""
    body, headers = request("tools/call", name="list_statuses", arguments={})
    async with client_at(address) as client:
        url = f"http://127.0.0.1:{port}/mcp"
        return [(await client.post(url, content=body, headers=headers)).status_code for _ in range(count)].count(200)


async def connect(port: int) -> SocketStream:
    """A connection of the attacker's whose window is small."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.bind((ATTACKER, 0))
    raw.setblocking(False)  # noqa: FBT003  the library's signature
    await anyio.wait_writable(raw) if raw.connect_ex(("127.0.0.1", port)) else None
    return await SocketStream.from_socket(raw)


@asynccontextmanager
async def sending(port: int, *parts: bytes) -> AsyncIterator[list[SocketStream]]:
    """Many connections on which this was sent and nothing is read."""
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(await connect(port)) for _ in range(MANY)]
        for line in lines:
            for part in parts:
                try:
                    await line.send(part)
                except anyio.BrokenResourceError:  # it had to make room
                    break
        yield lines


def _raw(body: bytes, headers: dict[str, str]) -> bytes:
    """A request as it is on the wire."""
    named = headers | ACCEPTS | {"Host": "localhost", "Content-Length": str(len(body))}
    lines = [f"{name}: {value}\r\n" for name, value in named.items()]
    return "".join(["POST /mcp HTTP/1.1\r\n", *lines, "\r\n"]).encode() + body


def unread(port: int) -> AbstractAsyncContextManager[object]:
    """Answers of 25 KB, five of them asked for at once on each connection, and none read."""
    return sending(port, _raw(*request("tools/list")) * 5)


@asynccontextmanager
async def sessions(port: int) -> AsyncIterator[None]:
    """Many sessions whose client leaves, some with a stream that is left open."""
    url = f"http://127.0.0.1:{port}/mcp"
    async with client_at(ATTACKER) as client, AsyncExitStack() as stack:
        for number in range(MANY):
            session = session_of(await client.post(url, json=HELLO))
            if number < 4:
                await stack.enter_async_context(client.stream("GET", url, headers=session))
        yield


ATTACKS: dict[str, Callable[[int], AbstractAsyncContextManager[object]]] = {
    "idle connections": sending,
    "half a head": lambda port: sending(port, HEAD),
    "half a body": lambda port: sending(port, HEAD + b"Content-Length: 1000\r\n\r\n{"),
    "answers that are not read": unread,
    "requests sent ahead": lambda port: sending(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 30),
    "sessions that are left": sessions,
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_another_client_is_answered_while_an_attack_lasts(store_file: Path, attack: str) -> None:
    async with served(store_file, SMALL) as port, ATTACKS[attack](port):
        with anyio.fail_after(BOUND_S):
            assert await count_answers(OTHER, port, 20) == 20


@pytest.mark.parametrize("attack", ["idle connections", "half a head", "half a body"])
async def test_even_at_the_same_address_a_new_connection_takes_the_place_of_one_that_waits(
    store_file: Path, attack: str
) -> None:
    async with served(store_file, SMALL) as port, ATTACKS[attack](port):
        with anyio.fail_after(BOUND_S):
            assert await count_answers(ATTACKER, port, 5) == 5


@pytest.mark.parametrize("attack", ["idle connections", "half a head"])
async def test_the_number_of_open_connections_of_an_address_is_limited(store_file: Path, attack: str) -> None:
    async with served(store_file, SMALL) as port, ATTACKS[attack](port) as lines:
        assert isinstance(lines, list)
        with anyio.fail_after(BOUND_S):
            for line in lines[: MANY - SMALL.connections_of_one]:
                await read_to_the_end(line)
        for line in lines[MANY - SMALL.connections_of_one :]:
            await line.send(b"x")


def _big(**more: str) -> bytes:
    """A request whose answer has 3 MB: it repeats the id of its request."""
    body, headers = request("tools/call", name="list_statuses", arguments={})
    return _raw(body.replace(b'"id": 1', b'"id": "' + b"x" * 3_000_000 + b'"'), headers | more)


async def test_a_connection_that_is_answered_gives_way_to_no_new_one(store_file: Path) -> None:
    async with (
        served(store_file, HttpLimits(connections_of_one=2, request_s=3_600)) as port,
        client_at(ATTACKER) as client,
    ):
        url = f"http://127.0.0.1:{port}/mcp"
        hello = await client.post(url, json=HELLO)
        async with (
            client.stream("GET", url, headers=session_of(hello)),
            await connect(port) as waiting,
            await connect(port),
        ):
            with anyio.fail_after(BOUND_S):
                await read_to_the_end(waiting)


async def test_a_connection_whose_answer_is_not_read_ends(store_file: Path) -> None:
    async with served(store_file, HttpLimits(answer_s=0.3)) as port, await connect(port) as line:
        await line.send(_big())
        await line.receive(1)  # the answer has begun
        assert await count_answers(ATTACKER, port, 1) == 1
        await anyio.sleep(0.5)
        with anyio.fail_after(BOUND_S):
            assert await read_to_the_end(line) < 3_000_000


async def test_the_number_of_unread_answers_of_an_address_is_limited(store_file: Path) -> None:
    limits = HttpLimits(unread_answers_of_one=1)
    async with served(store_file, limits) as port, await connect(port) as first, await connect(port) as second:
        for line in (first, second):
            await line.send(_big())
            await line.receive(1)
        with anyio.fail_after(BOUND_S):
            assert await read_to_the_end(first) < 3_000_000
        with anyio.fail_after(BOUND_S):
            count = 1
            while count < 3_000_000:
                count += len(await second.receive(500_000))


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}])
async def test_a_client_that_is_slow_to_read_gets_its_whole_answer(store_file: Path, headers: dict[str, str]) -> None:
    async with served(store_file, HttpLimits(request_s=0.2)) as port, await connect(port) as line:
        await line.send(_big(**headers))
        count = len(await line.receive(1))
        await anyio.sleep(0.3)  # longer than a request may take
        with anyio.fail_after(BOUND_S), suppress(anyio.EndOfStream):
            while count <= 3_000_000:
                count += len(await line.receive(500_000))
        assert count > 3_000_000


async def test_an_answer_that_was_read_at_last_counts_as_unread_no_longer(store_file: Path) -> None:
    limits = HttpLimits(unread_answers_of_one=1)
    async with served(store_file, limits) as port, await connect(port) as first, await connect(port) as second:
        with anyio.fail_after(BOUND_S):
            for line in (first, second):
                await line.send(_big())
                count = len(await line.receive(1))
                while count <= 3_000_000:
                    count += len(await line.receive(500_000))
            await first.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while b"version" not in answer:
                answer += await first.receive()


@pytest.mark.skipif(sys.platform != "linux", reason="the system's table of connections is Linux's")
async def test_a_client_that_has_vanished_is_noticed_while_its_connection_is_idle(store_file: Path) -> None:
    async with served(store_file) as port, await connect(port):
        assert await count_answers(OTHER, port, 1) == 1
        table = [line.split() for line in (await anyio.Path("/proc/net/tcp").read_text("ascii")).splitlines()[1:]]
        timers = [row[5].partition(":")[0] for row in table if row[1].endswith(f":{port:04X}") and row[3] == "01"]
        assert timers
        assert set(timers) == {"02"}  # the system asks whether it is still there


class _Closable:
    def __init__(self) -> None:
        self.is_closed = False

    def abort(self) -> None:
        self.is_closed = True


def test_the_address_with_most_connections_loses_the_one_that_waits_longest() -> None:
    limits = HttpLimits(connections=16, connections_of_one=12)
    opened = OpenConnections(limits, {"192.0.2.9"}.__contains__, RefusalLines(_now))
    few, many, others = ([_Closable() for _ in range(count)] for count in (2, 12, 13))

    def closed(connections: list[_Closable]) -> list[int]:
        return [number for number, one in enumerate(connections) if one.is_closed]

    for one in few:
        opened.add("192.0.2.1", one)
    for one in many:
        opened.add("192.0.2.2", one)
    opened.answer("192.0.2.2", many[0])
    for one in others[:3]:
        opened.add("192.0.2.3", one)
    assert (closed(few), closed(many), closed(others)) == ([], [1], [])
    opened.remove("192.0.2.2", many[1])
    for one in many[2:]:
        opened.answer("192.0.2.2", one)
    opened.add("192.0.2.3", others[3])  # none of the address with most waits
    assert (closed(few), closed(many), closed(others)) == ([], [1], [0])


def test_requests_under_way_count_among_the_connections_of_an_address() -> None:
    opened = OpenConnections(HttpLimits(connections=16), set[str]().__contains__, RefusalLines(_now))
    busy, idle = ([_Closable() for _ in range(count)] for count in (10, 6))
    for address, connections in (("192.0.2.1", busy), ("192.0.2.2", idle)):
        for one in connections:
            opened.add(address, one)
    for one in busy[:-1]:
        opened.answer("192.0.2.1", one)
    opened.add("192.0.2.3", _Closable())
    assert [one.is_closed for one in (*busy, *idle)] == 9 * [False] + [True] + 6 * [False]


def test_a_named_proxy_may_have_more_connections_than_an_address_and_its_callers_less_than_all() -> None:
    opened = OpenConnections(HttpLimits(connections=16, connections_of_one=2), {"::1"}.__contains__, RefusalLines(_now))
    connections = [_Closable() for _ in range(17)]
    for one in connections[:16]:
        opened.add("::1", one)
        opened.answer("::/64", one)
    assert not any(one.is_closed for one in connections)
    opened.add("::1", connections[16])
    assert [one.is_closed for one in connections] == 16 * [False] + [True]


def test_a_connection_that_was_answered_waits_again_and_gives_way_to_a_new_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened = OpenConnections(
        HttpLimits(connections=16, connections_of_one=2), set[str]().__contains__, RefusalLines(_now)
    )
    answered, busy, new = (_Closable() for _ in range(3))
    opened.add("192.0.2.1", answered)
    opened.answer("192.0.2.1", answered)
    opened.wait("192.0.2.1", answered)
    opened.add("192.0.2.1", busy)
    opened.answer("192.0.2.1", busy)
    opened.add("192.0.2.1", new)
    assert [one.is_closed for one in (answered, busy, new)] == [True, False, False]
    assert caplog.messages == ["Over the limit connections: 1 times, last by address 192.0.2.1."]


@pytest.mark.parametrize("limits", [HttpLimits(unread_answers_of_one=2), HttpLimits(unread_answers=2)])
def test_connections_that_were_closed_before_their_clients_read_count_no_longer(limits: HttpLimits) -> None:
    opened = OpenConnections(limits, set[str]().__contains__, RefusalLines(_now))
    kept, *connections = (_Closable() for _ in range(7))
    opened.add("192.0.2.1", kept)
    for one in connections:
        opened.add("192.0.2.1", one)
        opened.leave_unread("192.0.2.1", one)
        opened.remove("192.0.2.1", one)
    opened.leave_unread("192.0.2.1", kept)
    assert not any(one.is_closed for one in (kept, *connections))


def test_an_unread_answer_that_was_closed_for_another_one_counts_no_longer() -> None:
    opened = OpenConnections(HttpLimits(unread_answers=2), set[str]().__contains__, RefusalLines(_now))
    first, second, third, fourth = connections = [_Closable() for _ in range(4)]
    for one in connections:
        opened.add("192.0.2.1", one)
    for one in (first, second, third):
        opened.leave_unread("192.0.2.1", one)
    opened.remove("192.0.2.1", first)
    opened.read("192.0.2.1", second)
    opened.leave_unread("192.0.2.1", fourth)
    assert [one.is_closed for one in connections] == [True, False, False, False]


def test_nothing_is_kept_of_an_address_without_connections() -> None:
    def count_addresses() -> int:
        return sum(type(one).__name__ == "_Address" for one in gc.get_objects())

    opened, before = OpenConnections(HttpLimits(), set[str]().__contains__, RefusalLines(_now)), count_addresses()
    connections = {f"192.0.2.{number}": _Closable() for number in range(100)}
    for host, one in connections.items():
        opened.add(host, one)
    assert count_addresses() == before + 100
    for host, one in connections.items():
        opened.remove(host, one)
    assert count_addresses() == before


def test_the_process_may_open_the_files_that_its_connections_need() -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
        assert cap_connections(50) == 50
        assert 512 < resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1_000
        assert cap_connections(10_000_000) < hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_client_is_served_beside_more_connections_than_the_process_may_open_files(store_file: Path) -> None:
    command = ["/bin/sh", "-c", 'ulimit -n 700; exec "$0" -m taskhand serve --http --port 0', sys.executable]
    with subprocess.Popen(command, env=environment(store_file), stderr=subprocess.PIPE, text=True) as server:  # noqa: S603
        assert server.stderr is not None
        port = int(server.stderr.readline().rstrip().removesuffix("/mcp").rpartition(":")[2])
        with ExitStack() as stack:
            for _ in range(1_000):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), BOUND_S))
            for _ in range(5):
                with closing(HTTPConnection("127.0.0.1", port, timeout=BOUND_S)) as line:
                    line.request("GET", "/health")
                    assert line.getresponse().status == 200
        server.terminate()
        assert "Traceback" not in server.stderr.read()


def _now() -> float:
    return 0.0
