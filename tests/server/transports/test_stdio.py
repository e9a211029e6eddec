"""The door of standard input and output: both eras, raw lines, and the end of the process."""

import fcntl
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCNotification

from server.transports.forked_command import ForkedProcess
from server.transports.server_process import HELLO, META, Pipe, environment, output
from server.transports.task_calls import DRAFT, code_of, draft, error_of, titles_of_whole_tasks
from taskhand.server.transports.standard_streams import open_standard_streams
from time_limits import BOUND_S

ERAS = [pytest.param("legacy", "2025-11-25", id="2025-11-25"), pytest.param("auto", "2026-07-28", id="2026-07-28")]
IN_FLIGHT = 50


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipe]:
    """A server for the tests that leave it running."""
    with Pipe(tmp_path_factory.mktemp("pipe") / "tasks.sqlite") as pipe:
        yield pipe


@asynccontextmanager
async def connected(store: Path, mode: str) -> AsyncIterator[Client]:
    server = StdioServerParameters(command=sys.executable, args=["-m", "taskhand"], env=environment(store))
    with anyio.fail_after(BOUND_S):
        async with Client(stdio_client(server), mode=mode) as client:
            yield client


@pytest.mark.parametrize(("mode", "version"), ERAS)
async def test_a_task_outlives_the_server_that_made_it(store_file: Path, mode: str, version: str) -> None:
    async with connected(store_file, mode) as client:
        assert client.protocol_version == version
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert {"list_tasks", "create_task", "complete_task"} <= set(names)
        task = ((await client.call_tool("create_task", DRAFT)).structured_content or {})["task"]
    async with connected(store_file, mode) as client:
        again = (await client.call_tool("get_task", {"id": task["id"]})).structured_content or {}
        assert again["task"]["title"] == task["title"]


def test_stdout_has_only_json_rpc_and_stderr_has_the_log(store_file: Path) -> None:
    output(store_file, "call", "create_task", json.dumps(DRAFT))
    with closing(sqlite3.connect(store_file)) as connection, connection:
        connection.execute("DELETE FROM identity")  # what the code never expects
    with Pipe(store_file, TASKHAND_LOG_LEVEL="DEBUG") as pipe:
        pipe.call("list_statuses", {})
        error = error_of(pipe.call("list_changes", {}))
        assert error["code"] == "internal_error"
        assert code_of(pipe.call("get_task", {"id": "7"})) == "invalid_id"
        pipe.stdin.close()
        assert pipe.ends_within(BOUND_S) == 0
        lines, log = pipe.out.all(), "".join(pipe.err.all())
    assert [json.loads(line)["jsonrpc"] for line in lines] == ["2.0"] * 3
    assert "Traceback" not in "".join(lines)
    assert "NoneType" not in error["message"]
    assert "Traceback" in log
    assert error["message"].partition("reference ")[2].rstrip(").") in log


def test_the_old_era_works_line_by_line(store_file: Path) -> None:
    with Pipe(store_file) as pipe:
        pipe.send(json.dumps({"jsonrpc": "2.0", "id": "hi", "method": "initialize", "params": HELLO}))
        assert pipe.answer("hi")["result"]["protocolVersion"] == "2025-11-25"
        pipe.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        params = {"name": "create_task", "arguments": DRAFT}
        pipe.send(json.dumps({"jsonrpc": "2.0", "id": "make", "method": "tools/call", "params": params}))
        assert pipe.answer("make")["result"]["structuredContent"]["task"]["title"] == DRAFT["title"]


@contextmanager
def unread(store: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that nobody reads."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-m", "taskhand"], env=environment(store), stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_client_that_never_reads_does_not_keep_the_server_alive(store_file: Path) -> None:
    hello = {"jsonrpc": "2.0", "id": "hi", "method": "initialize", "params": HELLO}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
    lines = "".join(f"{line}\n" for line in (json.dumps(hello), "no message", json.dumps(asked)))
    with unread(store_file) as process:
        assert process.stdin is not None
        process.stdin.write(lines.encode() * 100)
        process.stdin.close()
        assert process.wait(BOUND_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_a_client_that_closes_its_end_ends_the_server_without_a_trace(store_file: Path) -> None:
    with unread(store_file) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"no message\n")
        process.stdin.flush()
        assert process.wait(BOUND_S) == 0
        assert process.stderr.read() == b""
        with suppress(BrokenPipeError):
            process.stdin.close()


