"""The tool `undo_change`."""

from typing import Annotated

from pydantic import Field

from taskhand.server.render.writes import ManyAnswer
from taskhand.server.tool import Tool
from taskhand.service.call import Options
from taskhand.service.undo_change import undo_change

__all__ = ["UNDO_CHANGE"]


class UndoChange(Options):
    """Which change."""

    change_id: Annotated[str, Field(description="changeId from a write's answer or from list_changes.")]


UNDO_CHANGE = Tool(
    name="undo_change",
    title="Undo a change",
    description=(
        "Take one change back: every task of it is put back as it was before, unless it has changed since. "
        "A deleted task is made again under a new id."
    ),
    kind="update",
    arguments=UndoChange,
    answer=ManyAnswer,
    run=lambda call, arguments: undo_change(call, arguments.change_id),
    advice="undo_change with a changeId takes that change back.",
)
