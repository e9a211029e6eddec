"""Read one task."""

from taskhand.domain import rules
from taskhand.domain.task import Task
from taskhand.service.app_context import AppContext

__all__ = ["get_task"]


async def get_task(app: AppContext, task_id: str) -> Task:
    """One task; NotFound where there is none, CallerError for a malformed id."""
    rules.check_id(task_id, app.backend.capabilities)
    return await app.backend.get_task(task_id)
