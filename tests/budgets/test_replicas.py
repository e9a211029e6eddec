"""Four servers in front of a Vambe that enforces its limit: together they use it, and are never refused."""

import datetime as dt
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from anyio import from_thread

from backends.vambe.wired import KEY, vambe
from postgres_server import TestDatabase
from server.transports.server_process import Web, serving
from taskhand.sandbox.server import serve
from taskhand.sandbox.vambe import SpecVariant

PER_S = 20
FOR_S = 2.2
SERVERS, CALLERS = 4, 12


def call_until(web: Web, until: float) -> None:
    """Call, one after another, on a connection of one's own."""
    mine = Web(web.process, web.port)
    while time.monotonic() < until:
        assert "structuredContent" in mine.call("list_tasks", {"limit": 1})["result"]
    mine.close()


def test_replicas_use_the_limit_of_a_crm_and_none_is_refused(postgres: TestDatabase, tmp_path: Path) -> None:
    there = vambe(clock=lambda: dt.datetime.now(dt.UTC), spec_variant=SpecVariant(per_second=PER_S))
    with ExitStack() as stack:
        portal = stack.enter_context(from_thread.start_blocking_portal())
        url = stack.enter_context(portal.wrap_async_context_manager(serve(there)))
        given = {
            "TASKHAND_STATE": postgres.url,
            "TASKHAND_STATE_KEY": "0123456789abcdef" * 4,
            "VAMBE_BASE_URL": url,
            "VAMBE_API_KEY": KEY,
            "VAMBE_RATE": str(PER_S),
            "VAMBE_CACHE_S": "0",
        }
        callers = stack.enter_context(ThreadPoolExecutor(CALLERS))
        opened = callers.map(lambda _: serving(tmp_path / "tasks.sqlite", **given), range(SERVERS))
        webs = [stack.enter_context(one) for one in opened]
        list(callers.map(lambda web: web.call("list_tasks", {"limit": 1}), webs))  # what a first call loads
        there.clear_requests()
        until = time.monotonic() + FOR_S
        list(callers.map(call_until, webs * (CALLERS // SERVERS), [until] * CALLERS))
    statuses = Counter(one.status for one in there.requests)
    assert [*statuses] == [200]
    assert statuses[200] >= 0.95 * PER_S * FOR_S
