"""The table of tools, in the order in which they are listed. A tool is one module here and its line in the table."""

from typing import Any

from taskhand.server.tool import Tool
from taskhand.server.tools.apply_plan import APPLY_PLAN
from taskhand.server.tools.bulk_update_tasks import BULK_UPDATE_TASKS
from taskhand.server.tools.complete_task import COMPLETE_TASK
from taskhand.server.tools.create_task import CREATE_TASK
from taskhand.server.tools.create_tasks import CREATE_TASKS
from taskhand.server.tools.delete_task import DELETE_TASK
from taskhand.server.tools.find_contacts import FIND_CONTACTS
from taskhand.server.tools.get_task import GET_TASK
from taskhand.server.tools.list_changes import list_changes_tool
from taskhand.server.tools.list_events import LIST_EVENTS
from taskhand.server.tools.list_statuses import LIST_STATUSES
from taskhand.server.tools.list_tasks import LIST_TASKS
from taskhand.server.tools.list_team_members import LIST_TEAM_MEMBERS
from taskhand.server.tools.reassign_task import REASSIGN_TASK
from taskhand.server.tools.undo_change import UNDO_CHANGE
from taskhand.server.tools.update_task import UPDATE_TASK

__all__ = ["TOOLS", "tool_table"]

_ON_TASKS: tuple[Tool[Any], ...] = (
    LIST_STATUSES,
    LIST_TEAM_MEMBERS,
    LIST_TASKS,
    GET_TASK,
    FIND_CONTACTS,
    CREATE_TASK,
    CREATE_TASKS,
    UPDATE_TASK,
    COMPLETE_TASK,
    REASSIGN_TASK,
    BULK_UPDATE_TASKS,
    DELETE_TASK,
    APPLY_PLAN,
)
_WRITING = [tool.name for tool in (*_ON_TASKS, UNDO_CHANGE) if tool.writes]

TOOLS: tuple[Tool[Any], ...] = (*_ON_TASKS, list_changes_tool(_WRITING), UNDO_CHANGE, LIST_EVENTS)
"""The tools of a server with one connection."""


def tool_table(*, several: bool) -> tuple[Tool[Any], ...]:
    """The tools that a server can offer, where there are several connections or only one."""
    if not several:
        return TOOLS
    from taskhand.server.tools.list_connections import LIST_CONNECTIONS

    return (LIST_CONNECTIONS, *TOOLS)
