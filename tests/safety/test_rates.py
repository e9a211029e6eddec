"""The cost of bulk changes: the time that the rate limit requires, or very few requests."""

from collections import Counter

import pytest
from mcp import Client

from backends.slow_transport import NetworkTime, SlowTransport
from backends.vambe import sandboxed_app as on_vambe
from safety.account import Agent, observe_call, open_crm
from safety.crms import CRMS, SandboxedCrm
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant
from taskhand.server.app import create_server

RATE, TASKS = 10, 100
MANY = 300
ANA = {"responsibleIds": ["Ana Soto"]}


async def test_a_hundred_changes_at_vambe_take_no_longer_than_the_rate_asks_for_and_are_never_refused() -> None:
    time = NetworkTime()
    sandbox = on_vambe.vambe(TASKS, clock=time.moment, spec_variant=SpecVariant(per_second=RATE))
    way = SlowTransport(time, latency_s=0.25)
    async with (
        serve_sandbox(sandbox) as url,
        on_vambe.sandboxed_app(url, time, transport=way, vambe_rate=RATE) as app,
        Client(create_server(app)) as client,
    ):
        agent = Agent(client)
        ids = [on_vambe.task_id(number) for number in range(1, TASKS + 1)]
        plan = await agent("bulk_update_tasks", taskIds=ids, changes=ANA)
        began = time.now = time.now + 2
        sandbox.clear_requests()
        answer = await agent("apply_plan", planId=plan["planId"])
        took_s = time.now - began
    assert answer["totals"] == {"applied": TASKS}
    assert {request.status for request in sandbox.requests} == {200}
    assert took_s <= len(sandbox.requests) / RATE / 0.95


@pytest.mark.parametrize("crm", [crm for crm in CRMS if crm.bulk_costs], ids=str)
async def test_a_bulk_change_sends_few_requests(crm: SandboxedCrm) -> None:
    async with open_crm(crm, tasks=MANY) as served:
        plan = await observe_call(served, "bulk_update_tasks", {"taskIds": list(served.ids), "changes": ANA})
        assert plan.answer is not None
        done = await observe_call(served, "apply_plan", {"planId": plan.answer["planId"]})
    assert done.answer is not None
    assert done.answer["totals"] == {"applied": MANY}
    assert (Counter(one.route for one in plan.log), Counter(one.route for one in done.log)) == crm.bulk_costs
