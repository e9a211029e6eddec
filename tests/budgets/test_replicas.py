"""Four servers on one database, in front of a Vambe with an enforced limit: they use it, and hear each other."""

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest
from anyio import from_thread

from backends.vambe.wired import KEY, TASK, vambe
from postgres_server import TestDatabase
from server.transports.server_process import META, Web, serving
from taskhand.sandbox.server import serve
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox

PER_S = 20
FOR_S = 2.2
SERVERS, CALLERS = 4, 12


def call_until(web: Web, until: float) -> None:
    """Call, one after another, on a connection of one's own."""
    mine = Web(web.process, web.port)
    while time.monotonic() < until:
        assert "structuredContent" in mine.call("list_tasks", {"limit": 1})["result"]
    mine.close()


@pytest.fixture(scope="module")
def there() -> VambeSandbox:
    return vambe(clock=lambda: dt.datetime.now(dt.UTC), spec_variant=SpecVariant(per_second=PER_S))


@pytest.fixture(scope="module")
def servers(
    there: VambeSandbox, postgres_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Web]]:
    """Servers on one database, which have answered a first call."""
    postgres_database.empty()
    with ExitStack() as stack:
        portal = stack.enter_context(from_thread.start_blocking_portal())
        given = {
            "TASKHAND_STATE": postgres_database.url,
            "TASKHAND_STATE_KEY": "0123456789abcdef" * 4,
            "VAMBE_BASE_URL": stack.enter_context(portal.wrap_async_context_manager(serve(there))),
            "VAMBE_API_KEY": KEY,
            "VAMBE_RATE": str(PER_S),
            "VAMBE_CACHE_S": "0",
        }
        store = tmp_path_factory.mktemp("servers") / "tasks.sqlite"
        webs = [stack.enter_context(serving(store, "--stateless", **given)) for _ in range(SERVERS)]
        for web in webs:
            web.call("list_tasks", {"limit": 1})
        yield webs


def test_replicas_use_the_limit_of_a_crm_and_none_is_refused(servers: list[Web], there: VambeSandbox) -> None:
    there.clear_requests()
    until = time.monotonic() + FOR_S
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(call_until, servers * (CALLERS // SERVERS), [until] * CALLERS))
    statuses = Counter(one.status for one in there.requests)
    assert [*statuses] == [200]
    assert statuses[200] >= 0.95 * PER_S * FOR_S


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
