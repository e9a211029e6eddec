"""The progress of a call: requests while it reads, and then tasks beside them."""

from dataclasses import replace

import anyio

from backends.slow_transport import NetworkTime, SlowTransport
from safety.crms import HUBSPOT
from server.transports.raw_connection import INITIALIZED, connect_raw, older
from server.transports.server_process import HELLO
from taskhand.call.request_log import RequestLog
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.server.progress import ProgressReport


async def test_progress_never_goes_back_when_a_call_begins_to_write() -> None:
    told, requests, heard = list[tuple[float, float | None]](), RequestLog(), anyio.Event()
    requests += ["GET /1", "GET /2"]

    async def report(progress: float, total: float | None = None, _: str | None = None) -> None:
        told.append((progress, total))
        heard.set()

    progress = ProgressReport(report, 0.0)
    async with progress.of_requests(requests):
        await heard.wait()
        await progress.report_tasks(1, 5)
        requests.append("PUT /1")
        await anyio.wait_all_tasks_blocked()
    await progress.report_tasks(5, 5)
    assert told == [(2, None), (3, 7), (7, 7)]


async def test_reading_reports_progress_once_a_tick() -> None:
    time, crm = NetworkTime(), HUBSPOT
    sandbox = crm.sandbox(300, time, ())
    async with (
        serve_sandbox(sandbox) as url,
        crm.sandboxed_app(url, time, transport=SlowTransport(time, latency_s=0.25)) as app,
    ):
        app = replace(app, call_time=replace(app.call_time, read_tick_s=0.001))  # noqa: PLW2901  the same with another policy
        asked = {"taskIds": crm.ids(300), "changes": {"title": "Again"}}
        async with connect_raw(create_server(app)) as connection:
            await connection.ask(older("initialize", "hello", **HELLO))
            await connection.send(INITIALIZED)
            call = older("tools/call", 1, name="bulk_update_tasks", arguments=asked, _meta={"progressToken": 0})
            plan = (await connection.ask(call))["result"]["structuredContent"]
            told = [one["params"] for one in connection.notifications if one["method"] == "notifications/progress"]
    assert plan["count"] == 300
    assert {one["progressToken"] for one in told} == {0}
    numbers = [one["progress"] for one in told]
    assert numbers == sorted(set(numbers))
    assert told[-1].get("total") is None
    assert told[-1]["message"] == f"{int(numbers[-1])} requests answered"
