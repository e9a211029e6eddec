"""List the changes in the journal, newest first."""

from taskhand.domain import rules
from taskhand.domain.errors import CallerError
from taskhand.journal.journal import ChangePage, ChangeQuery
from taskhand.service.app_context import AppContext
from taskhand.service.recovery import recover_if_possible

__all__ = ["list_changes"]


async def list_changes(app: AppContext, query: ChangeQuery) -> ChangePage:
    """One page of changes; changes that a dead process left open are settled before.

    CallerError where `since` is after `until`, or where no task can have the id: an empty page would mislead.
    """
    if query.task_id is not None:
        rules.check_id(query.task_id, app.backend.capabilities)
    if query.since is not None and query.until is not None and query.since > query.until:
        raise CallerError("since is after until.", code="invalid_window", next_step="Send since as the earlier time.")
    await recover_if_possible(app)
    return await app.journal.page(query)
