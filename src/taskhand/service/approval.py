"""Which changes stop at a plan, to be approved before they are carried out."""

from collections.abc import Sequence

from taskhand.journal.journal import Intent
from taskhand.service.app_context import AppContext

__all__ = ["reason_to_confirm"]


def reason_to_confirm(app: AppContext, intents: Sequence[Intent], *, by_filter: bool = False) -> str | None:
    """Why these may not be carried out without being seen first, in words; None where they may."""
    if any(intent.verb == "delete" for intent in intents):
        return "Deleting a task"
    if by_filter:
        return "A change by filter"
    if len(intents) > app.policy.plan_over:
        return f"A change of more than {app.policy.plan_over} tasks"
    return None
