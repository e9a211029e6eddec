"""The webhook endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.vambe.served_sandbox import open_served_sandbox

HOOKS = "/api/webhooks"
OLD = {"topic": "message.sent", "url": "https://example.com/in", "secret": "s3cret"}
NEW = {"topics": ["message.sent", "stage.changed"], "url": "https://example.com/in", "active": True}


async def test_creates_updates_deletes_and_restores_a_webhook() -> None:
    async with open_served_sandbox() as served:
        made = await served.client.post(HOOKS, json=OLD)
        assert (made.status_code, made.json()) == (201, {"status": "created", "id": "webhook_1"})
        one = f"{HOOKS}/webhook_1"
        await served.client.put(one, json={"active": False, "topic": "contact.created"})
        shown = (await served.client.get(one)).json()
        assert (shown["active"], shown["topics"]) == (False, ["contact.created"])
        assert (await served.client.delete(one)).status_code == 200
        assert (await served.client.get(one)).status_code == 404
        assert (await served.client.delete(one)).status_code == 404
        assert (await served.client.post(f"{one}/restore")).is_success
        assert (await served.client.get(one)).status_code == 200


async def test_never_sends_a_secret() -> None:
    async with open_served_sandbox() as served:
        await served.client.post(HOOKS, json=OLD)
        for path in (HOOKS, f"{HOOKS}/webhook_1", "/_sandbox/state"):
            assert "s3cret" not in (await served.client.get(path)).text


@pytest.mark.parametrize(("value", "old", "new"), [("any", 201, 201), ("topic", 201, 400), ("topics", 400, 201)])
async def test_the_body_has_a_topic_or_topics(value: str, old: int, new: int) -> None:
    async with open_served_sandbox(f"webhook_body={value}") as served:
        assert (await served.client.post(HOOKS, json=OLD)).status_code == old
        assert (await served.client.post(HOOKS, json=NEW)).status_code == new


@pytest.mark.parametrize(
    ("value", "has", "lacks"),
    [
        ("new", "ticket.created", "task.updated"),
        ("old", "ticket.opened", "ticket.created"),
        ("tasks", "task.completed", "ticket.opened"),
    ],
)
async def test_topics_depend_on_the_spec_variant(value: str, has: str, lacks: str) -> None:
    async with open_served_sandbox(f"topics={value}") as served:
        topics = (await served.client.get(f"{HOOKS}/topics")).json()
        assert has in topics
        assert lacks not in topics
        assert (await served.client.post(HOOKS, json=OLD | {"topic": has})).status_code == 201
        assert (await served.client.post(HOOKS, json=OLD | {"topic": lacks})).status_code == 400


@pytest.mark.parametrize(("value", "count"), [("listed", 1), ("hidden", 0)])
async def test_lists_or_hides_deleted_webhooks(value: str, count: int) -> None:
    async with open_served_sandbox(f"deleted_webhooks={value}") as served:
        await served.client.post(HOOKS, json=OLD)
        await served.client.delete(f"{HOOKS}/webhook_1")
        assert len((await served.client.get(HOOKS)).json()) == count


@pytest.mark.parametrize("body", [{}, {"topic": "message.sent"}, OLD | {"url": 5}, NEW | {"topics": "nothing"}])
async def test_an_invalid_webhook_is_refused(body: dict[str, Any]) -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.post(HOOKS, json=body)).status_code == 400
        assert (await served.client.get(HOOKS)).json() == []


async def test_a_webhook_has_no_deliveries_at_first() -> None:
    async with open_served_sandbox() as served:
        assert (await served.client.get(f"{HOOKS}/calls")).json() == []
        assert (await served.client.get(f"{HOOKS}/webhook_9")).status_code == 404
