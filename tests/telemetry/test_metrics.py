"""Metrics of calls and requests; no label has data of tasks, people or clients."""

import json
import re
import sys
import urllib.error
import urllib.request
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import anyio
import pytest
from click.testing import CliRunner
from mcp import Client
from prometheus_client import generate_latest
from starlette.types import Message, Receive, Scope, Send

from backends.vambe.backend_case import vambe_sandbox, vambe_settings
from builders import refused
from documents import ROOT
from server.store_connections import NAMES, open_store_connections
from server.transports.server_process import HELLO, Pipe, serving
from server.transports.task_calls import create_task
from taskhand.cli.main import command
from taskhand.cli.metrics_endpoint import check_metrics, open_metrics
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.effective_settings import Configuration
from taskhand.config.settings import Settings
from taskhand.config.settings_file import SettingsFile
from taskhand.domain.errors import OperatorError
from taskhand.domain.policy import Policy
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.access import Access
from taskhand.server.app import create_server
from taskhand.server.call_observer import observe_calls
from taskhand.server.tools import TOOLS
from taskhand.server.transports.observer_middleware import observe_requests
from taskhand.telemetry.metrics import Metrics
from taskhand.telemetry.metrics_server import serve_metrics
from taskhand.wiring import open_connections

HOSTILE = ["ana@x.test", "../../etc", "x" * 5_000, '"}\n# evil 1', "Llamar a Elisa", "", "\ud800", "get_task "]


def series(metrics: Metrics) -> dict[str, float]:
    """The value of each series that Taskhand has, by name and labels."""
    lines = generate_latest(metrics.registry).decode().splitlines()
    found = (line.rpartition(" ") for line in lines if line.startswith("taskhand_"))
    return {name: float(value) for name, _, value in found if "_created" not in name and "_bucket" not in name}


async def test_calls_refusals_and_requests_are_counted_by_tool_and_connection(tmp_path: Path) -> None:
    async with serve_sandbox(vambe_sandbox()) as url:
        found = [
            ConnectionSettings("north", vambe_settings(url, journal=tmp_path / "north.sqlite")),
            ConnectionSettings("south", vambe_settings(url, journal=tmp_path / "south.sqlite")),
        ]
        metrics = Metrics([tool.name for tool in TOOLS], [one.name for one in found])
        async with (
            open_connections(found, observe=metrics.of_connection) as connections,
            Client(create_server(connections, observer=metrics)) as client,
        ):
            await client.call_tool("list_team_members", {"connection": "north"})
            await client.call_tool("get_task", {"id": "9" * 8, "connection": "south"})
            await client.call_tool("create_task", {"title": "", "connection": "north"})
            await client.call_tool("create_task", {"title": "Llamar a Elisa"})
            await client.call_tool("no_such_tool", {})
            await client.call_tool("list_tasks", {})
            seen = series(metrics)
    assert {name: value for name, value in seen.items() if name.startswith("taskhand_tool_calls_total")} == {
        'taskhand_tool_calls_total{connection="all",outcome="ok",tool="list_tasks"}': 1,
        'taskhand_tool_calls_total{connection="north",outcome="ok",tool="list_team_members"}': 1,
        'taskhand_tool_calls_total{connection="south",outcome="caller_error",tool="get_task"}': 1,
        'taskhand_tool_calls_total{connection="north",outcome="caller_error",tool="create_task"}': 1,
        'taskhand_tool_calls_total{connection="other",outcome="caller_error",tool="create_task"}': 1,
        'taskhand_tool_calls_total{connection="other",outcome="caller_error",tool="other"}': 1,
    }
    assert seen['taskhand_refusals_total{code="connection_required"}'] == 1
    assert seen['taskhand_upstream_requests_total{connection="north",method="GET",status="2xx"}'] >= 1
    assert seen['taskhand_upstream_wait_seconds_count{connection="north"}'] >= 1
    assert seen['taskhand_upstream_paused_seconds{connection="south"}'] == 0
    assert 900 < seen['taskhand_upstream_budget_requests{connection="north"}'] <= 1_000
    assert "Elisa" not in "".join(seen)


def test_no_label_of_a_metric_is_chosen_by_a_client() -> None:
    metrics = Metrics(["get_task"], ["north"])
    requests = metrics.of_connection("north")
    for text in HOSTILE * 2:
        metrics.call_ended(text, text, "ok", text, 0.1)
        requests.request_ended(text, None, 0.1)
    before = set(series(metrics))
    assert {label for name in before for label in re.findall(r'="(.*?)"', name)} <= {
        *("other", "none", "north", "get_task", "ok"),
        *("0.1.0",),
    }
    for number in range(5_000):
        metrics.call_ended("get_task", "north", "ok", f"code_{'x' * (number % 30)}_{'y' * (number % 31)}", 0.1)
    codes = {code for name in series(metrics) for code in re.findall(r'code="(code_.*?)"', name)}
    assert len(codes) == 100
    assert len(set(series(metrics)) - before) < 110


