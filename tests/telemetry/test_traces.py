"""Traces: from the host's `traceparent` through the call of a tool to each request that the CRM gets for it."""

import json
import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from backends.vambe.backend_case import vambe_sandbox, vambe_settings
from behaviour.world import PEOPLE
from server.transports.server_process import META, Pipe, serving
from taskhand.cli.trace_export import open_traces
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.wiring import open_app
from time_limits import BOUND_S

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
ALLOWED = {
    *("http.request.method", "url.template", "server.address", "server.port", "http.request.resend_count"),
    *("http.response.status_code", "error.type"),
}


@pytest.fixture(scope="module")
def memory() -> Iterator[InMemorySpanExporter]:
    """The spans of this process, of which there can be one provider only."""
    kept, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    yield kept
    provider.shutdown()


def of_requests(spans: Sequence[ReadableSpan]) -> list[ReadableSpan]:
    """Those of the requests to a CRM."""
    return [span for span in spans if span.instrumentation_scope and span.instrumentation_scope.name == "taskhand.http"]


def parent_of(span: ReadableSpan) -> int | None:
    """The id of the span that it is in."""
    return span.parent.span_id if span.parent else None


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_requests_of_calls_side_by_side_are_in_their_own_call_and_that_in_the_hosts(
    memory: InMemorySpanExporter, tmp_path: Path, mode: str
) -> None:
    made: dict[str, str] = {}

    async def create(client: Client, title: str) -> None:
        with trace.get_tracer("host").start_as_current_span(title):
            answer = await client.call_tool("create_task", {"title": title, "responsibleIds": ["me"]})
        assert answer.structured_content, answer.content
        made[title] = answer.structured_content["task"]["id"]

    async with serve_sandbox(vambe_sandbox()) as url, AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(vambe_settings(url, journal=tmp_path / "journal.sqlite")))
        client = await stack.enter_async_context(Client(create_server(app), mode=mode))
        await client.call_tool("list_statuses", {})
        memory.clear()
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(create, client, f"Llamar {number}")
        await client.call_tool("bulk_update_tasks", {"taskIds": list(made.values()), "changes": {"priority": "2"}})
    spans = memory.get_finished_spans()
    by_id = {span.context.span_id: span for span in spans if span.context}
    requests = of_requests(spans)
    for request in requests:
        call = by_id[parent_of(request) or 0]
        assert (call.kind, request.kind) == (trace.SpanKind.SERVER, trace.SpanKind.CLIENT)
        assert set(request.attributes or {}) <= ALLOWED
        assert (request.attributes or {})["server.address"] == "127.0.0.1"
        assert not request.events
    sent = [span for span in requests if span.name == "POST /api/public/tasks"]
    roots = {span.name for one in sent for span in spans if span.parent is None and span.context == _root(by_id, one)}
    assert roots == {f"Llamar {number}" for number in range(4)}
    assert len({parent_of(span) for span in requests if span.name.startswith("PUT ")}) == 1
    told = json.dumps([[span.name, dict(span.attributes or {})] for span in requests])
    assert not [text for text in (*made.values(), PEOPLE[0]["id"], "Llamar", "sandbox-key") if text in told]


def _root(by_id: dict[int, ReadableSpan], span: ReadableSpan) -> object:
    """The context of the outermost span that this one is in."""
    while (parent := parent_of(span)) is not None:
        span = by_id[parent]
    return span.context


class Collector(ThreadingHTTPServer):
    """Takes spans as OTLP, as a collector does, and answers as a CRM without people."""

    daemon_threads = True

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        self.crm_got: set[str] = set()
        self.got = b""
        super().__init__(("127.0.0.1", 0), _Taking)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Taking(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Collector)
        self.server.crm_got |= {name.lower() for name in self.headers}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"[]")

    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got += body
        sent = ExportTraceServiceRequest.FromString(body)
        for resource in sent.resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.server.services.add(names["service.name"])
            self.server.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on this machine."""
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, args=(0.02,), daemon=True).start()
        yield collector
        collector.shutdown()


def check(collector: Collector) -> None:
    """The collector has the host's trace, the call of the tool and the request in it; the CRM is told of no trace."""
    assert "x-api-key" in collector.crm_got
    assert {"traceparent", "tracestate", "baggage"}.isdisjoint(collector.crm_got)
    assert collector.services == {"taskhand"}
    spans = {span.name: span for span in collector.spans if span.trace_id.hex() == TRACE}
    call, request = spans["tools/call list_team_members"], spans["GET /api/public/team-members/all"]
    assert (call.parent_span_id.hex(), request.parent_span_id) == (SPAN, call.span_id)


def test_a_server_exports_the_trace_that_a_host_names_in_meta(store_file: Path) -> None:
    with collecting() as collector:
        variables = _variables(collector.url)
        with Pipe(store_file, **variables) as pipe:
            meta = META | {"traceparent": PARENT}
            body = {"jsonrpc": "2.0", "id": "a", "method": "tools/call"}
            pipe.send(json.dumps(body | {"params": {"name": "list_team_members", "arguments": {}, "_meta": meta}}))
            assert "result" in pipe.answer("a")
            asked = pipe.ask("resources/read", uri="task://7a5c0000-0000-4000-8000-000000004711")
            assert "4711" in json.dumps(pipe.answer(asked)["error"])
            pipe.send_signal(signal.SIGTERM)  # which ends the process before all that it has opened is closed
            assert pipe.ends_within(BOUND_S) == 0
            assert all(json.loads(line)["jsonrpc"] == "2.0" for line in pipe.out.all())
    check(collector)
    assert b"resources/read" in collector.got
    assert b"4711" not in collector.got


def test_a_server_exports_the_trace_that_a_host_names_in_a_header(store_file: Path) -> None:
    with collecting() as collector, serving(store_file, **_variables(collector.url)) as web:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        sent = body | {"params": {"name": "list_team_members", "arguments": {}, "_meta": META}}
        named = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": "list_team_members"}
        web.post(json.dumps(sent).encode(), **named, traceparent=PARENT)
        web.process.send_signal(signal.SIGTERM)
        assert web.process.ends_within(BOUND_S) == 0
        check(collector)


def _variables(collector: str) -> dict[str, str]:
    key = "vambe-key-of-a-test-0001"
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "VAMBE_API_KEY": key, "VAMBE_BASE_URL": collector}


def test_a_host_that_asks_for_another_exporter_gets_none(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with open_traces({"OTEL_TRACES_EXPORTER": "console"}):
        assert "OTEL_TRACES_EXPORTER is not otlp" in caplog.text


def test_traces_without_the_library_are_skipped_with_a_log_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setitem(sys.modules, "taskhand.telemetry.traces", None)
    with open_traces({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}):
        assert "extra otel" in caplog.text
        assert "http/protobuf" in caplog.text
