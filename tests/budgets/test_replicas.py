"""Four servers on one database, in front of a Vambe with an enforced limit: they use it, and hear each other."""

import datetime as dt
import json
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from threading import Event

import pytest
from anyio import from_thread

from backends.vambe.sandboxed_app import KEY, TASK, vambe
from postgres_server import TestDatabase
from server.transports.server_process import META, Web, serving
from taskhand.budgets.reservation import widen_window
from taskhand.http.rate_limiter import Rate
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox

PER_S = 20
FOR_S = 2.0
WITHIN_S = 30.0
"""How long a busy machine may take until it lets them use the limit for so long."""
SERVERS, CALLERS = 4, 12
_TICK_S = 0.01


def call_until(web: Web, stop: Event) -> None:
    """Call, one after another, on a connection of one's own."""
    mine = Web(web.process, web.port)
    while not stop.is_set():
        assert "structuredContent" in mine.call("list_tasks", {"limit": 1})["result"]
    mine.close()


def wait_for_use(sandbox: VambeSandbox, stop: Event) -> float:
    """Wait until the limit was used, but for a tenth; the longest delay of this process meanwhile."""
    began = now = time.monotonic()
    seen, longest_s = deque([(began, 0)]), 0.0
    while (count := len(sandbox.requests)) - seen[0][1] < 0.9 * PER_S * FOR_S:
        assert now < began + WITHIN_S, f"{count} requests"
        stop.wait(_TICK_S)
        last, now = now, time.monotonic()
        longest_s = max(longest_s, now - last - _TICK_S)
        seen.append((now, count))
        while now - seen[0][0] > FOR_S:
            seen.popleft()
    return longest_s


@pytest.fixture(scope="module")
def sandbox() -> VambeSandbox:
    return vambe(clock=lambda: dt.datetime.now(dt.UTC), spec_variant=SpecVariant(per_second=PER_S))


@pytest.fixture(scope="module")
def servers(
    sandbox: VambeSandbox, postgres_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Web]]:
    """Servers on one database, which have answered a first call."""
    postgres_database.empty()
    with ExitStack() as stack:
        portal = stack.enter_context(from_thread.start_blocking_portal())
        given = {
            "TASKHAND_STATE": postgres_database.url,
            "TASKHAND_STATE_KEY": "0123456789abcdef" * 4,
            "VAMBE_BASE_URL": stack.enter_context(portal.wrap_async_context_manager(serve_sandbox(sandbox))),
            "VAMBE_API_KEY": KEY,
            "VAMBE_RATE": str(PER_S),
            "VAMBE_CACHE_S": "0",
        }
        store = tmp_path_factory.mktemp("servers") / "tasks.sqlite"
        webs = [stack.enter_context(serving(store, "--stateless", **given)) for _ in range(SERVERS)]
        for web in webs:
            web.call("list_tasks", {"limit": 1})
        yield webs


def test_replicas_use_the_limit_of_a_crm_and_none_is_refused(servers: list[Web], sandbox: VambeSandbox) -> None:
    sandbox.clear_requests()
    stop = Event()
    with ThreadPoolExecutor(CALLERS) as callers:
        calls = [callers.submit(call_until, web, stop) for web in servers * (CALLERS // SERVERS)]
        try:
            held_up_s = wait_for_use(sandbox, stop)
        finally:
            stop.set()
        for one in calls:
            one.result()
    statuses = Counter(one.status for one in sandbox.requests)
    # A window counts so much longer than the CRM's: a request that was held up for longer is counted with later ones.
    assert [*statuses] == [200] or held_up_s > widen_window(Rate(PER_S, 1.0)).per_s - 1.0


def test_a_subscription_at_one_hears_of_a_change_at_another(servers: list[Web]) -> None:
    listening, changing = servers[:2]
    uri = f"task://{TASK}"
    params = {"notifications": {"resourceSubscriptions": [uri]}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "subscriptions/listen",
    }
    with closing(listening.connection()) as line:
        line.request("POST", "/mcp", json.dumps(body), headers)
        told = line.getresponse()
        messages = (json.loads(one[6:]) for one in iter(told.readline, b"") if one.startswith(b"data: {"))
        assert next(messages)["method"] == "notifications/subscriptions/acknowledged"
        assert "structuredContent" in changing.call("update_task", {"id": TASK, "title": "Changed"})["result"]
        heard = next(messages)
        assert (heard["method"], heard["params"]["uri"]) == ("notifications/resources/updated", uri)
        told.close()
