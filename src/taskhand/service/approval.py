"""The changes that need approval: they stop at a plan, and need apply_plan or a person's yes."""

from collections.abc import Sequence

from taskhand.journal.journal import Intent
from taskhand.service.app_context import AppContext

__all__ = ["reason_to_confirm"]


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