def _small_pipes() -> tuple[int, int, int, int]:
    """Both ends of two pipes, the second of which has room for one page."""
    (theirs, ours), (answers, output) = os.pipe(), os.pipe()
    fcntl.fcntl(output, fcntl.F_SETPIPE_SZ, 4096)
    return theirs, ours, answers, output


def _small_sockets() -> tuple[int, int, int, int]:
    """Both ends of two sockets, as Node gives to the programs that it starts; the second has little room."""
    (theirs, ours), (answers, output) = socket.socketpair(), socket.socketpair()
    output.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return theirs.detach(), ours.detach(), answers.detach(), output.detach()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has pipes of a chosen size")
@pytest.mark.parametrize("streams", [_small_pipes, _small_sockets])
def test_an_answer_that_is_larger_than_the_room_for_it_arrives_whole(
    store_file: Path, streams: Callable[[], tuple[int, int, int, int]]
) -> None:
    theirs, ours, answers, output = streams()
    process = ForkedProcess([], environment(store_file), [theirs, output, 2])
    os.close(theirs)
    os.close(output)
    ids = range(3)
    with os.fdopen(answers, encoding="utf-8") as lines, os.fdopen(ours, "w", encoding="utf-8") as requests:
        for number in ids:
            asked = {"jsonrpc": "2.0", "id": number, "method": "tools/list", "params": {"_meta": META}}
            print(json.dumps(asked), file=requests, flush=True)
        found = [json.loads(lines.readline()) for _ in ids]
        requests.close()
        assert process.wait(BOUND_S) == 0
    assert sorted(one["id"] for one in found) == [*ids]
    assert all(len(one["result"]["tools"]) > 10 for one in found)


@contextmanager
def standard_streams(theirs: int, output: int) -> Iterator[None]:
    """These descriptors are standard input and output inside."""
    kept = os.dup(0), os.dup(1)
    os.dup2(theirs, 0)
    os.dup2(output, 1)
    try:
        yield
    finally:
        for number, fd in enumerate(kept):
            os.dup2(fd, number)
            os.close(fd)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has pipes of a chosen size")
async def test_a_line_that_was_begun_is_completed_although_its_sender_is_cancelled() -> None:
    theirs, ours, answers, output = _small_pipes()
    methods, sending, received = ("x" * 20_000, "next"), anyio.CancelScope(), b""
    first, following = (SessionMessage(JSONRPCNotification(jsonrpc="2.0", method=method)) for method in methods)
    with standard_streams(theirs, output):
        async with open_standard_streams(lambda: None) as (_, sink), anyio.create_task_group() as tasks:

            async def send_first() -> None:
                with sending:
                    await sink.send(first)

            tasks.start_soon(send_first)
            await anyio.wait_readable(answers)
            sending.cancel()
            tasks.start_soon(sink.send, following)
            while b"next" not in received:
                await anyio.wait_readable(answers)
                received += os.read(answers, 65_536)
    assert [json.loads(line)["method"] for line in received.splitlines()] == [*methods]
    for fd in (theirs, ours, answers, output):
        os.close(fd)


def test_a_file_is_read_to_its_end_and_answered_to_a_file(store_file: Path, tmp_path: Path) -> None:
    asked = {"jsonrpc": "2.0", "id": "last", "method": "tools/list", "params": {"_meta": META}}
    (tmp_path / "requests").write_text(json.dumps(asked))  # whose only line has no end
    with (tmp_path / "requests").open() as requests, (tmp_path / "answers").open("w") as answers:
        streams = [requests.fileno(), answers.fileno(), answers.fileno()]
        assert ForkedProcess([], environment(store_file), streams).wait(BOUND_S) == 0
    [answer] = (tmp_path / "answers").read_text().splitlines()
    assert json.loads(answer)["id"] == "last"


CUT_EMOJI = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "tools/call",
    "params": {"name": "list_tasks", "arguments": {"text": "cut emoji \ud83d"}, "_meta": META},
}
"""What a JavaScript host sends when it cuts a text in the middle of a character."""

UNREADABLE = {
    "half an object": '{"jsonrpc": "2.0", "id": 7',
    "words": "hello?",
    "nothing": "",
    "a list": "[1, 2]",
    "a string": '"tools/list"',
    "null": "null",
    "an empty object": "{}",
    "a NUL": "\x00",
    "another JSON-RPC": '{"jsonrpc": "1.0", "id": 7, "method": "tools/list"}',
    "an id that is an object": '{"jsonrpc": "2.0", "id": {}, "method": "tools/list"}',
    "params that are a list": '{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": []}',
    "brackets without end": "[" * 100_000,
}


