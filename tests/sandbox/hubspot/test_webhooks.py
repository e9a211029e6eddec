"""Webhooks: events, signatures and retries."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sandbox.hubspot.served_sandbox import ACME, TASK, TASKS, ServedSandbox, open_served_sandbox
from taskhand.sandbox.hubspot import signature
from taskhand.sandbox.hubspot.sandbox import CLIENT_SECRET

URL = "https://www.example.com/webhook_uri"
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"  # noqa: S105  # of the documented sample
SAMPLE = (
    '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
    '"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
    '"changeFlag":"NEW","appId":54321}]'
)


class Target:
    """An app that stores its deliveries and answers with the given statuses in turn."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.got: list[tuple[dict[str, str], list[dict[str, Any]]]] = []

    async def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int:
        timestamp = headers["X-HubSpot-Request-Timestamp"]
        assert headers["X-HubSpot-Signature-v3"] == signature.v3(CLIENT_SECRET, "POST", url, body.decode(), timestamp)
        self.got.append((headers, json.loads(body)))
        status = self.answers.pop(0) if self.answers else 200
        if not status:
            raise ConnectionRefusedError
        return status


def listening(served: ServedSandbox) -> None:
    served.sandbox.hooks.url = URL
    for event_type in ("object.creation", "object.deletion", "object.associationChange"):
        served.sandbox.hooks.subscribe(event_type)
    served.sandbox.hooks.subscribe("object.propertyChange", "hs_task_status")


def test_computes_the_documented_signatures() -> None:
    assert signature.v1(SECRET, SAMPLE) == "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
    expected = "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"
    assert signature.v2(SECRET, "GET", URL, "") == expected
    body = '[{"eventId":1,"objectId":42,"objectTypeId":"0-27"}]'
    assert signature.v3(SECRET, "POST", URL, body, "1788597072520") == "/Row5Eb3XZ8LrSMdWedXYDAObKMv+6dCnTGEu8ARKYU="


def test_decodes_only_the_documented_escapes_of_a_uri() -> None:
    escaped, plain = f"{URL}?a=%40b%2c&c=%20%26", f"{URL}?a=@b,&c=%20%26"
    assert signature.v3(SECRET, "POST", escaped, "", "1") == signature.v3(SECRET, "POST", plain, "", "1")
    assert len(base64.b64decode(signature.v3(SECRET, "POST", URL, "", "1"))) == 32


def test_the_clients_own_check_accepts_the_signature() -> None:
    vendor = pytest.importorskip("hubspot.utils.signature", reason="hubspot-api-client is not installed").Signature
    for version, ours in (
        ("v1", signature.v1(SECRET, SAMPLE)),
        ("v2", signature.v2(SECRET, "POST", URL, SAMPLE)),
        ("v3", signature.v3(SECRET, "POST", URL, SAMPLE, "1788597072520")),
    ):
        assert vendor.get_signature(SECRET, SAMPLE, version, URL, "POST", "1788597072520") == ours


async def test_events_have_the_source_of_the_write() -> None:
    async with open_served_sandbox() as served:
        listening(served)
        made = await served.create_task()
        await served.update_task(hs_task_status="WAITING", hs_task_subject="x")
        served.sandbox.edit(TASK, hs_task_status="COMPLETED")
        await served.send("PUT", f"/crm/v4/objects/tasks/{TASK}/associations/default/companies/{ACME}")
        await served.client.delete(f"{TASKS}/{TASK}")
        target = Target()
        await served.sandbox.deliver(target)
        [(headers, events)] = target.got
        told = [(event["subscriptionType"], event.get("changeFlag"), event.get("propertyValue")) for event in events]
        assert told == [
            ("object.creation", "CREATED", None),
            ("object.propertyChange", None, "WAITING"),
            ("object.propertyChange", None, "COMPLETED"),
            ("object.associationChange", None, None),
            ("object.deletion", "DELETED", None),
        ]
        assert (events[0]["objectId"], events[0]["objectTypeId"]) == (int(made["id"]), "0-27")
        assert [event["changeSource"] for event in events[:3]] == ["INTEGRATION", "INTEGRATION", "CRM_UI"]
        assert headers["X-HubSpot-Signature-Version"] == "v1"
        assert await served.sandbox.deliver(target) == ()


async def test_a_paused_subscription_delivers_nothing() -> None:
    async with open_served_sandbox() as served:
        listening(served)
        hooks = served.sandbox.hooks
        hooks.subscriptions[:] = [one._replace(active=False) for one in hooks.subscriptions]
        await served.create_task()
        assert await served.sandbox.deliver(Target()) == ()


@pytest.mark.parametrize("answer", [500, 404, 0])
async def test_retries_a_failed_delivery_with_a_new_signature(answer: int) -> None:
    async with open_served_sandbox() as served:
        listening(served)
        await served.create_task()
        target = Target(answer)
        await served.sandbox.deliver(target)
        assert await served.sandbox.deliver(target) == ()
        served.clock.advance(86_400)
        await served.sandbox.deliver(target)
        assert [events[0]["attemptNumber"] for _, events in target.got] == [0, 1]
        assert target.got[0][0]["X-HubSpot-Request-Timestamp"] != target.got[1][0]["X-HubSpot-Request-Timestamp"]
        assert target.got[0][1][0]["eventId"] == target.got[1][1][0]["eventId"]


async def test_gives_up_after_ten_retries() -> None:
    async with open_served_sandbox() as served:
        listening(served)
        await served.create_task()
        target = Target(*[500] * 20)
        for _ in range(15):
            await served.sandbox.deliver(target)
            served.clock.advance(86_400)
        assert len(target.got) == 11


async def test_delivers_at_most_a_hundred_events_at_once() -> None:
    async with open_served_sandbox("burst=0") as served:
        listening(served)
        rows = [{"properties": {"hs_timestamp": "2026-12-01"}} for _ in range(100)]
        await served.batch("create", *rows)
        await served.batch("create", *rows[:20])
        target = Target()
        await served.sandbox.deliver(target)
        assert [len(events) for _, events in target.got] == [100, 20]


async def test_keeps_no_events_without_a_target() -> None:
    async with open_served_sandbox() as served:
        served.sandbox.hooks.subscribe("object.creation")
        await served.create_task()
        assert await served.sandbox.deliver(Target()) == ()


@pytest.mark.parametrize(("event_type", "name"), [("task.propertyChange", "x"), ("object.propertyChange", None)])
async def test_refuses_an_invalid_subscription(event_type: str, name: str | None) -> None:
    async with open_served_sandbox() as served:
        with pytest.raises(ValueError, match=r"object\.propertyChange"):
            served.sandbox.hooks.subscribe(event_type, name)
