"""The progress of a call: requests while it reads, and then tasks beside them."""

import anyio

from taskhand.server.progress import ProgressReport


async def test_progress_never_goes_back_when_a_call_begins_to_write() -> None:
    told, requests, heard = list[tuple[float, float | None]](), ["GET /1", "GET /2"], anyio.Event()

    async def report(progress: float, total: float | None = None, _: str | None = None) -> None:
        told.append((progress, total))
        heard.set()

    progress = ProgressReport(report, 0.0)
    async with progress.of_requests(requests):
        await heard.wait()
        await progress.report_tasks(1, 5)
        requests.append("PUT /1")
    await progress.report_tasks(5, 5)
    assert told == [(2, None), (3, 7), (7, 7)]
