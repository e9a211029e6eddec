"""The changes that need approval: they stop at a plan, and need apply_plan or a person's yes."""

from collections.abc import Sequence

from taskhand.journal.journal import Change, Intent
from taskhand.service.app_context import AppContext
from taskhand.service.write_call import Call

__all__ = ["reason_to_confirm", "undoes_own_creation"]


def reason_to_confirm(app: AppContext, intents: Sequence[Intent], *, by_filter: bool = False) -> str | None:
    """Why this change needs approval, as the subject of "... stops at a plan"; None if it does not.

    `by_filter` is whether the tasks were found by a filter.
    """
    deletions = sum(intent.verb == "delete" for intent in intents)
    if deletions:
        return "Deleting a task" if deletions == 1 else f"Deleting {deletions} tasks"
    if by_filter:
        return "A change by filter"
    if len(intents) > app.policy.plan_over:
        return f"A change of more than {app.policy.plan_over} tasks"
    return None


def undoes_own_creation(call: Call, change: Change, intents: Sequence[Intent]) -> bool:
    """Whether an undo needs no approval because it deletes only a few tasks that this client created here a moment ago.

    A rule that requires a second person for every deletion applies here too.
    """
    policy = call.app.policy
    return (
        not call.app.principal.rules.second_person
        and all(intent.verb == "create" for intent in change.intents)
        and change.opening.undoes is None  # a task that was made again is as old as the deleted one
        and len(intents) <= policy.plan_over
        and change.opening.caller.key == call.caller.key
        and change.session == call.app.journal.session
        and call.app.clock() - change.opening.at <= policy.plan_for
    )
