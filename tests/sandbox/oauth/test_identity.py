"""Whose requests they are: by what the CRM shows, and by the request log."""

from __future__ import annotations

from typing import Any

from sandbox.close.served_sandbox import ANA, BEN, DRAFT
from sandbox.hubspot.served_sandbox import DRAFT as PROPERTIES
from sandbox.hubspot.served_sandbox import TASK
from sandbox.oauth.served_sandbox import Signing, open_signing
from sandbox.vambe import served_sandbox as vambe
from taskhand.sandbox.faults import Fault


async def as_user(flow: Signing, user: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    token = flow.sandbox.authorization.sign_in(user, flow.clock())["access_token"]
    answer = await flow.client.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code < 300, answer.text
    return dict(answer.json())


async def test_close_attributes_the_writes_of_a_token_to_its_user() -> None:
    async with open_signing("close") as flow:
        assert (await as_user(flow, BEN, "GET", "/api/v1/me/"))["id"] == BEN
        made = await as_user(flow, BEN, "POST", "/api/v1/task/", DRAFT)
        assert (made["created_by"], made["updated_by"], made["assigned_to"]) == (BEN, BEN, BEN)
        done = await as_user(flow, ANA, "PUT", f"/api/v1/task/{made['id']}/", {"is_complete": True})
        assert (done["created_by"], done["updated_by"]) == (BEN, ANA)
        note = {"lead_id": DRAFT["lead_id"], "note": "Called"}
        assert (await as_user(flow, BEN, "POST", "/api/v1/activity/note/", note))["user_id"] == BEN
        [completion] = (await as_user(flow, BEN, "GET", "/api/v1/activity/task_completed/"))["data"]
        assert completion["user_id"] == ANA
        events = (await as_user(flow, ANA, "GET", "/api/v1/event/"))["data"]
        assert {one["user_id"] for one in events if one["object_type"] == "task.lead"} == {ANA, BEN}


async def test_hubspot_shows_the_user_who_signed_in_or_the_app_only() -> None:
    names = "properties=hs_created_by_user_id,hs_object_source"
    for reading, user in (("oauth_author=user", "12"), ("oauth_author=app", None)):
        async with open_signing("hubspot", reading) as flow:
            made = await as_user(flow, "12", "POST", flow.crm.tasks, {"properties": PROPERTIES})
            seen = (await as_user(flow, "11", "GET", f"{flow.crm.tasks}/{made['id']}?{names}"))["properties"]
            assert (seen["hs_created_by_user_id"], seen["hs_object_source"]) == (user, "INTEGRATION")
            change = {"properties": {"hs_task_subject": "Otra"}}
            await as_user(flow, "11", "PATCH", f"{flow.crm.tasks}/{TASK}", change)
            history = f"{flow.crm.tasks}/{TASK}?propertiesWithHistory=hs_task_subject"
            last = (await as_user(flow, "12", "GET", history))["propertiesWithHistory"]["hs_task_subject"][0]
            assert (last["sourceType"], last.get("updatedByUserId")) == ("INTEGRATION", 11 if user else None)


async def test_the_log_says_whose_credential_each_request_bore_and_never_the_credential(crm: str) -> None:
    async with open_signing(crm, "oauth_access_life=60") as flow:
        ana, ben = await flow.sign_in(), await flow.sign_in(flow.crm.ben)
        await flow.refresh(ben["refresh_token"])
        flow.sandbox.clear_requests()
        flow.sandbox.faults = [Fault("reset_before", f"GET {flow.crm.tasks.rstrip('/')}", nth=99)]
        await flow.read_tasks(ana["access_token"])
        await flow.read_tasks(ben["access_token"])
        flow.clock.advance(seconds=60)
        await flow.read_tasks(ben["access_token"])
        await flow.read_tasks("made-up")
        await flow.client.get(flow.crm.tasks)
        await flow.read_tasks(flow.sandbox.token)
        await flow.refresh(ben["refresh_token"])
        await flow.refresh("made-up")
        seen = (await flow.client.get("/_sandbox/requests")).json()
        own = {"close": ("access_token", ANA), "hubspot": ("private_app", "98499705")}[crm]
        assert [(one["credential"], one["user"], one["status"]) for one in seen] == [
            ("oauth", flow.crm.ana, 200),
            ("oauth", flow.crm.ben, 200),
            ("oauth", flow.crm.ben, 401),
            ("unknown", None, 401),
            (None, None, 401),
            (*own, 200),
            ("refresh_token", flow.crm.ben, 200 if crm == "hubspot" else 400),
            ("unknown", None, 400),
        ]


async def test_no_code_token_or_secret_is_in_the_log_or_the_state(crm: str) -> None:
    async with open_signing(crm) as flow:
        code = (await flow.sent_back())["code"]
        body = (await flow.exchange(code)).json()
        await flow.refresh(body["refresh_token"])
        await flow.client.get(flow.crm.tasks, params={"token": body["access_token"]})
        await flow.read_tasks(body["access_token"])
        [_, exchange, *_] = flow.sandbox.requests
        assert (exchange.credential, exchange.user) == ("code", flow.crm.ana)
        assert (exchange.body["grant_type"], exchange.body["code"], exchange.committed) == (
            "authorization_code",
            "***",
            False,
        )
        text = "".join([(await flow.client.get(f"/_sandbox/{name}")).text for name in ("requests", "state", "grants")])
        secret = flow.sandbox.authorization.app.client_secret
        for hidden in (code, body["access_token"], body["refresh_token"], secret):
            assert hidden not in text
        assert secret not in repr(flow.sandbox.authorization.app)


async def test_the_log_names_the_kind_of_a_key() -> None:
    async with open_signing("close") as flow:
        await flow.client.get(flow.crm.tasks, auth=(flow.sandbox.key, ""))
        await flow.client.get(flow.crm.tasks, auth=("wrong", ""))
        assert [(one.credential, one.user) for one in flow.sandbox.requests] == [("api_key", ANA), ("unknown", None)]
    async with vambe.open_served_sandbox() as served:
        await served.client.get(vambe.MEMBERS)
        await served.client.get(vambe.MEMBERS, headers={"x-api-key": "wrong"})
        served.client.headers.pop("x-api-key")
        await served.client.get(vambe.MEMBERS)
        seen = [(one.credential, one.user) for one in served.sandbox.requests]
        assert seen == [("organization_key", None), ("unknown", None), (None, None)]
