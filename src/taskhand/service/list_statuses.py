"""List the statuses."""

from taskhand.domain.task import StatusList
from taskhand.service.app_context import AppContext

__all__ = ["list_statuses"]


async def list_statuses(app: AppContext) -> StatusList:
    """The statuses by position, with their source and whether the list is complete."""
    return await app.backend.statuses()
