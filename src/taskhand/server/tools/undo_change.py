"""The tool `undo_change`."""

from typing import TYPE_CHECKING, Annotated

from pydantic import MISSING, Field

from taskhand.domain.task import or_none
from taskhand.server.render.write_fields import ManyAnswer
from taskhand.server.tool import Tool, WriteResult
from taskhand.service.call_options import Options

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["UNDO_CHANGE"]


class UndoChange(Options):
    """The change to undo, and the part of it."""

    change_id: Annotated[str, Field(description="From a write's answer or list_changes")]
    task_ids: Annotated[tuple[str, ...], Field(description="Only these of its tasks")] | MISSING = MISSING
    leave: Annotated[
        Annotated[tuple[str, ...], Field(description="Task ids or fields to leave as they are")] | MISSING,
        Field(alias="except"),
    ] = MISSING


async def _run(call: "Call", arguments: UndoChange) -> WriteResult:
    from taskhand.service.undo_change import undo_change

    task_ids = or_none(arguments.task_ids)
    return await undo_change(call, arguments.change_id, task_ids, () if arguments.leave is MISSING else arguments.leave)


UNDO_CHANGE = Tool(
    name="undo_change",
    title="Undo a change",
    description=(
        "Undo one change: restore the fields that it set, unless they changed since, or the tasks that it deleted."
    ),
    kind="update",
    arguments=UndoChange,
    answer=ManyAnswer,
    run=_run,
    advice="undo_change with a changeId undoes that change.",
    is_called_by_board=True,
)
