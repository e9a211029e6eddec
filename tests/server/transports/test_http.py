"""Streamable HTTP: both eras, the hosts and origins that are accepted, and the end of the process."""

import http.client
import json
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import pytest
from mcp import Client

from server.transports.server_process import HELLO, META, Web, run, serving
from server.transports.task_calls import DRAFT, code_of, contents, create_task, draft, titles_of_whole_tasks
from taskhand import __version__
from time_limits import BOUND_S

ERAS = {"legacy": "2025-11-25", "auto": "2026-07-28"}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A server for the tests that leave it running."""
    with serving(tmp_path_factory.mktemp("web") / "tasks.sqlite") as web:
        yield web


@pytest.fixture
def own(store_file: Path) -> Iterator[Web]:
    """A server that the test may end."""
    with serving(store_file) as web:
        yield web


async def test_tasks_of_both_eras_outlive_the_server_that_made_them(store_file: Path) -> None:
    tasks = {}
    with serving(store_file) as web, anyio.fail_after(BOUND_S):
        for mode, version in ERAS.items():
            async with Client(web.url, mode=mode) as client:
                assert client.protocol_version == version
                names = [tool.name for tool in (await client.list_tools()).tools]
                assert {"list_tasks", "create_task", "complete_task"} <= set(names)
                tasks[mode] = ((await client.call_tool("create_task", DRAFT)).structured_content or {})["task"]
    with serving(store_file) as web, anyio.fail_after(BOUND_S):
        for mode, task in tasks.items():
            async with Client(web.url, mode=mode) as client:
                again = (await client.call_tool("get_task", {"id": task["id"]})).structured_content or {}
            assert again["task"]["title"] == task["title"]


def test_health_is_answered(web: Web) -> None:
    status, body = web.get("/health")
    assert status == 200
    assert json.loads(body) == {"status": "ok", "version": __version__}
    with closing(web.connection()) as line:
        line.request("GET", "/ready", headers={"Host": "health-check.example"})
        assert line.getresponse().status == 200


def test_readiness_names_the_unusable_part_while_liveness_stays_ok(
    own: Web, store_file: Path, journal_file: Path
) -> None:
    def ready() -> tuple[int, dict[str, Any]]:
        status, body = own.get("/ready")
        return status, json.loads(body)

    checks = {"store": "ok", "journal": "ok"}
    assert ready() == (200, {"status": "ready", "version": __version__, "checks": checks})
    create_task(own)
    for path, name in ((store_file, "store"), (journal_file, "journal")):
        with closing(sqlite3.connect(path, isolation_level=None)) as newer:
            (version,) = newer.execute("PRAGMA user_version").fetchone()
            newer.execute("PRAGMA user_version = 99")
            failed = {"status": "not_ready", "version": __version__, "checks": checks | {name: "store_too_new"}}
            assert ready() == (503, failed)
            newer.execute(f"PRAGMA user_version = {version}")
    assert ready()[0] == 200
    assert own.get("/health")[0] == 200


def test_a_server_without_sessions_and_of_several_connections_tells_whether_it_is_ready(
    store_file: Path, tmp_path: Path
) -> None:
    config = tmp_path / "taskhand.toml"
    config.write_text(f'[connections.south]\nbackend = "local"\ndb = "{tmp_path / "south.sqlite"}"\n')
    with serving(store_file, "--stateless", TASKHAND_CONFIG=str(config)) as web:
        status, body = web.get("/ready")
        assert status == 200
        assert json.loads(body) == {"status": "ready", "version": __version__, "connections": "2 of 2"}


def test_a_small_answer_does_not_wait_for_the_network_to_acknowledge(web: Web) -> None:
    """Without TCP_NODELAY every answer on an open connection waits some 40 ms."""
    took = []
    for _ in range(21):
        start = time.perf_counter()
        web.call("list_statuses", {})
        took.append(time.perf_counter() - start)
    assert median(took) < 0.03


@pytest.mark.parametrize(("method", "end"), [("GET", b'"}'), ("HEAD", b"\r\n\r\n"), ("POST", b"Method Not Allowed")])
def test_the_head_of_an_answer_comes_with_its_body(web: Web, method: str, end: bytes) -> None:
    line = web.connection()
    with socket.create_connection((line.host, line.port), BOUND_S) as raw:
        for _ in range(2):
            raw.sendall(f"{method} /health HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert raw.recv(65_536).endswith(end)


ASK = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": META}}
HANDSHAKE = {"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": HELLO}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"MCP_Protocol_Version": "2025-11-25"},
        {"MCP_Protocol_Version": "2026-07-28"},
        {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "initialize"},
        {"MCP_Protocol_Version": "2027-01-01"},
    ],
    ids=str,
)
def test_a_client_that_asked_first_may_initialize_whatever_version_its_header_names(
    web: Web, headers: dict[str, str]
) -> None:
    status, answer = web.post(json.dumps(ASK).encode(), MCP_Protocol_Version="2026-07-28", Mcp_Method="server/discover")
    assert status == 200
    assert json.loads(answer)["result"]["supportedVersions"] == ["2026-07-28"]
    status, answer = web.post(json.dumps(HANDSHAKE).encode(), **headers)
    assert status == 200
    assert b'"protocolVersion":"2025-11-25"' in answer
    assert "result" in web.call("list_tasks", {})


def test_a_body_that_comes_in_parts_is_read_as_it_is(web: Web) -> None:
    call = {"name": "list_tasks", "arguments": {"text": "x" * 100_000}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode()
    status, answer = web.post(body, MCP_Protocol_Version="2026-07-28")
    assert status == 400
    assert json.loads(answer)["error"]["code"] == -32020
    status, answer = web.post(body, MCP_Protocol_Version="2026-07-28", Mcp_Method="tools/call", Mcp_Name="list_tasks")
    assert status == 200


@pytest.mark.parametrize("path", ["/mcp/", "/mcp//"])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_slash_at_the_end_is_no_redirect(web: Web, path: str, method: str) -> None:
    """Behind a proxy that ends TLS the address of a redirect would begin with http."""
    with closing(web.connection()) as line:
        kinds = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        line.request(method, path, json.dumps(HANDSHAKE), kinds | {"X-Forwarded-Proto": "https"})
        reply = line.getresponse()
        assert reply.headers["location"] is None
        assert reply.status == (200 if method == "POST" else 400)


def test_nothing_is_served_beside_mcp_and_health(web: Web) -> None:
    assert web.get("/")[0] == 404
    assert web.get("/tasks.sqlite")[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "192.0.2.1"])
def test_a_request_for_another_host_is_refused(web: Web, host: str) -> None:
    status, body = web.post(b"{}", Host=host.format(port=web.port))
    assert status == 421
    assert body.endswith(f" start it with --allow-host {host.partition(':')[0]}.".encode())


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1.evil.example", "null", "file://"])
def test_a_request_from_another_origin_is_refused(web: Web, origin: str) -> None:
    status, body = web.post(b"{}", Origin=origin)
    assert status == 403
    named = b" start it with --allow-host " in body
    assert named == origin.endswith(".example")


def test_a_refused_request_changes_nothing_and_the_next_caller_is_served(own: Web, store_file: Path) -> None:
    create_task(own)
    before = contents(store_file)
    call = {"name": "create_task", "arguments": draft("Another", "me"), "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode()
    named = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": "create_task"}
    assert own.post(body, Host="evil.example", **named)[0] == 421
    assert own.post(body, Origin="http://evil.example", **named)[0] == 403
    assert contents(store_file) == before
    assert own.post(body, Origin=f"http://127.0.0.1:{own.port}", **named)[0] == 200
    assert len(contents(store_file)) > len(before)


def test_a_body_that_is_no_json_is_answered_with_a_parse_error(web: Web) -> None:
    status, body = web.post(b"{half", MCP_Protocol_Version="2026-07-28", Mcp_Method="tools/list")
    assert status == 400
    assert json.loads(body)["error"] == {"code": -32700, "message": "Parse error"}
    assert "result" in web.call("list_tasks", {})


def test_a_body_of_brackets_without_end_leaves_the_server_alive(web: Web) -> None:
    status, _ = web.post(b"[" * 100_000, MCP_Protocol_Version="2026-07-28", Mcp_Method="tools/list")
    assert status == 400
    assert "result" in web.call("list_tasks", {})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "127.0.0.1.nip.io", ""])  # noqa: S104
def test_a_host_that_others_could_reach_is_refused_whatever_names_are_allowed(store_file: Path, host: str) -> None:
    done = run(store_file, "serve", "--http", "--port", "0", "--host", host, "--allow-host", "localhost")
    assert done.returncode == 1
    assert done.stdout == ""
    sentence, then = done.stderr.splitlines()
    assert sentence.startswith(f"taskhand: {host} can be reached by other machines, and without --auth no caller is ")
    assert "--insecure-no-auth" in then
    assert not store_file.exists()


def test_a_name_by_which_others_could_reach_it_is_refused_where_nobody_is_asked(store_file: Path) -> None:
    done = run(store_file, "serve", "--http", "--port", "0", "--allow-host", "tasks.example.com")
    assert done.returncode == 1
    assert done.stderr.startswith("taskhand: tasks.example.com can be reached by other machines, and without --auth no")


def test_without_a_name_an_insecure_server_answers_under_those_of_this_machine_alone(store_file: Path) -> None:
    with serving(store_file, "--host", "0.0.0.0", "--insecure-no-auth") as web:  # noqa: S104
        assert web.post(b"{}", Host="tasks.example.com")[0] == 421
        assert "result" in web.call("list_tasks", {})


def test_the_settings_limit_the_size_and_the_number_of_requests(store_file: Path) -> None:
    with serving(store_file, TASKHAND_REQUESTS_S="1", TASKHAND_BODY_KB="64") as web:
        assert web.post(b"x" * 66_000)[0] == 413
        assert 429 in [web.post(b"{}")[0] for _ in range(20)]
        assert web.get("/health")[0] == 200


@pytest.mark.parametrize("words", [("--auth", "keys", "--insecure-no-auth"), ("--proxy", "10.0.0.0/33")])
def test_options_that_make_no_sense_are_refused(store_file: Path, words: tuple[str, ...]) -> None:
    done = run(store_file, "serve", "--http", "--port", "0", *words)
    assert done.returncode in {1, 2}
    assert "exclude each other" in done.stderr or "is not the address of a proxy" in done.stderr


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2"])
def test_any_loopback_host_is_served(store_file: Path, host: str) -> None:
    with serving(store_file, "--host", host) as web:
        line = http.client.HTTPConnection(host, web.port, timeout=BOUND_S)
        line.request("GET", "/health")
        assert line.getresponse().status == 200
        line.close()


@pytest.mark.parametrize("is_option", [True, False])
def test_a_taken_port_is_refused_in_a_sentence(web: Web, tmp_path: Path, *, is_option: bool) -> None:
    option, setting = ["--port", str(web.port)], {"TASKHAND_PORT": str(web.port)}
    done = run(
        tmp_path / "other.sqlite", "serve", "--http", *(option if is_option else ()), **({} if is_option else setting)
    )
    assert done.returncode == 1
    first, then = done.stderr.splitlines()
    assert first.startswith(f"taskhand: 127.0.0.1:{web.port} cannot be served: Address already in use")
    assert then == "Choose another --port, or 0 for any free one."
    assert web.get("/health")[0] == 200


def _open_stream(web: Web) -> http.client.HTTPConnection:
    """A stream of the old era, waiting for what the server has to say."""
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    line = web.connection()
    hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO})
    line.request("POST", "/mcp", hello, headers)
    reply = line.getresponse()
    session = {"Mcp-Session-Id": reply.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
    reply.read()
    line.request("GET", "/mcp", headers=session | {"Accept": "text/event-stream"})
    assert line.getresponse().status == 200
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_at_once_with_connections_open(own: Web, number: signal.Signals) -> None:
    idle, half, stream = own.connection(), own.connection(), _open_stream(own)
    idle.connect()
    half.putrequest("POST", "/mcp")
    half.putheader("Content-Length", "1000")
    half.endheaders(b'{"jsonrpc"')
    own.get("/health")
    own.process.send_signal(number)
    assert own.process.ends_at_once() == 0
    assert "Traceback" not in "".join(own.process.err.all())
    assert own.process.out.all() == []
    for line in (idle, half, stream):
        line.close()


def test_a_signal_between_writes_leaves_no_half_task(own: Web, store_file: Path) -> None:
    answered = {str(create_task(own, draft(f"Task {number}", "me"))["title"]) for number in range(5)}
    unanswered = own.connection()
    call = {"name": "create_task", "arguments": draft("Task 5", "me"), "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
    named = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "create_task"}
    kinds = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    unanswered.request("POST", "/mcp", body, named | kinds)
    own.process.send_signal(signal.SIGTERM)
    assert own.process.ends_at_once() == 0
    unanswered.close()
    assert answered <= set(titles_of_whole_tasks(store_file, people=1)) <= answered | {"Task 5"}


def test_a_client_whose_name_is_cut_in_the_middle_of_a_character_can_write(own: Web) -> None:
    info = {"name": "cut \ud83d", "version": "\ud83d"}
    call = {"name": "create_task", "arguments": DRAFT, "_meta": META | {"io.modelcontextprotocol/clientInfo": info}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode()
    named = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": "create_task"}
    answer = json.loads(own.post(body, **named)[1])["result"]["structuredContent"]
    assert answer["task"]["title"] == DRAFT["title"]
    assert json.loads(own.post(body, **named)[1])["result"]["structuredContent"]["replayed"] is True


def test_two_callers_at_once_are_both_served(web: Web) -> None:
    first, second = create_task(web, draft("first", "me")), create_task(web, draft("second", "me"))
    assert first["id"] != second["id"]
    assert code_of(web.call("get_task", {"id": "7"})) == "invalid_id"