async def test_a_call_that_ends_early_is_counted_as_cancelled() -> None:
    metrics = Metrics(["get_task"], ["north"])
    sent: Any = SimpleNamespace(method="tools/call", params={"name": "get_task"})
    with anyio.CancelScope() as scope:

        async def wait(_: object) -> NoReturn:
            scope.cancel()
            await anyio.sleep_forever()
            raise AssertionError

        await observe_calls(metrics)(sent, wait)
    assert [name for name in series(metrics) if 'outcome="cancelled"' in name and 'tool="get_task"' in name]


def test_a_server_with_one_connection_names_it_where_a_call_names_none() -> None:
    metrics = Metrics(["get_task"], ["default"])
    metrics.call_ended("get_task", None, "ok", None, 0.1)
    assert series(metrics)['taskhand_tool_calls_total{connection="default",outcome="ok",tool="get_task"}'] == 1


def test_every_series_is_in_the_table_of_the_page() -> None:
    metrics = Metrics(["get_task"], ["north"])
    metrics.of_connection("north").request_ended("GET", 200, 0.1)
    metrics.call_ended("get_task", "north", "ok", "not_found", 0.1)
    metrics.of_http().request_ended(200, was_stream=False)
    names = {re.sub(r"(_bucket|_sum|_count)?(\{.*)?$", "", name) for name in series(metrics)}
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8").partition("## Metrics")[2].partition("\n## ")[0]
    assert {name for name in names if not name.startswith("process_")} <= {*re.findall(r"`(taskhand_\w+)`", page)}


def test_an_address_for_metrics_that_nobody_serves_is_wrong_usage() -> None:
    done = CliRunner().invoke(command, ["serve", "--metrics-host", "::1"], env={"TASKHAND_CONFIG": "/dev/null"})
    assert (done.exit_code, "--metrics-host needs --metrics-port" in done.output) == (2, True)


@pytest.mark.parametrize(("options", "port"), [(["--metrics-port", "9"], ""), ([], "9")])
def test_an_address_for_metrics_goes_with_a_port_as_an_option_or_a_setting(options: list[str], port: str) -> None:
    words = ["serve", "--metrics-host", "::1", *options, "--http", "--host", "0.0.0.0"]  # noqa: S104  it is refused
    done = CliRunner().invoke(command, words, env={"TASKHAND_CONFIG": "/dev/null", "TASKHAND_METRICS_PORT": port})
    assert "0.0.0.0 can be reached by other machines" in str(done.exception)


def get(url: str, accept: str = "text/plain") -> tuple[int, str]:
    """The status and the body of an answer."""
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310  our own server
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310  as above
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def read_until(url: str, name: str, value: str) -> dict[str, str]:
    """The series once one has a value: a request is counted when it has ended, which its client may see before."""
    for _ in range(500):
        seen = dict(line.rpartition(" ")[::2] for line in get(url)[1].splitlines())
        if seen.get(name) == value:
            return seen
    raise AssertionError(f"{name} is {seen.get(name)}")


def test_metrics_have_a_port_of_their_own(store_file: Path) -> None:
    with serving(store_file, "--metrics-port", "0") as web:
        create_task(web)
        web.call("get_task", {"id": "nothing"})
        told = next(line for line in web.process.err.seen if line.startswith("Metrics are at "))
        url = told.removeprefix("Metrics are at ").strip()
        assert url.startswith("http://127.0.0.1:")
        status, text = get(url)
        assert status == 200
        assert 'taskhand_tool_calls_total{connection="default",outcome="ok",tool="create_task"} 1.0' in text
        assert 'taskhand_refusals_total{code="' in text
        assert 'taskhand_tool_call_seconds_count{tool="create_task"} 1.0' in text
        assert get(url, "application/openmetrics-text")[1].endswith("# EOF\n")
        assert get(url.removesuffix("/metrics"))[0] == 404
        assert web.get("/metrics")[0] == 404
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
        assert web.post(json.dumps(hello).encode())[0] == 200
        seen = read_until(url, 'taskhand_http_requests_total{status="200"}', "3.0")
        assert seen['taskhand_http_requests_total{status="404"}'] == "1.0"
        assert [seen[f"taskhand_http_{name}"] for name in ("open_requests", "open_streams", "sessions")] == [
            *("0.0", "0.0", "1.0"),
        ]


def test_a_server_of_a_conversation_has_metrics_too(store_file: Path) -> None:
    with Pipe(store_file, TASKHAND_METRICS_PORT="0") as pipe:
        assert "result" in pipe.call("list_tasks", {})
        told = pipe.err.next()
        assert told is not None
        url = told.removeprefix("Metrics are at ").strip()
        assert 'taskhand_tool_calls_total{connection="default",outcome="ok",tool="list_tasks"} 1.0' in get(url)[1]


