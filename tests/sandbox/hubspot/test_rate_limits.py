"""Rate limits, token and scopes."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.hubspot.served_sandbox import SEARCH, TASK, TASKS, open_served_sandbox
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox

PATH = f"{TASKS}/{TASK}"


async def test_the_ten_second_limit_is_a_sliding_window() -> None:
    async with open_served_sandbox("burst=3") as served:
        for left in ("2", "1", "0"):
            answer = await served.client.get(PATH)
            assert answer.headers["x-hubspot-ratelimit-remaining"] == left
            served.clock.advance(1)
        over = await served.client.get(PATH)
        assert over.status_code == 429
        assert over.json() == {
            "status": "error",
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": over.headers["x-hubspot-correlation-id"],
            "policyName": "TEN_SECONDLY_ROLLING",
        }
        assert "retry-after" not in over.headers
        served.clock.advance(7)
        assert (await served.client.get(PATH)).status_code == 200


async def test_headers_have_the_remaining_requests() -> None:
    async with open_served_sandbox() as served:
        headers = (await served.client.get(PATH)).headers
        names = ("max", "remaining", "interval-milliseconds", "daily", "daily-remaining")
        assert [headers[f"x-hubspot-ratelimit-{name}"] for name in names] == ["100", "99", "10000", "250000", "249999"]
    async with open_served_sandbox("app=oauth", "daily=1") as served:
        await served.client.get(PATH)
        again = await served.client.get(PATH)
        assert (again.status_code, "x-hubspot-ratelimit-daily" in again.headers) == (200, False)


async def test_searches_have_a_limit_of_their_own_and_no_headers() -> None:
    async with open_served_sandbox("searches=5", "burst=1") as served:
        answers = [await served.client.post(SEARCH, json={}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert (answers[5].json()["policyName"], answers[5].json()["message"]) == (
            "SECONDLY",
            "You have reached your secondly limit.",
        )
        assert not [name for answer in answers for name in answer.headers if "ratelimit" in name]
        assert (await served.client.get(PATH)).status_code == 200
        served.clock.advance(1)
        assert (await served.client.post(SEARCH, json={})).status_code == 200


async def test_the_daily_limit_resets_at_the_accounts_midnight() -> None:
    async with open_served_sandbox("daily=1") as served:
        await served.client.get(PATH)
        over = await served.client.get(PATH)
        assert (over.status_code, over.json()["policyName"], "requestId" in over.json()) == (429, "DAILY", True)
        served.clock.advance(12 * 3600)  # 23:00 in Santiago
        assert (await served.client.get(PATH)).status_code == 429
        served.clock.advance(3600)
        assert (await served.client.get(PATH)).status_code == 200


@pytest.mark.parametrize(("policy", "after"), [("SECONDLY", "1"), ("TEN_SECONDLY_ROLLING", "10"), ("DAILY", "3600")])
async def test_a_scripted_429_has_the_body_of_a_policy(policy: str, after: str) -> None:
    spec_variants = (f"limit_policy={policy}", "retry_after=sent")
    async with open_served_sandbox(
        *spec_variants, faults=[Fault("status", f"PATCH {TASKS}/{{id}}", status=429)]
    ) as served:
        answer = await served.client.patch(PATH, json={"properties": {}})
        assert (answer.json()["policyName"], answer.headers["retry-after"]) == (policy, after)
        assert (await served.client.patch(PATH, json={"properties": {}})).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"authorization": ""}, {"authorization": "Bearer x"}, {"authorization": "Basic x"}]
)
async def test_refuses_a_request_without_the_token(headers: dict[str, str]) -> None:
    async with open_served_sandbox() as served:
        answer = await served.client.get(PATH, headers=headers)
        assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
        assert answer.json()["message"].startswith("Authentication credentials not found. This API supports OAuth 2.0")


async def test_a_token_may_be_answered_as_expired() -> None:
    async with open_served_sandbox("credentials=expired") as served:
        body = (await served.client.get(PATH)).json()
        assert (body["category"], body["context"]) == (
            "EXPIRED_AUTHENTICATION",
            {"expire time": ["2026-11-20T13:58:45Z"]},
        )
        assert body["message"] == "The OAuth token used to make this call expired 75 second(s) ago."
    async with open_served_sandbox("unknown_credentials=expired") as served:
        answer = await served.client.get(PATH, headers={"authorization": "Bearer nonsense"})
        assert "20543 day(s) ago" in answer.json()["message"]


@pytest.mark.parametrize("key", ["requiredGranularScopes", "requiredScopes"])
async def test_a_missing_scope_is_named(key: str) -> None:
    scopes = ["crm.objects.contacts.read"]
    async with open_served_sandbox(f"scope_key={key}", scopes=scopes) as served:
        assert (await served.client.get(PATH)).status_code == 200
        status, body = await served.send("PATCH", PATH, {"properties": {}})
        assert (status, body["category"]) == (403, "MISSING_SCOPES")
        assert body["errors"][0]["context"] == {key: ["crm.objects.contacts.write"]}
        assert body["links"] == {"scopes": "https://developers.hubspot.com/scopes"}
        assert (await served.client.get("/crm/v3/owners")).status_code == 403


async def test_answers_the_tokens_info_and_does_not_log_the_token() -> None:
    async with open_served_sandbox(scopes=["oauth"]) as served:
        path = "/oauth/v2/private-apps/get/access-token-info"
        status, info = await served.send("POST", path, {"tokenKey": served.sandbox.token})
        assert (status, info["scopes"], set(info)) == (200, ["oauth"], {"userId", "hubId", "appId", "scopes"})
        assert served.sandbox.requests[0].body == {"tokenKey": "***"}
        assert served.sandbox.token not in (await served.client.get("/_sandbox/requests")).text
        assert (await served.send("POST", path, {"tokenKey": "x"}))[0] == 401
        assert (await served.send("POST", path, {}))[0] == 400


async def test_answers_the_accounts_time_zone_and_usage() -> None:
    async with open_served_sandbox() as served:
        details = await served.get("/account-info/v3/details")
        assert (details["timeZone"], details["utcOffset"]) == ("America/Santiago", "-03:00")
        assert details["utcOffsetMilliseconds"] == -10_800_000
        [row] = (await served.get("/account-info/v3/api-usage/daily/private-apps"))["results"]
        assert (row["usageLimit"], row["currentUsage"], row["resetsAt"]) == (250_000, 2, "2026-11-21T03:00:00Z")


async def test_the_default_clock_stays_below_every_limit() -> None:
    async with open_served_sandbox(clock=None, seed="demo") as served:
        for _ in range(150):
            assert (await served.client.get(TASKS)).status_code == 200


@pytest.mark.parametrize("status", [423, 502, 503, 504, 524])
async def test_a_scripted_status_comes_before_or_after_the_work(status: int) -> None:
    change: dict[str, Any] = {"properties": {"hs_task_subject": "x"}}
    for commit, text in ((False, "Revisar contrato"), (True, "x")):
        fault = Fault("status", f"PATCH {TASKS}/{{id}}", status=status, commit=commit)
        async with open_served_sandbox(faults=[fault]) as served:
            answer = await served.client.patch("/crm/objects/2026-03/tasks/" + TASK, json=change)
            assert (answer.status_code, answer.json()["status"]) == (status, "error")
            assert (await served.get_task("hs_task_subject"))["hs_task_subject"] == text
            assert served.sandbox.requests[0].committed is commit


async def test_a_stale_list_misses_the_last_write() -> None:
    async with open_served_sandbox(
        faults=[Fault("stale_list", f"GET {TASKS}"), Fault("stale_list", f"POST {SEARCH}")]
    ) as served:
        await served.create_task()
        assert len((await served.get(TASKS))["results"]) == 2
        assert len((await served.get(TASKS))["results"]) == 3
        served.clock.advance(9)
        assert len(await served.search()) == 2
        assert len(await served.search()) == 3


def test_a_fault_on_no_route_is_refused() -> None:
    with pytest.raises(ValueError, match="no route"):
        HubSpotSandbox(faults=[Fault("slow", "GET /nowhere")])
