"""The webhook endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.vambe.stage import open_stage

HOOKS = "/api/webhooks"
OLD = {"topic": "message.sent", "url": "https://example.com/in", "secret": "s3cret"}
NEW = {"topics": ["message.sent", "stage.changed"], "url": "https://example.com/in", "active": True}


async def test_creates_updates_deletes_and_restores_a_webhook() -> None:
    async with open_stage() as stage:
        made = await stage.client.post(HOOKS, json=OLD)
        assert (made.status_code, made.json()) == (201, {"status": "created", "id": "webhook_1"})
        one = f"{HOOKS}/webhook_1"
        await stage.client.put(one, json={"active": False, "topic": "contact.created"})
        shown = (await stage.client.get(one)).json()
        assert (shown["active"], shown["topics"]) == (False, ["contact.created"])
        assert (await stage.client.delete(one)).status_code == 200
        assert (await stage.client.get(one)).status_code == 404
        assert (await stage.client.delete(one)).status_code == 404
        assert (await stage.client.post(f"{one}/restore")).is_success
        assert (await stage.client.get(one)).status_code == 200


async def test_never_sends_a_secret() -> None:
    async with open_stage() as stage:
        await stage.client.post(HOOKS, json=OLD)
        for path in (HOOKS, f"{HOOKS}/webhook_1", "/_sandbox/state"):
            assert "s3cret" not in (await stage.client.get(path)).text


@pytest.mark.parametrize(("value", "old", "new"), [("any", 201, 201), ("topic", 201, 400), ("topics", 400, 201)])
async def test_the_body_has_a_topic_or_topics(value: str, old: int, new: int) -> None:
    async with open_stage(f"webhook_body={value}") as stage:
        assert (await stage.client.post(HOOKS, json=OLD)).status_code == old
        assert (await stage.client.post(HOOKS, json=NEW)).status_code == new


@pytest.mark.parametrize(
    ("value", "has", "lacks"),
    [
        ("new", "ticket.created", "task.updated"),
        ("old", "ticket.opened", "ticket.created"),
        ("tasks", "task.completed", "ticket.opened"),
    ],
)
async def test_topics_depend_on_the_spec_variant(value: str, has: str, lacks: str) -> None:
    async with open_stage(f"topics={value}") as stage:
        topics = (await stage.client.get(f"{HOOKS}/topics")).json()
        assert has in topics
        assert lacks not in topics
        assert (await stage.client.post(HOOKS, json=OLD | {"topic": has})).status_code == 201
        assert (await stage.client.post(HOOKS, json=OLD | {"topic": lacks})).status_code == 400


@pytest.mark.parametrize(("value", "count"), [("listed", 1), ("hidden", 0)])
async def test_lists_or_hides_deleted_webhooks(value: str, count: int) -> None:
    async with open_stage(f"deleted_webhooks={value}") as stage:
        await stage.client.post(HOOKS, json=OLD)
        await stage.client.delete(f"{HOOKS}/webhook_1")
        assert len((await stage.client.get(HOOKS)).json()) == count


@pytest.mark.parametrize("body", [{}, {"topic": "message.sent"}, OLD | {"url": 5}, NEW | {"topics": "nothing"}])
async def test_an_invalid_webhook_is_refused(body: dict[str, Any]) -> None:
    async with open_stage() as stage:
        assert (await stage.client.post(HOOKS, json=body)).status_code == 400
        assert (await stage.client.get(HOOKS)).json() == []


async def test_a_webhook_has_no_deliveries_at_first() -> None:
    async with open_stage() as stage:
        assert (await stage.client.get(f"{HOOKS}/calls")).json() == []
        assert (await stage.client.get(f"{HOOKS}/webhook_9")).status_code == 404