def test_the_server_lives_on_after_lines_that_cannot_be_read(store_file: Path) -> None:
    with Pipe(store_file) as pipe:
        for line in UNREADABLE.values():
            pipe.send(line)
        assert "result" in pipe.call("list_statuses", {})
        pipe.stdin.close()
        assert pipe.ends_within(BOUND_S) == 0
        assert "Traceback" not in "".join(pipe.err.all())
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in pipe.out.all())


def test_each_line_that_cannot_be_read_is_answered_with_an_error(store_file: Path) -> None:
    with Pipe(store_file) as pipe:
        for line in ("hello?", UNREADABLE["params that are a list"], json.dumps(CUT_EMOJI)):
            pipe.send(line)
        pipe.call("list_statuses", {})
        pipe.stdin.close()
        pipe.ends_within(BOUND_S)
        answers = [json.loads(answer) for answer in pipe.out.all()]
    errors = [answer for answer in answers if "error" in answer or answer["result"].get("isError")]
    assert len(errors) == 3


def test_a_line_without_a_message_is_ignored_and_one_after_a_byte_order_mark_is_read(pipe: Pipe) -> None:
    for line in ("", "  ", "\r", "\ufeff"):
        pipe.send(line)
    pipe.send(
        "\ufeff" + json.dumps({"jsonrpc": "2.0", "id": "mark", "method": "tools/list", "params": {"_meta": META}})
    )
    assert "result" in pipe.answer("mark")
    pipe.send('\ufeff{"jsonrpc"')
    assert pipe.answer(None)["error"]["code"] == -32700
    invalid: list[dict[str, Any]] = [{"jsonrpc": ""}, {"params": []}, {"method": 5}, {"params": "\ud800"}]
    for number, wrong in enumerate(invalid, start=5000):
        pipe.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": "ping"} | wrong))
        assert pipe.answer(number)["error"]["code"] == -32600
    assert not [line for line in pipe.out.seen[:-5] if json.loads(line).get("id") is None]


def test_an_unknown_method_is_answered_by_name(pipe: Pipe) -> None:
    error = pipe.answer(pipe.ask("tasks/make"))["error"]
    assert error["code"] == -32601
    assert error["message"] == "Method not found"
    assert "result" in pipe.answer(pipe.ask("tools/list"))


def test_arguments_that_are_no_object_are_answered_and_the_server_lives_on(pipe: Pipe) -> None:
    for arguments in (["id"], "id", 7, True, 1.5):
        error = pipe.call("get_task", arguments)["error"]
        assert error["code"] == -32602
        assert error["message"]
    assert "result" in pipe.call("list_tasks", {})


def test_an_unknown_tool_is_named_in_the_answer(pipe: Pipe) -> None:
    result = pipe.call("make_coffee", {})["result"]
    assert result["isError"] is True
    assert "There is no tool 'make_coffee'" in result["content"][0]["text"]
    assert "result" in pipe.call("list_tasks", {})


def test_an_idle_server_ends_at_once_at_the_end_of_input(store_file: Path) -> None:
    with Pipe(store_file) as pipe:
        pipe.call("list_tasks", {})
        pipe.stdin.close()
        assert pipe.ends_at_once() == 0
        assert pipe.err.all() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once_on_a_signal(store_file: Path, number: signal.Signals) -> None:
    with Pipe(store_file) as pipe:
        pipe.call("list_tasks", {})
        pipe.send_signal(number)
        assert pipe.ends_at_once() == 0
        assert pipe.err.all() == []


@pytest.mark.parametrize("end", ["end of input", signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_busy_server_ends_at_once_and_leaves_no_half_task(store_file: Path, end: str | signal.Signals) -> None:
    with Pipe(store_file) as pipe:
        pipe.call("list_tasks", {})
        asked = {pipe.ask_tool("create_task", draft(f"Task {n:02}", "me")): f"Task {n:02}" for n in range(IN_FLIGHT)}
        pipe.answer(next(iter(asked)))  # they are under way
        if isinstance(end, signal.Signals):
            pipe.send_signal(end)
        else:
            pipe.stdin.close()
        assert pipe.ends_at_once() == (-signal.SIGKILL if end is signal.SIGKILL else 0)
        answers = pipe.answers_at_the_end()
        assert "Traceback" not in "".join(pipe.err.all())
    answered = {
        title for request, title in asked.items() if "structuredContent" in answers.get(request, {}).get("result", {})
    }
    assert answered <= set(titles_of_whole_tasks(store_file, people=1)) <= set(asked.values())
