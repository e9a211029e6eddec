"""The tool `apply_plan`."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from taskhand.server.render.write_fields import ManyAnswer
from taskhand.server.tool import Tool, WriteResult
from taskhand.service.call_options import Options

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["APPLY_PLAN"]


class ApplyPlan(Options):
    """The plan to carry out."""

    plan_id: Annotated[str, Field(description="From the answer with the difference")]


async def _run(call: "Call", arguments: ApplyPlan) -> WriteResult:
    from taskhand.service.apply_plan import apply_plan, review_plan

    if call.is_dry or call.asks:
        plan = await review_plan(call, arguments.plan_id)
        if call.is_dry or plan.guard:
            return plan
    return await apply_plan(call, arguments.plan_id)


APPLY_PLAN = Tool(
    name="apply_plan",
    title="Apply a plan",
    description=(
        "Carry out a plan as it was shown: once, within ten minutes, and only if its tasks have not changed since. "
        "Show the person its difference first. If tasks are left, send the same planId again."
    ),
    kind="destroy",
    needs_scope="write",
    arguments=ApplyPlan,
    answer=ManyAnswer,
    run=_run,
    advice=(
        "Deletes and large changes always stop at a plan: show its `difference` to the person, and only after their "
        "yes call apply_plan with the planId."
    ),
    is_called_by_board=True,
)
