"""The tool `list_statuses`."""

from typing import TYPE_CHECKING

from taskhand.domain.task import Body
from taskhand.server.render.read_answers import StatusesAnswer
from taskhand.server.tool import Tool

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["LIST_STATUSES"]


class ListStatuses(Body):
    """No arguments."""


async def _run(call: "Call", _: ListStatuses) -> StatusesAnswer:
    return StatusesAnswer.of(await call.app.backend.statuses())


LIST_STATUSES = Tool(
    name="list_statuses",
    title="List task statuses",
    description=(
        "List the statuses a task can have, with position and type. Use it before setting a status you have not seen. "
        "Types done and master_done mean finished."
    ),
    kind="read",
    arguments=ListStatuses,
    answer=StatusesAnswer,
    run=_run,
    is_called_by_board=True,
)
