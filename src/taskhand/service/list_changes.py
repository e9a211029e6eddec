"""List the changes in the journal, newest first, or find one of them."""

from dataclasses import replace

from taskhand.domain import task_rules
from taskhand.domain.cursor import bind_cursor, unbind_cursor
from taskhand.domain.errors import CallerError, NotFound
from taskhand.journal.journal import Change, ChangePage, ChangeQuery
from taskhand.service.app_context import AppContext
from taskhand.service.crash_recovery import recover_if_possible
from taskhand.service.visible_changes import is_visible, shown_subject

__all__ = ["find_change", "list_changes", "no_change"]


async def list_changes(app: AppContext, query: ChangeQuery) -> ChangePage:
    """One page of the changes that the caller is shown; those that a dead process left open are settled before.

    CallerError if `since` is after `until`, if no task can have the id, or for the cursor of another connection
    or person: an empty page would mislead.
    """
    if query.task_id is not None:
        task_rules.check_id(query.task_id, app.backend.capabilities, has_id_property=False)
    if query.since is not None and query.until is not None and query.since > query.until:
        raise CallerError("since is after until.", code="invalid_window", next_step="Send since as the earlier time.")
    list_owner = app.connection.name, app.principal.subject
    after = None if query.after is None else unbind_cursor(query.after, *list_owner)
    await recover_if_possible(app)
    page = await app.journal.page(replace(query, subject=shown_subject(app), after=after))
    return replace(
        page,
        cursor=page.cursor and bind_cursor(page.cursor, *list_owner),
        positions=tuple(bind_cursor(position, *list_owner) for position in page.positions),
    )


async def find_change(app: AppContext, change_id: str) -> Change:
    """The change, or the plan, with this id; NotFound. Changes that a dead process left open are settled before."""
    await recover_if_possible(app)
    change = await app.journal.find(change_id)
    if change is None or not is_visible(app, change):
        raise no_change(change_id)
    return change


def no_change(change_id: str) -> NotFound:
    """The error for the id of no change that the caller is shown."""
    return NotFound(
        f"There is no change {change_id[:60]!r}.",
        code="change_not_found",
        next_step="Take changeId from a write's answer or from list_changes.",
    )
