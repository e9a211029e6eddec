"""The resource `taskhand://statuses`."""

from taskhand.server.render.read_answers import StatusesAnswer
from taskhand.server.resource import Resource
from taskhand.service.app_context import AppContext

__all__ = ["STATUSES"]


async def _read(app: AppContext, _: str) -> StatusesAnswer:
    return StatusesAnswer.of(await app.backend.statuses())


STATUSES = Resource(
    uri="taskhand://statuses",
    name="statuses",
    title="Statuses",
    description="The statuses by position, and whether the list is complete; the same as list_statuses returns.",
    like="list_statuses",
    read=_read,
)
