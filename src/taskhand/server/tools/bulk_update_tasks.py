"""The tool `bulk_update_tasks`."""

from typing import TYPE_CHECKING, Annotated

from pydantic import MISSING, Field

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.task import TaskPatch, or_none
from taskhand.domain.task_query import TaskFilter
from taskhand.server.render.write_fields import ManyAnswer
from taskhand.server.tool import Tool, WriteResult
from taskhand.server.tools.get_task import IdProperty
from taskhand.service.call_options import RepeatableOptions

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["BULK_UPDATE_TASKS"]


class BulkUpdateTasks(RepeatableOptions):
    """The tasks, and the change to apply to each."""

    task_ids: (
        Annotated[
            tuple[str, ...],
            Field(description="Up to 1000 ids; or send filter", json_schema_extra=field_notes(null_is_not_given=True)),
        ]
        | MISSING
    ) = MISSING
    id_property: IdProperty | MISSING = MISSING
    filter: (
        Annotated[
            TaskFilter,
            Field(description="Instead of taskIds", json_schema_extra=field_notes(empty_beside=["taskIds"])),
        ]
        | MISSING
    ) = MISSING
    changes: (
        Annotated[
            TaskPatch,
            Field(json_schema_extra=field_notes(empty_beside=["shiftDueDays"])),
        ]
        | MISSING
    ) = MISSING
    shift_due_days: (
        Annotated[
            int,
            Field(
                description="Days to move due dates by; negative: earlier",
                json_schema_extra=field_notes(needs="dueDate", empty_beside=["changes"]),
            ),
        ]
        | MISSING
    ) = MISSING


async def _run(call: "Call", arguments: BulkUpdateTasks) -> WriteResult:
    from taskhand.service.bulk_change import BulkChange
    from taskhand.service.bulk_update import bulk_update
    from taskhand.service.find_by_property import find_ids

    change = BulkChange(
        patch=or_none(arguments.changes),
        shift_days=or_none(arguments.shift_due_days),
    )
    ids = None if arguments.task_ids is MISSING else await find_ids(call.app, arguments.task_ids, arguments.id_property)
    found_by = or_none(arguments.filter)
    return await bulk_update(call, arguments, change, ids, found_by)


BULK_UPDATE_TASKS = Tool(
    name="bulk_update_tasks",
    title="Update many tasks",
    description=(
        "Apply one change to many tasks; those that already match are skipped. A filter, or many ids, stops at a plan "
        "first. Returns an outcome for each task, and retryIds."
    ),
    kind="repeat",
    arguments=BulkUpdateTasks,
    answer=ManyAnswer,
    run=_run,
    advice="Many tasks at once: bulk_update_tasks, never one call for each.",
)
