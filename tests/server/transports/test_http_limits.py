"""The limits on incomplete requests and on sessions over HTTP, served in this process."""

from pathlib import Path

import anyio
import httpx2
import pytest
from anyio.abc import ByteSendStream

from backends.sandboxed_app import TRUST
from server.transports.http_server import ACCEPTS, HELLO, client_at, is_open, read_to_the_end, served, session_of
from taskhand.server.transports.http_limits import HttpLimits
from time_limits import BOUND_S

REQUEST_S = 0.3
SHORT = HttpLimits(request_s=REQUEST_S)
HEAD = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def trickle(line: ByteSendStream, text: bytes) -> None:
    """Send byte after byte, each well within the time of a request."""
    for byte in text:
        await line.send(bytes([byte]))
        await anyio.sleep(REQUEST_S / 10)


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /mcp HT", HEAD, HEAD + b'{"jsonrpc"', HEALTH + HEAD[:40], HEALTH + HEAD],
    ids=["nothing", "half a line", "no body", "half a body", "half a second one", "no second body"],
)
async def test_a_request_that_does_not_arrive_whole_is_given_up_and_others_are_served(
    store_file: Path, sent: bytes
) -> None:
    async with served(store_file, SHORT) as port, await anyio.connect_tcp("127.0.0.1", port) as line:
        began = anyio.current_time()
        if sent:
            await line.send(sent)
        async with httpx2.AsyncClient(verify=TRUST) as other:
            assert (await other.get(f"http://127.0.0.1:{port}/health")).status_code == 200
        with anyio.fail_after(BOUND_S):
            await read_to_the_end(line)
        assert anyio.current_time() - began >= REQUEST_S - 0.05


async def test_bytes_that_trickle_in_do_not_prolong_the_time_of_a_request(store_file: Path) -> None:
    async with served(store_file, SHORT) as port, await anyio.connect_tcp("127.0.0.1", port) as line:
        with anyio.fail_after(BOUND_S), pytest.raises(anyio.BrokenResourceError):
            await trickle(line, HEAD + b" " * 900)


async def test_a_request_in_two_parts_is_answered_and_its_answer_may_take_longer(store_file: Path) -> None:
    async with served(store_file, SHORT) as port, httpx2.AsyncClient(headers=ACCEPTS, verify=TRUST) as client:
        url = f"http://127.0.0.1:{port}/mcp"
        hello = await client.post(url, json=HELLO)
        async with client.stream("GET", url, headers=session_of(hello)) as stream:
            assert stream.status_code == 200
            with anyio.move_on_after(2 * REQUEST_S) as listening:
                async for _ in stream.aiter_raw():
                    pass
            assert listening.cancelled_caught  # an open stream outlasts the time of a request


async def test_a_session_over_the_limit_takes_the_place_of_the_one_that_was_not_used_for_the_longest_time(
    store_file: Path,
) -> None:
    async with (
        served(store_file, HttpLimits(sessions_of_one=3)) as port,
        httpx2.AsyncClient(headers=ACCEPTS, verify=TRUST) as client,
    ):
        url = f"http://127.0.0.1:{port}/mcp"
        sessions = [session_of(await client.post(url, json=HELLO)) for _ in range(3)]
        assert await is_open(client, url, sessions[0])
        async with client.stream("GET", url, headers=sessions[1]) as stream:
            assert stream.status_code == 200  # what has a stream open is used
            sessions += [session_of(await client.post(url, json=HELLO)) for _ in range(2)]
            opened = [await is_open(client, url, session) for session in sessions]
        assert opened == [False, True, False, True, True]
        assert (await client.delete(url, headers=sessions[1])).status_code == 200
        sessions.append(session_of(await client.post(url, json=HELLO)))
        assert [await is_open(client, url, session) for session in sessions[3:]] == [True, True, True]


async def test_a_client_that_opens_sessions_and_leaves_ends_none_that_is_used(store_file: Path) -> None:
    limits = HttpLimits(sessions_of_one=3)
    async with served(store_file, limits) as port, httpx2.AsyncClient(headers=ACCEPTS, verify=TRUST) as client:
        url = f"http://127.0.0.1:{port}/mcp"
        used = session_of(await client.post(url, json=HELLO))
        assert [await is_open(client, url, used) for _ in range(2)] == [True, True]
        left = [session_of(await client.post(url, json=HELLO)) for _ in range(5)]
        assert await is_open(client, url, used)
        assert [await is_open(client, url, one) for one in left] == [False, False, False, True, True]


async def test_where_all_sessions_are_taken_the_caller_with_most_gives_one_up(store_file: Path) -> None:
    limits = HttpLimits(sessions=4, sessions_of_one=4)
    async with served(store_file, limits) as port, client_at("127.0.0.1") as greedy, client_at("127.0.0.2") as other:
        url = f"http://127.0.0.1:{port}/mcp"
        theirs = session_of(await other.post(url, json=HELLO))
        taken = [session_of(await greedy.post(url, json=HELLO)) for _ in range(6)]
        assert [await is_open(greedy, url, one) for one in taken] == [False, False, False, True, True, True]
        assert await is_open(other, url, theirs)
        assert await is_open(other, url, session_of(await other.post(url, json=HELLO)))
        assert await is_open(other, url, theirs)
