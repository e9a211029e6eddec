"""The event log, and the subscriptions and signed deliveries of webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from sandbox.close.served_sandbox import ANA, BEN, LEAD, TASK, ServedSandbox, open_served_sandbox
from taskhand.sandbox.close.webhook import signature

CREATED = {"object_type": "task.lead", "action": "created"}
UPDATED = {"object_type": "task.lead", "action": "updated"}
HOOK: dict[str, Any] = {"url": "https://example.com/in", "events": [CREATED]}


def equals(field: str, value: object) -> dict[str, Any]:
    inner = {"type": "field_accessor", "field": field, "filter": {"type": "equals", "value": value}}
    return {"type": "field_accessor", "field": "data", "filter": inner}


async def events(served: ServedSandbox, **query: str) -> list[dict[str, Any]]:
    answer = await served.client.get("event/", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def create_webhook(served: ServedSandbox, *wishes: dict[str, Any]) -> dict[str, Any]:
    answer = await served.client.post("webhook/", json=HOOK | {"events": list(wishes)})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_signs_as_the_documentation_describes() -> None:
    key = "058bfb6a3d8cfdc4da7c3be5901b16ae11da982b46a25fb2cd7016e97a140a1c"
    body = (
        '{"event": {"id": "ev_test", "object_type": "task.lead", "action": "created"}, "subscription_id": "whsub_test"}'
    )
    assert signature(key, "1544271440", body) == "b66555fa95a6ee48bf5417259e9f8e144f0843801ffe36cb95d1d9a0880d60bf"


async def test_a_delivery_is_signed_with_the_key_of_its_subscription() -> None:
    async with open_served_sandbox() as served:
        hook = await create_webhook(served, CREATED)
        made = await served.create_task()
        [delivery] = served.sandbox.deliveries
        signed = delivery.headers["close-sig-timestamp"] + delivery.body
        expected = hmac.new(bytes.fromhex(hook["signature_key"]), signed.encode(), hashlib.sha256).hexdigest()
        assert (delivery.url, delivery.headers["close-sig-hash"]) == (HOOK["url"], expected)
        body = json.loads(delivery.body)
        assert (body["subscription_id"], body["event"]["object_id"]) == (hook["id"], made["id"])
        assert body["event"]["data"] == made | {"view": None}
        assert (body["event"]["changed_fields"], body["event"]["previous_data"]) == ([], {})


async def test_a_completion_emits_events_of_task_activity_and_lead() -> None:
    async with open_served_sandbox() as served:
        await served.update_task(is_complete=True)
        told = [(event["object_type"], event["action"]) for event in reversed(await events(served))]
        assert told == [
            ("task.lead", "updated"),
            ("task.lead", "completed"),
            ("activity.task_completed", "created"),
            ("lead", "updated"),
        ]
        await served.update_task(is_complete=False)
        told = [(event["object_type"], event["action"]) for event in (await events(served))[:2]]
        assert set(told) == {("activity.task_completed", "deleted"), ("task.lead", "updated")}


async def test_an_update_event_has_the_previous_values() -> None:
    async with open_served_sandbox() as served:
        served.clock.advance(hours=1)
        await served.update_task(text="New")
        [event] = await events(served, object_type="task.lead", action="updated")
        assert event["changed_fields"] == ["date_updated", "text"]
        assert event["previous_data"]["text"] == "Renew"
        assert event["date_created"] == "2025-11-05T16:30:00.000000"
        assert event["meta"] == {"request_method": "PUT", "request_path": f"/task/{TASK}/"}


async def test_a_delete_event_has_all_previous_values() -> None:
    async with open_served_sandbox() as served:
        task = await served.get_task()
        await served.client.delete(f"task/{TASK}/")
        [event] = await events(served, object_id=TASK, action="deleted")
        assert (event["data"], event["previous_data"]) == (None, task | {"view": None})
        assert (await served.client.get(f"event/{event['id']}/")).json() == event
        assert (await served.client.get("event/ev_none/")).status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"lead_id": LEAD}, 200),
        ({"user_id": ANA, "object_type": "task.lead"}, 200),
        ({"object_type": "task.lead"}, 400),
        ({"action": "updated"}, 400),
        ({"_cursor": "elsewhere"}, 400),
        ({"lead_id": LEAD, "date_updated__gte": "2025-11-06"}, 200),
    ],
)
async def test_accepts_only_the_documented_combinations_of_filters(query: dict[str, str], status: int) -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get("event/", params=query)).status_code == status


async def test_pages_the_log_in_both_directions_newest_first() -> None:
    async with open_served_sandbox() as served:
        for number in range(5):
            await served.update_task(text=f"{number}")
        first = (await served.client.get("event/?_limit=2")).json()
        second = (await served.client.get("event/", params={"_limit": 2, "_cursor": first["cursor_next"]})).json()
        last = (await served.client.get("event/", params={"_limit": 2, "_cursor": second["cursor_next"]})).json()
        texts = [event["data"]["text"] for page in (first, second, last) for event in page["data"]]
        assert (texts, first["cursor_previous"], last["cursor_next"]) == (["4", "3", "2", "1", "0"], None, None)
        back = (await served.client.get("event/", params={"_limit": 2, "_cursor": last["cursor_previous"]})).json()
        assert back["data"] == second["data"]


async def test_some_events_become_visible_after_the_lag() -> None:
    query = {"object_type": "task.lead", "action": "created"}
    async with open_served_sandbox("event_lag=60") as served:
        for _ in range(3):
            await served.create_task()
            await served.update_task(text="Renew it")
        at_once = [one["id"] for one in await events(served, **query)]
        served.clock.advance(seconds=59)
        assert [one["id"] for one in await events(served, **query)] == at_once
        served.clock.advance(seconds=1)
        later = [one["id"] for one in await events(served, **query)]
        assert {*at_once} < {*later}
        assert len(later) == 3


async def test_events_expire_after_thirty_days() -> None:
    async with open_served_sandbox() as served:
        await served.update_task(text="x")
        served.clock.advance(days=31)
        assert await events(served) == []


async def test_updates_soon_after_each_other_become_one_late_event() -> None:
    async with open_served_sandbox("consolidation=10") as served:
        await create_webhook(served, UPDATED)
        await served.update_task(text="x")
        served.clock.advance(seconds=5)
        await served.update_task(text="y", priority="high")
        [event] = await events(served)
        assert (event["previous_data"]["text"], event["data"]["text"]) == ("Renew", "y")
        assert (event["date_created"][17:19], event["date_updated"][17:19]) == ("00", "05")
        assert served.sandbox.deliveries == ()
        served.clock.advance(seconds=6)
        assert len(served.sandbox.deliveries) == 1
        await served.update_task(text="z")
        assert len(await events(served)) == 2


@pytest.mark.parametrize(
    ("extra", "count"),
    [
        (None, 1),
        (equals("assigned_to", ANA), 1),
        (equals("assigned_to", BEN), 0),
        ({"type": "not", "filter": equals("assigned_to", ANA)}, 0),
        ({"type": "and", "filters": [equals("text", "x"), equals("is_complete", value=False)]}, 1),
        ({"type": "or", "filters": [equals("text", "y"), {"type": "non_null"}]}, 1),
        ({"type": "field_accessor", "field": "lead_id", "filter": {"type": "is_null"}}, 0),
        ({"type": "field_accessor", "field": "action", "filter": {"type": "contains", "value": "pdat"}}, 1),
        ({"type": "field_accessor", "field": "action", "filter": {"type": "not_equals", "value": "x"}}, 1),
        (
            {
                "type": "field_accessor",
                "field": "changed_fields",
                "filter": {"type": "any_array_value", "filter": {"type": "equals", "value": "text"}},
            },
            1,
        ),
    ],
)
async def test_delivers_only_events_that_match_the_extra_filter(extra: object, count: int) -> None:
    async with open_served_sandbox() as served:
        await create_webhook(served, UPDATED | {"extra_filter": extra})
        await served.update_task(text="x")
        assert len(served.sandbox.deliveries) == count


async def test_delivers_nothing_to_a_paused_subscription() -> None:
    async with open_served_sandbox() as served:
        hook = await create_webhook(served, CREATED)
        paused = await served.client.put(f"webhook/{hook['id']}/", json={"status": "paused"})
        assert paused.json()["pause_reason"] == "api"
        await served.create_task()
        assert served.sandbox.deliveries == ()


async def test_subscriptions_are_listed_changed_and_deleted() -> None:
    async with open_served_sandbox() as served:
        hook = await create_webhook(served, CREATED)
        assert len(hook["signature_key"]) == 64
        path = f"webhook/{hook['id']}/"
        assert (await served.client.get(path)).json() == hook
        changed = (await served.client.put(path, json={"events": [UPDATED], "url": "https://example.com/b"})).json()
        assert (changed["url"], changed["events"][0]["action"]) == ("https://example.com/b", "updated")
        assert [row["id"] for row in (await served.client.get("webhook/")).json()["data"]] == [hook["id"]]
        assert (await served.client.delete(path)).status_code == 200
        assert (await served.client.get(path)).status_code == 404


async def test_can_hide_the_key_after_creation() -> None:
    async with open_served_sandbox("signature_key=hidden") as served:
        hook = await create_webhook(served, CREATED)
        assert hook["signature_key"]
        assert "signature_key" not in (await served.client.get(f"webhook/{hook['id']}/")).json()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "https://example.com"},
        HOOK | {"url": "nowhere"},
        HOOK | {"secret": "x"},
        HOOK | {"verify_ssl": "no"},
        HOOK | {"events": "all"},
        HOOK | {"events": [{"object_type": "task.task", "action": "created"}]},
        HOOK | {"events": [{"object_type": "task.lead"}]},
        HOOK | {"events": [CREATED | {"extra_filter": {"type": "maybe"}}]},
        HOOK | {"events": [CREATED | {"extra_filter": {"type": "not", "filter": {"type": "equals"}}}]},
    ],
)
async def test_an_invalid_subscription_is_refused(body: dict[str, Any]) -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.post("webhook/", json=body)).status_code == 400


async def test_refuses_the_forty_first_subscription() -> None:
    async with open_served_sandbox() as served:
        for _ in range(40):
            await create_webhook(served, CREATED)
        assert (await served.client.post("webhook/", json=HOOK)).status_code == 400
