"""Which connection a call means: the one that it names, or the one that its ids belong to."""

import re
from collections.abc import Collection

from taskhand.domain.errors import NotAllowed
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections
from taskhand.service.visibility import is_for_second_person, is_shown

__all__ = ["find_connection"]


async def find_connection(
    connections: Connections,
    named: str | None,
    *,
    task_ids: Collection[str] = (),
    change_ids: Collection[str] = (),
    forbidden: Collection[str] = (),
) -> AppContext | None:
    """The connection that is `named`, or that one of the changes or plans, or else all the task ids, belong to.

    None where none of them tells; the first for a plan or change that is in none. CallerError for an unknown name;
    NotAllowed for one of the `forbidden`.
    """
    if named is not None:
        if named.strip().casefold() in {name.casefold() for name in forbidden}:
            raise NotAllowed.by("connections", f"The connection {named[:60]} is not yours to use; nothing was sent.")
        return connections.find(named)
    if not connections.are_several:
        return connections.first
    for change_id in change_ids:
        for app in connections:
            change = await app.journal.find(change_id)
            if change is not None and (is_shown(app, change) or is_for_second_person(app, change)):
                return app
    if change_ids:
        return connections.first  # as good as any other to say that there is no such plan or change
    fitting = [app for app in connections if task_ids and _fit(task_ids, app)]
    return fitting[0] if len(fitting) == 1 else None


def _fit(task_ids: Collection[str], app: AppContext) -> bool:
    """Whether all of these can be ids of tasks of this connection."""
    return all(re.fullmatch(app.backend.capabilities.id_pattern, one) for one in task_ids)
