"""Bytes that answer no request are never taken for the answer to the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskhand.domain.errors import OutcomeUnknown
from taskhand.http.response_end import ResponseEnd
from taskhand.http.url_path import Path

if TYPE_CHECKING:
    from http.conftest import Clients, Server, Steps

TASKS = Path.of("/tasks")
NEXT = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
ENDING = (
    (b"HTTP/1.1 200 OK\r\nContent-Length : 4 \r\n\r\n", b"abcd"),
    (b"HTTP/1.1 200 OK\ncontent-length: 4\n\n", b"abcd"),
    (b"HTTP/1.1 204 No Content\r\ncontent-length: 9\r\n\r\n", b""),
    (b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
    (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", b""),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n",
        b"2\r\n{}\r\nA;x=1\r\n\r\nHTTP/1.1\r\n0\r\n\r\n",
    ),
    (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"02\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n"),
    (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"{}"),
)
ENDLESS = (
    b"HTTP/1.1 200 OK\r\n\r\n{}",
    b"HTTP/1.1 101 Switching Protocols\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n",
    b"SSH-2.0-OpenSSH\r\n\r\n",
)
"""What ends with the connection, or is refused by the parser."""


@pytest.mark.parametrize(("head", "body"), ENDING)
def test_a_response_ends_where_its_head_says(head: bytes, body: bytes) -> None:
    for size in (1, 2, 3, 7, 1_000):
        end, rest = ResponseEnd(), body + NEXT
        passed = end.cut(head) + b"".join(end.cut(rest[at : at + size]) for at in range(0, len(rest), size))
        assert (passed, end.surplus, end.has_other_answer) == (head + body, NEXT, True)


@pytest.mark.parametrize(("head", "body"), ENDING)
def test_bytes_after_the_end_of_a_response_are_cut_off(head: bytes, body: bytes) -> None:
    end = ResponseEnd()
    assert end.cut(head + body) == head + body
    assert end.surplus == b""
    assert end.cut(b"\r\n") == b""
    assert (end.surplus, end.has_other_answer) == (b"\r\n", False)
    assert ResponseEnd().cut(head + body + NEXT) == head + body


@pytest.mark.parametrize(("head", "body"), ENDING)
def test_a_whole_copy_of_a_response_is_no_other_answer(head: bytes, body: bytes) -> None:
    copied, cut = ResponseEnd(), ResponseEnd()
    assert copied.cut((head + body) * 2) == cut.cut((head + body) * 2 + b"\n") == head + body
    assert [copied.has_other_answer, cut.has_other_answer] == [False, True]
    long = ResponseEnd()
    assert long.cut(head.replace(b"\n", b"\nX-Long: " + b"x" * 70_000 + b"\n", 1)) != b""
    assert b"".join(map(long.cut, (body, NEXT))) == body
    assert long.has_other_answer


@pytest.mark.parametrize("response", ENDLESS, ids=lambda response: response[:60])
def test_a_response_without_an_end_is_passed_on_with_all_that_follows(response: bytes) -> None:
    end = ResponseEnd()
    for data in (response, NEXT, NEXT):
        assert end.cut(data) == data
    assert end.surplus == b""


@pytest.mark.parametrize("second", [b'{"n": 1}', b'{"n": 7}'], ids=["copy", "other"])
async def test_a_second_answer_to_the_first_request_is_not_the_answer_to_the_next_one(
    clients: Clients, server: Server, steps: type[Steps], second: bytes
) -> None:
    doubled = steps.answer(200, b'{"n": 1}').send + steps.answer(200, second).send
    server.steps = [type(steps.SILENT)(doubled), steps.answer(200, b'{"n": 2}')]
    client = await clients(server.url)
    assert [(await client.get(TASKS)).json for _ in range(2)] == [{"n": 1}, {"n": 2}]
    assert server.connections == 2


async def test_a_connection_with_junk_after_the_answer_is_not_used_again(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    server.steps = [type(steps.SILENT)(steps.answer(200, b'{"n": 1}').send + b"\r\n"), steps.answer(200, b'{"n": 2}')]
    client = await clients(server.url)
    assert [(await client.post(TASKS)).json for _ in range(2)] == [{"n": 1}, {"n": 2}]
    assert server.connections == 2


async def test_two_different_answers_on_a_used_connection_are_refused(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    late = steps.answer(200, b'{"n": 1}').send + steps.answer(200, b'{"n": 2}').send
    server.steps = [steps.answer(200), type(steps.SILENT)(late), steps.answer(200, b'{"n": 3}')]
    client = await clients(server.url)
    await client.get(TASKS)
    with pytest.raises(OutcomeUnknown):
        await client.put(TASKS)
    assert (await client.get(TASKS)).json == {"n": 3}
    assert [one.line[:3] for one in server.received] == ["GET", "PUT", "GET"]
