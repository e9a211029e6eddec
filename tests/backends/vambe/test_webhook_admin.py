"""The subscriptions of a Vambe organisation: those that no longer deliver are replaced."""

import json
from typing import Any

import httpx2

from taskhand.backends.vambe.events.webhooks import VambeWebhookAdmin
from taskhand.http.client import Client
from taskhand.http.upstream import Runtime, Upstream
from virtual_time import Time

URL, KEY = "https://tasks.example.com/webhooks/vambe", "0123456789-0123456789-0123456789"
TOPIC = "task.updated"


class SubscriptionsTransport(httpx2.AsyncBaseTransport):
    """The subscriptions at Vambe, which are changed by requests."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = [{"url": f"{URL}/{KEY}", "topic": TOPIC, "active": True} | row for row in rows]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            self.rows.append({"id": "new", "active": True} | json.loads(await request.aread()))
        if request.method == "DELETE":
            self.rows = [row for row in self.rows if row["id"] != request.url.path.rpartition("/")[2]]
        body = [TOPIC] if request.url.path.endswith("/topics") else self.rows
        return httpx2.Response(
            200, stream=httpx2.ByteStream(json.dumps(body if request.method == "GET" else {}).encode())
        )


async def subscribed(hooks: SubscriptionsTransport, key: str | None = KEY) -> list[str]:
    """The ids of the subscriptions after Taskhand has subscribed."""
    time = Time()
    runtime = Runtime(monotonic=time.clock, wall=time.wall, sleep=time.sleep, transport=hooks)
    upstream = Upstream(name="Vambe", base_url="https://vambe.example", auth={}, credential_name="VAMBE_API_KEY")
    async with Client(upstream, runtime=runtime) as client:
        done = await VambeWebhookAdmin(client).subscribe(URL, key, replaces=False)
    return [one.id for one in done.subscriptions]


async def test_an_active_subscription_stays() -> None:
    assert await subscribed(SubscriptionsTransport({"id": "one"})) == ["one"]


async def test_without_a_key_that_of_an_active_subscription_stays() -> None:
    assert await subscribed(SubscriptionsTransport({"id": "one"}), None) == ["one"]
    hooks = SubscriptionsTransport({"id": "one", "active": False})
    assert await subscribed(hooks, None) == ["new"]
    assert hooks.rows[-1]["url"] != f"{URL}/{KEY}"


async def test_an_inactive_subscription_is_replaced_and_one_of_another_program_stays() -> None:
    hooks = SubscriptionsTransport({"id": "one", "active": False}, {"id": "other", "url": "https://other.example/"})
    assert await subscribed(hooks) == ["new"]
    assert [row["id"] for row in hooks.rows] == ["other", "new"]


async def test_a_deleted_subscription_that_is_still_listed_is_replaced() -> None:
    hooks = SubscriptionsTransport({"id": "one", "deleted": True})
    assert await subscribed(hooks) == ["new"]
    assert [row["id"] for row in hooks.rows] == ["one", "new"]
