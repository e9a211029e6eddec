"""The intents of writes: what is sent for a task, once the backend has checked that the CRM takes it.

Every create and update becomes an intent here, before a plan or a change is recorded.
"""

from taskhand.domain.edit import Edit
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Intent
from taskhand.service.app_context import AppContext

__all__ = ["create_intent", "update_intent"]


async def create_intent(app: AppContext, edit: Edit) -> Intent:
    """The intent to create a task; CallerError if the CRM would refuse it."""
    await app.backend.check_edit(None, edit)
    return Intent("create", edit=edit, asked=edit)


async def update_intent(app: AppContext, before: Snapshot, edit: Edit, now: Snapshot | None = None) -> Intent:
    """The intent to send the part of `edit` that a task does not show yet, or not with certainty.

    `now` is the task as it is, if that is not `before`. CallerError if the CRM would refuse that part.
    """
    now = now or before
    unmet = edit if now.assumed else edit.unmet_by(now.task, sure_of_due=app.backend.sure_of_due(now.task))
    if not unmet.is_empty:
        await app.backend.check_edit(now.task, unmet)
    return Intent("update", before, unmet, edit)
