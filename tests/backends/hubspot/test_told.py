"""What HubSpot says in a body is heard at the door: which scope is missing, which limit is used up."""

import pytest

from backends.hubspot.wired import Time, hubspot, seed, staged, task_id
from taskhand.domain.errors import OperatorError, RateLimited
from taskhand.sandbox.faults import Fault

OPEN = ("burst=0", "searches=0")


@pytest.mark.parametrize("key", ["requiredGranularScopes", "requiredScopes"])
async def test_a_missing_scope_is_named(key: str) -> None:
    time = Time()
    spec_variant = (*OPEN, "missing_scopes=crm.objects.contacts.read", f"scope_key={key}")
    async with staged(hubspot(time, spec_variant=spec_variant), time) as stage:
        with pytest.raises(OperatorError, match=r"lacks the scope crm\.objects\.contacts\.read\.") as refused:
            await stage.backend.get_task(task_id(1))
        assert refused.value.code == "forbidden"
        assert "HUBSPOT_ACCESS_TOKEN" in str(refused.value.next_step)


async def test_the_daily_limit_is_named_and_not_waited_for() -> None:
    time = Time()
    fault = Fault("status", status=429, nth="every")
    async with staged(hubspot(time, spec_variant=(*OPEN, "limit_policy=DAILY"), faults=(fault,)), time) as stage:
        with pytest.raises(RateLimited, match="daily limit") as refused:
            await stage.backend.get_task(task_id(1))
        assert refused.value.retry_after_s == 3600
        assert time.slept == []


@pytest.mark.parametrize(("policy", "seconds"), [("SECONDLY", 1.0), ("TEN_SECONDLY_ROLLING", 10.0)])
async def test_a_short_limit_is_waited_out_as_long_as_it_lasts(policy: str, seconds: float) -> None:
    time = Time()
    fault = Fault("status", status=429)
    world = hubspot(time, seed(1), spec_variant=(*OPEN, f"limit_policy={policy}"), faults=(fault,))
    async with staged(world, time) as stage:
        assert (await stage.backend.get_task(task_id(1))).id == task_id(1)
        assert sum(time.slept) == seconds