async def test_a_stream_is_open_until_its_client_leaves() -> None:
    metrics = Metrics([], [])
    states: list[list[float]] = []

    def note() -> None:
        states.append([series(metrics)[f"taskhand_http_open_{name}"] for name in ("requests", "streams")])

    async def stream(_: Scope, __: Receive, send: Send) -> None:
        note()
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        note()
        await anyio.sleep_forever()

    async def send(_: Message) -> None:
        pass

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with anyio.move_on_after(0):
        await observe_requests(stream, metrics.of_http())({"type": "http"}, receive, send)
    note()
    assert states == [[1, 0], [1, 1], [0, 0]]


async def test_a_refused_call_is_counted_for_the_connection_that_it_names(tmp_path: Path) -> None:
    metrics = Metrics([tool.name for tool in TOOLS], NAMES)
    access = Access(lambda: Policy(everyone={"connections": frozenset({"north"})}), scopes=frozenset({"read"}))
    async with (
        open_store_connections(tmp_path) as connections,
        Client(create_server(connections, access=access, observer=metrics)) as client,
    ):
        await client.call_tool("list_tasks", {"connection": "south"})
        await client.call_tool("create_task", {"connection": "north", "title": "Llamar"})
    seen = series(metrics)
    for connection, tool in (("south", "list_tasks"), ("north", "create_task")):
        labels = f'connection="{connection}",outcome="not_allowed",tool="{tool}"'
        assert seen[f"taskhand_tool_calls_total{{{labels}}}"] == 1


async def test_metrics_count_the_tools_of_several_connections_and_warn_of_an_open_port(
    capsys: pytest.CaptureFixture[str],
) -> None:
    named = tuple(ConnectionSettings(one, Settings()) for one in ("a", "b"))
    several = replace(configuration(), named=named, has_default=False)
    async with AsyncExitStack() as stack:
        metrics = open_metrics(several, "0.0.0.0", 0, stack, is_http=True)  # noqa: S104  the point of the test
        assert metrics is not None
        metrics.call_ended("list_connections", "all", "ok", None, 0.1)
        assert series(metrics)['taskhand_tool_calls_total{connection="all",outcome="ok",tool="list_connections"}'] == 1
        assert open_metrics(configuration(), "127.0.0.1", 0, stack, is_http=True) is not None
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(" at ")[0] for line in told] == [
        "Metrics are",
        "Everyone who reaches that port can read the metrics: no key is needed.",
        "Metrics are",
    ]


def configuration(**settings: Any) -> Configuration:
    """A configuration with nothing else in it."""
    return Configuration(Settings(**settings), {}, SettingsFile(Path("taskhand.toml"), exists=False))


async def test_metrics_without_the_library_are_refused_with_the_extra_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("prometheus_client", "taskhand.telemetry.metrics"):
        monkeypatch.setitem(sys.modules, name, None)
    with refused("configuration", OperatorError) as caught:
        open_metrics(configuration(), "127.0.0.1", 0, AsyncExitStack(), is_http=True)
    assert caught.value.next_step == "Install Taskhand with the extra `metrics`, or unset TASKHAND_METRICS_PORT."
    [finding] = check_metrics(Settings(metrics_port=9464))
    assert (finding.outcome, finding.remedy) == ("failed", caught.value.next_step)
    remedy = "leave out --metrics-port"
    with refused("configuration", OperatorError) as by_flag:
        open_metrics(configuration(), "127.0.0.1", 0, AsyncExitStack(), is_http=True, remedy=remedy)
    assert str(by_flag.value.next_step).endswith(f", or {remedy}.")
    assert check_metrics(Settings()) == ()


async def test_a_taken_port_ends_a_server_over_http_and_is_logged_by_one_of_a_conversation(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with AsyncExitStack() as stack:
        url = stack.enter_context(serve_metrics(Metrics([], []).registry, "127.0.0.1", 0))
        port = int(url.removesuffix("/metrics").rpartition(":")[2])
        with refused("address_refused", OperatorError):
            open_metrics(configuration(), "127.0.0.1", port, stack, is_http=True)
        assert open_metrics(configuration(), "127.0.0.1", port, stack, is_http=False) is None
        assert f"Metrics cannot be served at 127.0.0.1:{port}" in caplog.text


async def test_an_idle_connection_does_not_block_other_readers_of_the_metrics() -> None:
    with serve_metrics(Metrics([], []).registry, "127.0.0.1", 0) as url:
        port = int(url.removesuffix("/metrics").rpartition(":")[2])
        async with await anyio.connect_tcp("127.0.0.1", port), await anyio.connect_tcp("127.0.0.1", port):
            for _ in range(10):  # more than may read at once
                assert (await anyio.to_thread.run_sync(get, url))[0] == 200
