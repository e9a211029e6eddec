"""Check who may apply a plan, by the caller's scopes and the rules of the policy."""

from taskhand.domain.errors import NotAllowed
from taskhand.journal.journal import Change
from taskhand.service.app_context import AppContext
from taskhand.service.approval_rules import reason_to_confirm
from taskhand.service.visible_changes import is_for_second_person, is_visible

__all__ = ["check_may_apply", "find_guard", "loses_by_plan", "loses_by_undo", "reason_not_to_apply"]


def check_may_apply(app: AppContext, plan: Change) -> None:
    """NotAllowed if this caller, who can see the plan, may not apply it."""
    is_own = plan.opening.plan_id is None and not is_for_second_person(app, plan)
    guard, for_others = find_guard(app, plan), plan.opening.second_person
    if (refusal := reason_not_to_apply(app, plan.id, guard, is_own=is_own, for_others=for_others)) is not None:
        raise refusal
    app.principal.rules.check_number(len(plan.intents))


def find_guard(app: AppContext, plan: Change) -> str | None:
    """The reason why a plan needs approval, as in `reason_to_confirm`; None if it needs none."""
    return reason_to_confirm(app, plan.intents, by_filter=plan.opening.by_filter)


def reason_not_to_apply(
    app: AppContext, plan_id: str, guard: str | None, *, is_own: bool = True, for_others: bool = True
) -> NotAllowed | None:
    """The reason why this caller may not apply a plan that needs approval for `guard`; None if it may.

    `is_own` is whether the caller made it. `for_others` is whether others can see it: false if the rule is newer.
    """
    if guard is None:
        return None
    try:
        app.principal.check_may_lose(guard)
    except NotAllowed as error:
        return error
    if is_own and app.principal.rules.second_person:
        return NotAllowed(
            f"{guard} has to be applied by another person than the one who planned it.",
            next_step=f"Ask another person to look at the plan and to call apply_plan with planId {plan_id}."
            if for_others
            else "Make the plan again: this one is older than that rule, and nobody else can see it.",
            details={"rule": "second_person"} | ({"planId": plan_id} if for_others else {}),
        )
    return None


async def loses_by_plan(app: AppContext, plan_id: str) -> bool:
    """Whether a plan that the caller can see needs the scope for deletions; False for any other id."""
    plan = await app.journal.find(plan_id)
    if plan is None or not (is_visible(app, plan) or is_for_second_person(app, plan)):
        return False
    return find_guard(app, plan) is not None


async def loses_by_undo(app: AppContext, change_id: str) -> bool:
    """Whether the undo of a change that the caller can see deletes tasks; False for any other id."""
    change = await app.journal.find(change_id)
    if change is None or not is_visible(app, change):
        return False
    applied = [index for index, result in change.results.items() if result.outcome == "applied"]
    return any(change.intents[index].verb == "create" for index in applied)
