"""Find the connection of a call: by its name, or by the ids in the call."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from taskhand.domain.errors import NotAllowed
from taskhand.domain.truncation import truncate
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections, UnclearConnection
from taskhand.service.visible_changes import is_for_second_person, is_visible

__all__ = ["CallIds", "find_connection", "unclear_connection"]

_MAX_ID: Final = 60


@dataclass(frozen=True, slots=True)
class CallIds:
    """The ids by which the connection of a call without a name is found: of tasks, and of changes and plans.

    `are_values` is whether the task ids are values of a custom property of the CRM.
    """

    tasks: Sequence[str] = ()
    changes: Sequence[str] = ()
    are_values: bool = False

    def all_fit(self, app: AppContext) -> bool:
        """Whether all of the task ids can belong to this connection."""
        return all(self.fits(task_id, app) for task_id in self.tasks)

    def fits(self, task_id: str, app: AppContext) -> bool:
        """Whether this task id can belong to this connection."""
        capabilities = app.backend.capabilities
        if self.are_values:
            return "properties" not in capabilities.absent
        return re.fullmatch(capabilities.usual_id_pattern or capabilities.id_pattern, task_id) is not None


async def find_connection(
    connections: Connections, named: str | None, ids: CallIds, *, forbidden: Collection[str] = ()
) -> AppContext | None:
    """The connection that is `named`, or that one of the changes or plans, or else all the tasks, belong to.

    None if they do not determine it; the first connection for an unknown plan or change. NotAllowed for one of the
    `forbidden`; UnclearConnection for an unknown name, and for a change or plan of a connection other than the named.
    """
    if named is not None:
        if named.strip().casefold() in forbidden:
            raise NotAllowed.by("connections", f"The connection {named[:60]} is not yours to use; nothing was sent.")
        app = connections.find(named)
        await _check_of(app, connections, ids.changes)
        return app
    if not connections.are_several:
        return connections.first
    if ids.changes:
        # Any connection can report that the plan or change does not exist.
        return await _find_by_change(connections, ids.changes) or connections.first
    fitting = [app for app in connections if ids.all_fit(app)]
    return fitting[0] if len(fitting) == 1 else None


def unclear_connection(connections: Connections, ids: CallIds, *, next_step: str | None = None) -> UnclearConnection:
    """The error for a call without a connection; its candidates are those that its ids can belong to, else all."""
    fitting = [app for app in connections if ids.all_fit(app)]
    some = [app for app in connections if any(ids.fits(task_id, app) for task_id in ids.tasks)]
    if not fitting and some and all(any(ids.fits(task_id, app) for app in some) for task_id in ids.tasks):
        return UnclearConnection(
            "These are ids of several connections: send one call for each; nothing was written.",
            _to_connections(some),
            next_step=next_step or "Send each call with the ids of one connection, and its name as connection.",
        )
    if ids.tasks and not some and next_step is None:
        title = truncate(ids.tasks[0], _MAX_ID)
        next_step = (
            f"Send one of the candidates as connection; if {title!r} is a title, call list_tasks with text to find the "
            "task's id first."
        )
    return UnclearConnection(
        "connection is required: several CRM accounts are possible.",
        _to_connections(fitting or connections),
        next_step=next_step,
    )


async def _find_by_change(apps: Iterable[AppContext], change_ids: Collection[str]) -> AppContext | None:
    """The connection of one of these changes or plans that the caller may see or apply."""
    for change_id in change_ids:
        for app in apps:
            change = await app.journal.find(change_id)
            if change is not None and (is_visible(app, change) or is_for_second_person(app, change)):
                return app
    return None


async def _check_of(app: AppContext, connections: Connections, change_ids: Collection[str]) -> None:
    """Refuse changes or plans of another of the caller's connections (UnclearConnection)."""
    for change_id in change_ids:
        owner = await _find_by_change([app, *connections], [change_id])
        if owner is not None and (right := owner.connection.name) != (wrong := app.connection.name):
            raise UnclearConnection(
                f"{change_id[:60]} is of the connection {right}, not of {wrong}; nothing was done.",
                _to_connections([owner]),
                code="wrong_connection",
                next_step="Send the same call without connection.",
            )


def _to_connections(apps: Iterable[AppContext]) -> Connections:
    return Connections({app.connection.name or "": app for app in apps})
