"""The rate limits: the header of every answer, and the 429."""

from __future__ import annotations

import pytest

from sandbox.close.served_sandbox import open_served_sandbox
from taskhand.sandbox.faults import Fault

ENFORCED = ("rates=enforced", "rate_limit=2", "rate_window=5")


async def test_every_answer_has_the_remaining_requests() -> None:
    async with open_served_sandbox() as served:
        for path in ("me/", "task/none/", "nothing/"):
            assert (await served.client.get(path)).headers["ratelimit"] == "limit=320, remaining=319, reset=8"


async def test_refuses_requests_until_the_next_window() -> None:
    async with open_served_sandbox(*ENFORCED) as served:
        left = [(await served.client.get("me/")).headers["ratelimit"] for _ in range(2)]
        assert left == ["limit=2, remaining=1, reset=5", "limit=2, remaining=0, reset=5"]
        served.clock.advance(seconds=1.5)
        refused = await served.client.get("me/")
        assert (refused.status_code, refused.headers["ratelimit"]) == (429, "limit=2, remaining=0, reset=3.5")
        assert refused.headers["retry-after"] == "4"
        assert (await served.client.get("user/")).status_code == 200
        served.clock.advance(seconds=3.5)
        assert (await served.client.get("me/")).status_code == 200


async def test_a_hidden_limit_refuses_although_requests_remain() -> None:
    async with open_served_sandbox("throttle=2") as served:
        statuses = [(await served.client.get("me/")).status_code for _ in range(4)]
        assert statuses == [200, 429, 200, 429]
        await served.client.get("me/")
        refused = await served.client.get("me/")
        assert refused.headers["ratelimit"] == "limit=320, remaining=319, reset=8"


async def test_can_omit_the_rate_limit_headers() -> None:
    async with open_served_sandbox("rates=hidden", "throttle=2") as served:
        assert "ratelimit" not in (await served.client.get("me/")).headers
        refused = await served.client.get("me/")
        assert not {"ratelimit", "retry-after"} & set(refused.headers)


@pytest.mark.parametrize(("value", "key"), [("error", "error"), ("old", "rate_reset")])
async def test_the_body_of_a_429_may_be_new_or_old(value: str, key: str) -> None:
    async with open_served_sandbox(f"rate_body={value}", "throttle=1") as served:
        assert key in (await served.client.get("me/")).json()


async def test_the_body_of_a_429_may_be_empty() -> None:
    async with open_served_sandbox("rate_body=empty", "throttle=1") as served:
        assert (await served.client.get("me/")).text == ""


@pytest.mark.parametrize(("after", "shown"), [(None, ["8"]), (3, ["3"])])
async def test_a_scripted_429_has_one_retry_after(after: int | None, shown: list[str]) -> None:
    async with open_served_sandbox(faults=[Fault("status", status=429, retry_after=after)]) as served:
        answer = await served.client.get("me/")
        assert (answer.status_code, answer.headers.get_list("retry-after")) == (429, shown)
        assert answer.headers["ratelimit"] == "limit=320, remaining=0, reset=8"


@pytest.mark.parametrize(("status", "text"), [(500, '{"error":"Internal Server Error"}'), (502, ""), (504, "")])
async def test_a_scripted_failure_has_closes_error_body(status: int, text: str) -> None:
    async with open_served_sandbox(faults=[Fault("status", "PUT /api/v1/task/{id}", status=status)]) as served:
        answer = await served.client.put("task/x/", json={})
        assert (answer.status_code, answer.text) == (status, text)
