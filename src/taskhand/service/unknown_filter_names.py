"""The refusal of unknown names in a filter that found nothing."""

from pydantic import MISSING

from taskhand.domain import people_lookup, status_lookup
from taskhand.domain.task_query import TaskFilter
from taskhand.service.app_context import AppContext
from taskhand.service.resolve_contact import check_contact
from taskhand.service.resolve_deal import check_deal
from taskhand.service.resolve_filter import people_in_filter

__all__ = ["check_names_known"]


async def check_names_known(app: AppContext, task_filter: TaskFilter) -> None:
    """Refuse a filter that names an id of nobody or of no deal, a status that is not known, or a contact by name.

    To be called if the filter found nothing: a former member may still have tasks, and a task may have a status that
    was not seen before, so the filter alone proves nothing.
    """
    if task_filter.contact is not MISSING:
        await check_contact(app, task_filter.contact)
    if task_filter.status is not MISSING:
        status_lookup.check_filter_statuses(task_filter.status, await app.backend.statuses())
    if task_filter.deal_id is not MISSING:
        await check_deal(app, task_filter.deal_id)
    if task_filter.responsible_ids is not MISSING:
        asked, former = people_in_filter(task_filter.responsible_ids), await app.backend.account.former_members()
        team, me = await app.backend.account.members(), await app.backend.account.me()
        people_lookup.match_members(asked, team, me, former=former, is_filter=True)
