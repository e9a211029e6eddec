"""The tool `undo_change`."""

from typing import Annotated

from pydantic import Field

from taskhand.server.render.writes import ManyAnswer
from taskhand.server.tool import Tool
from taskhand.service.call import Options
from taskhand.service.undo_change import undo_change

__all__ = ["UNDO_CHANGE"]


class UndoChange(Options):
    """The change to undo."""

    change_id: Annotated[str, Field(description="From a write's answer or list_changes.")]


UNDO_CHANGE = Tool(
    name="undo_change",
    title="Undo a change",
    description=(
        "Undo one change: restore each of its tasks as it was before, unless the task has changed since. "
        "A deleted task is created again under a new id."
    ),
    kind="update",
    arguments=UndoChange,
    answer=ManyAnswer,
    run=lambda call, arguments: undo_change(call, arguments.change_id),
    advice="undo_change with a changeId undoes that change.",
)
